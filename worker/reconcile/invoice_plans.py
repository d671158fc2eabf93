"""Plans what an export would do with invoices, line by line, in the steps of the export. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from worker.domain.bills import Bill, FoundBill
from worker.domain.errors import Blocked, NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.identities import CodeKey, InvoiceKey, same_external_id
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.plans import Requests, World, line_of
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project
from worker.reconcile.code_plans import CodePlans
from worker.reconcile.dry_run import NOTHING, DryRun, id_of, name_of, not_readable
from worker.store.stores import Stores
from worker.sync.billables import Billable
from worker.sync.export_runs import ExportRuns
from worker.sync.invoice_export import InvoiceExport
from worker.sync.items import Planned


@dataclass(slots=True)
class _Seen:
    """The data of one invoice as read. `follows`: requests of the export that a dry run does not make."""

    invoice: Invoice | None = None
    world: World = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    follows: Requests = field(default_factory=Requests)


@dataclass(frozen=True, slots=True)
class InvoicePlans:
    """Adds the lines of invoices to a dry run. `requests`: returns the number of requests this process has sent so far."""

    stores: Stores
    requests: Callable[[], Requests]
    runs: ExportRuns
    export: InvoiceExport
    codes: CodePlans

    def add_project(self, project: Project, dry: DryRun) -> None:
        """Add the lines of a project's invoices, or one line that says why they cannot be listed."""
        began = self.requests()
        try:
            listed = self.runs.listed(project.id)
        except (NotFound, NotPermitted) as error:
            dry.add(not_readable(project.id, project.label, "commitments", str(error)))
            return
        finally:
            dry.reads += self.requests() - began
        # In the order in which they leave the lane: of two that need the same, the first one has it made.
        heads = {InvoiceKey(project.id, head.id): head for head in listed.to_export}
        for key in sorted(heads, key=str):
            head, record = heads[key], listed.known.get(key.invoice_id)
            if head.claimed and (record is None or record.state is State.SKIPPED):
                # The list says so; nobody reads it.
                skipped = Outcome(OutcomeKind.SKIPPED, head.label, reason=head.claimed)
                dry.add(line_of(str(key), project.label, head.label, skipped))
            else:
                self.add(key, dry)
        for head, bill_id in listed.exported.items():
            done = Outcome(OutcomeKind.ALREADY, head.document_number, bill_id)
            about = head.document_number or f"id {head.id}"
            dry.add(line_of(str(InvoiceKey(project.id, head.id)), project.label, about, done))

    def add(self, key: InvoiceKey, dry: DryRun) -> None:
        """Add the invoice's line, preceded by lines of the codes whose Items the export would create."""
        began, seen = self.requests(), _Seen()
        try:
            outcome = self._outcome(key, seen, dry)
        except Blocked as error:
            outcome = self._blocked(key, seen, error)
        except (NotFound, NotPermitted) as error:
            facts = {"project": f"id {key.project_id}", "what": "data", "answer": str(error)}
            outcome = self._blocked(key, seen, Blocked(cause=Cause.PROJECT_NOT_READABLE, facts=facts))
        except UnexpectedAnswer as error:
            facts = {"answer": str(error), "invoice": f"id {key.invoice_id}"}
            outcome = self._blocked(key, seen, Blocked(cause=Cause.UNREADABLE_RESPONSE, facts=facts))
        takes = self.requests() - began + seen.follows
        project = self.codes.projects.get(key.project_id)
        label, about = project.label if project else f"id {key.project_id}", outcome.name or f"id {key.invoice_id}"
        needs = tuple(dict.fromkeys(seen.needs))
        dry.add(line_of(str(key), label, about, outcome, world=seen.world, needs=needs, requests=takes))

    def _outcome(self, key: InvoiceKey, seen: _Seen, dry: DryRun) -> Outcome:
        """Return how the export would end, in the same steps as `InvoiceExport`. Raises Blocked for a problem."""
        record = self.stores.ledger.invoice(key)
        if record and record.done:
            if not record.write_back_due:
                return outcome_of(record)
            seen.follows += Requests(2, 0)
            return Outcome(
                OutcomeKind.ALREADY, record.name, record.remote_id, "the bill exists; saving its id to Procore is next"
            )

        def look_up(project: Project, invoice: Invoice) -> Sequence[Planned]:
            coming = dry.coming(project.id)
            missing = [code_id for code_id in self.export.items.missing(invoice) if code_id not in coming]
            return self.export.items.plan(project, invoice, missing) if missing else []

        ready = self.export.preview.plan(key, look_up=look_up)
        if isinstance(ready, Outcome):
            # One that a person has settled is read once more, and named to Procore.
            seen.follows += Requests(2 if ready.kind is OutcomeKind.ADOPTED else 0, 0)
            return ready
        seen.invoice = ready.invoice
        seen.world = {"vendor": ready.invoice.vendor_name} | _head_of(ready.invoice)
        try:
            in_doubt = self._items(ready, ready.planned, seen, dry)
        except Blocked as error:
            if settled := self.export.preview.settled(key, ready.invoice, error):
                return settled
            raise
        if in_doubt:
            reason = f"waiting for {in_doubt} Items whose writes NetSuite did not confirm"
            return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason=reason)
        return self._bill(key, ready, record, seen, dry)

    def _items(self, ready: Billable, planned: Sequence[Planned], seen: _Seen, dry: DryRun) -> int:
        """Return the Items to create first, as looked up, and how many of the Items are unconfirmed. Raises Blocked."""
        invoice, project = ready.invoice, ready.project
        without_item = self.export.items.missing(invoice)
        coming = dry.coming(project.id)
        missing = [code_id for code_id in without_item if code_id not in coming]
        seen.needs += [str(CodeKey(project.id, code_id)) for code_id in without_item if code_id in coming]
        try:
            self.export.items.require_none_blocked(invoice, planned)
        except Blocked:
            # Then none is created for this invoice, but existing ones are adopted.
            planned = [one for one in planned if one.kind is not OutcomeKind.CREATED]
            raise
        finally:
            for one in planned:
                self.codes.add(project, one, dry)
            seen.needs += [str(CodeKey(project.id, one.code.id)) for one in planned]
        if any(one.kind is OutcomeKind.CREATED for one in planned):
            # With its Items made, the invoice is read once more before the bill.
            seen.follows += Requests(2 if invoice.previous_id else 1, 0)
        return len(missing) - len(planned)

    def _bill(self, key: InvoiceKey, ready: Billable, record: Record | None, seen: _Seen, dry: DryRun) -> Outcome:
        invoice = ready.invoice
        bill, found = self.export.bills.plan(key, ready, dry.coming(ready.project.id))
        seen.world = self._world_of(ready, bill, found, dry)
        in_doubt, ours = record and record.in_doubt, found and same_external_id(found.external_id, bill.external_id)
        if found and (ours or not in_doubt):
            # Of one that was in doubt it is asked whether somebody entered it too.
            seen.follows += Requests(1, 1 if in_doubt else 0)
            return Outcome(OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED, invoice.label, found.id)
        if record and in_doubt:
            return replace(outcome_of(record), kind=OutcomeKind.UNKNOWN)
        number = bill.number_key
        if first := dry.bills.get(number):
            seen.follows += Requests(0, 1)
            difference = f"it is the bill of another Procore invoice with the same number, of {first} in this plan"
            facts = {"bill_id": "not created yet", "difference": difference}
            raise Blocked(cause=Cause.DOCUMENT_NUMBER_TAKEN, facts=facts)
        dry.bills[number] = ready.project.label
        # Write, read back, save the id to Procore.
        seen.follows += Requests(1, 2)
        moved = f"posted in {bill.posting_period.name}" if bill.posting_period else ""
        return Outcome(OutcomeKind.CREATED, invoice.label, reason=moved)

    def _world_of(self, ready: Billable, bill: Bill, found: FoundBill | None, dry: DryRun) -> World:
        invoice = ready.invoice
        records = self.stores.ledger.codes(invoice.project_id, invoice.wbs_code_ids)
        names = {record.remote_id: record.name for record in records.values() if record.done}
        names |= dry.item_names
        names |= {id_of(one): name_of(one) for one in dry.planned.get(invoice.project_id, {}).values()}
        rows = [
            (names.get(line.item_id, f"Item {line.item_id}"), str(line.amount), line.description) for line in bill.lines
        ]
        return {
            "vendor": _vendor_of(ready),
            **_head_of(invoice),
            "project in NetSuite": f"id {ready.job.id}",
            "lines": tuple(rows),
            "in NetSuite": f"{found.document} {found.id}" if found else NOTHING,
            **({"posting period": bill.posting_period.name} if bill.posting_period else {}),
        }

    def _blocked(self, key: InvoiceKey, seen: _Seen, error: Blocked) -> Outcome:
        record = self.export.bills.ends.records.blocked(key, seen.invoice, error)
        if not seen.world and "vendor" in record.facts:
            seen.world = {"vendor": record.facts["vendor"], "number": record.facts.get("invoice", "")}
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
