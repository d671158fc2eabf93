"""The gate: never more NetSuite requests in flight than the cap, over all workers, exports before scans.

A slot is a lease in a sorted set. Waiting costs one blocked connection, not a poll: who gives a slot back hands it over, to a
waiting export if there is one, else to a waiting scan, in the same step. So no newcomer takes it on the way, no wake-up is lost,
and a slot does not idle for a moment. However many exports come, one slot in ten goes to a scan that waits.

The cap is the lowest NETSUITE_CONCURRENCY of all running processes. Each announces its own, so that machines with different settings never exceed it together.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from worker.domain.errors import NoRoom
from worker.store.client import Redis, Value
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.leases import LeaseKeeper
from worker.store.scripts import Script, flag

SLOT_SECONDS = 30.0
"""A dead worker's slot is free after this."""
MOST_EXPORTS_IN_A_ROW = 9
"""Then a scan that waits has its turn."""
CAP_SECONDS = 30.0
"""A process that has not announced its cap for this long does not count. Workers announce theirs with each heartbeat."""
USE_KEPT_SECONDS = 12 * 3600.0
"""How far back it is known how many slots were in use."""
LONGEST_NAP_SECONDS = 1.0
"""A waiter looks again after this even if nothing was handed over: a slot may have come free by its holder's death."""
SHORTEST_NAP_SECONDS = 0.01
"""Less than a millisecond is 0 to Redis 6.2, which then blocks for good."""


@dataclass(frozen=True, slots=True)
class Use:
    """How many slots were in use at a moment (unix seconds, Redis' clock)."""

    at: float
    in_use: int


class Precedence(StrEnum):
    """Who goes first at the gate and at Procore's limits. `UPKEEP` (verify) waits at the gate like a scan and leaves more room at the limits."""

    EXPORT = "export"
    SCAN = "scan"
    UPKEEP = "upkeep"


class Gate:
    """A semaphore of leases over all processes: `limit` of them, or fewer where another process has a lower limit."""

    def __init__(self, client: Redis, prefix: str, keeper: LeaseKeeper, *, limit: int) -> None:
        self._client = client
        self._keeper = keeper
        self._limit = limit
        self._keys = keys = Keys(prefix)
        # Exports first, as the scripts have them.
        self._waiting = [keys.waiting_for_slot(kind) for kind in (Precedence.EXPORT, Precedence.SCAN)]
        self._announce_cap = Script(client, "gate/announce_cap", flag)
        self._acquire = Script(client, "gate/acquire", flag)
        self._let_go = Script(client, "gate/leave", flag)
        self._renew = Script(client, "gate/renew", flag)
        self._note_use = Script(client, "gate/note_use", flag)

    @contextmanager
    def slot(self, precedence: Precedence, *, patience: float = 20.0) -> Iterator[None]:
        """Hold one slot for the block. Waits up to `patience` seconds, then raises NoRoom: the work gives its thread back."""
        token = secrets.token_hex(8)
        self._wait(token, precedence, patience)
        with self._keeper.keeping(lambda: self._keep(token), every=SLOT_SECONDS / 4):
            try:
                yield
            finally:
                self._leave(token, precedence)

    def announce(self) -> None:
        """Announce this process's cap: for `CAP_SECONDS` no process takes more slots than that."""
        self._announce_cap(keys=[self._keys.slot_caps], args=[self._limit, int(CAP_SECONDS * 1000)])

    def caps(self) -> list[int]:
        """The caps of all running processes, lowest first, including this one's. The lowest applies. More than one means that settings differ."""
        now = int(seconds(self._client) * 1000)
        announced = self._client.zrangebyscore(self._keys.slot_caps, now, "+inf")
        return sorted({self._limit, *map(int, announced)})

    def in_use(self) -> int:
        """Slots held now, those of dead workers included until their lease ends."""
        # Leases that have ended are only taken out when somebody asks for a slot.
        return int(self._client.zcount(self._keys.slots, int(seconds(self._client) * 1000), "+inf"))

    def waiting(self) -> dict[Precedence, int]:
        """How many requests wait for a slot now, by precedence."""
        now = int(seconds(self._client) * 1000)
        places = zip((Precedence.EXPORT, Precedence.SCAN), self._waiting, strict=True)
        return {precedence: int(self._client.zcount(place, now, "+inf")) for precedence, place in places}

    def last_noted(self) -> float | None:
        """When `note_use` was last called (unix seconds): by each `ledger.resume`, so it tells that somebody works at all."""
        newest = self._client.xrevrange(self._keys.slot_use, count=1)
        return int(newest[0][0].partition("-")[0]) / 1000 if newest else None

    def note_use(self) -> None:
        """Keep for some hours how many slots are in use now. One command; a second one at the same moment harms nothing."""
        self._note_use(keys=[self._keys.slots, self._keys.slot_use], args=[int(USE_KEPT_SECONDS * 1000)])

    def use(self) -> list[Use]:
        """What was noted in the last hours, oldest first."""
        kept_from = int((seconds(self._client) - USE_KEPT_SECONDS) * 1000)
        noted = self._client.xrange(self._keys.slot_use, kept_from)
        return [Use(int(at.partition("-")[0]) / 1000, int(fields["in_use"])) for at, fields in noted]

    def _wait(self, token: str, precedence: Precedence, patience: float) -> None:
        until = time.monotonic() + patience
        try:
            while not self._take(token, precedence):
                left = until - time.monotonic()
                if left <= 0:
                    raise NoRoom("all NetSuite slots stayed in use", retry_after=1.0)
                nap = min(max(left, SHORTEST_NAP_SECONDS), LONGEST_NAP_SECONDS)
                if self._client.blpop([self._keys.handed_slot(token)], timeout=nap):
                    return
        except BaseException:
            self._leave(token, precedence)
            raise

    def _take(self, token: str, precedence: Precedence) -> bool:
        export = "1" if precedence is Precedence.EXPORT else "0"
        lease, nap, cap_kept = (int(each * 1000) for each in (SLOT_SECONDS, LONGEST_NAP_SECONDS, CAP_SECONDS))
        return self._acquire(keys=self._slot_keys, args=[token, self._limit, lease, export, nap, cap_kept])

    def _leave(self, token: str, precedence: Precedence) -> None:
        stem = self._keys.handed_slot("")
        args: list[Value] = [
            token,
            self._limit,
            int(SLOT_SECONDS * 1000),
            stem,
            MOST_EXPORTS_IN_A_ROW,
            precedence.value,
        ]
        self._let_go(keys=[*self._slot_keys, self._keys.exports_in_a_row, self._keys.sent], args=args)

    def _keep(self, token: str) -> None:
        self._renew(keys=[self._keys.slots], args=[token, int(SLOT_SECONDS * 1000)])

    @property
    def _slot_keys(self) -> list[str]:
        return [self._keys.slots, *self._waiting, self._keys.slot_caps]
