"""Whether NetSuite stores the records of a series as they are sent: differences of the newest records, and whether the series is stopped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.domain.series import Deviation, Series
from worker.store.client import Redis
from worker.store.keys import Keys

_AGREED, STOPPED = "agreed", "stopped"
_IN_A_ROW, _ACCEPTED = "in_a_row:", "accepted:"


@dataclass(frozen=True, slots=True)
class SeriesState:
    """The state of a series. `agreed_at`: when a record was last found without a difference (unix seconds, 0 = never). `in_a_row`: number of
    newest records with each difference. `accepted`: differences that a person has accepted. `stopped`: the difference that stopped the
    series, or None.
    """

    agreed_at: float
    in_a_row: dict[Deviation, int]
    accepted: frozenset[Deviation]
    stopped: Deviation | None


class SeriesStates:
    """The state of each series, one small hash for each."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)

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
        """Stop a series: no more records of it are written."""
        self._client.hset(self._keys.series(series), STOPPED, deviation.value)

    def resume(self, series: Series) -> Deviation | None:
        """Continue a series, and accept the difference that stopped it. Return that difference; None if the series is not stopped."""
        stopped = self.state(series).stopped
        if stopped:
            self._client.hset(self._keys.series(series), _ACCEPTED + stopped, 1)
            self._client.hdel(self._keys.series(series), STOPPED, _IN_A_ROW + stopped)
        return stopped


def state_of(fields: Mapping[str, str]) -> SeriesState:
    """Parse the hash of a series."""
    stopped = fields.get(STOPPED)
    return SeriesState(
        agreed_at=float(fields.get(_AGREED, 0)),
        in_a_row={each: int(fields[_IN_A_ROW + each]) for each in Deviation if _IN_A_ROW + each in fields},
        accepted=frozenset(each for each in Deviation if _ACCEPTED + each in fields),
        stopped=Deviation(stopped) if stopped in set(Deviation) else None,
    )
