"""What the settings say about what is written, as one parameter object."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from worker.domain.bill_lines import FixedItems
from worker.domain.fields import AccountFields
from worker.domain.posting_periods import ClosedPeriod
from worker.domain.wbs_codes import NamingRule


@dataclass(frozen=True, slots=True)
class Policy:
    """The values that decide what is written. `project_ids`: the only projects that are synced, all if empty; `marks_adopted`: whether an adopted
    Item gets an external id; `currency`: base currency of the books, "" if not set; `settle_seconds`: seconds for which an unconfirmed write
    is only looked up; `billing_digest`: of all settings that decide whether an invoice is billed; `fields`: further fields of new records;
    `names_projects`: whether bill lines name a NetSuite project.
    """

    project_ids: Set[int]
    name_format: str
    marks_adopted: bool
    export_statuses: Sequence[str]
    fixed_items: FixedItems
    makes_credits: bool
    closed_period: ClosedPeriod
    currency: str
    settle_seconds: float
    billing_digest: str
    fields: AccountFields = field(default_factory=AccountFields)
    names_projects: bool = True

    @property
    def naming_rule(self) -> NamingRule:
        """Return how Items are named."""
        return NamingRule(self.name_format)
