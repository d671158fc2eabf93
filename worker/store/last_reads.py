"""What Procore's list showed of an invoice when an export last read it, so that a run reads only invoices that may have changed.

This is a cache: a lost entry only costs another read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.store.client import Redis
from worker.store.keys import Keys


@dataclass(frozen=True, slots=True)
class LastRead:
    """The last read of an invoice without a bill. `shown`: what the list showed of it; `at`: when its export was queued; `again_at`: when it
    has to be read again even if nothing changes (unix seconds, Redis' clock); `times`: how often this version of the invoice was read.
    """

    shown: str
    at: float
    again_at: float
    times: int


class LastReads:
    """The last read of each invoice, the last request to read all of them, and when each blocker was last found resolved."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)

    def of(self, project_id: int) -> dict[int, LastRead]:
        """Return the last reads of a project's invoices, by invoice id."""
        stored = self._client.hgetall(self._keys.reads(project_id))
        return {int(invoice_id): _decoded(text) for invoice_id, text in stored.items()}

    def note(self, project_id: int, reads: Mapping[int, LastRead], *, drop: Collection[int] = ()) -> None:
        """Record reads of a project's invoices, and delete those of the invoices in `drop`."""
        if reads:
            self._client.hset(
                self._keys.reads(project_id), mapping={str(one): _encoded(read) for one, read in reads.items()}
            )
        if drop:
            self._client.hdel(self._keys.reads(project_id), *map(str, drop))

    def ask_for_all(self, *, at: float) -> None:
        """Record a request to read all blocked invoices again, whenever they were last read."""
        self._client.set(self._keys.reads_asked_at, at)

    def asked_for_all_at(self) -> float:
        """Return when `ask_for_all` was last called; 0 = never."""
        return float(self._client.get(self._keys.reads_asked_at) or 0)

    def unblocked(self, blocker: str, *, at: float) -> None:
        """Record that an invoice found a blocker resolved."""
        self._client.hset(self._keys.reads_unblocked, blocker, at)

    def unblocked_at(self, blockers: Collection[str]) -> dict[str, float]:
        """Return when each of some blockers was last found resolved, without those that never were."""
        names = list(blockers)
        times = self._client.hmget(self._keys.reads_unblocked, names) if names else []
        return {name: float(at) for name, at in zip(names, times, strict=True) if at}


def _encoded(read: LastRead) -> str:
    return f"{read.at:.3f} {read.again_at:.3f} {read.times} {read.shown}"


def _decoded(text: str) -> LastRead:
    at, again_at, times, shown = str(text).split(" ", 3)
    return LastRead(shown, float(at), float(again_at), int(times))
