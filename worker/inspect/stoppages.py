"""Finds what blocks a kind of work now, whatever the record: a pause, or a stopped series of records.

For callers that report what would happen or what comes next: a plan, `explain`, the result of a command. Reads Redis alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from worker.domain.series import Series
from worker.domain.work import Lane
from worker.engine.systematic_differences import LANES
from worker.inspect.pauses import Pauses
from worker.inspect.problem_views import ProblemViews
from worker.store.stores import Stores

RESUMES = "It resumes automatically."


@dataclass(frozen=True, slots=True)
class Stoppage:
    """A reason why work is blocked. `problem`: key of the open problem, "" if there is none yet; `next_step`: how the work can continue."""

    sentence: str
    problem: str
    next_step: str

    @property
    def text(self) -> str:
        """Return all of it as text."""
        named = f" Problem {self.problem}:" if self.problem else ""
        return f"{self.sentence}{named} {self.next_step}"


@dataclass(frozen=True, slots=True)
class Stoppages:
    """Reads pauses and stopped series."""

    stores: Stores
    pauses: Pauses
    views: ProblemViews

    def of(self, lane: Lane, key: str = "", *, scopes: Collection[str] = (), writes: bool = True) -> list[Stoppage]:
        """Return what the work of a lane is waiting for now. `key`: a piece of work that may be paused by itself; `scopes`: permissions it
        needs in addition; `writes`: whether it creates a record.
        """
        paused = self.pauses.of(lane, key, scopes=scopes)
        stopped = [
            each for each in Series if writes and LANES[each] is lane and self.stores.series_states.state(each).stopped
        ]
        if not paused and not stopped:
            return []
        problems = {row["key"]: row for row in self.views.all()}
        return [_stoppage(one.sentence, problems.get(one.problem)) for one in paused] + [
            _stoppage(f"writing {each} is stopped.", problems.get(each.problem_key)) for each in stopped
        ]


def _stoppage(sentence: str, problem: Mapping[str, Any] | None) -> Stoppage:
    if problem is None:
        return Stoppage(sentence, "", RESUMES)
    next_step = problem["next_step"].replace(" KEY ", f" {problem['key']} ")
    return Stoppage(sentence, problem["key"], f"{problem['sentence']} Owner: {problem['owner']}. {next_step}")
