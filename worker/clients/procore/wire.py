"""Procore's answers as models: only the fields that are used, named as Procore names them; unknown ones are ignored.

Money comes as decimal strings, ids of v2 as strings, of v1 as numbers; any of them may be null.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from worker.domain import money
from worker.domain.errors import UnexpectedAnswer
from worker.domain.invoices import Invoice, InvoiceLine
from worker.domain.wbs_codes import Project, WbsCode

Money = Annotated[Decimal, BeforeValidator(money.amount)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))]
OptionalText = Annotated[str | None, BeforeValidator(lambda value: None if value in (None, "") else str(value))]
ModelT = TypeVar("ModelT", bound=BaseModel)


class ProjectRow(BaseModel):
    """GET /rest/v1.1/projects."""

    id: int
    name: Text = ""
    project_number: OptionalText = None
    active: bool = True
    is_demo: bool | None = None
    origin_id: OptionalText = None

    def project(self) -> Project:
        """In the domain's words. Procore's sample project counts as inactive: nobody books money on it."""
        return Project(self.id, self.name, self.project_number, self.active and not self.is_demo, self.origin_id)


class WbsCodeRow(BaseModel):
    """GET /rest/v1.0/projects/{id}/work_breakdown_structure/wbs_codes, and `wbs_code` inside other answers."""

    id: int
    flat_code: Text = ""
    description: Text = ""

    def wbs_code(self) -> WbsCode:
        """In the domain's words."""
        return WbsCode(self.id, self.flat_code, self.description)


class BudgetLineRow(BaseModel):
    """GET /rest/v2.0/…/budget_line_items (BETA)."""

    wbs_code: WbsCodeRow | None = None


class DetailRow(BaseModel):
    """GET /rest/v1.0/budget_views/{id}/detail_rows."""

    wbs_code_id: int | None = None


class BudgetViewRow(BaseModel):
    """GET /rest/v1.0/budget_views."""

    id: int


class VendorRow(BaseModel):
    """GET /rest/v1.0/vendors/{id}."""

    id: int
    name: Text = ""
    origin_id: OptionalText = None


class InvoiceHeadRow(BaseModel):
    """GET /rest/v1.1/requisitions, default view."""

    id: int
    status: Text = ""
    origin_id: OptionalText = None
    invoice_number: Text = ""


class InvoiceLineRow(BaseModel):
    """One of `items` of a requisition."""

    id: int
    line_item_id: int | None = None
    position: int | None = None
    description_of_work: Text = ""
    wbs_code: WbsCodeRow | None = None
    total_completed_and_stored_to_date: Money = money.ZERO
    total_completed_and_stored_to_date_from_previous: Money = money.ZERO
    work_completed_retainage_from_previous_application: Money = money.ZERO
    work_completed_retainage_retained_this_period: Money = money.ZERO
    work_completed_retainage_released_this_period: Money = money.ZERO
    materials_stored_retainage_currently_retained: Money = money.ZERO
    materials_stored_retainage_released_this_period: Money = money.ZERO

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


class SummaryRow(BaseModel):
    """`summary` of a requisition."""

    current_payment_due: Money


class CurrencyRow(BaseModel):
    """`currency_configuration` of a requisition."""

    currency_iso_code: Text = ""
    base_currency_iso_code: Text = ""


class InvoiceRow(BaseModel):
    """GET /rest/v1.1/requisitions/{id}."""

    id: int
    project_id: int
    commitment_id: int
    previous_requisition_id: int | None = None
    number: Text = ""
    invoice_number: Text = ""
    status: Text = ""
    origin_id: OptionalText = None
    billing_date: date | None = None
    vendor_id: int
    vendor_name: Text = ""
    currency_configuration: CurrencyRow | None = None
    summary: SummaryRow
    lines: list[InvoiceLineRow] = Field(default_factory=list, alias="items")

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
            lines=tuple(row.line(index) for index, row in enumerate(self.lines, 1)),
        )


def read(model: type[ModelT], body: Any) -> ModelT:
    """One record. Raises UnexpectedAnswer that names the fields that are not as published."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise UnexpectedAnswer(_complaint(model, error)) from error


def read_list(model: type[ModelT], body: Any) -> Sequence[ModelT]:
    """A list of records, v1 (bare) or v2 (under `data`)."""
    rows = body.get("data") if isinstance(body, dict) else body
    try:
        return TypeAdapter(list[model]).validate_python(rows)  # type: ignore[valid-type]
    except ValidationError as error:
        raise UnexpectedAnswer(_complaint(model, error)) from error


def _complaint(model: type[BaseModel], error: ValidationError) -> str:
    faults = error.errors(include_input=False, include_url=False)[:3]
    told = "; ".join(f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}" for fault in faults)
    return f"Procore's {model.__name__.removesuffix('Row')} is not as published: {told}"
