"""The gate: limits concurrent NetSuite requests over all workers, exports before scans.

A slot is a lease in a sorted set. A waiting request blocks on a list instead of polling: the script that releases a slot passes it to a waiting
export if there is one, else to a waiting scan. So no newer request takes the slot first, no wake-up is lost, and no slot is idle. If exports
are always waiting, every tenth slot goes to a waiting scan.

The limit is the lowest NETSUITE_CONCURRENCY that a running process announces, so that machines with different settings never exceed it
together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from worker.domain.errors import NoRoom
from worker.store.client import Redis, Value
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.locks import LeaseKeeper
from worker.store.runtime import REAL, Runtime
from worker.store.scripts import Script, flag

SLOT_SECONDS = 30.0
"""Seconds until a dead worker's slot is released."""
MAX_EXPORTS_IN_A_ROW = 9
"""Number of slots in a row for exports while a scan waits; the scan gets the next one."""
CAP_SECONDS = 30.0
"""Seconds without an announcement after which a process's limit no longer counts. Workers announce theirs with each heartbeat."""
USE_KEPT_SECONDS = 12 * 3600.0
"""Seconds for which samples of the slots in use are kept."""
MAX_POLL_SECONDS = 1.0
"""Seconds after which a waiting request tries again without being passed a slot: the lease of a dead worker may have ended."""
MIN_POLL_SECONDS = 0.01
"""Minimum wait: Redis 6.2 treats less than a millisecond as 0, which blocks forever."""


@dataclass(frozen=True, slots=True)
class Use:
    """Slots in use at a time (unix seconds of Redis' clock)."""

    at: float
    in_use: int


class Precedence(StrEnum):
    """Priority at the gate and in Procore's limits. `UPKEEP` (verify) waits at the gate like a scan and leaves more room in the limits."""

    EXPORT = "export"
    SCAN = "scan"
    UPKEEP = "upkeep"


class Gate:
    """A semaphore of leases over all processes: `limit` of them, or fewer if another process has a lower limit."""

    def __init__(self, client: Redis, prefix: str, keeper: LeaseKeeper, *, limit: int, runtime: Runtime = REAL) -> None:
        self._client = client
        self._keeper = keeper
        self._limit = limit
        self._runtime = runtime
        self._keys = keys = Keys(prefix)
        # Exports first: the order of the scripts' KEYS.
        self._waiting = [keys.waiting_for_slot(kind) for kind in (Precedence.EXPORT, Precedence.SCAN)]
        self._announce_cap = Script(client, "gate/announce_cap", flag)
        self._acquire = Script(client, "gate/acquire", flag)
        self._release = Script(client, "gate/leave", flag)
        self._renew = Script(client, "gate/renew", flag)
        self._note_use = Script(client, "gate/note_use", flag)

    @contextmanager
    def slot(self, precedence: Precedence, *, timeout: float = 20.0) -> Iterator[str]:
        """Hold a slot for the block, and yield its token. Raises NoRoom after waiting `timeout` seconds, so that the work does not keep its thread."""
        token = self._runtime.token(8)
        self._wait(token, precedence, timeout)
        with self._keeper.keeping(lambda: self._renew_lease(token), every=SLOT_SECONDS / 4):
            try:
                yield token
            finally:
                self.leave(token, precedence)

    def announce(self) -> None:
        """Announce this process's limit: for `CAP_SECONDS`, no process takes more slots than that."""
        self._announce_cap(keys=[self._keys.slot_caps], args=[self._limit, int(CAP_SECONDS * 1000)])

    def caps(self) -> list[int]:
        """Return the different limits of all running processes, including this one, lowest first. The lowest applies."""
        now = int(seconds(self._client) * 1000)
        announced = self._client.zrangebyscore(self._keys.slot_caps, now, "+inf")
        return sorted({self._limit, *map(int, announced)})

    def in_use(self) -> int:
        """Return the number of slots in use, including those of dead workers until their lease ends."""
        # Leases that have ended are removed only when a process requests a slot.
        return int(self._client.zcount(self._keys.slots, int(seconds(self._client) * 1000), "+inf"))

    def waiting(self) -> dict[Precedence, int]:
        """Return the number of requests waiting for a slot, by priority."""
        now = int(seconds(self._client) * 1000)
        places = zip((Precedence.EXPORT, Precedence.SCAN), self._waiting, strict=True)
        return {precedence: int(self._client.zcount(place, now, "+inf")) for precedence, place in places}

    def last_noted(self) -> float | None:
        """Return when `note_use` was last called (unix seconds; None = never). Each `ledger.resume` calls it, so this shows that workers are
        active.
        """
        newest = self._client.xrevrange(self._keys.slot_use, count=1)
        return int(newest[0][0].partition("-")[0]) / 1000 if newest else None

    def note_use(self) -> None:
        """Record a sample of the slots in use. One command; a concurrent call only adds another sample."""
        self._note_use(keys=[self._keys.slots, self._keys.slot_use], args=[int(USE_KEPT_SECONDS * 1000)])

    def use(self) -> list[Use]:
        """Return the samples of the last hours, oldest first."""
        kept_from = int((seconds(self._client) - USE_KEPT_SECONDS) * 1000)
        noted = self._client.xrange(self._keys.slot_use, kept_from)
        return [Use(int(at.partition("-")[0]) / 1000, int(fields["in_use"])) for at, fields in noted]

    def _wait(self, token: str, precedence: Precedence, timeout: float) -> None:
        until = self._runtime.monotonic() + timeout
        try:
            while not self._take(token, precedence):
                left = until - self._runtime.monotonic()
                if left <= 0:
                    raise NoRoom("all NetSuite slots stayed in use", retry_after=1.0)
                poll = min(max(left, MIN_POLL_SECONDS), MAX_POLL_SECONDS)
                if self._client.blpop([self._keys.handed_slot(token)], timeout=poll):
                    return
        except BaseException:
            self.leave(token, precedence)
            raise

    def _take(self, token: str, precedence: Precedence) -> bool:
        export = "1" if precedence is Precedence.EXPORT else "0"
        lease, poll, cap_kept = (int(each * 1000) for each in (SLOT_SECONDS, MAX_POLL_SECONDS, CAP_SECONDS))
        return self._acquire(keys=self._slot_keys, args=[token, self._limit, lease, export, poll, cap_kept])

    def leave(self, token: str, precedence: Precedence) -> None:
        """Release a slot, or stop waiting for one, and pass free slots to waiting requests."""
        args: list[Value] = [token, self._limit, int(SLOT_SECONDS * 1000), self._keys.handed_slot("")]
        args += [MAX_EXPORTS_IN_A_ROW, precedence.value]
        self._release(keys=[*self._slot_keys, self._keys.exports_in_a_row, self._keys.sent], args=args)

    def _renew_lease(self, token: str) -> None:
        self._renew(keys=[self._keys.slots], args=[token, int(SLOT_SECONDS * 1000)])

    @property
    def _slot_keys(self) -> list[str]:
        return [self._keys.slots, *self._waiting, self._keys.slot_caps]
