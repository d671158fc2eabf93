"""The parts of an explanation as JSON values: amounts are strings with two decimal places, times are unix seconds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from worker.domain import money
from worker.domain.bill_breakdown import BillBreakdown, BreakdownLine
from worker.domain.bills import FoundBill
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Record

JsonObject = dict[str, Any]


def record_view(record: Record | None) -> JsonObject | None:
    """Return the non-empty fields of a ledger record."""
    if record is None:
        return None
    due = "" if record.payment_due is None else amount_text(record.payment_due)
    return {name: value for name, value in (asdict(record) | {"payment_due": due}).items() if value}


def invoice_view(invoice: Invoice | None) -> JsonObject:
    """Return an invoice as Procore has it; empty if it could not be read."""
    if invoice is None:
        return {}
    return {
        "number": invoice.number,
        "document_number": invoice.document_number,
        "status": invoice.status,
        "vendor": invoice.vendor_name,
        "billing_date": invoice.billing_date.isoformat() if invoice.billing_date else None,
        "payment_due": amount_text(invoice.payment_due),
        "origin_id": invoice.origin_id,
    }


def line_view(line: BreakdownLine, record: Record | None) -> JsonObject:
    """Return a line of the expected bill with the calculation of its amount. `record`: of the line's code in the ledger."""
    return {
        "line": line.label,
        "wbs_code_id": line.wbs_code_id,
        "item": record.name if record else None,
        "item_id": record.remote_id if record and record.done else None,
        "item_state": record.state.value if record else None,
        "terms": [
            {"position": term.position, "label": term.label, "amount": amount_text(term.amount)} for term in line.terms
        ],
        "amount": amount_text(line.amount),
    }


def retainage_view(breakdown: BillBreakdown | None) -> JsonObject | None:
    """Return the retainage held less released on the bill, and the retainage by Procore's totals (None if Procore has none)."""
    if breakdown is None:
        return None
    billed, reported = breakdown.retained.net, breakdown.retainage_reported
    return {
        "billed": amount_text(billed),
        "reported": None if reported is None else amount_text(reported),
        "matches": None if reported is None else reported == billed,
    }


def bill_view(bill: FoundBill | None) -> JsonObject | None:
    """Return a bill as NetSuite has it."""
    if bill is None:
        return None
    lines = [
        {
            "item_id": line.item_id,
            "item": line.item_name,
            "amount": amount_text(line.amount),
            "description": line.description,
        }
        for line in bill.lines
    ]
    return {
        "id": bill.id,
        "document": bill.document.value,
        "posting_period": bill.period_name,
        "external_id": bill.external_id,
        "document_number": bill.document_number,
        "date": bill.date.isoformat() if bill.date else None,
        "total": amount_text(bill.total),
        "lines": lines,
    }


def amount_text(amount: Any) -> str:
    """Return an amount with two decimal places."""
    return money.text(amount).replace(",", "")
