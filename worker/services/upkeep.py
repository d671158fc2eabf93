"""Long upkeep as work of its lane: claimed by one worker at a time, and dispatched again when that dies, whatever became of the message."""

from __future__ import annotations

from worker.domain.delivery import is_dispatched
from worker.domain.findings import Verified
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.work import RECONCILE_ALL, Claim, Lane
from worker.services.attempts import Attempts
from worker.services.verification import Verification
from worker.store.work import Work


class Upkeep:
    """Compares the records, one comparison at a time."""

    def __init__(self, *, work: Work, attempts: Attempts, verification: Verification) -> None:
        self._work = work
        self._attempts = attempts
        self._verification = verification

    def reconcile(self) -> Verified | None:
        """Compare all three records; None where another worker does, or where it failed and is tried again later."""
        results: list[Verified] = []

        def attempt() -> Outcome:
            results.append(self._verification.reconcile())
            return Outcome(OutcomeKind.ALREADY)

        if not is_dispatched():
            self._work.add(Lane.UPKEEP, [RECONCILE_ALL])
        self._attempts.make(Lane.UPKEEP, RECONCILE_ALL, attempt, claim=Claim.IN_LANE)
        return results[0] if results else None
