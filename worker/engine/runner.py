"""Runs work by its key: tasks, tests and the campaigns name the work, and the registry of handlers says what does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from worker.context import correlated, is_dispatched
from worker.domain.outcomes import Outcome
from worker.domain.work import Claim, WorkKey, WorkKind, lane_of
from worker.engine.attempts import Attempts, Handler
from worker.engine.dispatch import Dispatch
from worker.engine.settlement import LaneBatch
from worker.store.stores import Stores

COUNT_SECONDS = 0.2
"""Maximum age in seconds of the count of waiting Items that a series of scans relies on: the series itself finds nothing new."""
SERIES_SECONDS = 20.0
"""Seconds that one message may continue from work to work: long enough that messages cost little, short enough to be watched."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs one attempt at the work of any kind. `handlers`: what does the work of each kind."""

    stores: Stores
    attempts: Attempts
    dispatch: Dispatch
    handlers: Mapping[WorkKind, Handler]

    def run(self, key: str, handler: Handler | None = None, *, claim: Claim | None = None) -> Outcome:
        """Run and settle one attempt at the work with this key. Raises ValueError for a key of no known kind.

        `handler`: a step of the work other than the first; by default the handler of its kind. `claim`: by default a request, unless
        the lane sent the message that this thread processes, or the work exists once: its callers put it into its lane first.
        """
        work = WorkKey.parse(key)
        in_lane = is_dispatched() or not work.ids
        return self.attempts.make(
            work, handler or self.handlers[work.kind], claim or (Claim.IN_LANE if in_lane else Claim.REQUEST)
        )

    def run_series(self, first: str, *, may_continue: Callable[[], bool]) -> list[Outcome]:
        """Run this work, then the work waiting behind it in its lane, without a message for each: for some seconds, while `may_continue`, and while
        all succeed and find nothing new, because new work has to be dispatched. Return the outcomes in order.
        """
        work, lane = WorkKey.parse(first), lane_of(first)
        clock = self.stores.runtime.monotonic
        until = clock() + SERIES_SECONDS
        batch = LaneBatch(
            may_continue=lambda outcome: (
                outcome.is_complete and not _found_new(outcome) and may_continue() and clock() < until
            ),
            limit=lambda: self.dispatch.limit(lane, max_age=COUNT_SECONDS),
        )
        claim = Claim.IN_LANE if is_dispatched() else Claim.REQUEST
        outcomes = [self.attempts.make(work, self.handlers[work.kind], claim, batch=batch)]
        while taken := batch.pop():
            work = WorkKey.parse(taken.key)
            with correlated(taken.correlation_id):
                outcomes.append(self.attempts.make_claimed(work, self.handlers[work.kind], batch=batch))
        return outcomes


def _found_new(outcome: Outcome) -> bool:
    return outcome.children is not None and bool(outcome.children.keys)
