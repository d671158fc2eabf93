"""Completes a new bill with what only new bills get: further fields, and its posting period."""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.bills import Bill
from worker.sync.billables import Billable
from worker.sync.field_sources import FieldSources
from worker.sync.posting_periods import PostingPeriods


@dataclass(frozen=True, slots=True)
class BillCompletion:
    """Completes bills before they are written."""

    fields: FieldSources
    periods: PostingPeriods

    def complete(self, ready: Billable, bill: Bill) -> Bill:
        """Return the bill as it is written. Raises Blocked if a field has no value, or its posting period is closed."""
        return self.periods.placed(self.fields.of_bill(ready.invoice, ready.project, bill))
