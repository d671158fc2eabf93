"""The index of open problems, and what people did about each: marked it as resolved, or ignored it until it changes.

No work depends on it: the ledger's records and NetSuite decide what is sent. So a problem that a person closes or ignores too early is only
hidden: the next check of its record opens or shows it again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.domain.problems import Cause, Problem, cause_of, describe, missing_facts
from worker.store.client import Redis, Value
from worker.store.keys import Keys
from worker.store.scripts import Script, flag, sizes

log = logging.getLogger(__name__)

ACTS_KEPT = 20
"""Number of the latest acts that are kept for each problem: their notes help the next person with the same problem."""


class Act(StrEnum):
    """What a person can do about a problem."""

    RESOLVED = "resolved"
    IGNORED = "ignored"
    CONTINUED = "continued"


@dataclass(frozen=True, slots=True)
class Handled:
    """An act of a person on a problem. `by`: user of the operating system; `at`: unix seconds of Redis' clock; `problem`: as it was then."""

    act: Act
    by: str
    at: float
    note: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class OpenProblem:
    """An open problem. `key`: of the code, invoice, project or remote; `since`: when it was opened (unix seconds)."""

    key: str
    since: float
    facts: Mapping[str, str]
    problem: Problem
    ignored: Handled | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Numbers of open problems of one cause, and of ignored ones. `since`: when the oldest was opened (unix seconds, 0 = none)."""

    cause: Cause
    open: int
    ignored: int
    since: float


class Handling:
    """Records what people do about problems, and counts open problems."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._act = Script(client, "problems/act", flag)
        self._sizes = Script(client, "sorted_sets/sizes", sizes)

    def counted(self) -> list[Counted]:
        """Return the numbers of open problems of each cause, including causes without any. One command, whatever their number."""
        sets = [(self._keys.problems_of(cause), self._keys.ignored_problems_of(cause)) for cause in Cause]
        found = self._sizes(keys=[key for pair in sets for key in pair])
        pairs = zip(found[::2], found[1::2], strict=True)
        return [
            Counted(cause, shown, ignored, since)
            for cause, ((shown, _, since), (ignored, _, _)) in zip(Cause, pairs, strict=True)
        ]

    def resolve(self, seen: OpenProblem, *, by: str, at: float, note: str) -> bool:
        """Close a problem that a person marks as resolved. Return False if it is closed or has changed since the person saw it."""
        return self._do(Act.RESOLVED, seen, by, at, note)

    def ignore(self, seen: OpenProblem, *, by: str, at: float, note: str) -> bool:
        """Hide a problem until it changes. Return False if it is closed or has changed since the person saw it."""
        return self._do(Act.IGNORED, seen, by, at, note)

    def resume(self, seen: OpenProblem, *, by: str, at: float, note: str) -> bool:
        """Close the problem of a stopped series that a person continues. Return False if it is closed or has changed since the person saw it."""
        return self._do(Act.CONTINUED, seen, by, at, note)

    def history(self, key: str) -> list[Handled]:
        """Return the acts of people on a problem, even a closed one, newest first."""
        acts = (json.loads(text) for text in self._client.lrange(self._keys.problem_acts(key), 0, -1))
        return [
            Handled(Act(act["act"]), act["by"], act["at"], act["note"], _described(act["cause"], act["facts"]))
            for act in acts
        ]

    def _do(self, act: Act, seen: OpenProblem, by: str, at: float, note: str) -> bool:
        problem = {"cause": seen.problem.cause.stored, "facts": dict(seen.facts)}
        done = {"act": act.value, "by": by, "at": at, "note": note, **problem}
        args: list[Value] = [seen.key, _json(problem), _json(done), ACTS_KEPT]
        return self._act(keys=[self._keys.problems, self._keys.problem_acts(seen.key)], args=args)


def problem_text(cause: Cause | None, facts: Mapping[str, str], at: float) -> str:
    """Return a problem as it is stored. If its sentence needs a fact that is missing, an error is logged, and the sentence shows the gap."""
    cause = cause or Cause.UNEXPECTED
    if missing := missing_facts(cause, facts):
        log.error("A problem with the cause %s was stored without these facts: %s", cause, ", ".join(missing))
    return _json({"cause": cause.stored, "facts": dict(facts), "since": at})


def problem_of(key: str, text: str) -> OpenProblem:
    """Parse a stored problem, with the fields that a script has added."""
    fields = json.loads(text)
    # Lua stores an empty object as an empty list.
    facts = dict(fields["facts"] or {})
    problem = _described(fields["cause"], facts)
    ignored = fields.get("ignored")
    handled = Handled(Act.IGNORED, problem=problem, **ignored) if ignored else None
    return OpenProblem(key, float(fields["since"]), facts, problem, handled)


def _described(code: str, facts: Mapping[str, str]) -> Problem:
    """Return the problem with its sentence. A cause that only another version knows is shown by its code."""
    return describe(cause_of(code), {"answer": code, **facts})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
