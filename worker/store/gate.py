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
from worker.store.connection import Redis, seconds
from worker.store.leases import LeaseKeeper

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

_NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
_LOWEST_CAP = (
    _NOW
    + """
local function lowest_cap(caps, own)
  local lowest = tonumber(own)
  for _, cap in ipairs(redis.call('ZRANGEBYSCORE', caps, now, '+inf')) do lowest = math.min(lowest, tonumber(cap)) end
  return lowest
end
"""
)
"""The lowest cap that is announced now. It only reads, so that a slot can be released when Redis refuses writes."""
_ANNOUNCE_CAP = (
    _NOW
    + """
-- KEYS: caps. ARGV: own cap, ms for which it counts
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
return 1
"""
)
_ACQUIRE = (
    _LOWEST_CAP
    + """
-- KEYS: slots, waiting exports, waiting scans, caps. ARGV: token, own cap, lease ms, is export, nap ms, ms for which the cap counts
redis.call('ZADD', KEYS[4], now + tonumber(ARGV[6]), ARGV[2])
local limit = lowest_cap(KEYS[4], ARGV[2])
for place = 1, 3 do redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', now) end
local mine = ARGV[4] == '1' and KEYS[2] or KEYS[3]
local taken = redis.call('ZCARD', KEYS[1])
-- Exports that wait hold scans back.
if ARGV[4] == '0' then taken = taken + redis.call('ZCARD', KEYS[2]) end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) or taken < limit then
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
  redis.call('ZREM', mine, ARGV[1])
  return 1
end
redis.call('ZADD', mine, now + 2 * tonumber(ARGV[5]), ARGV[1])
return 0
"""
)
_LEAVE = (
    _LOWEST_CAP
    + """
-- KEYS: slots, waiting exports, waiting scans, caps, exports in a row, requests sent. ARGV: token, own cap, lease ms, beginning of the
-- waiters' own keys, most exports in a row, what the slot was for
-- Counted when a slot comes back, so once, and not for who never got one.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then redis.call('HINCRBY', KEYS[6], 'netsuite:' .. ARGV[6], 1) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
for place = 1, 3 do redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', now) end
for room = 1, lowest_cap(KEYS[4], ARGV[2]) - redis.call('ZCARD', KEYS[1]) do
  local exports, scans = redis.call('ZCARD', KEYS[2]) > 0, redis.call('ZCARD', KEYS[3]) > 0
  local waiting = exports and KEYS[2] or KEYS[3]
  if not (exports and scans) then redis.call('DEL', KEYS[5])
  elseif redis.call('INCR', KEYS[5]) > tonumber(ARGV[5]) then
    redis.call('DEL', KEYS[5])
    waiting = KEYS[3]
  end
  local first = redis.call('ZRANGEBYSCORE', waiting, '-inf', '+inf', 'LIMIT', 0, 1)[1]
  if not first then return 1 end
  redis.call('ZREM', waiting, first)
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), first)
  redis.call('LPUSH', ARGV[4] .. first, 1)
  redis.call('PEXPIRE', ARGV[4] .. first, 5000)
end
return 1
"""
)
_RENEW = """
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[2]), ARGV[1])
return 1
"""
_NOTE_USE = (
    _NOW
    + """
-- KEYS: slots, use. ARGV: kept ms
local in_use = redis.call('ZCOUNT', KEYS[1], now, '+inf')
redis.call('XADD', KEYS[2], 'MINID', '~', now - tonumber(ARGV[1]), '*', 'in_use', in_use)
return 1
"""
)


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


def requests_sent(prefix: str) -> str:
    """Where in Redis all workers count what they send: a hash of `{remote}:{precedence}`. The scripts that let a request go count
    it, so that counting costs no command.
    """
    return f"{prefix}sent"


class Gate:
    """A semaphore of leases over all processes: `limit` of them, or fewer where another process has a lower limit."""

    def __init__(self, client: Redis, prefix: str, keeper: LeaseKeeper, *, limit: int) -> None:
        self._client = client
        self._keeper = keeper
        self._limit = limit
        self._slots = f"{prefix}gate"
        self._handed = f"{prefix}gate:handed:"
        # Exports first, as the scripts have them.
        waiting = [f"{prefix}gate:waiting:{kind}" for kind in (Precedence.EXPORT, Precedence.SCAN)]
        self._caps = f"{prefix}gate:caps"
        self._keys = [self._slots, *waiting, self._caps]
        self._in_a_row = f"{prefix}gate:exports_in_a_row"
        self._sent = requests_sent(prefix)
        self._use = f"{prefix}gate:use"
        self._announce_cap = client.register_script(_ANNOUNCE_CAP)
        self._acquire = client.register_script(_ACQUIRE)
        self._let_go = client.register_script(_LEAVE)
        self._renew = client.register_script(_RENEW)
        self._note_use = client.register_script(_NOTE_USE)

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
        self._announce_cap(keys=[self._caps], args=[self._limit, int(CAP_SECONDS * 1000)])

    def caps(self) -> list[int]:
        """The caps of all running processes, lowest first, including this one's. The lowest applies. More than one means that settings differ."""
        now = int(seconds(self._client) * 1000)
        announced = self._client.zrangebyscore(self._caps, now, "+inf")
        return sorted({self._limit, *map(int, announced)})

    def in_use(self) -> int:
        """Slots held now, those of dead workers included until their lease ends."""
        # Leases that have ended are only taken out when somebody asks for a slot.
        return int(self._client.zcount(self._slots, int(seconds(self._client) * 1000), "+inf"))

    def waiting(self) -> dict[Precedence, int]:
        """How many requests wait for a slot now, by precedence."""
        now = int(seconds(self._client) * 1000)
        places = zip((Precedence.EXPORT, Precedence.SCAN), self._keys[1:3], strict=True)
        return {precedence: int(self._client.zcount(place, now, "+inf")) for precedence, place in places}

    def last_noted(self) -> float | None:
        """When `note_use` was last called (unix seconds): by each `ledger.resume`, so it tells that somebody works at all."""
        newest = self._client.xrevrange(self._use, count=1)
        return int(newest[0][0].partition("-")[0]) / 1000 if newest else None

    def note_use(self) -> None:
        """Keep for some hours how many slots are in use now. One command; a second one at the same moment harms nothing."""
        self._note_use(keys=[self._slots, self._use], args=[int(USE_KEPT_SECONDS * 1000)])

    def use(self) -> list[Use]:
        """What was noted in the last hours, oldest first."""
        kept_from = int((seconds(self._client) - USE_KEPT_SECONDS) * 1000)
        noted = self._client.xrange(self._use, min=kept_from)
        return [Use(int(at.partition("-")[0]) / 1000, int(fields["in_use"])) for at, fields in noted]

    def _wait(self, token: str, precedence: Precedence, patience: float) -> None:
        until = time.monotonic() + patience
        try:
            while not self._take(token, precedence):
                left = until - time.monotonic()
                if left <= 0:
                    raise NoRoom("NetSuite's slots stayed busy", retry_after=1.0)
                nap = min(max(left, SHORTEST_NAP_SECONDS), LONGEST_NAP_SECONDS)
                if self._client.blpop([self._handed + token], timeout=nap):
                    return
        except BaseException:
            self._leave(token, precedence)
            raise

    def _take(self, token: str, precedence: Precedence) -> bool:
        export = "1" if precedence is Precedence.EXPORT else "0"
        lease, nap, cap_kept = (int(each * 1000) for each in (SLOT_SECONDS, LONGEST_NAP_SECONDS, CAP_SECONDS))
        return bool(self._acquire(keys=self._keys, args=[token, self._limit, lease, export, nap, cap_kept]))

    def _leave(self, token: str, precedence: Precedence) -> None:
        args = [token, self._limit, int(SLOT_SECONDS * 1000), self._handed, MOST_EXPORTS_IN_A_ROW, precedence.value]
        self._let_go(keys=[*self._keys, self._in_a_row, self._sent], args=args)

    def _keep(self, token: str) -> None:
        self._renew(keys=[self._slots], args=[token, int(SLOT_SECONDS * 1000)])
