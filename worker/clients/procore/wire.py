"""Procore's answers as models.

Money comes as decimal strings, ids of v2 as strings, of v1 as numbers; many of them may be null. What may be null has to be there
all the same where its absence would be read as a fact: that no other integration has an invoice, that it is the first one.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from worker.clients.fields import Day, Flag, Id, Money, MoneyOrNull, OptionalText, Row, SomeText, Text, WholeNumber
from worker.domain import money
from worker.domain.invoices import Invoice, InvoiceLine
from worker.domain.wbs_codes import Project, WbsCode


class ProcoreRow(Row):
    """Any of Procore's records."""

    remote: ClassVar[str] = "Procore"


class ProjectRow(ProcoreRow):
    """GET /rest/v1.1/projects."""

    id: Id
    name: Text = ""
    project_number: OptionalText
    active: Flag
    is_demo: Flag | None = None
    origin_id: OptionalText

    def project(self) -> Project:
        """In the domain's words. Procore's sample project counts as inactive: nobody books money on it."""
        return Project(self.id, self.name, self.project_number, self.active and not self.is_demo, self.origin_id)


class WbsCodeRow(ProcoreRow):
    """GET /rest/v1.0/projects/{id}/work_breakdown_structure/wbs_codes, and `wbs_code` inside other answers."""

    id: Id
    flat_code: SomeText
    description: Text = ""

    def wbs_code(self) -> WbsCode:
        """In the domain's words."""
        return WbsCode(self.id, self.flat_code, self.description)


class BudgetLineRow(ProcoreRow):
    """GET /rest/v2.0/…/budget_line_items (BETA)."""

    wbs_code: WbsCodeRow | None


class DetailRow(ProcoreRow):
    """GET /rest/v1.0/budget_views/{id}/detail_rows."""

    wbs_code_id: Id | None


class BudgetViewRow(ProcoreRow):
    """GET /rest/v1.0/budget_views."""

    id: Id


class VendorRow(ProcoreRow):
    """GET /rest/v1.0/vendors/{id}."""

    id: Id
    name: Text = ""
    origin_id: OptionalText


class InvoiceHeadRow(ProcoreRow):
    """GET /rest/v1.1/requisitions, default view."""

    id: Id
    status: SomeText
    origin_id: OptionalText
    invoice_number: Text = ""


class InvoiceLineRow(ProcoreRow):
    """One of `items` of a requisition."""

    id: Id
    line_item_id: Id | None = None
    position: WholeNumber | None = None
    description_of_work: Text = ""
    wbs_code: WbsCodeRow | None = None
    total_completed_and_stored_to_date: MoneyOrNull = money.ZERO
    total_completed_and_stored_to_date_from_previous: MoneyOrNull = money.ZERO
    work_completed_retainage_from_previous_application: MoneyOrNull = money.ZERO
    work_completed_retainage_retained_this_period: MoneyOrNull = money.ZERO
    work_completed_retainage_released_this_period: MoneyOrNull = money.ZERO
    materials_stored_retainage_currently_retained: MoneyOrNull = money.ZERO
    materials_stored_retainage_released_this_period: MoneyOrNull = money.ZERO

    def line(self, index: int) -> InvoiceLine:
        """In the domain's words; `index` stands in for a missing position."""
        code = self.wbs_code
        return InvoiceLine(
            line_item_id=self.line_item_id if self.line_item_id is not None else self.id,
            position=self.position if self.position is not None else index,
            wbs_code_id=code.id if code else None,
            flat_code=code.flat_code if code else "",
            code_description=code.description if code else "",
            description=self.description_of_work or (code.description if code else ""),
            completed_to_date=self.total_completed_and_stored_to_date,
            completed_before=self.total_completed_and_stored_to_date_from_previous,
            work_retained_before=self.work_completed_retainage_from_previous_application,
            work_retained=self.work_completed_retainage_retained_this_period,
            work_released=self.work_completed_retainage_released_this_period,
            materials_retained=self.materials_stored_retainage_currently_retained,
            materials_released=self.materials_stored_retainage_released_this_period,
        )


class SummaryRow(ProcoreRow):
    """`summary` of a requisition."""

    current_payment_due: Money
    tax_applicable_to_this_payment: MoneyOrNull = money.ZERO


class CurrencyRow(ProcoreRow):
    """`currency_configuration` of a requisition."""

    currency_iso_code: Text = ""
    base_currency_iso_code: Text = ""


class InvoiceRow(ProcoreRow):
    """GET /rest/v1.1/requisitions/{id}."""

    id: Id
    project_id: Id
    commitment_id: Id
    previous_requisition_id: Id | None
    number: Text = ""
    invoice_number: Text = ""
    status: SomeText
    origin_id: OptionalText
    billing_date: Day | None = None
    vendor_id: Id
    vendor_name: Text = ""
    currency_configuration: CurrencyRow | None = None
    summary: SummaryRow
    lines: list[InvoiceLineRow] = Field(alias="items")

    def invoice(self) -> Invoice:
        """In the domain's words."""
        currency = self.currency_configuration or CurrencyRow()
        return Invoice(
            id=self.id,
            project_id=self.project_id,
            commitment_id=self.commitment_id,
            previous_id=self.previous_requisition_id,
            number=self.number,
            document_number=self.invoice_number.strip(),
            status=self.status,
            origin_id=self.origin_id,
            billing_date=self.billing_date,
            vendor_id=self.vendor_id,
            vendor_name=self.vendor_name,
            currency=currency.currency_iso_code,
            # Without multi-currency Procore names no base: the invoice's own is the base then.
            base_currency=currency.base_currency_iso_code or currency.currency_iso_code,
            payment_due=self.summary.current_payment_due,
            tax=self.summary.tax_applicable_to_this_payment,
            lines=tuple(row.line(index) for index, row in enumerate(self.lines, 1)),
        )


def rows_of(body: Any) -> Any:
    """The rows of a list, v1 (bare) or v2 (under `data`)."""
    return body.get("data") if isinstance(body, dict) else body
