"""Procore's two rate limits (an hour and ten seconds), honoured by all workers together.

The headers are the truth: each answer tells limit, remaining and reset of whichever window is nearer to its end
(https://developers.procore.com/documentation/rate-limiting). What they tell is shared here; requests in flight are counted
down before their answers come. Scans leave a part of each window to exports: a small one as long as nobody exports, so that a scan
of many projects ends as early as the windows allow, and a fifth for a minute after each request of an export. Upkeep (verify) takes hours
where it has to, so it always leaves half of each window to the others.
"""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from worker.domain.errors import NoRoom
from worker.store.connection import Redis, seconds
from worker.store.gate import Precedence, requests_sent

_NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
_ACQUIRE = (
    _NOW
    + """
-- KEYS: limits, requests sent. ARGV: is no export, shares that it leaves: without and with exports, ms for which an export is
-- remembered, remote and precedence, ms of the short window
-- Returns milliseconds to wait, 0 = go
local wait, share = 0, 0
if ARGV[1] == '0' then
  redis.call('HSET', KEYS[1], 'exported', now)
  redis.call('EXPIRE', KEYS[1], 7200)
else
  local exported = tonumber(redis.call('HGET', KEYS[1], 'exported') or '0')
  share = tonumber(now - exported < tonumber(ARGV[4]) and ARGV[3] or ARGV[2])
end
local blocked = tonumber(redis.call('HGET', KEYS[1], 'blocked') or '0')
if blocked > now then wait = blocked - now end
for _, window in ipairs({'spike', 'hour'}) do
  local f = redis.call('HMGET', KEYS[1], window .. ':limit', window .. ':left', window .. ':reset')
  if f[1] and tonumber(f[3]) > now then
    if tonumber(f[2]) <= math.floor(tonumber(f[1]) * share) then wait = math.max(wait, tonumber(f[3]) - now) end
  end
end
if wait > 0 then return wait end
for _, window in ipairs({'spike', 'hour'}) do
  local f = redis.call('HMGET', KEYS[1], window .. ':limit', window .. ':reset')
  if f[1] and tonumber(f[2]) > now then redis.call('HINCRBY', KEYS[1], window .. ':left', -1)
  elseif f[1] and window == 'spike' then
    -- Over, and no answer has told of the next one yet: it begins now, and everybody who waited for this moment is in it.
    redis.call('HSET', KEYS[1], 'spike:left', f[1] - 1, 'spike:reset', now + tonumber(ARGV[6]), 'spike:begun', 1)
  end
end
redis.call('HINCRBY', KEYS[2], ARGV[5], 1)
return 0
"""
)
_OBSERVE = (
    _NOW
    + """
-- KEYS: limits. ARGV: limit, remaining, reset (unix seconds of the remote's clock), ms until then by that clock ('' = not known)
-- The wait is counted from now, so that nothing depends on the remote's clock and Redis' being the same.
local ahead = tonumber(ARGV[4]) or tonumber(ARGV[3]) * 1000 - now
-- No window is longer than an hour: a moment far off is nonsense, and everybody would wait for it.
if ahead <= 0 or ahead > 7200000 then return 0 end
local reset, window = now + ahead, (ahead <= 11000) and 'spike' or 'hour'
if redis.call('HGET', KEYS[1], 'hour:limit') == ARGV[1] then window = 'hour' end
local f = redis.call('HMGET', KEYS[1], window .. ':left', window .. ':reset', window .. ':begun', window .. ':named')
local left, same = tonumber(ARGV[2]), f[4] == ARGV[3]
if f[1] and (same or f[3]) then left = math.min(left, tonumber(f[1])) end
if same then reset = math.min(reset, tonumber(f[2])) end
redis.call('HDEL', KEYS[1], window .. ':begun')
redis.call('HSET', KEYS[1], window .. ':limit', ARGV[1], window .. ':left', left, window .. ':reset', reset,
  window .. ':named', ARGV[3])
redis.call('EXPIRE', KEYS[1], 7200)
return 1
"""
)
_BLOCK = _NOW + "redis.call('HSET', KEYS[1], 'blocked', now + ARGV[1]); redis.call('EXPIRE', KEYS[1], 7200); return 1"


LEFT_BY_SCANS, LEFT_WHILE_EXPORTING = 0.04, 0.2
"""Shares of each window that scans leave to exports."""
LEFT_BY_UPKEEP = 0.5
"""The share of each window that upkeep leaves to exports and scans."""
EXPORTS_REMEMBERED_SECONDS = 60.0
SHORT_WINDOW_SECONDS = 10
_WINDOWS = {"hour": "hourly", "spike": "10-second"}


@dataclass(frozen=True, slots=True)
class LimitPause:
    """Requests that wait for a rate limit. `of_scans`: only those of scans, which leave the rest to exports. `ends`: unix seconds."""

    of_scans: bool
    reason: str
    ends: float


@dataclass(frozen=True, slots=True)
class Window:
    """One of the remote's windows, `hour` or `spike`: how many requests it takes, how many are left in it now, and when the last one that
    is known `ends` (unix seconds, Redis' clock).
    """

    name: str
    limit: int
    left: int
    ends: float


class RateLimits:
    """The shared view of a remote's windows."""

    def __init__(self, client: Redis, prefix: str, remote: str) -> None:
        self._client = client
        self._remote = remote
        self._key, self._sent = f"{prefix}limits:{remote}", requests_sent(prefix)
        self._acquire = client.register_script(_ACQUIRE)
        self._observe = client.register_script(_OBSERVE)
        self._block = client.register_script(_BLOCK)

    def wait(self, precedence: Precedence, *, patience: float = 15.0) -> None:
        """Return when a request may be sent. Raises NoRoom with the time to wait when that is longer than `patience` seconds."""
        until = time.monotonic() + patience
        yields, counted = int(precedence is not Precedence.EXPORT), f"{self._remote}:{precedence.value}"
        left = (
            (LEFT_BY_UPKEEP, LEFT_BY_UPKEEP)
            if precedence is Precedence.UPKEEP
            else (LEFT_BY_SCANS, LEFT_WHILE_EXPORTING)
        )
        args = [yields, *left, int(EXPORTS_REMEMBERED_SECONDS * 1000), counted, SHORT_WINDOW_SECONDS * 1000]
        while wait_ms := int(self._acquire(keys=[self._key, self._sent], args=args)):
            wait = wait_ms / 1000
            if time.monotonic() + wait > until:
                words = next((one.reason for one in self.pauses()), "Procore's rate limit is used up")
                raise NoRoom(words, retry_after=wait)
            # Spread: all workers are told the same moment.
            time.sleep(wait + random.uniform(0, 0.1))

    def observe(self, headers: Mapping[str, str], *, sent_at: float | None = None) -> None:
        """Learn from an answer's `X-Rate-Limit-*` headers; answers without them teach nothing. `sent_at`: the answer's `Date`."""
        values = [headers.get(f"X-Rate-Limit-{name}", "") for name in ("Limit", "Remaining", "Reset")]
        if all(re.fullmatch(r"-?[0-9]{1,12}", value) for value in values):
            ahead = "" if sent_at is None else int((float(values[2]) - sent_at) * 1000)
            self._observe(keys=[self._key], args=[*values, ahead])

    def windows(self) -> list[Window]:
        """What is known of the windows; empty until the remote has answered with limits, and two hours after its last answer."""
        fields = self._client.hgetall(self._key)
        now = seconds(self._client) * 1000
        found = []
        for name in ("hour", "spike"):
            if f"{name}:limit" in fields:
                limit, ends = int(fields[f"{name}:limit"]), float(fields[f"{name}:reset"])
                # Of a window that is over nothing is used up; the next answer tells of the new one.
                left = limit if ends <= now else max(0, int(float(fields[f"{name}:left"])))
                found.append(Window(name, limit, left, ends / 1000))
        return found

    def pauses(self) -> list[LimitPause]:
        """What waits for the limit now: everything after a 429 or when a window is used up, or scans alone."""
        fields = self._client.hgetall(self._key)
        if not fields:
            return []
        now, found = seconds(self._client), []
        blocked_until = float(fields.get("blocked", 0)) / 1000
        if blocked_until > now:
            found.append(LimitPause(False, "Procore answered 429 (too many requests)", blocked_until))
        exporting = now - float(fields.get("exported", 0)) / 1000 < EXPORTS_REMEMBERED_SECONDS
        for name, words in _WINDOWS.items():
            limit, ends = float(fields.get(f"{name}:limit", 0)), float(fields.get(f"{name}:reset", 0)) / 1000
            left = float(fields.get(f"{name}:left", 0))
            if (
                not limit
                or ends <= now
                or left > math.floor(limit * (LEFT_WHILE_EXPORTING if exporting else LEFT_BY_SCANS))
            ):
                continue
            used = "is used up" if left <= 0 else f"has {left:,.0f} requests left, which are kept for exports"
            found.append(LimitPause(left > 0, f"Procore's {words} limit of {limit:,.0f} requests {used}", ends))
        return found

    def block(self, for_seconds: float) -> None:
        """Nobody sends for so long: the remote said 429."""
        self._block(keys=[self._key], args=[int(for_seconds * 1000)])
