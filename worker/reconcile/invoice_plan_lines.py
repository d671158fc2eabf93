"""The lines of a plan for invoices: what an export would do, in the steps of the export. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from worker.domain.bills import Bill, FoundBill
from worker.domain.errors import Blocked, NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.identities import CodeKey, InvoiceKey, same_external_id
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.plans import LineData, Requests, line_of
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project
from worker.reconcile.code_plan_lines import CodePlanLines
from worker.reconcile.dry_run import NOTHING, DryRun, id_of, name_of, not_readable
from worker.store.stores import Stores
from worker.sync.billables import Billable
from worker.sync.export_runs import ExportRuns
from worker.sync.invoice_export import InvoiceExport
from worker.sync.items import ResolvedCode


@dataclass(slots=True)
class _Draft:
    """The line of one invoice while it is made. `later_requests`: requests of the export that a dry run does not make."""

    invoice: Invoice | None = None
    data: LineData = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    later_requests: Requests = field(default_factory=Requests)


@dataclass(frozen=True, slots=True)
class InvoicePlanLines:
    """Adds the lines of invoices to a dry run. `requests`: returns the number of requests this process has sent so far."""

    stores: Stores
    requests: Callable[[], Requests]
    runs: ExportRuns
    export: InvoiceExport
    codes: CodePlanLines

    def add_project(self, project: Project, dry: DryRun) -> None:
        """Add a line for each of a project's invoices, or one that says why they cannot be listed."""
        began = self.requests()
        try:
            listed = self.runs.listed(project.id)
        except (NotFound, NotPermitted) as error:
            dry.add(not_readable(project.id, project.label, "commitments", str(error)))
            return
        finally:
            dry.reads += self.requests() - began
        # In the order of the lane: the first of two invoices that need an Item has it created.
        heads = {InvoiceKey(project.id, head.id): head for head in listed.to_export}
        for key in sorted(heads, key=str):
            head, record = heads[key], listed.known.get(key.invoice_id)
            if head.claimed and (record is None or record.state is State.SKIPPED):
                # The list says so, and an export does not read the invoice either.
                skipped = Outcome(OutcomeKind.SKIPPED, head.label, reason=head.claimed)
                dry.add(line_of(str(key), project.label, head.label, skipped))
            else:
                self.add(key, dry)
        for head, bill_id in listed.exported.items():
            done = Outcome(OutcomeKind.ALREADY, head.document_number, bill_id)
            key, label = InvoiceKey(project.id, head.id), head.document_number or f"id {head.id}"
            dry.add(line_of(str(key), project.label, label, done))

    def add(self, key: InvoiceKey, dry: DryRun) -> None:
        """Add the invoice's line, preceded by lines of the codes whose Items the export would create."""
        began, draft = self.requests(), _Draft()
        try:
            outcome = self._outcome(key, draft, dry)
        except Blocked as error:
            outcome = self._blocked(key, draft, error)
        except (NotFound, NotPermitted) as error:
            facts = {"project": f"id {key.project_id}", "what": "data", "answer": str(error)}
            outcome = self._blocked(key, draft, Blocked(cause=Cause.PROJECT_NOT_READABLE, facts=facts))
        except UnexpectedAnswer as error:
            facts = {"answer": str(error), "invoice": f"id {key.invoice_id}"}
            outcome = self._blocked(key, draft, Blocked(cause=Cause.UNREADABLE_RESPONSE, facts=facts))
        requests = self.requests() - began + draft.later_requests
        project = self.codes.projects.get(key.project_id)
        project_label = project.label if project else f"id {key.project_id}"
        label, needs = outcome.name or f"id {key.invoice_id}", tuple(dict.fromkeys(draft.needs))
        dry.add(line_of(str(key), project_label, label, outcome, data=draft.data, needs=needs, requests=requests))

    def _outcome(self, key: InvoiceKey, draft: _Draft, dry: DryRun) -> Outcome:
        """Return how the export would end, in the same steps as `InvoiceExport`. Raises Blocked for a problem."""
        record = self.stores.ledger.invoice(key)
        if record and record.done:
            if not record.write_back_due:
                return outcome_of(record)
            draft.later_requests += Requests(2, 0)
            return Outcome(
                OutcomeKind.ALREADY, record.name, record.remote_id, "the bill exists; saving its id to Procore is next"
            )

        def look_up(project: Project, invoice: Invoice) -> Sequence[ResolvedCode]:
            in_plan = dry.item_ids(project.id)
            missing = [code_id for code_id in self.export.items.missing(invoice) if code_id not in in_plan]
            return self.export.items.resolve(project, invoice, missing) if missing else []

        ready = self.export.preview.of(key, look_up=look_up)
        if isinstance(ready, Outcome):
            # An invoice that a person has settled is read again, and the id of its bill is saved to Procore.
            draft.later_requests += Requests(2 if ready.kind is OutcomeKind.ADOPTED else 0, 0)
            return ready
        draft.invoice = ready.invoice
        draft.data = {"vendor": ready.invoice.vendor_name} | _head_of(ready.invoice)
        try:
            in_doubt = self._items(ready, ready.resolved, draft, dry)
        except Blocked as error:
            if settled := self.export.preview.settled(key, ready.invoice, error):
                return settled
            raise
        if in_doubt:
            reason = f"waiting for {in_doubt} Items whose writes NetSuite did not confirm"
            return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason=reason)
        return self._bill(key, ready, record, draft, dry)

    def _items(self, ready: Billable, resolved: Sequence[ResolvedCode], draft: _Draft, dry: DryRun) -> int:
        """Add the lines of the codes that need an Item first, and return how many of the invoice's Items are unconfirmed. Raises Blocked."""
        invoice, project = ready.invoice, ready.project
        without_item = self.export.items.missing(invoice)
        in_plan = dry.item_ids(project.id)
        missing = [code_id for code_id in without_item if code_id not in in_plan]
        draft.needs += [str(CodeKey(project.id, code_id)) for code_id in without_item if code_id in in_plan]
        try:
            self.export.items.require_none_blocked(invoice, resolved)
        except Blocked:
            # No Item is created for this invoice, but existing Items are adopted.
            resolved = [one for one in resolved if one.kind is not OutcomeKind.CREATED]
            raise
        finally:
            for one in resolved:
                self.codes.add(project, one, dry)
            draft.needs += [str(CodeKey(project.id, one.code.id)) for one in resolved]
        if any(one.kind is OutcomeKind.CREATED for one in resolved):
            # After its Items are created, the invoice is read again before the bill.
            draft.later_requests += Requests(2 if invoice.previous_id else 1, 0)
        return len(missing) - len(resolved)

    def _bill(self, key: InvoiceKey, ready: Billable, record: Record | None, draft: _Draft, dry: DryRun) -> Outcome:
        invoice = ready.invoice
        bill, found = self.export.bills.preview(key, ready, dry.item_ids(ready.project.id))
        draft.data = self._data_of(ready, bill, found, dry)
        in_doubt, ours = record and record.in_doubt, found and same_external_id(found.external_id, bill.external_id)
        if found and (ours or not in_doubt):
            # If the write was unconfirmed, the export also checks whether a person entered the bill.
            draft.later_requests += Requests(1, 1 if in_doubt else 0)
            return Outcome(OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED, invoice.label, found.id)
        if record and in_doubt:
            return replace(outcome_of(record), kind=OutcomeKind.UNKNOWN)
        number = bill.number_key
        if project_label := dry.bills.get(number):
            draft.later_requests += Requests(0, 1)
            difference = (
                f"it is the bill of another Procore invoice with the same number, of {project_label} in this plan"
            )
            facts = {"bill_id": "not created yet", "difference": difference}
            raise Blocked(cause=Cause.DOCUMENT_NUMBER_TAKEN, facts=facts)
        dry.bills[number] = ready.project.label
        # Create the bill, read it back, save its id to Procore.
        draft.later_requests += Requests(1, 2)
        reason = f"posted in {bill.posting_period.name}" if bill.posting_period else ""
        return Outcome(OutcomeKind.CREATED, invoice.label, reason=reason)

    def _data_of(self, ready: Billable, bill: Bill, found: FoundBill | None, dry: DryRun) -> LineData:
        invoice = ready.invoice
        records = self.stores.ledger.codes(invoice.project_id, invoice.wbs_code_ids)
        names = {record.remote_id: record.name for record in records.values() if record.done}
        names |= dry.item_names
        names |= {id_of(one): name_of(one) for one in dry.resolved.get(invoice.project_id, {}).values()}
        rows = [
            (names.get(line.item_id, f"Item {line.item_id}"), str(line.amount), line.description) for line in bill.lines
        ]
        return {
            "vendor": _vendor_of(ready),
            **_head_of(invoice),
            "project in NetSuite": f"id {ready.job.id}" if ready.job.id else "none",
            "lines": tuple(rows),
            "in NetSuite": f"{found.document} {found.id}" if found else NOTHING,
            **({"posting period": bill.posting_period.name} if bill.posting_period else {}),
            **self._fields_of(bill),
        }

    def _fields_of(self, bill: Bill) -> LineData:
        """Return the further fields of a bill and of its lines, with the names of the records that they refer to; nothing without such fields."""
        rows = self.export.preview.billables.fields.names.of_bill(bill)
        return {"fields": rows} if rows else {}

    def _blocked(self, key: InvoiceKey, draft: _Draft, error: Blocked) -> Outcome:
        record = self.export.bills.ends.records.blocked(key, draft.invoice, error)
        if not draft.data and "vendor" in record.facts:
            draft.data = {"vendor": record.facts["vendor"], "number": record.facts.get("invoice", "")}
        return outcome_of(record)


def _head_of(invoice: Invoice) -> dict[str, str]:
    return {
        "status": invoice.status,
        "number": invoice.document_number,
        "date": invoice.billing_date.isoformat() if invoice.billing_date else "",
        "total": str(invoice.payment_due),
    }


def _vendor_of(ready: Billable) -> str:
    """Return the vendor's name in Procore, and its name in NetSuite if that differs."""
    name, vendor = ready.invoice.vendor_name, ready.vendor
    known_as = "" if vendor.name == name else f"{vendor.name}, "
    return f"{name} ({known_as}NetSuite id {vendor.id})"
