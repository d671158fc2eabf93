"""Whether NetSuite stores the records of a series as they are sent: differences and refusals of the newest records, and whether the series is
stopped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.domain.series import Deviation, Series
from worker.store.client import Redis, Value
from worker.store.keys import Keys
from worker.store.scripts import Script, flag, texts

_AGREED, STOPPED = "agreed", "stopped"
_IN_A_ROW, _ACCEPTED = "in_a_row:", "accepted:"
REFUSED = "refused"
"""The reason of a series that refusals have stopped; that of any other stopped series is its difference."""
_REFUSAL, _TRIAL = "refusal", "trial"
_OF_REFUSALS = (_REFUSAL, "refused_record", "refused_file", _TRIAL, "trial_at", "reported")


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

    @property
    def has_refusals(self) -> bool:
        """Return whether NetSuite refused the newest record, or refusals have stopped the series."""
        return bool(self.refusal) or self.stopped == REFUSED

    def stops(self, key: str) -> bool:
        """Return whether the record with this key is not sent now."""
        return bool(self.stopped) and self.trial != key


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """What another refused record means for its series. `stopped`: refusals have stopped the series; `opened`: its problem was not open before;
    `earlier`: the key of the record that was refused before, if the series was stopped only now, else "".
    """

    stopped: bool
    opened: bool
    earlier: str


class SeriesStates:
    """The state of each series, one small hash for each. The scripts that stop or continue a series open or close its problem in the same step,
    so that a process that dies leaves neither a stopped series without a problem, nor the problem of a series that runs.
    """

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._stop = Script(client, "series/stop", flag)
        self._refuse = Script(client, "series/refuse", texts)
        self._accept = Script(client, "series/accept", flag)
        self._resume = Script(client, "series/resume", flag)
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

    def stop(self, series: Series, deviation: Deviation, problem: str = "") -> bool:
        """Stop a series because of a difference: no more records of it are written. `problem`: JSON of its problem, "" for none. Return whether
        no problem was open before.
        """
        return self._stop(keys=self._places(series), args=[deviation.value, series.problem_key, problem, *_OF_REFUSALS])

    def refuse(
        self, series: Series, refusal: str, key: str, problem: str, *, trial_at: float, file: str = ""
    ) -> RefusalCount:
        """Count a refused record. The second one in a row with the same refusal stops the series; `trial_at`: when one record may try then.

        `file`: digest of the file with NetSuite's fields. `problem`: JSON of the series' problem with this refusal. An ignored problem is shown again only for a refusal that is new since the
        stop.
        """
        args: list[Value] = [refusal, key, trial_at, series.problem_key, problem, file]
        stopped, opened, earlier = self._refuse(keys=self._places(series), args=args)
        return RefusalCount(stopped == "1", opened == "1", earlier)

    def take_trial(self, series: Series, key: str, *, now: float, next_at: float, file: str = "") -> bool:
        """Return whether this record of a refused series may be sent: one at a time, the next one at `next_at` at the earliest. The record that
        was refused last may be sent only if no other one was in the same time before. With another `file` than the refused one, the first record
        may be sent at once.
        """
        return self._take_trial(keys=[self._keys.series(series)], args=[key, now, next_at, file])

    def accept(self, series: Series) -> bool:
        """Forget all refusals, because NetSuite accepted a record. Return whether this continues the series, because they had stopped it."""
        return self._accept(keys=self._places(series), args=[series.problem_key, *_OF_REFUSALS])

    def resume(self, series: Series) -> bool:
        """Continue a series whose problem a person has closed, and accept the difference that stopped it. Return False if it is not stopped, or
        if a difference has stopped it since: then its problem is open, and the person has not seen it.
        """
        return self._resume(keys=self._places(series), args=[series.problem_key, *_OF_REFUSALS])

    def _places(self, series: Series) -> list[str]:
        return [self._keys.series(series), self._keys.problems]


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
