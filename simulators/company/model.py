"""The contractor's data: projects, WBS codes, budgets, vendors and subcontracts.

Money is `Decimal` with two places, times are aware UTC. A field of the Procore API has the same name here; the modules that serve it
(`simulators/procore`) name the reference pages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a budget code structure, such as "Cost Code" or "Cost Type" ("What is a budget code structure?", support FAQ)."""

    id: int
    name: str
    type: str
    position: int
    structure: str
    delimiter: str = "."
    required: bool = True


@dataclass(frozen=True, slots=True)
class Pattern:
    """The order of a project's segments; the flat code is their codes in this order."""

    id: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class SegmentItem:
    """One value of a segment, e.g. cost code `01-100` under its division `01`."""

    id: int
    code: str
    name: str
    segment: Segment
    parent: SegmentItem | None = None

    @property
    def path(self) -> tuple[SegmentItem, ...]:
        """Return the items from the division down to this one."""
        return (*self.parent.path, self) if self.parent else (self,)

    @property
    def is_parent(self) -> bool:
        """Return whether it is a division of a tiered segment, not a leaf."""
        return self.segment.structure == "tiered" and self.parent is None


@dataclass(slots=True)
class WbsCode:
    """A project's full budget code. `id` is its identity; `flat_code` can change. `shown`: unusual fields of its JSON."""

    id: int
    items: tuple[SegmentItem, ...]
    flat_code: str
    flat_name: str
    created_at: dt.datetime
    updated_at: dt.datetime
    own_description: str | None = None
    status: str = "active"
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """Return what Procore shows: the description that was entered, else the segment names ("codes" reference page)."""
        return self.own_description or self.flat_name


@dataclass(slots=True)
class BudgetLine:
    """A budget line item. A WBS code with one is *budgeted*, even if the amount is zero."""

    id: int
    code: WbsCode
    amount: Decimal
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """A month in which subcontractors bill."""

    id: int
    start: dt.date
    end: dt.date
    due: dt.date
    status: str
    position: int


@dataclass(slots=True)
class Vendor:
    """A subcontractor. `origin_id` is the NetSuite vendor's internal id where the two were linked through Procore.

    `project_directory_only`: commitments have a vendor id that is not in the company directory, as seen in a sandbox.
    """

    id: int
    name: str
    city: str
    state: str
    origin_id: str | None
    created_at: dt.datetime
    updated_at: dt.datetime
    is_active: bool = True
    project_directory_only: bool = False


@dataclass(slots=True)
class ContractLine:
    """One line of a subcontract's schedule of values, or of an approved change order (`kind`)."""

    id: int
    code: WbsCode | None
    description: str
    scheduled_value: Decimal
    position: int
    kind: str = "contract_item"
    first_invoice: int = 1
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    uom: str = ""
    stores_materials: bool = False


@dataclass(slots=True)
class Commitment:
    """A subcontract (Procore: work order contract) of one vendor on one project."""

    id: int
    project_id: int
    vendor_id: int
    number: str
    title: str
    retainage_percent: Decimal
    signed_on: dt.date
    lines: list[ContractLine]
    updated_at: dt.datetime
    currency: str = "USD"
    exchange_rate: Decimal = Decimal("1")
    invoice_ids: list[int] = field(default_factory=list)

    @property
    def accounting_method(self) -> str:
        """Return "unit" if its lines have quantity and price, else "amount"."""
        return "unit" if any(line.unit_price is not None for line in self.lines) else "amount"

    def codes(self) -> Iterator[WbsCode]:
        """Yield the WBS codes of its lines."""
        return (line.code for line in self.lines if line.code is not None)


@dataclass(slots=True)
class CustomField:
    """The definition of a custom field of the company. `options`: the ids of its list entries by label, for the types of lists."""

    id: int
    label: str
    data_type: str
    options: dict[str, int] = field(default_factory=dict)
    active: bool = True


@dataclass(slots=True)
class Project:
    """A job. `origin_id`: internal id of the linked NetSuite job; `permitted`: whether the app may see the project.

    `budget_lines_refused`: the status of the refusal if only this project refuses its v2.0 budget lines, else 0; `has_budget_view`: whether the
    budget can be read from a view; `shown`: unusual fields of its JSON; `custom_fields`: values by id of their definition.
    """

    id: int
    name: str
    number: str | None
    pattern: Pattern
    city: str
    state: str
    origin_id: str | None
    created_at: dt.datetime
    updated_at: dt.datetime
    first_period_id: int
    budget_view_id: int
    active: bool = True
    is_demo: bool = False
    template: bool = False
    permitted: bool = True
    tools_disabled: bool = False
    budget_lines_refused: int = 0
    has_budget_view: bool = True
    shown: dict[str, Any] = field(default_factory=dict)
    custom_fields: dict[int, Any] = field(default_factory=dict)
    codes: dict[int, WbsCode] = field(default_factory=dict)
    budget: dict[int, BudgetLine] = field(default_factory=dict)
    commitment_ids: list[int] = field(default_factory=list)
    invoice_ids: list[int] = field(default_factory=list)

    @property
    def display_name(self) -> str:
        """Return number and name, as Procore shows them."""
        return f"{self.number} - {self.name}" if self.number else self.name

    def code_named(self, flat_code: str) -> WbsCode:
        """Return the code with this flat code. Raises KeyError."""
        for code in self.codes.values():
            if code.flat_code == flat_code:
                return code
        raise KeyError(flat_code)

    def budgeted_codes(self) -> list[WbsCode]:
        """Return the codes that have a budget line, in the order of these lines."""
        return [line.code for line in list(self.budget.values())]
