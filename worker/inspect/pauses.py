"""The current pauses with reason and end, for status, check, explain, the page and metrics; and what else blocks work. Reads Redis alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from worker.domain.audit_trail import clock
from worker.domain.problems import of_scope
from worker.domain.scopes import NAMES, Remote
from worker.domain.series import Series
from worker.domain.work import Lane
from worker.engine.systematic_differences import LANES
from worker.inspect.problem_views import ProblemViews
from worker.store.circuit_breakers import Pause
from worker.store.limits import LimitPause
from worker.store.stores import Stores

SCANS = "requests of scans"
LANES_OF_SCANS = (Lane.SCANS, Lane.ITEMS)
RESUMES = "It resumes automatically."


@dataclass(frozen=True, slots=True)
class PauseView:
    """One pause. `work`: what is paused; `cause`: a problem's cause, or `rate_limit`; `problem`: the key of its problem, `scope`: the paused
    scope (worker/domain/scopes.py), both "" for a rate limit.

    `since`: when the failures began, None if not known; `ends`: time of the next attempt. Unix seconds of Redis' clock.
    """

    remote: str
    work: str
    cause: str
    sentence: str
    since: float | None
    ends: float
    times: int
    problem: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Reads the circuit breakers and Procore's limits."""

    stores: Stores

    def all(self) -> list[PauseView]:
        """Return all pauses, including those that have ended and whose next attempt is about to run."""
        now = self.stores.now()
        return [_of_scope(one, now) for one in self.stores.breakers.pauses()] + [
            _of_limit(one) for one in self.stores.procore_limits.pauses()
        ]

    def of(self, lane: Lane, key: str, *, scopes: Collection[str] = ()) -> list[PauseView]:
        """Return the pauses that affect one piece of work: of its lane, of scopes that paused this work alone, or of the given
        `scopes`. A pause that has ended counts until a request succeeds.
        """
        now, paused = self.stores.now(), self.stores.breakers.pauses()
        views = [
            _of_scope(one, now)
            for one in paused
            if lane.waits_for(one.scope) or key in one.works or one.scope in scopes
        ]
        if lane.waits_for(Remote.PROCORE):
            limited = [one for one in self.stores.procore_limits.pauses() if not one.of_scans or lane in LANES_OF_SCANS]
            views += [_of_limit(one) for one in limited]
        return views


def _of_scope(pause: Pause, now: float) -> PauseView:
    name = NAMES[pause.remote]
    work = "all work" if pause.work == "all work" else f"work that needs to {pause.work}"
    until = f"until {clock(pause.ends)}" if pause.ends > now else "and is being retried now"
    times = "" if pause.times == 1 else f", {pause.times} pauses in a row"
    sentence = f"{name}: {work} is paused {until} (since {clock(pause.since)}{times}). Last response: {pause.answer}"
    problem, scope = of_scope(pause.scope), pause.scope
    return PauseView(name, pause.work, pause.cause, sentence, pause.since, pause.ends, pause.times, problem, scope)


def _of_limit(pause: LimitPause) -> PauseView:
    name, work = NAMES[Remote.PROCORE], SCANS if pause.of_scans else "all requests"
    sentence = f"{name}: {work} wait until {clock(pause.ends)}. {pause.reason}."
    return PauseView(name, work, "rate_limit", sentence, None, pause.ends, 1)


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
    """Finds what blocks a kind of work now, whatever the record: a pause, or a stopped series of records. For callers that report what would
    happen or what comes next: a plan, `explain`, the result of a command.
    """

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
