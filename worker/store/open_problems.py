"""The index of open problems, and what people did about each: said that it is dealt with, or that it shall not be shown until it
changes.

No work asks for any of it: whether something is sent is decided by the ledger's records and by what NetSuite holds. So a problem
that somebody closes or hides too early is only out of sight, and the next look at its record opens or shows it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.domain.problems import Cause, Problem, cause_of, describe
from worker.store.connection import Redis
from worker.store.sizes import Sizes

ACTS_KEPT = 20
"""For each problem, the newest; a note is for the person who meets the same problem again."""

SAME = """
-- Whether two problems say the same. How often something was tried says nothing new.
local function covers(facts, others)
  for name, value in pairs(facts) do
    if name ~= 'attempts' and name ~= 'times' and others[name] ~= value then return false end
  end
  return true
end
local function same(one, other)
  return one.cause == other.cause and covers(one.facts, other.facts) and covers(other.facts, one.facts)
end
"""
_SORT = """
-- Beside the problems themselves a sorted set for each cause, by the time since when, those apart that somebody ignores: so that
-- nobody reads all of them to count them.
local function sorted(problems, problem)
  return problems .. (problem.ignored and ':ignored:' or ':of:') .. problem.cause
end
local function close(problems, key)
  local known = redis.call('HGET', problems, key)
  if not known then return 0 end
  redis.call('ZREM', sorted(problems, cjson.decode(known)), key)
  return redis.call('HDEL', problems, key)
end
"""
OPEN = (
    SAME
    + _SORT
    + """
local function open(problems, key, problem)
  local known = redis.call('HGET', problems, key)
  if known then
    local old, new = cjson.decode(known), cjson.decode(problem)
    -- The same cause again is the same problem: it keeps the time since which it is open.
    if old.cause == new.cause then new.since = old.since end
    if same(old, new) then new.ignored = old.ignored end
    redis.call('ZREM', sorted(problems, old), key)
    problem = cjson.encode(new)
  end
  redis.call('HSET', problems, key, problem)
  local now = cjson.decode(problem)
  redis.call('ZADD', sorted(problems, now), now.since, key)
  return known and 0 or 1
end
"""
)
"""`open(hash, key, problem)`: opens a problem, or brings an open one up to date; 1 when it was not open before. One that somebody
ignores is shown again as soon as it says anything else. `close(hash, key)`: 1 when it was open."""

_ACT = (
    SAME
    + _SORT
    + """
-- KEYS: problems, what people did about this one. ARGV: problem key, the problem as the person saw it, what they did, acts kept
local known = redis.call('HGET', KEYS[1], ARGV[1])
local problem = known and cjson.decode(known)
if not problem or not same(problem, cjson.decode(ARGV[2])) then return 0 end
local act = cjson.decode(ARGV[3])
if act.act == 'ignored' then
  redis.call('ZREM', sorted(KEYS[1], problem), ARGV[1])
  problem.ignored = {by = act.by, at = act.at, note = act.note}
  redis.call('ZADD', sorted(KEYS[1], problem), problem.since, ARGV[1])
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(problem))
else
  close(KEYS[1], ARGV[1])
end
redis.call('LPUSH', KEYS[2], ARGV[3])
redis.call('LTRIM', KEYS[2], 0, ARGV[4] - 1)
return 1
"""
)


class Act(StrEnum):
    """What a person can say of a problem."""

    RESOLVED = "resolved"
    IGNORED = "ignored"
    CONTINUED = "continued"


@dataclass(frozen=True, slots=True)
class Handled:
    """What a person did: `by` the user of the operating system, `at` unix seconds of Redis' clock, the problem as it was then."""

    act: Act
    by: str
    at: float
    note: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class OpenProblem:
    """A problem as it stands: `key` names the code, invoice, project or remote; `since` in unix seconds."""

    key: str
    since: float
    facts: Mapping[str, str]
    problem: Problem
    ignored: Handled | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many problems of one cause are open, those that somebody ignores apart, and since when the oldest is (unix seconds, 0 = none)."""

    cause: Cause
    open: int
    ignored: int
    since: float


class Handling:
    """People's acts, and how many problems are open."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._act = client.register_script(_ACT)
        self._sizes = Sizes(client)

    def counted(self) -> list[Counted]:
        """Every cause with its open problems, also those that have none. One command, however many there are."""
        stem = f"{self._prefix}problems"
        found = self._sizes([f"{stem}:{place}:{cause}" for cause in Cause for place in ("of", "ignored")])
        pairs = zip(found[::2], found[1::2], strict=True)
        return [
            Counted(cause, shown, ignored, since)
            for cause, ((shown, _, since), (ignored, _, _)) in zip(Cause, pairs, strict=True)
        ]

    def resolve(self, seen: OpenProblem, *, by: str, at: float, note: str) -> bool:
        """Close a problem, because a person says that it is dealt with. False when it is not open any more as they saw it."""
        return self._do(Act.RESOLVED, seen, by, at, note)

    def ignore(self, seen: OpenProblem, *, by: str, at: float, note: str) -> bool:
        """Hide a problem until it says anything else. False when it is not open any more as they saw it."""
        return self._do(Act.IGNORED, seen, by, at, note)

    def go_on(self, seen: OpenProblem, *, by: str, at: float, note: str) -> bool:
        """Close the problem of a stopped series, because a person goes on. False when it is not open any more as they saw it."""
        return self._do(Act.CONTINUED, seen, by, at, note)

    def history(self, key: str) -> list[Handled]:
        """What people did about a problem, the newest first; also of one that is closed."""
        told = (json.loads(text) for text in self._client.lrange(self._acts(key), 0, -1))
        return [
            Handled(Act(one["act"]), one["by"], one["at"], one["note"], _described(one["cause"], one["facts"]))
            for one in told
        ]

    def _do(self, act: Act, seen: OpenProblem, by: str, at: float, note: str) -> bool:
        problem = {"cause": seen.problem.cause.value, "facts": dict(seen.facts)}
        done = {"act": act.value, "by": by, "at": at, "note": note, **problem}
        args = [seen.key, _json(problem), _json(done), ACTS_KEPT]
        return bool(self._act(keys=[f"{self._prefix}problems", self._acts(seen.key)], args=args))

    def _acts(self, key: str) -> str:
        return f"{self._prefix}problems:acts:{key}"


def problem_text(cause: Cause | None, facts: Mapping[str, str], at: float) -> str:
    """A problem as it is stored."""
    return _json({"cause": (cause or Cause.UNEXPECTED).value, "facts": dict(facts), "since": at})


def problem_of(key: str, text: str) -> OpenProblem:
    """Back from `problem_text`, whatever a script has added."""
    fields = json.loads(text)
    # To Lua an empty object is the same as an empty list.
    facts = dict(fields["facts"] or {})
    problem = _described(fields["cause"], facts)
    ignored = fields.get("ignored")
    handled = Handled(Act.IGNORED, problem=problem, **ignored) if ignored else None
    return OpenProblem(key, float(fields["since"]), facts, problem, handled)


def _described(code: str, facts: Mapping[str, str]) -> Problem:
    """In words; of a cause that only another version knows at least its code."""
    return describe(cause_of(code), {"answer": code, **facts})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
