"""Subcontractor invoices, whole and as Procore lists them, and which of them may be billed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from worker.domain import money
from worker.domain.bills import DOCUMENT_NUMBER_LIMIT, Document
from worker.domain.errors import Blocked
from worker.domain.identities import bill_id_of_origin
from worker.domain.problems import Cause
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import Segment

NOTHING_BILLED = "nothing is billed on it"
"""Reason to skip an invoice whose bill would have no lines."""
WHOLE_CHANGE_ORDER = "whole_change_order_item"
"""Kind of a line that bills a change order as a whole (Procore's API: `item_type`)."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of a subcontractor invoice; amounts in the invoice's currency, with fractions of a cent if Procore has them.

    `previous_line_id`: the line of the previous invoice that it continues. `contract_line`: the contract line that it bills; several lines
    may have the same one, and "" means that Procore does not say. `gross_reported`: Procore's figure for `gross`. `segments`: the parts of its
    WBS code, whose names Procore does not show here.
    """

    id: int | None
    kind: str
    previous_line_id: int | None
    contract_line: str
    position: int
    wbs_code_id: int | None
    flat_code: str
    code_description: str
    description: str
    completed_to_date: Decimal
    completed_before: Decimal
    work_retained_before: Decimal
    work_retained: Decimal
    work_released: Decimal
    materials_retained: Decimal
    materials_released: Decimal
    gross_reported: Decimal | None = None
    segments: tuple[Segment, ...] = field(default=(), compare=False)

    @property
    def retained_to_date(self) -> Decimal:
        """Retainage of the line after this invoice, on work and on stored materials."""
        return self.work_retained_before + self.work_retained - self.work_released + self.materials_retained

    @property
    def gross(self) -> Decimal:
        """Work and stored materials of this period: completed and stored to date - the same figure of the previous invoice (docs/remotes.md);
        negative on deductive lines.
        """
        return money.in_cents(self.completed_to_date - self.completed_before)

    @property
    def code_and_description(self) -> str:
        """The line's text on a bill."""
        return f"{self.flat_code} {self.description}".strip()

    @property
    def label(self) -> str:
        """The line's position on the invoice, with code and description."""
        return f"line {self.position} ({self.code_and_description or 'no description'})"


@dataclass(frozen=True, slots=True)
class Invoice:
    """A subcontractor invoice (Procore's API: requisition).

    `vendor_id`: None if its commitment has no company. `amount_due_reported`: `payment_summary.invoiced_amount_due`, if given.
    `further`: values that only decide further fields of its bill, by name, such as `period_end` and `custom_field_598`.
    """

    id: int
    project_id: int
    commitment_id: int
    previous_id: int | None
    number: str
    document_number: str
    status: str
    origin_id: str | None
    billing_date: date | None
    vendor_id: int | None
    vendor_name: str
    currency: str
    base_currency: str
    payment_due: Decimal
    tax: Decimal
    lines: tuple[InvoiceLine, ...]
    amount_due_reported: Decimal | None = None
    further: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def label(self) -> str:
        """The invoice's name for users."""
        return self.document_number or f"number {self.number}"

    @property
    def document(self) -> Document:
        """The document it becomes."""
        return Document.CREDIT if self.payment_due < 0 else Document.BILL

    @property
    def base_due(self) -> Decimal | None:
        """The payment due, if it is in the company's base currency."""
        return self.payment_due if self.currency == self.base_currency else None

    @property
    def facts(self) -> dict[str, str]:
        """Names and payment due for the sentences of its problems."""
        names = {"invoice": self.label, "vendor": self.vendor_name, "number": self.number}
        return names | amount_facts(self.payment_due, self.currency, self.base_currency)

    @property
    def retainage_reported(self) -> Decimal | None:
        """Retainage held less released by this invoice, from Procore's totals: gross amounts of the period - amount due (docs/remotes.md). It
        is a cross-check and not billed. None if Procore gives no such totals.
        """
        gross = [line.gross_reported for line in self.lines if line.gross_reported is not None]
        if self.amount_due_reported is None or len(gross) < len(self.lines):
            return None
        return sum(gross, money.ZERO) - self.amount_due_reported

    @property
    def wbs_code_ids(self) -> list[int]:
        """Codes that need an Item, without duplicates: those of lines with an amount this period."""
        return list(dict.fromkeys(line.wbs_code_id for line in self.lines if line.gross and line.wbs_code_id))


def amount_facts(payment_due: Decimal, currency: str, base_currency: str) -> dict[str, str]:
    """Return the payment due as text, with the currencies if it is not in the base currency."""
    facts = {"payment_due": money.text(payment_due)}
    return facts if currency == base_currency else facts | {"currency": currency, "base_currency": base_currency}


def reason_to_skip(invoice: Invoice, export_statuses: Collection[str]) -> str | None:
    """Return why an invoice is not exported now; None if it is."""
    if invoice.origin_id and not bill_id_of_origin(invoice.origin_id):
        return claimed_by_another(invoice.origin_id)
    if invoice.status not in export_statuses:
        return f"status is {invoice.status.replace('_', ' ')}"
    if not (invoice.payment_due or invoice.tax) and not any(
        line.gross or line.work_retained or line.work_released or line.materials_released for line in invoice.lines
    ):
        return NOTHING_BILLED
    return None


def claimed_by_another(origin_id: str) -> str:
    """Return why an invoice with the origin id of another integration is skipped."""
    return f"already claimed by another integration (origin id {origin_id})"


def require_billable(
    invoice: Invoice, *, makes_credits: bool = False, bills_tax: bool = False, books_currency: str = ""
) -> None:
    """Raise Blocked for problems of the invoice itself, before anything is queried or written.

    `makes_credits`: whether an invoice with a negative payment due becomes a vendor credit. `bills_tax`: whether tax becomes a line of the
    bill. `books_currency`: the currency of the books in NetSuite, "" if not set. Procore's base currency is that of the project if the
    project has its own, so it alone does not identify a foreign currency.
    """
    facts = invoice.facts
    base = books_currency or invoice.base_currency
    if invoice.currency != base:
        raise Blocked(cause=Cause.FOREIGN_CURRENCY, facts=facts | {"currency": invoice.currency, "base_currency": base})
    if invoice.tax and not bills_tax:
        # Also if the lines tie: whether the payment due includes the tax is not documented, and a bill without it is too low.
        raise Blocked(cause=Cause.TAX_ITEM_MISSING, facts=facts | {"tax": money.text(invoice.tax)})
    if invoice.payment_due < 0 and not makes_credits:
        raise Blocked(cause=Cause.NEEDS_VENDOR_CREDIT, facts=facts)
    if invoice.billing_date is None:
        raise Blocked(cause=Cause.BILLING_DATE_MISSING, facts=facts)
    if not invoice.document_number:
        raise Blocked(cause=Cause.DOCUMENT_NUMBER_MISSING, facts=facts)
    if len(invoice.document_number) > DOCUMENT_NUMBER_LIMIT:
        raise Blocked(cause=Cause.DOCUMENT_NUMBER_TOO_LONG, facts=facts | {"limit": str(DOCUMENT_NUMBER_LIMIT)})
    if character := unwritable(invoice.document_number):
        raise Blocked(cause=Cause.DOCUMENT_NUMBER_HAS_UNSUPPORTED_CHARACTER, facts=facts | {"character": character})
    contract_company_id(invoice)
    for line in invoice.lines:
        if line.gross and (line.wbs_code_id is None or not line.flat_code):
            whole = line.kind == WHOLE_CHANGE_ORDER
            cause = Cause.CHANGE_ORDER_MISSING_CODE if whole else Cause.LINE_MISSING_CODE
            raise Blocked(cause=cause, facts=facts | {"position": str(line.position), "description": line.description})


def contract_company_id(invoice: Invoice) -> int:
    """Return Procore's id of the company to be paid. Raises Blocked if the commitment has none."""
    if invoice.vendor_id is None:
        raise Blocked(cause=Cause.CONTRACT_COMPANY_MISSING, facts=invoice.facts)
    return invoice.vendor_id


@dataclass(frozen=True, slots=True)
class InvoiceHead:
    """One invoice of a list: enough to decide whether to read the whole invoice.

    `updated_at`: Procore's text, "" if missing; `previous_id`: the previous invoice of the contract; `payment_due`: None if the list does not
    show it; `is_readable`: False if only the id could be read, so that the invoice itself must be read.
    """

    id: int
    status: str
    origin_id: str | None
    document_number: str
    updated_at: str = ""
    previous_id: int | None = None
    vendor_id: int | None = None
    vendor_name: str = ""
    number: str = ""
    payment_due: Decimal | None = None
    currency: str = ""
    base_currency: str = ""
    is_readable: bool = True

    @property
    def label(self) -> str:
        """The invoice's name for users."""
        return self.document_number or (f"number {self.number}" if self.number else f"id {self.id}")

    @property
    def claimed(self) -> str:
        """Why it is skipped if another integration has claimed it, which its origin id shows; "" if none has."""
        is_foreign = self.origin_id is not None and bill_id_of_origin(self.origin_id) is None
        return claimed_by_another(self.origin_id or "") if is_foreign else ""

    @property
    def base_due(self) -> Decimal | None:
        """The payment due, if it is in the company's base currency."""
        return self.payment_due if self.currency == self.base_currency else None

    @property
    def facts(self) -> dict[str, str]:
        """The facts of `Invoice.facts` that the list shows."""
        names = {"invoice": self.label, "vendor": self.vendor_name, "number": self.number}
        due = {} if self.payment_due is None else amount_facts(self.payment_due, self.currency, self.base_currency)
        return {name: value for name, value in (names | due).items() if value}
