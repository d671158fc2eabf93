"""Explains one code or one invoice across both systems: its record, its history, its current state, and why it is not synced yet.

Reads only. If a remote does not respond, the result says so and contains the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from worker.clients.remotes import Remotes
from worker.domain.bill_differences import difference
from worker.domain.bills import FoundBill
from worker.domain.identities import CodeKey, InvoiceKey, bill_external_id, item_external_id, same_external_id
from worker.domain.invoices import Invoice
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record
from worker.domain.problem_keys import of_project
from worker.domain.reckoning import Reckoning, reckon
from worker.domain.series import Series
from worker.domain.story import story
from worker.domain.texts import unwritable
from worker.inspect.explained import (
    JsonObject,
    amount_text,
    bill_view,
    invoice_view,
    line_view,
    record_view,
    retainage_view,
)
from worker.inspect.named_records import NamedRecords, asked
from worker.inspect.overview import Overview
from worker.inspect.why_not_synced import WhyNotSynced
from worker.store.stores import Stores
from worker.sync.export_preview import ExportPreview


@dataclass(frozen=True, slots=True)
class Explain:
    """Explains one code or invoice as JSON values; amounts are strings with two decimal places, times are unix seconds."""

    stores: Stores
    remotes: Remotes
    named: NamedRecords
    overview: Overview
    export: ExportPreview
    why: WhyNotSynced

    # A code

    def code(self, project: str, code: str) -> JsonObject:
        """Explain a code, given as Procore ids or as project number and flat code or Item name. Raises NotFound."""
        found = self.named.project(project)
        budgeted, budget_fault = asked(lambda: self.remotes.procore.list_budgeted_codes(found.id))
        active, codes_fault = asked(lambda: self.remotes.procore.list_active_codes(found.id))
        listed = {one.id: one for one in [*(budgeted or ()), *(active or ())]}
        key = self.named.code(found, code, listed.values())
        record, wbs_code = self.stores.ledger.code(key), listed.get(key.wbs_code_id)
        in_procore: JsonObject = {
            "budgeted": None if budgeted is None else any(one.id == key.wbs_code_id for one in budgeted),
            "active": None if active is None else any(one.id == key.wbs_code_id for one in active),
            "code": wbs_code.flat_code if wbs_code else None,
            "description": wbs_code.description if wbs_code else None,
            "project_active": found.active,
            "error": budget_fault or codes_fault,
        }
        name = record.name if record and record.name else self.named.item_name(found, wbs_code)
        items, fault = asked(lambda: self._items(key, record, name))
        problems = self._problems(str(key), [Series.ITEMS.problem_key, of_project(key.project_id, "budget")])
        return {
            "about": f"{found.label}, code {wbs_code.flat_code if wbs_code else name or key.wbs_code_id}",
            "key": str(key),
            "explanation": self.why.of(key, record, problems) or self.why.no_item(key, in_procore, problems),
            "record": record_view(record),
            "problems": problems,
            "history": self._story(key, record),
            "procore": in_procore,
            "netsuite": {"name": name, "external_id": self._item_id(key), "items": items, "error": fault},
        }

    def _item_id(self, key: CodeKey) -> str:
        return item_external_id(self.remotes.procore.company_id, key.project_id, key.wbs_code_id)

    def _items(self, key: CodeKey, record: Record | None, name: str) -> list[JsonObject]:
        """Return Items that are the code's or could be mistaken for it."""
        names = [name] if name and not unwritable(name) else []
        found = list(self.remotes.netsuite.find_items(external_ids=[self._item_id(key)], names=names))
        recorded = record.remote_id if record else ""
        if recorded and recorded not in {item.id for item in found} and (item := self.remotes.netsuite.item(recorded)):
            found.append(item)
        return [self._item(item, key) for item in found]

    def _item(self, item: FoundItem, key: CodeKey) -> JsonObject:
        return asdict(item) | {"ours": same_external_id(item.external_id, self._item_id(key))}

    # An invoice

    def invoice(self, invoice: str, project: str | None) -> JsonObject:
        """Explain an invoice, given as Procore id or number. Raises NotFound if no project is given and the invoice is not in the ledger."""
        key = self.named.invoice(invoice, project)
        record = self.stores.ledger.invoice(key)
        found, fault = asked(lambda: self.remotes.procore.get_invoice(key.project_id, key.invoice_id))
        reckoning, reckoning_fault = asked(lambda: reckon(found, self._previous(found))) if found else (None, fault)
        bill, bill_fault = asked(lambda: self._bill(key, record))
        others = [Series.BILLS.problem_key, of_project(key.project_id, "commitments")]
        others += [str(CodeKey(key.project_id, code_id)) for code_id in (found.wbs_code_ids if found else ())]
        problems = self._problems(str(key), others)
        listed = self.stores.listed_projects.get(key.project_id)
        label = found.label if found else (record.name if record and record.name else f"id {key.invoice_id}")
        in_netsuite: JsonObject = {
            "external_id": bill_external_id(self.remotes.procore.company_id, key.invoice_id),
            "bill": bill_view(bill),
            "error": bill_fault,
            **(self._comparison(key, bill) if bill and found else {"differs": None, "not_compared": None}),
        }
        return {
            "about": f"{listed.label if listed else f'project {key.project_id}'}, invoice {label}",
            "key": str(key),
            "explanation": self.why.of(key, record, problems, self.why.not_exported(found))
            or self.why.no_bill(key, found, fault, problems),
            "record": record_view(record),
            "decision": decision.stored if (decision := self.stores.decisions.of(key)) else None,
            "problems": problems,
            "history": self._story(key, record),
            "procore": invoice_view(found) | {"error": fault},
            "bill_lines": self._lines(key, reckoning) if reckoning else [],
            "total": amount_text(reckoning.total) if reckoning else None,
            "payment_due": amount_text(reckoning.payment_due) if reckoning else None,
            "bill_lines_error": reckoning_fault,
            "retainage": retainage_view(reckoning),
            "netsuite": in_netsuite,
        }

    def why_not_billed(self, key: InvoiceKey) -> str:
        """Return a sentence on why an invoice has no bill yet, with as few requests as possible."""
        record = self.stores.ledger.invoice(key)
        found, fault = asked(lambda: self.remotes.procore.get_invoice(key.project_id, key.invoice_id))
        problems = self._problems(str(key), [of_project(key.project_id, "commitments")])
        reason = self.why.of(key, record, problems, self.why.not_exported(found))
        return reason or self.why.no_bill(key, found, fault, problems)

    def _previous(self, invoice: Invoice) -> Invoice | None:
        return (
            self.remotes.procore.get_invoice(invoice.project_id, invoice.previous_id) if invoice.previous_id else None
        )

    def _bill(self, key: InvoiceKey, record: Record | None) -> FoundBill | None:
        recorded = self.remotes.netsuite.bill(record.remote_id) if record and record.remote_id else None
        external_id = bill_external_id(self.remotes.procore.company_id, key.invoice_id)
        return recorded or self.remotes.netsuite.bill_by_external_id(external_id)

    def _comparison(self, key: InvoiceKey, bill: FoundBill) -> JsonObject:
        """Return how the bill in NetSuite differs from the expected one, or why the two cannot be compared."""
        expected, fault = asked(lambda: self.export.expected_bill(key))
        return {"differs": difference(expected, bill) if expected else None, "not_compared": fault}

    def _lines(self, key: InvoiceKey, reckoning: Reckoning) -> list[JsonObject]:
        code_ids = [line.wbs_code_id for line in reckoning.lines if line.wbs_code_id is not None]
        records = self.stores.ledger.codes(key.project_id, code_ids)
        of_line = [records.get(line.wbs_code_id) if line.wbs_code_id is not None else None for line in reckoning.lines]
        return [line_view(line, record) for line, record in zip(reckoning.lines, of_line, strict=True)]

    # Both

    def _story(self, key: CodeKey | InvoiceKey, record: Record | None) -> list[JsonObject]:
        steps = story(record, self.stores.ledger.journal.of(key), of_code=isinstance(key, CodeKey))
        return [asdict(step) for step in steps]

    def _problems(self, key: str, others: Iterable[str]) -> list[JsonObject]:
        """Return the open problems of this work, others that may block it, and findings about it, its own problem first. Ignored problems are
        included, because they block it as well.
        """
        rank = {one: place for place, one in enumerate([key, *others])}
        open_ones = self.overview.problems(ignored_too=True)
        rows = [row for row in open_ones if row["key"] in rank or row["key"].endswith(f":{key}")]
        return sorted(rows, key=lambda row: rank.get(row["key"], len(rank)))
