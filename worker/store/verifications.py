"""What the last comparison of both systems came to, for those who watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.store.connection import Redis


@dataclass(frozen=True, slots=True)
class LastVerification:
    """When it began and ended (unix seconds, Redis' clock), and how many of each outcome it counted."""

    started_at: float
    ended_at: float
    counts: Mapping[str, int]


class Verifications:
    """Keeps the last one."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key = f"{prefix}verify:last"

    def note(self, verification: LastVerification) -> None:
        """From here on this is the last one."""
        times = {"started_at": verification.started_at, "ended_at": verification.ended_at}
        self._client.hset(self._key, mapping={**times, **verification.counts})

    def last(self) -> LastVerification | None:
        """None when there was none since this ledger began."""
        fields = self._client.hgetall(self._key)
        if not fields:
            return None
        started_at, ended_at = float(fields.pop("started_at")), float(fields.pop("ended_at"))
        return LastVerification(started_at, ended_at, {name: int(count) for name, count in fields.items()})
