"""Runs long maintenance as work of its lane: one worker claims it at a time, and it is dispatched again if that worker dies or the message is
lost.
"""

from __future__ import annotations

from worker.domain.delivery import is_dispatched
from worker.domain.findings import Verified
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.work import RECONCILE_ALL, Claim, Lane
from worker.engine.attempts import Attempts
from worker.reconcile.verification import Verification
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.lanes import Lanes


class Upkeep:
    """Compares the records, one comparison at a time; each attempt is one step of it."""

    def __init__(self, client: Redis, *, work: Lanes, attempts: Attempts, verification: Verification) -> None:
        self._client = client
        self._work = work
        self._attempts = attempts
        self._verification = verification

    def reconcile(self) -> tuple[Verified, bool] | None:
        """Start a comparison of all three records, or continue the one in progress. Return the result so far and whether it has ended.

        Returns None if another worker is running it, or if it failed and is retried later.
        """
        results: list[tuple[Verified, bool]] = []

        def attempt() -> Outcome:
            step = self._verification.step()
            if step is None:
                return Outcome(OutcomeKind.ALREADY, reason="no comparison is in progress")
            results.append((self._verification.result(step.state.id), step.state.ended))
            if step.state.ended:
                return Outcome(OutcomeKind.ALREADY)
            again_at = max(step.again_at, seconds(self._client))
            return Outcome(OutcomeKind.WAITING, reason=step.state.waits_for or "still running", again_at=again_at)

        if not is_dispatched():
            self._verification.request()
            self._work.add(Lane.UPKEEP, [RECONCILE_ALL])
        self._attempts.make(Lane.UPKEEP, RECONCILE_ALL, attempt, claim=Claim.IN_LANE)
        return results[0] if results else None
