"""A digest of everything of an invoice that determines its bill; stored with the bill's record."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from hashlib import blake2b

from worker.domain import money
from worker.domain.bill_differences import Aspect
from worker.domain.invoices import Invoice, InvoiceLine

DIGEST_BYTES = 8
_OF_A_LINE = tuple(field.name for field in fields(InvoiceLine))


def billed_digest(invoice: Invoice) -> str:
    """Return a short text that differs if the vendor, number, date, currency, tax, payment due, or the code or any amount of a line differs.

    Texts and order of lines do not count. Equal digests mean equal bills; different ones only mean that the bill has to be compared.
    """
    head = (
        invoice.vendor_id,
        invoice.document_number,
        invoice.billing_date,
        invoice.currency,
        money.text(invoice.tax),
        money.text(invoice.payment_due),
    )
    lines = sorted(repr(_amounts(line)) for line in invoice.lines)
    return blake2b(repr((head, lines)).encode(), digest_size=DIGEST_BYTES).hexdigest()


def changes(before: Invoice, after: Invoice) -> dict[Aspect, str]:
    """Return how two versions of an invoice differ, by aspect of its bill; empty if their bills are equal."""
    if billed_digest(before) == billed_digest(after):
        return {}
    differs: dict[Aspect, str] = {}
    if before.vendor_id != after.vendor_id:
        differs[Aspect.VENDOR] = f"vendor {after.vendor_name} instead of {before.vendor_name}"
    if before.document_number != after.document_number:
        differs[Aspect.NUMBER] = f"number {after.document_number!r} instead of {before.document_number!r}"
    if before.billing_date != after.billing_date:
        differs[Aspect.DATE] = f"billing date {after.billing_date} instead of {before.billing_date}"
    if before.payment_due != after.payment_due:
        due = money.text(after.payment_due), money.text(before.payment_due)
        differs[Aspect.TOTAL] = "payment due {} instead of {}".format(*due)
    return differs or {Aspect.LINES: "amounts or codes of its lines"}


def _amounts(line: InvoiceLine) -> tuple[str, ...]:
    """Return the line's code and all of its amounts."""
    values = ((name, getattr(line, name)) for name in _OF_A_LINE)
    amounts = [f"{name}={money.text(value)}" for name, value in values if isinstance(value, Decimal)]
    return (str(line.wbs_code_id), *amounts)
