"""Holds: a remote that cannot be worked with now (login refused, permission missing, maintenance) holds all of its work."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from worker.domain.work import Lane
from worker.store.connection import Redis, seconds


class Remote(StrEnum):
    """The two systems."""

    PROCORE = "procore"
    NETSUITE = "netsuite"


NAMES = {Remote.PROCORE: "Procore", Remote.NETSUITE: "NetSuite"}
"""As people write them."""
REMOTES_OF_LANE = {
    Lane.SCANS: (Remote.PROCORE, Remote.NETSUITE),
    Lane.ITEMS: (Remote.NETSUITE,),
    Lane.LISTINGS: (Remote.PROCORE,),
    Lane.EXPORTS: (Remote.PROCORE, Remote.NETSUITE),
}


class Holds:
    """Holds end by themselves; the first work after the end finds out whether the cause is gone."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def state(self, lane: Lane) -> tuple[float, list[Remote]]:
        """When a lane's work may go on (unix seconds, Redis' clock; 0 = now), and which of its remotes are or were in trouble."""
        remotes = REMOTES_OF_LANE[lane]
        values = self._client.mget([key for remote in remotes for key in (self._key(remote), self._trouble(remote))])
        until = max((float(end) for end in values[::2] if end), default=0.0)
        return until, [remote for remote, trouble in zip(remotes, values[1::2], strict=True) if trouble]

    def hold(self, remote: Remote, *, for_seconds: float) -> tuple[float, int]:
        """Hold a remote's work: (the end, how often it was held since its work last got through)."""
        end = seconds(self._client) + for_seconds
        stands = self._client.get(self._key(remote))
        if stands and float(stands) > end:
            end = float(stands)
        else:
            self._client.set(self._key(remote), end, px=max(1, int(for_seconds * 1000)))
        return end, int(self._client.incr(self._trouble(remote)))

    def until(self, remote: Remote) -> float | None:
        """When a remote's work may go on (unix seconds, Redis' clock); None when it is not held."""
        end = self._client.get(self._key(remote))
        return float(end) if end else None

    def times(self, remote: Remote) -> int:
        """How often a remote's work was held since it last got through; 0 = it gets through."""
        return int(self._client.get(self._trouble(remote)) or 0)

    def is_held(self, remote: Remote) -> bool:
        """Whether a remote's work is held now."""
        return bool(self._client.exists(self._key(remote)))

    def over(self, remote: Remote) -> None:
        """Its work gets through again."""
        self._client.delete(self._key(remote), self._trouble(remote))

    def lift(self, remotes: Collection[Remote]) -> float:
        """Somebody has mended the cause: let held work try at once. Gives the time until which it would have been held, or 0."""
        keys = [self._key(remote) for remote in remotes]
        ends = self._client.mget(keys)
        self._client.delete(*keys)
        return max((float(end) for end in ends if end), default=0.0)

    def _key(self, remote: Remote) -> str:
        return f"{self._prefix}hold:{remote}"

    def _trouble(self, remote: Remote) -> str:
        return f"{self._prefix}trouble:{remote}"
