"""The digest of the data of an invoice that determines its bill. It is stored in the record of the bill."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from hashlib import blake2b

from worker.domain import money
from worker.domain.bill_differences import Aspect
from worker.domain.invoices import Invoice, InvoiceLine

DIGEST_BYTES = 8
_LINE_FIELDS = tuple(field.name for field in fields(InvoiceLine))


def billed_digest(invoice: Invoice) -> str:
    """Return a digest of vendor, number, date, currency, tax, payment due, and the codes and amounts of the lines.

    Texts and order of lines do not count. Equal digests mean equal bills; different digests only mean that the bill has to be compared.
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
    differences: dict[Aspect, str] = {}
    if before.vendor_id != after.vendor_id:
        differences[Aspect.VENDOR] = f"vendor {after.vendor_name} instead of {before.vendor_name}"
    if before.document_number != after.document_number:
        differences[Aspect.NUMBER] = f"number {after.document_number!r} instead of {before.document_number!r}"
    if before.billing_date != after.billing_date:
        differences[Aspect.DATE] = f"billing date {after.billing_date} instead of {before.billing_date}"
    if before.payment_due != after.payment_due:
        due, earlier = money.text(after.payment_due), money.text(before.payment_due)
        differences[Aspect.TOTAL] = f"payment due {due} instead of {earlier}"
    return differences or {Aspect.LINES: "amounts or codes of its lines"}


def _amounts(line: InvoiceLine) -> tuple[str, ...]:
    """Return the line's code and its amounts, each with its name."""
    values = ((name, getattr(line, name)) for name in _LINE_FIELDS)
    amounts = [f"{name}={money.text(value)}" for name, value in values if isinstance(value, Decimal)]
    return (str(line.wbs_code_id), *amounts)
