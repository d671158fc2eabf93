"""Runs long maintenance as work of its lane: one worker claims it at a time, and it is dispatched again if that worker dies or the message is
lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.work import RECONCILE_ALL, Lane
from worker.reconcile.verification import Verification
from worker.store.stores import Stores


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Compares the records, one comparison at a time; each attempt is one step of it."""

    stores: Stores
    verification: Verification

    def request(self) -> None:
        """Start a comparison of all three records, or join the one in progress. A worker does the rest."""
        self.verification.request()
        self.stores.work.add(Lane.UPKEEP, [RECONCILE_ALL])

    def compare(self) -> Outcome:
        """Continue the comparison in progress. The outcome counts what was `checked` and the `findings`, so far; it counts nothing if no
        comparison is in progress.
        """
        step = self.verification.step()
        if step is None:
            return Outcome(OutcomeKind.ALREADY, reason="no comparison is in progress")
        verified = self.verification.result(step.state.id)
        counts = {"checked": verified.codes + verified.invoices, "findings": len(verified.findings)}
        if step.state.ended:
            return Outcome(OutcomeKind.ALREADY, counts=counts)
        again_at, reason = max(step.again_at, self.stores.now()), step.state.waits_for or "still running"
        return Outcome(OutcomeKind.WAITING, reason=reason, again_at=again_at, counts=counts)
