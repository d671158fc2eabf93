"""Work that waits, work in hand, and the runs that wait for it: so that nothing is remembered by the broker alone.

A lane has two sorted sets: `waiting`, scored by the time before which the work need not be looked at, and `hand`, scored by
the time after which its worker counts as dead. Messages are only sent for what is moved to `hand`, a few times the number of
slots, so a backlog of any length costs the broker nothing and never looks overdue.

A run (one scan, one export of all approved invoices) is a hash of counts and the set of its open keys. A key leaves the set
once, so work done twice counts once; the run has ended when the set is empty. What it sent is told by the counters of all
workers (`gate.requests_sent`) at its beginning and at its end: a count for each piece of work would have to be carried through every
thread that does a part of it, and would be lost with a worker that dies.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.domain.outcomes import OutcomeKind
from worker.domain.plans import Requests
from worker.domain.work import RUN_OF_LANE, Lane, RunKind, lane_of
from worker.store.connection import Redis

IN_HAND_SECONDS = 40
"""Work in hand longer than this is given out again. Harmless while its worker lives: the second finds the lock held."""
RUN_KEPT_SECONDS = 7 * 86_400

_NOW = "local t = redis.call('TIME'); local now = tonumber(t[1]) + tonumber(t[2]) / 1000000\n"

_ADD = """
-- KEYS: waiting, hand. ARGV: at, keys...
for i = 2, #ARGV do
  if not redis.call('ZSCORE', KEYS[2], ARGV[i]) then redis.call('ZADD', KEYS[1], 'LT', ARGV[1], ARGV[i]) end
end
return 1
"""
_TAKE = (
    _NOW
    + """
-- KEYS: waiting, hand, tries, again. ARGV: limit, seconds in hand, at most. Returns key, tries, key, tries, ...
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[2], key)
  redis.call('ZADD', KEYS[1], 0, key)
  redis.call('HINCRBY', KEYS[3], key, 1)
end
local room = math.min(tonumber(ARGV[1]) - redis.call('ZCARD', KEYS[2]), tonumber(ARGV[3]))
local given = {}
if room <= 0 then return given end
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, room)) do
  redis.call('ZREM', KEYS[1], key)
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), key)
  redis.call('SREM', KEYS[4], key)
  given[#given + 1] = key
  given[#given + 1] = redis.call('HGET', KEYS[3], key) or '0'
end
return given
"""
)
_CLAIM = (
    _NOW
    + """
-- KEYS: waiting, hand, again. ARGV: key, seconds in hand
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), ARGV[1])
-- This attempt sees what was mended before now.
redis.call('SREM', KEYS[3], ARGV[1])
return 1
"""
)
_SETTLE = """
local function settle(current, prefix, key, field)
  local run = redis.call('GET', current)
  if not run then return end
  local open = prefix .. 'run:' .. run .. ':open'
  if redis.call('SREM', open, key) == 0 then return end
  if field ~= '' then redis.call('HINCRBY', prefix .. 'run:' .. run, field, 1) end
  if redis.call('SCARD', open) == 0 then
    local kind = redis.call('HGET', prefix .. 'run:' .. run, 'kind') or ''
    local sent = redis.call('HMGET', prefix .. 'sent', 'procore:' .. kind, 'netsuite:' .. kind)
    redis.call('HSET', prefix .. 'run:' .. run, 'ended_at', now, 'procore_until', sent[1] or 0, 'netsuite_until', sent[2] or 0)
  end
end
"""
_CLOSE = (
    _NOW
    + _SETTLE
    + """
-- KEYS: waiting, hand, tries, current run, failures, again. ARGV: key, run field, prefix
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
settle(KEYS[4], ARGV[3], ARGV[1], ARGV[2])
-- Somebody asked for it while it was in hand, for something that this attempt may not have seen.
if redis.call('SISMEMBER', KEYS[6], ARGV[1]) == 1 then redis.call('ZADD', KEYS[1], 0, ARGV[1]) end
return 1
"""
)
_TRY_AGAIN = """
-- KEYS: waiting, hand, tries, failures, again. ARGV: keys...
for _, key in ipairs(ARGV) do
  redis.call('HDEL', KEYS[3], key)
  redis.call('HDEL', KEYS[4], key)
  if redis.call('ZSCORE', KEYS[2], key) then redis.call('SADD', KEYS[5], key) else redis.call('ZADD', KEYS[1], 0, key) end
end
return 1
"""
_HURRY = (
    _NOW
    + """
-- KEYS: waiting. ARGV: until
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, ARGV[1])) do redis.call('ZADD', KEYS[1], 0, key) end
return 1
"""
)
_TAKE_BACK = """
-- KEYS: waiting, hand
for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do redis.call('ZADD', KEYS[1], 0, key) end
redis.call('DEL', KEYS[2])
return 1
"""
_LATER = (
    _NOW
    + _SETTLE
    + """
-- KEYS: waiting, hand, tries, current run. ARGV: key, run field ('' = the run goes on waiting), prefix, at
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
if ARGV[2] ~= '' then settle(KEYS[4], ARGV[3], ARGV[1], ARGV[2]) end
return 1
"""
)
_LET_GO = """
-- KEYS: waiting, hand, tries, current run. ARGV: key, prefix
local run = redis.call('GET', KEYS[4])
if run and redis.call('SISMEMBER', ARGV[2] .. 'run:' .. run .. ':open', ARGV[1]) == 1 then return 0 end
-- Only what is in hand: what waits may wait longer than its run does, and must not be lost.
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
"""
_BEGIN = (
    _NOW
    + """
-- KEYS: current run, all runs. ARGV: new id, kind, trigger, prefix, kept seconds, first keys...
local joined = 1
local run = redis.call('GET', KEYS[1])
if not run or redis.call('HGET', ARGV[4] .. 'run:' .. run, 'ended_at') or redis.call('EXISTS', ARGV[4] .. 'run:' .. run) == 0 then
  joined = 0
  run = ARGV[1]
  redis.call('SET', KEYS[1], run)
  local sent = redis.call('HMGET', ARGV[4] .. 'sent', 'procore:' .. ARGV[2], 'netsuite:' .. ARGV[2])
  redis.call('HSET', ARGV[4] .. 'run:' .. run, 'kind', ARGV[2], 'trigger', ARGV[3], 'started_at', now,
    'procore_from', sent[1] or 0, 'netsuite_from', sent[2] or 0)
  redis.call('EXPIRE', ARGV[4] .. 'run:' .. run, ARGV[5])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))
  redis.call('ZADD', KEYS[2], now, run)
end
local open = ARGV[4] .. 'run:' .. run .. ':open'
for i = 6, #ARGV do
  local whole = ARGV[i]:sub(-4) == ':all'
  -- Who joins a run over everything finds its key in it, or already worked off; a run over some projects is widened.
  if not whole or redis.call('HSETNX', ARGV[4] .. 'run:' .. run, 'whole', 1) == 1 then redis.call('SADD', open, ARGV[i]) end
end
redis.call('EXPIRE', open, ARGV[5])
return {run, joined}
"""
)
_SPAWN = (
    _NOW
    + _SETTLE
    + """
-- KEYS: parent waiting, parent hand, tries, current run, child waiting, child hand.
-- ARGV: parent, prefix, number of counts, (field, count)..., time of the children or '' = now, children...
local run = redis.call('GET', KEYS[4])
local open = run and (ARGV[2] .. 'run:' .. run .. ':open')
local counts = tonumber(ARGV[3])
local mine = open and redis.call('SISMEMBER', open, ARGV[1]) == 1
if mine then
  for i = 1, counts do redis.call('HINCRBY', ARGV[2] .. 'run:' .. run, ARGV[2 + 2 * i], ARGV[3 + 2 * i]) end
end
local at = ARGV[4 + 2 * counts]
if at == '' then at = now end
for i = 5 + 2 * counts, #ARGV do
  if not redis.call('ZSCORE', KEYS[6], ARGV[i]) then redis.call('ZADD', KEYS[5], 'LT', at, ARGV[i]) end
  if mine then redis.call('SADD', open, ARGV[i]) end
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
settle(KEYS[4], ARGV[2], ARGV[1], '')
return 1
"""
)


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands: `counts` by field (outcomes and what was seen), `open_keys` still to end; times in unix seconds.

    `requests`: what all workers sent for scans (for exports) from its beginning to its end, or until now; logins left out. None for a
    run that a process of an older version began or ended.
    """

    id: str
    kind: RunKind
    trigger: str
    started_at: float
    ended_at: float | None
    open_keys: int
    counts: Mapping[str, int]
    requests: Requests | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left to do now."""
        return self.ended_at is not None


class Work:
    """All lanes and runs. Every change is one atomic script."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._runs = f"{prefix}runs"
        self._tries, self._failures, self._again = f"{prefix}tries", f"{prefix}failures", f"{prefix}again"
        script = client.register_script
        self._add, self._take, self._claim = script(_ADD), script(_TAKE), script(_CLAIM)
        self._close, self._later = script(_CLOSE), script(_LATER)
        self._let_go, self._begin, self._spawn = script(_LET_GO), script(_BEGIN), script(_SPAWN)
        self._try_again, self._hurry, self._take_back = script(_TRY_AGAIN), script(_HURRY), script(_TAKE_BACK)

    def add(self, lane: Lane, keys: Collection[str], *, at: float = 0) -> None:
        """Let work wait in its lane until `at` (0 = now). What is in hand already is left there."""
        for some in _in_batches(list(keys)):
            self._add(keys=[self._waiting(lane), self._hand(lane)], args=[at, *some])

    def try_again(self, lane: Lane, keys: Collection[str]) -> None:
        """Let work be looked at now, before all that waits, its failed attempts forgotten. What is in hand is looked at once
        more when that attempt has closed it: it may have begun before what was mended.
        """
        names = [self._waiting(lane), self._hand(lane), self._tries, self._failures, self._again]
        for some in _in_batches(list(keys)):
            self._try_again(keys=names, args=some)

    def hurry(self, lane: Lane, *, until: float) -> None:
        """Let what waits for a time up to `until` be looked at now."""
        self._hurry(keys=[self._waiting(lane)], args=[until])

    def take_back(self, lane: Lane) -> None:
        """Let all that is in hand be given out again: its workers are believed dead. If they live, the second of two attempts finds
        the lock held.
        """
        self._take_back(keys=[self._waiting(lane), self._hand(lane)])

    def take(self, lane: Lane, *, limit: int, at_most: int | None = None) -> list[tuple[str, int]]:
        """Move work that is due from waiting to in hand, up to `limit` in hand, `at_most` so much of it; overdue work first.

        Gives (key, how many workers died or stalled with it).
        """
        keys = [self._waiting(lane), self._hand(lane), self._tries, self._again]
        flat = self._take(keys=keys, args=[limit, IN_HAND_SECONDS, at_most or limit])
        return [(flat[i], int(flat[i + 1])) for i in range(0, len(flat), 2)]

    def claim(self, lane: Lane, key: str) -> None:
        """Note that this worker begins with it now, whoever sent the message."""
        self._claim(keys=[self._waiting(lane), self._hand(lane), self._again], args=[key, IN_HAND_SECONDS])

    def close(self, lane: Lane, key: str, outcome: OutcomeKind | None) -> None:
        """The work has ended; its run counts the outcome once."""
        keys = [*self._lane_keys(lane), self._failures, self._again]
        self._close(keys=keys, args=[key, _field(outcome), self._prefix])

    def later(self, lane: Lane, key: str, *, at: float, outcome: OutcomeKind | None = None) -> None:
        """Look at it again at `at`. With an outcome, its run counts that and does not wait for it."""
        self._later(keys=self._lane_keys(lane), args=[key, _field(outcome), self._prefix, at])

    def let_go(self, lane: Lane, key: str) -> None:
        """Drop work that no run waits for (any more): who claimed it late found it done by another."""
        self._let_go(keys=self._lane_keys(lane), args=[key, self._prefix])

    def failed(self, key: str) -> int:
        """Count a failed attempt at a key; gives how many since it last ended."""
        return int(self._client.hincrby(self._failures, key, 1))

    def failures(self, key: str) -> int:
        """How often it failed since it last ended or somebody asked for it anew."""
        return int(self._client.hget(self._failures, key) or 0)

    def begin(self, kind: RunKind, trigger: str, keys: Collection[str]) -> tuple[Run, bool]:
        """Start a run with its first keys, or join the one that goes on: (run, joined)."""
        fresh = f"{kind}-{secrets.token_hex(5)}"
        args = [fresh, kind.value, trigger, self._prefix, RUN_KEPT_SECONDS, *keys]
        while True:
            run_id, joined = self._begin(keys=[self._current(kind), self._runs], args=args)
            # Gone again at once only if the server was started anew in between and lost its last second.
            if run := self.run(str(run_id)):
                return run, bool(joined)

    def spawn(
        self,
        parent: str,
        lane: Lane,
        *,
        children: Collection[str],
        into: Lane,
        counts: Mapping[str, int],
        at: float | None = None,
    ) -> None:
        """End `parent`, and in the same step let its children wait and be part of the run; `at` 0 = before all that waits.

        A second time changes nothing in the run.
        """
        keys = [*self._lane_keys(lane), self._waiting(into), self._hand(into)]
        flat = [part for name, count in counts.items() for part in (name, count)]
        self._spawn(keys=keys, args=[parent, self._prefix, len(counts), *flat, "" if at is None else at, *children])

    def take_in_strays(self, kind: RunKind, *, at_most: int = 100) -> int:
        """Let open keys of the run that goes on wait again if they stand in no lane: their caller died between two steps.

        Looks at some, chosen by chance; called again and again it finds all. Work that ended just now is found ended.
        """
        run = self.current(kind)
        if run is None or run.ended:
            return 0
        strays = set(self._client.srandmember(f"{self._prefix}run:{run.id}:open", at_most))
        strays -= self.going_on(strays, due_before=float("inf"))
        for key in strays:
            self.add(lane_of(key), [key])
        return len(strays)

    def run(self, run_id: str) -> Run | None:
        """A run by its id; None when it was never there or is older than a week."""
        fields = self._client.hgetall(f"{self._prefix}run:{run_id}")
        if not fields:
            return None
        ended = fields.pop("ended_at", None)
        fields.pop("whole", None)
        kind, trigger, started = RunKind(fields.pop("kind")), fields.pop("trigger"), float(fields.pop("started_at"))
        open_keys = self._client.scard(f"{self._prefix}run:{run_id}:open")
        begun, until = _sent(fields, "from"), _sent(fields, "until")
        if begun and not ended:
            until = self._sent_so_far(kind)
        # What is no number here is of a newer version.
        counts = {name: int(value) for name, value in fields.items() if value.isdigit()}
        requests = until - begun if begun and until else None
        return Run(run_id, kind, trigger, started, float(ended) if ended else None, int(open_keys), counts, requests)

    def _sent_so_far(self, kind: RunKind) -> Requests:
        counted = self._client.hmget(f"{self._prefix}sent", [f"{remote}:{kind}" for remote in ("procore", "netsuite")])
        return Requests(*(int(count or 0) for count in counted))

    def current(self, kind: RunKind) -> Run | None:
        """The run that goes on, or else the last one."""
        run_id = self._client.get(self._current(kind))
        return self.run(str(run_id)) if run_id else None

    def latest(self, at_most: int) -> list[Run]:
        """The runs that began last, newest first."""
        ids = self._client.zrevrange(self._runs, 0, at_most - 1)
        return [run for run_id in ids if (run := self.run(str(run_id)))]

    def is_open(self, run: Run, key: str) -> bool:
        """Whether a run still waits for a key."""
        return bool(self._client.sismember(f"{self._prefix}run:{run.id}:open", key))

    def waits_until(self, lane: Lane, key: str) -> float | None:
        """When a waiting key is looked at next; None when it does not wait."""
        score = self._client.zscore(self._waiting(lane), key)
        return None if score is None else float(score)

    def last_due(self, lane: Lane, keys: Collection[str]) -> float:
        """When the last of these keys that wait is looked at next; 0 when none waits."""
        scores = self._client.zmscore(self._waiting(lane), list(keys)) if keys else []
        return max((float(score) for score in scores if score is not None), default=0.0)

    def in_hand(self, lane: Lane, key: str) -> bool:
        """Whether a worker has it, or had it when it died."""
        return self._client.zscore(self._hand(lane), key) is not None

    def going_on(self, keys: Collection[str], *, due_before: float) -> set[str]:
        """Those of some work that are in hand, or wait and are due before a time (unix seconds)."""
        found: set[str] = set()
        for lane in Lane:
            for some in _in_batches([key for key in keys if lane_of(key) is lane]):
                waits = self._client.zmscore(self._waiting(lane), some)
                hands = self._client.zmscore(self._hand(lane), some)
                found |= {
                    key
                    for key, until, hand in zip(some, waits, hands, strict=True)
                    if hand is not None or (until is not None and until < due_before)
                }
        return found

    def depth(self, lane: Lane) -> tuple[int, int]:
        """How much waits and how much is in hand."""
        return int(self._client.zcard(self._waiting(lane))), int(self._client.zcard(self._hand(lane)))

    def _waiting(self, lane: Lane) -> str:
        return f"{self._prefix}waiting:{lane}"

    def _hand(self, lane: Lane) -> str:
        return f"{self._prefix}hand:{lane}"

    def _current(self, kind: RunKind) -> str:
        return f"{self._prefix}run:current:{kind}"

    def _lane_keys(self, lane: Lane) -> list[str]:
        return [self._waiting(lane), self._hand(lane), self._tries, self._current(RUN_OF_LANE[lane])]


def _sent(fields: dict[str, str], when: str) -> Requests | None:
    """Takes the counters of a moment out of a run's fields; None where they were not noted."""
    procore, netsuite = fields.pop(f"procore_{when}", None), fields.pop(f"netsuite_{when}", None)
    return Requests(int(procore), int(netsuite)) if procore and netsuite else None


def _field(outcome: OutcomeKind | None) -> str:
    return outcome.value if outcome else ""


def _in_batches(keys: list[str], size: int = 1000) -> list[list[str]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]
