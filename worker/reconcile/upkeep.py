"""Runs long maintenance as work of its lane: one worker claims it at a time, and it is dispatched again if that worker dies or the message is
lost.
"""

from __future__ import annotations

from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.work import RECONCILE_ALL, Lane
from worker.reconcile.verification import Verification
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.lanes import Lanes


class Upkeep:
    """Compares the records, one comparison at a time; each attempt is one step of it."""

    def __init__(self, client: Redis, *, work: Lanes, verification: Verification) -> None:
        self._client = client
        self._work = work
        self._verification = verification

    def request(self) -> None:
        """Start a comparison of all three records, or join the one in progress. A worker does the rest."""
        self._verification.request()
        self._work.add(Lane.UPKEEP, [RECONCILE_ALL])

    def compare(self) -> Outcome:
        """Continue the comparison in progress. The outcome counts what was `checked` and the `findings`, so far; it counts nothing if no
        comparison is in progress.
        """
        step = self._verification.step()
        if step is None:
            return Outcome(OutcomeKind.ALREADY, reason="no comparison is in progress")
        verified = self._verification.result(step.state.id)
        counts = {"checked": verified.codes + verified.invoices, "findings": len(verified.findings)}
        if step.state.ended:
            return Outcome(OutcomeKind.ALREADY, counts=counts)
        again_at, reason = max(step.again_at, seconds(self._client)), step.state.waits_for or "still running"
        return Outcome(OutcomeKind.WAITING, reason=reason, again_at=again_at, counts=counts)
