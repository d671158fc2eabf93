"""Explains one code or one invoice across both systems: its record, its history, its current state, and why it is not synced yet.

Reads only. If a remote does not respond, the result says so and contains the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from worker.clients.remotes import Remotes
from worker.domain import money
from worker.domain.audit_trail import history
from worker.domain.bill_breakdown import BillBreakdown, BreakdownLine, break_down
from worker.domain.bill_differences import difference
from worker.domain.bills import FoundBill
from worker.domain.identities import CodeKey, InvoiceKey, bill_external_id, item_external_id, same_external_id
from worker.domain.invoices import Invoice
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record
from worker.domain.problems import of_project
from worker.domain.series import Series
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import WbsCode
from worker.inspect.named_records import NamedRecords, try_query
from worker.inspect.problem_views import ProblemViews
from worker.inspect.why_not_synced import WhyNotSynced
from worker.store.stores import Stores
from worker.sync.export_preview import ExportPreview

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explain:
    """Explains one code or invoice as JSON values; amounts are strings with two decimal places, times are unix seconds."""

    stores: Stores
    remotes: Remotes
    named: NamedRecords
    problem_views: ProblemViews
    preview: ExportPreview
    why: WhyNotSynced

    # A code

    def code(self, project: str, code: str) -> JsonObject:
        """Explain a code, given as Procore ids or as project number and flat code or Item name. Raises NotFound."""
        listed_project = self.named.project(project)
        budgeted, budget_error = try_query(lambda: self.remotes.procore.list_budgeted_codes(listed_project.id))
        active, codes_error = try_query(lambda: self.remotes.procore.list_active_codes(listed_project.id))
        listed = {wbs_code.id: wbs_code for wbs_code in [*(budgeted or ()), *(active or ())]}
        key = self.named.code(listed_project, code, listed.values())
        record, wbs_code = self.stores.ledger.code(key), listed.get(key.wbs_code_id)
        in_procore: JsonObject = {
            "budgeted": _has_code(budgeted, key),
            "active": _has_code(active, key),
            "code": wbs_code.flat_code if wbs_code else None,
            "description": wbs_code.description if wbs_code else None,
            "project_active": listed_project.active,
            "error": budget_error or codes_error,
        }
        name = record.name if record and record.name else self.named.item_name(listed_project, wbs_code)
        items, error = try_query(lambda: self._items(key, record, name))
        problems = self._problems(str(key), [Series.ITEMS.problem_key, of_project(key.project_id, "budget")])
        return {
            "title": f"{listed_project.label}, code {wbs_code.flat_code if wbs_code else name or key.wbs_code_id}",
            "key": str(key),
            "explanation": self.why.of(key, record, problems) or self.why.no_item(key, in_procore, problems),
            "record": _record_view(record),
            "problems": problems,
            "history": self._history(key, record),
            "procore": in_procore,
            "netsuite": {"name": name, "external_id": self._item_external_id(key), "items": items, "error": error},
        }

    def _item_external_id(self, key: CodeKey) -> str:
        return item_external_id(self.remotes.procore.company_id, key.project_id, key.wbs_code_id)

    def _items(self, key: CodeKey, record: Record | None, name: str) -> list[JsonObject]:
        """Return the code's Item and others that could be mistaken for it."""
        names = [name] if name and not unwritable(name) else []
        found = list(self.remotes.netsuite.find_items(external_ids=[self._item_external_id(key)], names=names))
        recorded = record.remote_id if record else ""
        if recorded and recorded not in {item.id for item in found} and (item := self.remotes.netsuite.item(recorded)):
            found.append(item)
        return [self._item(item, key) for item in found]

    def _item(self, item: FoundItem, key: CodeKey) -> JsonObject:
        return asdict(item) | {"ours": same_external_id(item.external_id, self._item_external_id(key))}

    # An invoice

    def invoice(self, invoice: str, project: str | None) -> JsonObject:
        """Explain an invoice, given as Procore id or number. Raises NotFound if no project is given and the invoice is not in the ledger."""
        key = self.named.invoice(invoice, project)
        record = self.stores.ledger.invoice(key)
        in_procore, error = try_query(lambda: self.remotes.procore.get_invoice(key.project_id, key.invoice_id))
        others = [Series.BILLS.problem_key, of_project(key.project_id, "commitments")]
        others += [str(CodeKey(key.project_id, code_id)) for code_id in (in_procore.wbs_code_ids if in_procore else ())]
        problems = self._problems(str(key), others)
        listed = self.stores.listed_projects.get(key.project_id)
        label = in_procore.label if in_procore else (record.name if record and record.name else f"id {key.invoice_id}")
        return {
            "title": f"{listed.label if listed else f'project {key.project_id}'}, invoice {label}",
            "key": str(key),
            "explanation": self.why.of(key, record, problems, self.why.not_exported(in_procore))
            or self.why.no_bill(key, in_procore, error, problems),
            "record": _record_view(record),
            "decision": decision.stored if (decision := self.stores.decisions.of(key)) else None,
            "problems": problems,
            "history": self._history(key, record),
            "procore": _invoice_view(in_procore) | {"error": error},
            **self._breakdown(key, in_procore, error),
            "netsuite": self._in_netsuite(key, record, is_comparable=in_procore is not None),
        }

    def _breakdown(self, key: InvoiceKey, invoice: Invoice | None, error: str | None) -> JsonObject:
        """Return the calculation of the expected bill. `error`: why the invoice could not be read."""
        breakdown = None
        if invoice:
            breakdown, error = try_query(lambda: break_down(invoice, self._previous(invoice)))
        return {
            "bill_lines": self._lines(key, breakdown) if breakdown else [],
            "total": _amount_text(breakdown.total) if breakdown else None,
            "payment_due": _amount_text(breakdown.payment_due) if breakdown else None,
            "bill_lines_error": error,
            "retainage": _retainage_view(breakdown),
        }

    def _in_netsuite(self, key: InvoiceKey, record: Record | None, *, is_comparable: bool) -> JsonObject:
        """Return the invoice's bill in NetSuite. `is_comparable`: whether the invoice could be read, so that the two can be compared."""
        bill, error = try_query(lambda: self._bill(key, record))
        compared = self._comparison(key, bill) if bill and is_comparable else {"differs": None, "not_compared": None}
        external_id = bill_external_id(self.remotes.procore.company_id, key.invoice_id)
        return {"external_id": external_id, "bill": _bill_view(bill), "error": error, **compared}

    def why_not_billed(self, key: InvoiceKey) -> str:
        """Return a sentence on why an invoice has no bill yet. Sends as few requests as possible."""
        record = self.stores.ledger.invoice(key)
        in_procore, error = try_query(lambda: self.remotes.procore.get_invoice(key.project_id, key.invoice_id))
        problems = self._problems(str(key), [of_project(key.project_id, "commitments")])
        reason = self.why.of(key, record, problems, self.why.not_exported(in_procore))
        return reason or self.why.no_bill(key, in_procore, error, problems)

    def _previous(self, invoice: Invoice) -> Invoice | None:
        previous = invoice.previous_id
        return self.remotes.procore.get_invoice(invoice.project_id, previous) if previous else None

    def _bill(self, key: InvoiceKey, record: Record | None) -> FoundBill | None:
        recorded = self.remotes.netsuite.bill(record.remote_id) if record and record.remote_id else None
        external_id = bill_external_id(self.remotes.procore.company_id, key.invoice_id)
        return recorded or self.remotes.netsuite.bill_by_external_id(external_id)

    def _comparison(self, key: InvoiceKey, bill: FoundBill) -> JsonObject:
        """Return how the bill in NetSuite differs from the expected one, or why the two cannot be compared."""
        expected, error = try_query(lambda: self.preview.expected_bill(key))
        return {"differs": difference(expected, bill) if expected else None, "not_compared": error}

    def _lines(self, key: InvoiceKey, breakdown: BillBreakdown) -> list[JsonObject]:
        """Return the lines of the bill, each with its code's Item. No code has the id 0."""
        code_ids = [line.wbs_code_id or 0 for line in breakdown.lines]
        records = self.stores.ledger.codes(key.project_id, filter(None, code_ids))
        return [_line_view(line, records.get(code_id)) for line, code_id in zip(breakdown.lines, code_ids, strict=True)]

    # Both

    def _history(self, key: CodeKey | InvoiceKey, record: Record | None) -> list[JsonObject]:
        steps = history(record, self.stores.ledger.journal.of(key), of_code=isinstance(key, CodeKey))
        return [asdict(step) for step in steps]

    def _problems(self, key: str, others: Iterable[str]) -> list[JsonObject]:
        """Return the open problems of this work, those of `others` (which may block it), and findings about it; its own problem first. Ignored
        problems are included, because they block it as well.
        """
        rank = {other: place for place, other in enumerate([key, *others])}
        rows = [row for row in self.problem_views.all() if row["key"] in rank or row["key"].endswith(f":{key}")]
        return sorted(rows, key=lambda row: rank.get(row["key"], len(rank)))


def _has_code(codes: Iterable[WbsCode] | None, key: CodeKey) -> bool | None:
    """Return whether a list from Procore has the code; None if it could not be read."""
    return None if codes is None else any(code.id == key.wbs_code_id for code in codes)


def _record_view(record: Record | None) -> JsonObject | None:
    """Return the non-empty fields of a ledger record."""
    if record is None:
        return None
    due = "" if record.payment_due is None else _amount_text(record.payment_due)
    return {name: value for name, value in (asdict(record) | {"payment_due": due}).items() if value}


def _invoice_view(invoice: Invoice | None) -> JsonObject:
    """Return an invoice as Procore has it; empty if it could not be read."""
    if invoice is None:
        return {}
    return {
        "number": invoice.number,
        "document_number": invoice.document_number,
        "status": invoice.status,
        "vendor": invoice.vendor_name,
        "billing_date": invoice.billing_date.isoformat() if invoice.billing_date else None,
        "payment_due": _amount_text(invoice.payment_due),
        "origin_id": invoice.origin_id,
    }


def _line_view(line: BreakdownLine, record: Record | None) -> JsonObject:
    """Return a line of the expected bill with the calculation of its amount. `record`: of the line's code in the ledger."""
    return {
        "line": line.label,
        "wbs_code_id": line.wbs_code_id,
        "item": record.name if record else None,
        "item_id": record.remote_id if record and record.done else None,
        "item_state": record.state.value if record else None,
        "terms": [
            {"position": term.position, "label": term.label, "amount": _amount_text(term.amount)} for term in line.terms
        ],
        "amount": _amount_text(line.amount),
    }


def _retainage_view(breakdown: BillBreakdown | None) -> JsonObject | None:
    """Return the retainage held less released on the bill, and the retainage by Procore's totals (None if Procore has none)."""
    if breakdown is None:
        return None
    billed, reported = breakdown.retained.net, breakdown.retainage_reported
    return {
        "billed": _amount_text(billed),
        "reported": None if reported is None else _amount_text(reported),
        "matches": None if reported is None else reported == billed,
    }


def _bill_view(bill: FoundBill | None) -> JsonObject | None:
    """Return a bill as NetSuite has it."""
    if bill is None:
        return None
    lines = [
        {
            "item_id": line.item_id,
            "item": line.item_name,
            "amount": _amount_text(line.amount),
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
        "total": _amount_text(bill.total),
        "lines": lines,
    }


def _amount_text(amount: Any) -> str:
    """Return an amount with two decimal places."""
    return money.text(amount).replace(",", "")
