"""A company with its content of Procore and NetSuite, and methods that add a project, a code, a subcontract or an invoice."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from simulators.books import NetSuiteBooks
from simulators.company.billing import Balance, Billed, Invoice, InvoiceLine
from simulators.company.codes import CodeList, Template, new_code
from simulators.company.ids import Ids
from simulators.company.model import (
    ZERO,
    BillingPeriod,
    BudgetLine,
    Commitment,
    ContractLine,
    CustomField,
    Project,
    Vendor,
    WbsCode,
)

FIRST_PERIOD = dt.date(2026, 1, 1)
PERIODS = 6  # January to June 2026
CLOSED_BEFORE = dt.date(2026, 3, 1)  # the books' January and February are closed
STARTED_AT = dt.datetime(2025, 11, 3, 15, 0, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """A planned line of a schedule of values: its code and value; other fields as in `ContractLine`."""

    code: WbsCode | None
    value: Decimal
    description: str | None = None
    kind: str = "contract_item"
    first_invoice: int = 1
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    uom: str = ""
    stores_materials: bool = False


@dataclass(slots=True)
class Company:
    """One contractor.

    `cases`: ids of the records of each unusual case, by name of the case. `vendor_links`, `job_links`: the internal ids in NetSuite by
    Procore id, also of records that a client can hardly match. `custom_fields`: definitions by id; none at the start.
    """

    company_id: int
    name: str
    seed: int
    profile: str
    rng: Random
    ids: Ids
    code_list: CodeList
    netsuite: NetSuiteBooks
    projects: dict[int, Project] = field(default_factory=dict)
    vendors: dict[int, Vendor] = field(default_factory=dict)
    commitments: dict[int, Commitment] = field(default_factory=dict)
    invoices: dict[int, Invoice] = field(default_factory=dict)
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    vendor_links: dict[int, str] = field(default_factory=dict)
    job_links: dict[int, str] = field(default_factory=dict)
    custom_fields: dict[int, CustomField] = field(default_factory=dict)

    def add_project(
        self,
        number: str | None,
        name: str,
        city: tuple[str, str],
        *,
        at: dt.datetime = STARTED_AT,
        buildings: bool = False,
    ) -> Project:
        """Add a job without codes that is not linked to NetSuite."""
        project = Project(
            id=self.ids.take("project"),
            name=name,
            number=number,
            pattern=self.code_list.with_building if buildings else self.code_list.plain,
            city=city[0],
            state=city[1],
            origin_id=None,
            created_at=at,
            updated_at=at,
            first_period_id=self.ids.block("period", PERIODS),
            budget_view_id=self.ids.take("budget_view"),
        )
        self.projects[project.id] = project
        return project

    def add_code(
        self,
        project: Project,
        template: Template,
        budget: Decimal | None = None,
        *,
        at: dt.datetime = STARTED_AT,
        description: str | None = None,
        status: str = "active",
    ) -> WbsCode:
        """Add a WBS code to `project`, with a budget line of `budget` dollars unless that is None."""
        code = new_code(self.ids, template, at, description, status)
        project.codes[code.id] = code
        if len(code.items) > len(project.pattern.segments):
            project.pattern = self.code_list.with_building
        if budget is not None:
            self.add_budget_line(project, code, budget, at=at)
        return code

    def add_budget_line(
        self, project: Project, code: WbsCode, amount: Decimal, *, at: dt.datetime = STARTED_AT
    ) -> BudgetLine:
        """Add a budget line for `code`, or replace the one that it has."""
        line = BudgetLine(self.ids.take("budget_line"), code, amount, at, at)
        project.budget[code.id] = line
        return line

    def add_vendor(self, name: str, city: tuple[str, str], origin_id: str | None = None) -> Vendor:
        """Add a subcontractor to the company directory."""
        vendor = Vendor(self.ids.take("vendor"), name, city[0], city[1], origin_id, STARTED_AT, STARTED_AT)
        self.vendors[vendor.id] = vendor
        return vendor

    def open_subcontract(
        self,
        project: Project,
        vendor: Vendor,
        works: Sequence[Work],
        *,
        retainage_percent: Decimal = Decimal("10"),
        currency: str = "USD",
        exchange_rate: Decimal = Decimal("1"),
    ) -> Commitment:
        """Add an approved, signed subcontract of `vendor` with the schedule of values `works`."""
        lines = [
            ContractLine(
                id=self.ids.take("contract_line"),
                code=work.code,
                description=work.description or (work.code.items[0].name if work.code else "Allowance, not coded yet"),
                scheduled_value=work.value,
                position=position,
                kind=work.kind,
                first_invoice=work.first_invoice,
                quantity=work.quantity,
                unit_price=work.unit_price,
                uom=work.uom,
                stores_materials=work.stores_materials,
            )
            for position, work in enumerate(works, start=1)
        ]
        count = len(project.commitment_ids) + 1
        commitment = Commitment(
            id=self.ids.take("commitment"),
            project_id=project.id,
            vendor_id=vendor.id,
            number=f"SC-{project.number or project.id}-{count:03d}",
            title=lines[0].description,
            retainage_percent=retainage_percent,
            signed_on=STARTED_AT.date(),
            lines=lines,
            updated_at=STARTED_AT,
            currency=currency,
            exchange_rate=exchange_rate,
        )
        self.commitments[commitment.id] = commitment
        project.commitment_ids.append(commitment.id)
        return commitment

    def bill(
        self,
        commitment: Commitment,
        period: BillingPeriod,
        billed: Iterable[tuple[ContractLine, Billed]],
        *,
        status: str = "approved",
        invoice_number: str | None = None,
        billing_date: dt.date | None = None,
        at: dt.datetime | None = None,
        origin_id: str | None = None,
        off_by: Decimal = ZERO,
    ) -> Invoice:
        """Add the subcontract's next invoice. `at`: when it was last changed; by default soon after its billing date."""
        previous = self.invoices[commitment.invoice_ids[-1]] if commitment.invoice_ids else None
        number = len(commitment.invoice_ids) + 1
        day = billing_date or period.end
        submitted = dt.datetime.combine(day, dt.time(23, 5), dt.UTC)
        invoice = Invoice(
            id=self.ids.take("invoice"),
            commitment=commitment,
            number=number,
            invoice_number=invoice_number
            or f"{short_name(self.vendors[commitment.vendor_id].name)}-{commitment.id % 10_000}-{number:02d}",
            status=status,
            billing_date=day,
            period_start=period.start,
            period_end=period.end,
            period_id=period.id,
            lines=self._lines(previous, billed),
            previous_id=previous.id if previous else None,
            created_at=at or submitted,
            updated_at=at or submitted + dt.timedelta(hours=18),
            origin_id=origin_id,
            off_by=off_by,
        )
        self.invoices[invoice.id] = invoice
        commitment.invoice_ids.append(invoice.id)
        self.projects[commitment.project_id].invoice_ids.append(invoice.id)
        return invoice

    def _lines(self, previous: Invoice | None, billed: Iterable[tuple[ContractLine, Billed]]) -> list[InvoiceLine]:
        ended = {line.contract_line.id: line for line in previous.lines} if previous else {}
        lines = []
        for contract_line, now in billed:
            last = ended.get(contract_line.id)
            line = InvoiceLine(self.ids.take("invoice_line"), contract_line, last.after if last else Balance(), now)
            if last is not None:
                line.previous_id = last.id
                line.quantity_before = last.quantity_before + (last.billed.quantity or ZERO)
            lines.append(line)
        return lines


def short_name(vendor_name: str) -> str:
    """Return the letters with which a subcontractor's invoice numbers begin: "OBRI" for "O'Brien Steel & Sons"."""
    return "".join(letter for letter in vendor_name.upper() if letter.isalnum())[:4]


def periods_of(project: Project) -> list[BillingPeriod]:
    """Return the project's billing periods, one per month. Those of closed months are closed too."""
    periods = []
    for position in range(PERIODS):
        start = FIRST_PERIOD.replace(month=FIRST_PERIOD.month + position)
        end = start.replace(day=calendar.monthrange(start.year, start.month)[1])
        status = "closed" if end < CLOSED_BEFORE else "open"
        due = end + dt.timedelta(days=10)
        periods.append(BillingPeriod(project.first_period_id + position, start, end, due, status, position + 1))
    return periods
