"""Compares a bill in NetSuite with the one that an invoice needs, and two versions of an invoice by what determines their bills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from hashlib import blake2b

from worker.domain import money
from worker.domain.bills import Bill, BillLine, FoundBill
from worker.domain.invoices import Invoice, InvoiceLine
from worker.domain.series import Deviation
from worker.domain.texts import first_few

DIGEST_BYTES = 8
_LINE_FIELDS = tuple(field.name for field in fields(InvoiceLine))


def difference(bill: Bill, found: FoundBill) -> str | None:
    """Return how a bill in NetSuite differs from the expected one; None if it does not."""
    return "; ".join(differences(bill, found).values()) or None


def differences(bill: Bill, found: FoundBill) -> dict[Deviation, str]:
    """Return how a bill in NetSuite differs from the expected one, by aspect.

    Lines are compared as a multiset of (Item, amount): their order and changed descriptions do not matter. A total that differs because of
    the lines is reported with the lines.
    """
    differs: dict[Deviation, str] = {}
    totals = f"total {money.text(found.total)} instead of {money.text(bill.total)}"
    not_on_lines = found.total - sum((line.amount for line in found.lines), money.ZERO)
    if found.vendor_id != bill.vendor_id:
        vendors = _named(found.vendor_name, found.vendor_id), _named(bill.vendor_name, bill.vendor_id)
        differs[Deviation.VENDOR] = "vendor {} instead of {}".format(*vendors)
    if found.document_number != bill.document_number:
        differs[Deviation.NUMBER] = f"reference number {found.document_number!r} instead of {bill.document_number!r}"
    if found.date != bill.date:
        differs[Deviation.DATE] = f"date {found.date} instead of {bill.date}"
    if found.total != bill.total and not_on_lines:
        differs[Deviation.TOTAL] = f"{totals}, of which {money.text(not_on_lines)} is not on Item lines"
    if found.exchange_rate != 1:
        # The vendor's currency in NetSuite is another one, so equal numbers are not equal amounts.
        differs[Deviation.TOTAL] = (
            f"total {money.text(found.total)} in another currency (exchange rate {found.exchange_rate})"
        )
    if _amounts(found.lines) != _amounts(bill.lines):
        lines = _other_lines(bill.lines, found.lines)
        is_only_reason = found.total != bill.total and Deviation.TOTAL not in differs
        differs[Deviation.LINES] = f"{totals}, {lines}" if is_only_reason else lines
    return differs


def _named(name: str, record_id: str) -> str:
    return f"{name} (id {record_id})" if name else f"id {record_id}"


def _other_lines(wanted: Sequence[BillLine], found: Sequence[BillLine]) -> str:
    """Return which lines only one of two bills has."""
    extra, missing = _without(found, wanted), _without(wanted, found)
    # An Item has one name in both lists: NetSuite returns names, and a line that was not written may have only Procore's description.
    names = {line.item_id: line.item_name for line in (*wanted, *found) if line.item_id and line.item_name}
    parts = (("extra lines", extra), ("missing lines", missing))
    return ", ".join(f"{title}: {_listed(lines, names)}" for title, lines in parts if lines)


def _without(lines: Sequence[BillLine], others: Sequence[BillLine]) -> list[BillLine]:
    """Return the lines that have no equal line among `others`."""
    unmatched = _amounts(others)
    rest = []
    for line in lines:
        amount = (line.item_id, line.amount)
        if unmatched[amount]:
            unmatched[amount] -= 1
        else:
            rest.append(line)
    return rest


def _listed(lines: Sequence[BillLine], names: Mapping[str, str]) -> str:
    shown = (names.get(line.item_id) or line.description or f"Item {line.item_id or 'none'}" for line in lines)
    return first_few([f"{name} {money.text(line.amount)}" for name, line in zip(shown, lines, strict=True)])


def _amounts(lines: Sequence[BillLine]) -> Counter[tuple[str, Decimal]]:
    return Counter((line.item_id, line.amount) for line in lines)


def billed_digest(invoice: Invoice) -> str:
    """Return a digest of what determines a bill: vendor, number, date, currency, tax, payment due, and the codes and amounts of the lines.

    It is stored in the record of the bill. Texts and order of lines do not count. Equal digests mean equal bills; different digests only mean
    that the bill has to be compared.
    """
    head = (
        invoice.vendor_id,
        invoice.document_number,
        invoice.billing_date,
        invoice.currency,
        money.text(invoice.tax),
        money.text(invoice.payment_due),
    )
    lines = sorted(repr(_billed(line)) for line in invoice.lines)
    return blake2b(repr((head, lines)).encode(), digest_size=DIGEST_BYTES).hexdigest()


def changes(before: Invoice, after: Invoice) -> dict[Deviation, str]:
    """Return how two versions of an invoice differ, by aspect of its bill; empty if their bills are equal."""
    if billed_digest(before) == billed_digest(after):
        return {}
    differences: dict[Deviation, str] = {}
    if before.vendor_id != after.vendor_id:
        differences[Deviation.VENDOR] = f"vendor {after.vendor_name} instead of {before.vendor_name}"
    if before.document_number != after.document_number:
        differences[Deviation.NUMBER] = f"number {after.document_number!r} instead of {before.document_number!r}"
    if before.billing_date != after.billing_date:
        differences[Deviation.DATE] = f"billing date {after.billing_date} instead of {before.billing_date}"
    if before.payment_due != after.payment_due:
        due, earlier = money.text(after.payment_due), money.text(before.payment_due)
        differences[Deviation.TOTAL] = f"payment due {due} instead of {earlier}"
    return differences or {Deviation.LINES: "amounts or codes of its lines"}


def _billed(line: InvoiceLine) -> tuple[str, ...]:
    """Return the line's code and its amounts, each with its name."""
    values = ((name, getattr(line, name)) for name in _LINE_FIELDS)
    amounts = [f"{name}={money.text(value)}" for name, value in values if isinstance(value, Decimal)]
    return (str(line.wbs_code_id), *amounts)
