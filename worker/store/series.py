"""Whether NetSuite stores the records of a series as they are sent: differences and refusals of the newest records, and whether the series is
stopped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.domain.series import Deviation, Series
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.scripts import Script, flag, texts

_AGREED, STOPPED = "agreed", "stopped"
_IN_A_ROW, _ACCEPTED = "in_a_row:", "accepted:"
REFUSED = "refused"
"""The reason of a series that refusals have stopped; that of any other stopped series is its difference."""
_REFUSAL, _TRIAL = "refusal", "trial"
_OF_REFUSALS = (_REFUSAL, "refused_record", _TRIAL, "trial_at")


@dataclass(frozen=True, slots=True)
class SeriesState:
    """The state of a series. `agreed_at`: when a record was last found without a difference (unix seconds, 0 = never). `in_a_row`: number of
    newest records with each difference. `accepted`: differences that a person has accepted. `stopped`: the difference that stopped the
    series, `REFUSED`, or "". `refusal`: why the newest record was refused, "" if one was accepted since; `trial`: the key of the one record
    of a refused series that is sent to see whether NetSuite accepts it now.
    """

    agreed_at: float
    in_a_row: dict[Deviation, int]
    accepted: frozenset[Deviation]
    stopped: str
    refusal: str
    trial: str

    def stops(self, key: str) -> bool:
        """Return whether the record with this key is not sent now."""
        return bool(self.stopped) and self.trial != key


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """What another refused record means for its series. `stopped`: refusals have stopped the series; `is_new`: only now, or for another reason
    before; `earlier`: the key of the record that was refused before, if the series was stopped only now, else "".
    """

    stopped: bool
    is_new: bool
    earlier: str


class SeriesStates:
    """The state of each series, one small hash for each."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._refuse = Script(client, "series/refuse", texts)
        self._take_trial = Script(client, "series/take_trial", flag)

    def state(self, series: Series) -> SeriesState:
        """Return the state of a series. One command."""
        return state_of(self._client.hgetall(self._keys.series(series)))

    def differs(self, series: Series, deviation: Deviation) -> int:
        """Count another record with a difference. Return how many records in a row have had it."""
        return int(self._client.hincrby(self._keys.series(series), _IN_A_ROW + deviation, 1))

    def agrees(self, series: Series, deviations: Collection[Deviation], *, at: float) -> None:
        """Reset the counts and acceptances of these differences, which a record does not have. `at`: when it was found without any (unix
        seconds), 0 if it has others.
        """
        fields = [stem + each for each in deviations for stem in (_IN_A_ROW, _ACCEPTED)]
        if fields:
            self._client.hdel(self._keys.series(series), *fields)
        if at:
            self._client.hset(self._keys.series(series), _AGREED, at)

    def stop(self, series: Series, deviation: Deviation) -> None:
        """Stop a series because of a difference: no more records of it are written."""
        self._client.hset(self._keys.series(series), STOPPED, deviation.value)
        self._client.hdel(self._keys.series(series), *_OF_REFUSALS)

    def refuse(self, series: Series, refusal: str, key: str, *, trial_at: float) -> RefusalCount:
        """Count a refused record. The second one in a row with the same refusal stops the series; `trial_at`: when one record may try then."""
        stopped, earlier = self._refuse(keys=[self._keys.series(series)], args=[refusal, key, trial_at])
        return RefusalCount(stopped != "0", stopped == "2", earlier)

    def take_trial(self, series: Series, key: str, *, now: float, next_at: float) -> bool:
        """Return whether this record of a refused series may be sent: one at a time, the next one at `next_at` at the earliest."""
        return self._take_trial(keys=[self._keys.series(series)], args=[key, now, next_at])

    def accept(self, series: Series) -> None:
        """Forget the newest refusal, because NetSuite accepted a record. This alone does not resume a stopped series."""
        self._client.hdel(self._keys.series(series), *_OF_REFUSALS)

    def resume(self, series: Series) -> str:
        """Continue a series, and accept the difference that stopped it. Return what stopped it; "" if it is not stopped."""
        stopped, place = self.state(series).stopped, self._keys.series(series)
        if stopped == REFUSED:
            self._client.hdel(place, STOPPED, *_OF_REFUSALS)
        elif stopped:
            self._client.hset(place, _ACCEPTED + stopped, 1)
            self._client.hdel(place, STOPPED, _IN_A_ROW + stopped)
        return stopped


def state_of(fields: Mapping[str, str]) -> SeriesState:
    """Parse the hash of a series."""
    stopped = fields.get(STOPPED, "")
    return SeriesState(
        agreed_at=float(fields.get(_AGREED, 0)),
        in_a_row={each: int(fields[_IN_A_ROW + each]) for each in Deviation if _IN_A_ROW + each in fields},
        accepted=frozenset(each for each in Deviation if _ACCEPTED + each in fields),
        stopped=stopped if stopped in {REFUSED, *Deviation} else "",
        refusal=fields.get(_REFUSAL, ""),
        trial=fields.get(_TRIAL, ""),
    )
