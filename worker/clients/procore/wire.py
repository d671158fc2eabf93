"""Procore's responses as models.

Amounts are decimal strings, ids are strings in v2 and numbers in v1; many of them may be null. A field that may be null must still be
present if its absence would be read as a fact: that no other integration has the invoice, or that it is the first one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from worker.clients.fields import (
    AmountOrNone,
    ExactMoney,
    ExactMoneyOrNull,
    Flag,
    Id,
    IdOrNone,
    Label,
    NonEmptyText,
    OptionalDay,
    OptionalText,
    PlaceOrNone,
    Text,
)
from worker.clients.procore.custom_fields import custom_values
from worker.clients.procore.row import ProcoreRow
from worker.clients.procore.segments import segments_of
from worker.domain import money
from worker.domain.invoices import Invoice, InvoiceHead, InvoiceLine
from worker.domain.wbs_codes import Project, WbsCode


class ProjectRow(ProcoreRow):
    """GET /rest/v1.1/projects."""

    id: Id
    name: Text = ""
    project_number: OptionalText
    active: Flag
    is_demo: Flag | None = None
    template: Flag | None = None
    origin_id: OptionalText

    def project(self) -> Project:
        """Convert to the domain's type. Templates and Procore's sample project count as inactive, because no money is booked on them."""
        purpose = "template" if self.template else "sample project" if self.is_demo else ""
        return Project(self.id, self.name, self.project_number, self.active and not purpose, self.origin_id, purpose)


class WbsCodeRow(ProcoreRow):
    """GET /rest/v1.0/projects/{id}/work_breakdown_structure/wbs_codes, and `wbs_code` of a budget line or an invoice line.

    Unfinished codes may have no text, which matters only where a code needs an Item.
    """

    id: Id
    flat_code: Label = ""
    description: Label = ""
    segment_items: Any = None

    def wbs_code(self, *, reads_segments: bool = False) -> WbsCode:
        """Convert to the domain's type. `reads_segments`: with its parts, which only some installations need."""
        return WbsCode(
            self.id, self.flat_code, self.description, segments_of(self.segment_items) if reads_segments else ()
        )


class BudgetLineRow(ProcoreRow):
    """GET /rest/v2.0/…/budget_line_items (BETA), where `project_id` is text."""

    wbs_code: WbsCodeRow | None
    project_id: IdOrNone = None


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


class ProjectVendorRow(VendorRow):
    """GET /rest/v1.0/projects/{id}/vendors/{id}. Whether its records have the origin id is not documented."""

    origin_id: OptionalText = None


class CurrencyRow(ProcoreRow):
    """`currency_configuration` of a requisition."""

    currency_iso_code: Text = ""
    base_currency_iso_code: Text = ""


class HeadCurrencyRow(ProcoreRow):
    """`currency_configuration` of a requisition in a list, where it is only shown."""

    currency_iso_code: Label = ""
    base_currency_iso_code: Label = ""


class HeadSummaryRow(ProcoreRow):
    """`summary` of a requisition in a list, where it is only shown."""

    current_payment_due: AmountOrNone = None


class InvoiceHeadRow(ProcoreRow):
    """GET /rest/v1.1/requisitions, default view: an invoice without its lines. Only some of its fields are needed and must be readable."""

    id: Id
    project_id: IdOrNone = None
    status: Label = ""
    origin_id: OptionalText
    invoice_number: Label = ""
    updated_at: Label = ""
    previous_requisition_id: IdOrNone = None
    number: Label = ""
    vendor_id: IdOrNone = None
    vendor_name: Label = ""
    summary: Annotated[HeadSummaryRow, BeforeValidator(lambda value: value if isinstance(value, dict) else {})] = (
        HeadSummaryRow()
    )
    currency_configuration: Annotated[
        HeadCurrencyRow, BeforeValidator(lambda value: value if isinstance(value, dict) else {})
    ] = HeadCurrencyRow()

    def head(self, listed_status: str) -> InvoiceHead:
        """Convert to the domain's type. `listed_status`: the requested status, for a row whose own status is unreadable."""
        currency = self.currency_configuration
        return InvoiceHead(
            self.id,
            self.status or listed_status,
            self.origin_id,
            self.invoice_number,
            updated_at=self.updated_at,
            previous_id=self.previous_requisition_id,
            vendor_id=self.vendor_id,
            vendor_name=self.vendor_name,
            number=self.number,
            payment_due=self.summary.current_payment_due,
            currency=currency.currency_iso_code,
            base_currency=currency.base_currency_iso_code or currency.currency_iso_code,
        )


class InvoiceLineRow(ProcoreRow):
    """One of `items` of a requisition.

    Rows of a subcontractor's schedule of values (`contract_detail_item`) have `detail_line_item_id` instead of `line_item_id`, or repeat that
    of their contract line (docs/remotes.md). Rows of change orders may have no figures of materials, and older versions of the endpoint have
    no `..._from_previous` total.
    """

    id: IdOrNone = None
    item_type: Label = ""
    line_item_id: IdOrNone = None
    detail_line_item_id: IdOrNone = None
    previous_progress_id: IdOrNone = None
    position: PlaceOrNone = None
    description_of_work: Label = ""
    wbs_code: WbsCodeRow | None = None
    gross_amount: AmountOrNone = None
    work_completed_from_previous_application: ExactMoneyOrNull = None
    work_completed_this_period: ExactMoneyOrNull = None
    materials_presently_stored: ExactMoneyOrNull = None
    materials_presently_stored_from_previous_progress: ExactMoneyOrNull = None
    materials_moved: ExactMoneyOrNull = None
    total_completed_and_stored_to_date: ExactMoneyOrNull = None
    total_completed_and_stored_to_date_from_previous: ExactMoneyOrNull = None
    work_completed_retainage_from_previous_application: ExactMoneyOrNull = None
    work_completed_retainage_retained_this_period: ExactMoneyOrNull = None
    work_completed_retainage_released_this_period: ExactMoneyOrNull = None
    materials_stored_retainage_currently_retained: ExactMoneyOrNull = None
    materials_stored_retainage_released_this_period: ExactMoneyOrNull = None

    def line(self, index: int, *, reads_segments: bool = False) -> InvoiceLine:
        """Convert to the domain's type. `index`: the position if it is missing; `reads_segments`: with the parts of its WBS code."""
        code = self.wbs_code
        return InvoiceLine(
            id=self.id,
            kind=self.item_type,
            previous_line_id=self.previous_progress_id,
            contract_line=self._contract_line,
            segments=segments_of(code.segment_items) if code and reads_segments else (),
            position=self.position if self.position is not None else index,
            wbs_code_id=code.id if code else None,
            flat_code=code.flat_code if code else "",
            code_description=code.description if code else "",
            description=self.description_of_work or (code.description if code else ""),
            completed_to_date=self._completed_to_date,
            completed_before=self._completed_before,
            work_retained_before=self.work_completed_retainage_from_previous_application or money.ZERO,
            work_retained=self.work_completed_retainage_retained_this_period or money.ZERO,
            work_released=self.work_completed_retainage_released_this_period or money.ZERO,
            materials_retained=self.materials_stored_retainage_currently_retained or money.ZERO,
            materials_released=self.materials_stored_retainage_released_this_period or money.ZERO,
            gross_reported=self.gross_amount,
        )

    @property
    def _contract_line(self) -> str:
        """The contract line that it bills; "" if Procore does not say."""
        if self.detail_line_item_id is not None:
            return f"detail {self.detail_line_item_id}"
        return str(self.line_item_id) if self.line_item_id is not None else ""

    @property
    def _completed_before(self) -> Decimal:
        """Work and materials of the earlier invoices. Materials that Procore moved count as work, and no longer as materials."""
        if self.total_completed_and_stored_to_date_from_previous is not None:
            return self.total_completed_and_stored_to_date_from_previous
        materials = _sum(self.materials_presently_stored_from_previous_progress) - _sum(self.materials_moved)
        return _sum(self.work_completed_from_previous_application) + materials

    @property
    def _completed_to_date(self) -> Decimal:
        if self.total_completed_and_stored_to_date is not None:
            return self.total_completed_and_stored_to_date
        work = _sum(self.work_completed_from_previous_application, self.work_completed_this_period)
        return work + _sum(self.materials_presently_stored)


class SummaryRow(ProcoreRow):
    """`summary` of a requisition."""

    current_payment_due: ExactMoney
    tax_applicable_to_this_payment: ExactMoneyOrNull = None


class PaymentSummaryRow(ProcoreRow):
    """`payment_summary` of a requisition: not in the documented schema, but in every response of real accounts (docs/remotes.md)."""

    invoiced_amount_due: AmountOrNone = None


class InvoiceRow(ProcoreRow):
    """GET /rest/v1.1/requisitions/{id}."""

    id: Id
    project_id: Id
    commitment_id: Id
    previous_requisition_id: Id | None
    number: Label = ""
    invoice_number: Text = ""
    status: NonEmptyText
    origin_id: OptionalText
    billing_date: OptionalDay = None
    period_start: Label = Field("", alias="requisition_start")
    period_end: Label = Field("", alias="requisition_end")
    commitment_title: Label = Field("", alias="contract_name")
    custom_fields: Any = None
    vendor_id: Id | None
    vendor_name: Label = ""
    currency_configuration: CurrencyRow | None = None
    summary: SummaryRow
    payment_summary: Annotated[
        PaymentSummaryRow | None, BeforeValidator(lambda value: value if isinstance(value, dict) else None)
    ] = None
    lines: list[InvoiceLineRow] = Field(alias="items")

    def invoice(self, *, reads_segments: bool = False) -> Invoice:
        """Convert to the domain's type. `reads_segments`: with the parts of WBS codes, which only some installations need."""
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
            # Without multi-currency, Procore names no base currency, so it is that of the invoice.
            base_currency=currency.base_currency_iso_code or currency.currency_iso_code,
            payment_due=self.summary.current_payment_due,
            tax=self.summary.tax_applicable_to_this_payment or money.ZERO,
            amount_due_reported=self.payment_summary.invoiced_amount_due if self.payment_summary else None,
            lines=tuple(row.line(index, reads_segments=reads_segments) for index, row in enumerate(self.lines, 1)),
            further=self._further(),
        )

    def _further(self) -> dict[str, str]:
        """Return values that only decide further fields of the bill, as text, without those that are missing."""
        values = {
            # As in `billing_date`, a time after the day is ignored.
            "period_start": self.period_start.partition("T")[0],
            "period_end": self.period_end.partition("T")[0],
            "commitment_title": self.commitment_title,
        }
        further = {name: value for name, value in values.items() if value}
        return further | custom_values(self.custom_fields) if self.custom_fields else further


def rows_of(body: Any) -> Any:
    """Return the rows of a list, v1 (the body itself) or v2 (under `data`)."""
    return body.get("data") if isinstance(body, dict) else body


def _sum(*amounts: Decimal | None) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), money.ZERO)
