"""Explains one code or one invoice across both systems: its record, its history, its current state, and why it is not synced yet.

Reads only. If a remote does not respond, the result says so and contains the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.domain import money
from worker.domain.bill_differences import difference
from worker.domain.bills import FoundBill
from worker.domain.identities import CodeKey, InvoiceKey, bill_external_id, item_external_id, same_external_id
from worker.domain.invoices import Invoice, reason_to_skip
from worker.domain.items import FoundItem
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State
from worker.domain.reckoning import Reckoning, reckon
from worker.domain.series import Series
from worker.domain.story import clock, story
from worker.domain.texts import counted, unwritable
from worker.domain.work import Lane
from worker.inspect.named_records import NamedRecords, asked
from worker.inspect.overview import Overview
from worker.inspect.stoppages import Stoppages
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.decisions import Decisions
from worker.store.lanes import Lanes
from worker.store.ledger import Ledger
from worker.store.projects import ProjectList
from worker.sync.invoice_export import InvoiceExport
from worker.sync.projects import Projects

T = TypeVar("T")
Told = dict[str, Any]


class Explain:
    """Explains one code or invoice as JSON values; amounts are strings with two decimal places, times are unix seconds."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        netsuite: NetSuite,
        projects: Projects,
        named: NamedRecords,
        listed: ProjectList,
        invoice_export: InvoiceExport,
        overview: Overview,
        ledger: Ledger,
        decisions: Decisions,
        stoppages: Stoppages,
        work: Lanes,
        export_statuses: Sequence[str],
        settle_seconds: float,
    ) -> None:
        self._client = client
        self._procore = procore
        self._netsuite = netsuite
        self._projects = projects
        self._named = named
        self._listed = listed
        self._export = invoice_export
        self._overview = overview
        self._ledger = ledger
        self._decisions = decisions
        self._stoppages = stoppages
        self._work = work
        self._statuses = export_statuses
        self._settle = settle_seconds

    # A code

    def code(self, project: str, code: str) -> Told:
        """Explain a code, given as Procore ids or as project number and flat code or Item name. Raises NotFound."""
        found = self._named.project(project)
        budgeted, budget_fault = asked(lambda: self._procore.list_budgeted_codes(found.id))
        active, codes_fault = asked(lambda: self._procore.list_active_codes(found.id))
        listed = {one.id: one for one in [*(budgeted or ()), *(active or ())]}
        key = self._named.code(found, code, listed.values())
        record, wbs_code = self._ledger.code(key), listed.get(key.wbs_code_id)
        in_procore: Told = {
            "budgeted": None if budgeted is None else any(one.id == key.wbs_code_id for one in budgeted),
            "active": None if active is None else any(one.id == key.wbs_code_id for one in active),
            "code": wbs_code.flat_code if wbs_code else None,
            "description": wbs_code.description if wbs_code else None,
            "project_active": found.active,
            "fault": budget_fault or codes_fault,
        }
        name = record.name if record and record.name else self._named.item_name(found, wbs_code)
        items, fault = asked(lambda: self._items(key, record, name))
        problems = self._problems(str(key), [Series.ITEMS.problem_key, f"project:{key.project_id}:budget"])
        return {
            "about": f"{found.label}, code {wbs_code.flat_code if wbs_code else name or key.wbs_code_id}",
            "key": str(key),
            "why": self._why(key, record, problems) or self._why_no_item(key, in_procore, problems),
            "record": _record(record),
            "problems": problems,
            "story": self._story(key, record),
            "procore": in_procore,
            "netsuite": {"name": name, "external_id": self._item_id(key), "items": items, "fault": fault},
        }

    def _item_id(self, key: CodeKey) -> str:
        return item_external_id(self._procore.company_id, key.project_id, key.wbs_code_id)

    def _items(self, key: CodeKey, record: Record | None, name: str) -> list[Told]:
        """Return Items that are the code's or could be mistaken for it."""
        names = [name] if name and not unwritable(name) else []
        found = list(self._netsuite.find_items(external_ids=[self._item_id(key)], names=names))
        recorded = record.remote_id if record else ""
        if recorded and recorded not in {item.id for item in found} and (item := self._netsuite.item(recorded)):
            found.append(item)
        return [self._item(item, key) for item in found]

    def _item(self, item: FoundItem, key: CodeKey) -> Told:
        return asdict(item) | {"ours": same_external_id(item.external_id, self._item_id(key))}

    def _why_no_item(self, key: CodeKey, in_procore: Told, problems: Sequence[Told]) -> str:
        """Return why there is no ledger record: what a scan would find now."""
        if problems:
            return _not_yet(problems[0])
        if not self._projects.in_pilot(key.project_id):
            return "Skipped: its project is not in PROJECT_IDS."
        if in_procore["fault"]:
            return f"Not yet: it is not in the ledger, and Procore could not be queried: {in_procore['fault']}"
        if not in_procore["budgeted"]:
            return "No Item needed: no budget line in Procore uses this code."
        if not in_procore["active"] or not in_procore["project_active"]:
            what = "code" if not in_procore["active"] else "project"
            return f"No Item needed: the {what} is not active in Procore."
        then = self._stopped(key)
        return f"Not yet: no scan has seen it. The next scan will; start one with `wbs-sync scan`.{then}"

    # An invoice

    def invoice(self, invoice: str, project: str | None) -> Told:
        """Explain an invoice, given as Procore id or number. Raises NotFound if no project is given and the invoice is not in the ledger."""
        key = self._named.invoice(invoice, project)
        record = self._ledger.invoice(key)
        found, fault = asked(lambda: self._procore.get_invoice(key.project_id, key.invoice_id))
        reckoning, reckoning_fault = asked(lambda: reckon(found, self._previous(found))) if found else (None, fault)
        bill, bill_fault = asked(lambda: self._bill(key, record))
        others = [Series.BILLS.problem_key, f"project:{key.project_id}:commitments"]
        others += [str(CodeKey(key.project_id, code_id)) for code_id in (found.wbs_code_ids if found else ())]
        problems = self._problems(str(key), others)
        listed = self._listed.get(key.project_id)
        label = found.label if found else (record.name if record and record.name else f"id {key.invoice_id}")
        in_netsuite: Told = {
            "external_id": bill_external_id(self._procore.company_id, key.invoice_id),
            "bill": _bill(bill),
            "fault": bill_fault,
            **(self._comparison(key, bill) if bill and found else {"differs": None, "not_compared": None}),
        }
        return {
            "about": f"{listed.label if listed else f'project {key.project_id}'}, invoice {label}",
            "key": str(key),
            "why": self._why(key, record, problems, self._not_exported(found))
            or self._why_no_bill(key, found, fault, problems),
            "record": _record(record),
            "decision": decision.stored if (decision := self._decisions.of(key)) else None,
            "problems": problems,
            "story": self._story(key, record),
            "procore": _head(found) | {"fault": fault},
            "bill_lines": self._lines(key, reckoning) if reckoning else [],
            "total": _text(reckoning.total) if reckoning else None,
            "payment_due": _text(reckoning.payment_due) if reckoning else None,
            "bill_lines_fault": reckoning_fault,
            "retainage": _retainage(reckoning),
            "netsuite": in_netsuite,
        }

    def why_not_billed(self, key: InvoiceKey) -> str:
        """Return a sentence on why an invoice has no bill yet, with as few requests as possible."""
        record = self._ledger.invoice(key)
        found, fault = asked(lambda: self._procore.get_invoice(key.project_id, key.invoice_id))
        problems = self._problems(str(key), [f"project:{key.project_id}:commitments"])
        told = self._why(key, record, problems, self._not_exported(found))
        return told or self._why_no_bill(key, found, fault, problems)

    def _previous(self, invoice: Invoice) -> Invoice | None:
        return self._procore.get_invoice(invoice.project_id, invoice.previous_id) if invoice.previous_id else None

    def _bill(self, key: InvoiceKey, record: Record | None) -> FoundBill | None:
        recorded = self._netsuite.bill(record.remote_id) if record and record.remote_id else None
        external_id = bill_external_id(self._procore.company_id, key.invoice_id)
        return recorded or self._netsuite.bill_by_external_id(external_id)

    def _comparison(self, key: InvoiceKey, bill: FoundBill) -> Told:
        """Return how the bill in NetSuite differs from the expected one, or why the two cannot be compared."""
        expected, fault = asked(lambda: self._export.expected_bill(key))
        return {"differs": difference(expected, bill) if expected else None, "not_compared": fault}

    def _lines(self, key: InvoiceKey, reckoning: Reckoning) -> list[Told]:
        code_ids = [line.wbs_code_id for line in reckoning.lines if line.wbs_code_id is not None]
        records = self._ledger.codes(key.project_id, code_ids)
        lines = []
        for line in reckoning.lines:
            record = records.get(line.wbs_code_id) if line.wbs_code_id is not None else None
            lines.append(
                {
                    "what": line.what,
                    "wbs_code_id": line.wbs_code_id,
                    "item": record.name if record else None,
                    "item_id": record.remote_id if record and record.done else None,
                    "item_state": record.state.value if record else None,
                    "terms": [asdict(term) | {"amount": _text(term.amount)} for term in line.terms],
                    "amount": _text(line.amount),
                }
            )
        return lines

    def _why_no_bill(
        self, key: InvoiceKey, invoice: Invoice | None, fault: str | None, problems: Sequence[Told]
    ) -> str:
        """Return why there is no ledger record: what an export would find now."""
        if problems and problems[0]["key"] in (str(key), f"project:{key.project_id}:commitments"):
            return _not_yet(problems[0])
        if invoice is None:
            return f"Not yet: it is not in the ledger, and it could not be read from Procore: {fault}"
        ready, stands_in_the_way = asked(lambda: self._export.plan(key))
        if stands_in_the_way:
            return f"Not yet: {stands_in_the_way}"
        if isinstance(ready, Outcome) and ready.kind is OutcomeKind.ADOPTED:
            return f"Not yet: {ready.reason} (id {ready.remote_id}). The next export adopts that bill; start one with `wbs-sync export`."
        if isinstance(ready, Outcome):
            return (
                f"Not billed: {ready.reason}."
                if ready.reason
                else f"Procore already has its bill id: {ready.remote_id}."
            )
        then = self._stopped(key)
        return f"Not yet: no export has seen it. The next export will; start one with `wbs-sync export`.{then}"

    def _not_exported(self, invoice: Invoice | None) -> str:
        """Return a sentence on why the invoice in its current state in Procore is not exported, or "" if it is."""
        skip = reason_to_skip(invoice, self._statuses) if invoice else None
        if not invoice or not skip:
            return ""
        if invoice.status in self._statuses:
            return f"Not billed: {skip}."
        exported = " or ".join(map(_spaced, self._statuses))
        return f"Not billed: its status in Procore is {_spaced(invoice.status)}; only {exported} invoices are exported."

    # Both

    def _story(self, key: CodeKey | InvoiceKey, record: Record | None) -> list[Told]:
        steps = story(record, self._ledger.journal.of(key), of_code=isinstance(key, CodeKey))
        return [asdict(step) for step in steps]

    def _problems(self, key: str, others: Iterable[str]) -> list[Told]:
        """Return the open problems of this work, others that may block it, and findings about it, its own problem first. Ignored problems are
        included, because they block it as well.
        """
        rank = {one: place for place, one in enumerate([key, *others])}
        open_ones = self._overview.problems(ignored_too=True)
        rows = [row for row in open_ones if row["key"] in rank or row["key"].endswith(f":{key}")]
        return sorted(rows, key=lambda row: rank.get(row["key"], len(rank)))

    def _why(
        self,
        key: CodeKey | InvoiceKey,
        record: Record | None,
        problems: Sequence[Mapping[str, Any]],
        not_exported: str = "",
    ) -> str:
        """Return one sentence on whether the record is in NetSuite, or why not yet; "" if nothing is known. `not_exported`: why the invoice in
        its current state is not exported, which takes precedence over the result of an earlier attempt.
        """
        thing = "Item" if isinstance(key, CodeKey) else (record.facts.get("document", "bill") if record else "bill")
        own = next((row for row in problems if row["key"] == str(key)), None)
        if record and record.done and not record.write_back_due:
            made = "entered by hand" if record.state is State.ADOPTED else "created by wbs-sync"
            return f"Its {thing} is in NetSuite: {record.name}, id {record.remote_id}, recorded {clock(record.at)}; {made}."
        if record and record.write_back_due:
            then = _words(own) if own else self._when(key, record)
            return f"Its {thing} is in NetSuite (id {record.remote_id}), but its id is not saved in Procore yet. {then}"
        if record and record.in_doubt:
            settled = clock(record.sent_at + self._settle)
            in_doubt = f"NetSuite did not confirm the write of {clock(record.at)}; wbs-sync checks NetSuite for its {thing} and sends nothing again before {settled}"
            return f"Not yet: {in_doubt}. " + (_words(own) if own else self._when(key, record))
        if not_exported:
            return not_exported
        if own:
            return _not_yet(own)
        if record and record.state is State.SKIPPED:
            return self._why_skipped(key, record)
        return f"Not yet: {self._when(key, record)}" if record or self._is_work(key) else ""

    def _why_skipped(self, key: CodeKey | InvoiceKey, record: Record) -> str:
        """Return a sentence on a skipped record; for an invoice, on whether the reason still applies."""
        ready, fault = asked(lambda: self._export.plan(key)) if isinstance(key, InvoiceKey) else (None, "not checked")
        if isinstance(ready, Outcome) or fault:
            reason = ready.reason if isinstance(ready, Outcome) else record.detail
            return f"Not billed: {reason}."
        return f"Not yet: it was skipped at {clock(record.at)} ({record.detail}), and that reason no longer applies; {self._when(key, record)}"

    def _when(self, key: CodeKey | InvoiceKey, record: Record | None) -> str:
        """Return what the record is waiting for, or when its next attempt is."""
        lane = Lane.ITEMS if isinstance(key, CodeKey) else Lane.EXPORTS
        if stopped := self._stoppages.of(lane, str(key)):
            return stopped[0].words
        if self._work.is_begun(lane, str(key)):
            return "a worker is working on it."
        if self._work.in_hand(lane, str(key)):
            return "it is dispatched, and no worker has started it yet."
        due, now = self._work.waits_until(lane, str(key)), seconds(self._client)
        if due is None:
            return "it is in no lane now; the next scan or export picks it up."
        if due > now:
            return f"the next attempt is at {clock(due)}."
        waiting, _ = self._work.depth(lane)
        since = f" since {clock(record.at)}" if record and record.at else ""
        return f"it has been waiting for its turn{since}; {counted(waiting, 'pieces of work')} in its lane."

    def _stopped(self, key: CodeKey | InvoiceKey) -> str:
        """Return what else would block the work then."""
        lane = Lane.ITEMS if isinstance(key, CodeKey) else Lane.EXPORTS
        return "".join(f" However: {one.words}" for one in self._stoppages.of(lane, str(key))[:1])

    def _is_work(self, key: CodeKey | InvoiceKey) -> bool:
        lane = Lane.ITEMS if isinstance(key, CodeKey) else Lane.EXPORTS
        return self._work.in_hand(lane, str(key)) or self._work.waits_until(lane, str(key)) is not None


def _spaced(status: str) -> str:
    return status.replace("_", " ")


def _words(problem: Mapping[str, Any]) -> str:
    return f"{problem['sentence']} Owner: {problem['owner']}. {problem['next_step']}"


def _not_yet(problem: Mapping[str, Any]) -> str:
    ignored = " This problem is ignored until it changes." if problem["ignored"] else ""
    return f"Not yet: {_words(problem)}{ignored}"


def _record(record: Record | None) -> Told | None:
    """Return the non-empty fields of a ledger record."""
    return {name: value for name, value in asdict(record).items() if value} if record else None


def _retainage(reckoning: Reckoning | None) -> Told | None:
    """Return the retainage held less released on the bill, and the retainage by Procore's totals (None if Procore has none)."""
    if reckoning is None:
        return None
    billed, reported = reckoning.retained.net, reckoning.retainage_reported
    return {
        "billed": _text(billed),
        "by_procores_totals": None if reported is None else _text(reported),
        "agree": None if reported is None else reported == billed,
    }


def _head(invoice: Invoice | None) -> Told:
    if invoice is None:
        return {}
    return {
        "number": invoice.number,
        "document_number": invoice.document_number,
        "status": invoice.status,
        "vendor": invoice.vendor_name,
        "billing_date": invoice.billing_date.isoformat() if invoice.billing_date else None,
        "payment_due": _text(invoice.payment_due),
        "origin_id": invoice.origin_id,
    }


def _bill(bill: FoundBill | None) -> Told | None:
    if bill is None:
        return None
    lines = [
        {
            "item_id": line.item_id,
            "item": line.item_name,
            "amount": _text(line.amount),
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
        "total": _text(bill.total),
        "lines": lines,
    }


def _text(amount: Any) -> str:
    return money.text(amount).replace(",", "")
