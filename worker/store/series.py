"""Whether NetSuite keeps the records of a series as they are sent: how the newest ones compared, and whether the series is stopped."""

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
    """`agreed_at`: when a record was last seen to be as it was sent (unix seconds, 0 = never). `in_a_row`: how many of the newest records
    differ, and in what. `accepted`: differences that a person knows of. `stopped`: the difference that stopped the series, or None.
    """

    agreed_at: float
    in_a_row: dict[Deviation, int]
    accepted: frozenset[Deviation]
    stopped: Deviation | None


class SeriesStates:
    """One small hash for each series."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)

    def state(self, series: Series) -> SeriesState:
        """How the series stands; costs one command."""
        return state_of(self._client.hgetall(self._keys.series(series)))

    def differs(self, series: Series, deviation: Deviation) -> int:
        """Count one more record that differs so; returns how many in a row."""
        return int(self._client.hincrby(self._keys.series(series), _IN_A_ROW + deviation, 1))

    def agrees(self, series: Series, deviations: Collection[Deviation], *, at: float) -> None:
        """A record was kept as it was sent in these: whatever was counted or accepted of them is over. `at`: in all, since then."""
        fields = [stem + each for each in deviations for stem in (_IN_A_ROW, _ACCEPTED)]
        if fields:
            self._client.hdel(self._keys.series(series), *fields)
        if at:
            self._client.hset(self._keys.series(series), _AGREED, at)

    def stop(self, series: Series, deviation: Deviation) -> None:
        """No more records of the series are written."""
        self._client.hset(self._keys.series(series), STOPPED, deviation.value)

    def go_on(self, series: Series) -> Deviation | None:
        """Go on, with the difference that stopped the series accepted; None when it is not stopped."""
        stopped = self.state(series).stopped
        if stopped:
            self._client.hset(self._keys.series(series), _ACCEPTED + stopped, 1)
            self._client.hdel(self._keys.series(series), STOPPED, _IN_A_ROW + stopped)
        return stopped


def state_of(fields: Mapping[str, str]) -> SeriesState:
    """The state that a series' hash says."""
    stopped = fields.get(STOPPED)
    return SeriesState(
        agreed_at=float(fields.get(_AGREED, 0)),
        in_a_row={each: int(fields[_IN_A_ROW + each]) for each in Deviation if _IN_A_ROW + each in fields},
        accepted=frozenset(each for each in Deviation if _ACCEPTED + each in fields),
        stopped=Deviation(stopped) if stopped in set(Deviation) else None,
    )
