"""Plans what a scan or an export would do, line by line. Reads only.

A dry run makes the same checks as the work makes before it writes, so the requests it used are those that the work needs for checking. Only
the requests after a check are estimated here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from worker.domain.bills import Bill, FoundBill, NumberKey
from worker.domain.errors import Blocked, NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.identities import CodeKey, InvoiceKey, same_external_id
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.plans import VERSION, Plan, PlanLine, Requests, World, Would, line_of
from worker.domain.problems import Cause, describe
from worker.domain.scopes import CREDITS
from worker.domain.wbs_codes import Project
from worker.domain.work import Lane, RunKind, scan_of
from worker.inspect.stoppages import Stoppage, Stoppages
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.ledger import Ledger
from worker.sync.bill_writer import Billable
from worker.sync.bills import Bills
from worker.sync.export_runs import ExportRuns
from worker.sync.invoice_export import InvoiceExport
from worker.sync.invoice_items import InvoiceItems
from worker.sync.items import NO_SUCH_CODE, Items, Planned
from worker.sync.projects import Projects
from worker.sync.wbs_scan import WbsScan

NOTHING = "nothing"
Progress = Callable[[Project], None]


@dataclass(slots=True)
class Look:
    """The state of a dry run. `planned`: codes that would get an Item, by project and code id, as `Items.note` takes them; `bills`: projects
    of bills that would be created; `item_names`: names of the retainage and tax Items, by id.
    """

    lines: dict[str, PlanLine] = field(default_factory=dict)
    planned: dict[int, dict[int, Planned]] = field(default_factory=dict)
    bills: dict[NumberKey, str] = field(default_factory=dict)
    reads: Requests = field(default_factory=Requests)
    item_names: Mapping[str, str] = field(default_factory=dict)

    def add(self, line: PlanLine) -> None:
        """Add a line; if several refer to the same code, the first is kept."""
        self.lines.setdefault(line.key, line)

    def coming(self, project_id: int) -> dict[int, str]:
        """Return the ids of the project's Items that exist, or would be created or adopted, by WBS code id; for one to be created, its name."""
        return {code_id: _id_of(one) for code_id, one in self.planned.get(project_id, {}).items()}


class Planning:
    """Makes plans, and checks the lines of a plan again. `requests`: returns the number of requests this process has sent so far."""

    def __init__(
        self,
        client: Redis,
        *,
        company_id: int,
        account: str,
        requests: Callable[[], Requests],
        projects: Projects,
        items: Items,
        wbs_scan: WbsScan,
        export_runs: ExportRuns,
        invoice_export: InvoiceExport,
        invoice_items: InvoiceItems,
        bills: Bills,
        ledger: Ledger,
        stoppages: Stoppages,
        fixed_names: Callable[[], Mapping[str, str]],
    ) -> None:
        self._client = client
        self.company_id = company_id
        self.account = account
        self._requests = requests
        self._projects = projects
        self._items = items
        self._wbs_scan = wbs_scan
        self._runs = export_runs
        self._export = invoice_export
        self._invoice_items = invoice_items
        self._bills = bills
        self._ledger = ledger
        self._stoppages = stoppages
        self._fixed_names = fixed_names

    # Plans

    def scan(self, project_ids: Collection[int] = (), progress: Progress = lambda _: None) -> Plan:
        """Plan a scan of all projects, or of some."""
        look, began = Look(), self._requests()
        projects = self._projects.refresh()
        for project_id in sorted(set(project_ids) - {one.id for one in self._projects.in_scope(projects)}):
            look.add(self._not_scanned(project_id))
        for project in self._projects.in_scope(projects):
            if not project_ids or project.id in project_ids:
                progress(project)
                self._look_at_codes(project, look)
        look.reads = self._requests() - began
        return self._plan(RunKind.SCAN, look, began)

    def export_approved(self, progress: Progress = lambda _: None) -> Plan:
        """Plan an export of all approved invoices."""
        look, began = Look(item_names=self._fixed_names()), self._requests()
        projects = self._projects.with_invoices(self._projects.refresh())
        look.reads = self._requests() - began
        for project in projects:
            progress(project)
            self._look_at_project(project, look)
        return self._plan(RunKind.EXPORT, look, began)

    def export_one(self, key: InvoiceKey) -> Plan:
        """Plan the export of one invoice. The list of projects is read before counting starts, because the export has it already."""
        look, began = Look(item_names=self._fixed_names()), self._requests()
        self._projects.all()
        self._look_at_invoice(key, look)
        return self._plan(RunKind.EXPORT, look, began)

    def look_again(
        self, kind: RunKind, project_id: int, lines: Sequence[PlanLine], bills: dict[NumberKey, str]
    ) -> Look:
        """Return the current lines of one project that require a change. `bills`: bills of projects planned before."""
        look = Look(bills=bills, item_names=self._fixed_names() if kind is RunKind.EXPORT else {})
        if kind is RunKind.SCAN:
            project = self._projects.get(project_id)
            if project and self._projects.in_scope([project]):
                self._look_at_codes(project, look)
            else:
                look.add(self._not_scanned(project_id))
        for line in lines:
            if line.of_invoice and (line.would.acts or line.needs):
                self._look_at_invoice(InvoiceKey.parse(line.key), look)
        return look

    def _plan(self, kind: RunKind, look: Look, began: Requests) -> Plan:
        made_at = datetime.fromtimestamp(seconds(self._client), UTC).isoformat(timespec="seconds")
        found = look.lines.values()
        read_back = self._items.reads_back() if any(line.would is Would.CREATE for line in found) else 0
        takes = sum((line.requests for line in found), look.reads + Requests(0, read_back))
        looked = self._requests() - began
        stopped: dict[tuple[Lane, bool, bool], list[Stoppage]] = {}
        lines = tuple(replace(line, waits_for=self._waits_for(line, stopped)) for line in found)
        return Plan(VERSION, kind, self.company_id, self.account, made_at, takes, looked, lines)

    def _waits_for(self, line: PlanLine, known: dict[tuple[Lane, bool, bool], list[Stoppage]]) -> str:
        """Return what keeps such a line from being carried out now, whatever its record; "" for a line that requires no change. `known`:
        values read for earlier lines.
        """
        if not line.would.acts:
            return ""
        writes = line.would in (Would.CREATE, Would.BILL)
        needed = [(Lane.EXPORTS if line.of_invoice else Lane.ITEMS, writes, line.is_credit)]
        needed += [(Lane.ITEMS, True, False)] if line.needs else []
        for one in needed:
            if one not in known:
                lane, writes, credit = one
                known[one] = self._stoppages.of(lane, scopes=CREDITS if credit else (), writes=writes)
        return " ".join(dict.fromkeys(each.words for one in needed for each in known[one]))

    # Codes

    def _look_at_codes(self, project: Project, look: Look) -> None:
        try:
            plan = self._wbs_scan.plan_project(project)
        except (NotFound, NotPermitted) as error:
            look.add(_not_readable(project.id, project.label, "budget", str(error)))
            return
        except UnexpectedAnswer as error:
            cause, facts = Cause.ANSWER_NOT_UNDERSTOOD, {"answer": str(error)}
            blocked = Outcome(OutcomeKind.BLOCKED, reason=describe(cause, facts).sentence, cause=cause)
            look.add(line_of(scan_of(project.id), project.label, "budget", blocked))
            return
        if plan.odd:
            cause, facts = (
                Cause.UNREADABLE_ROWS,
                {"count": str(len(plan.odd)), "what": "budget", "project": project.label},
            )
            reason = describe(cause, facts | {"answer": plan.odd[0].complaint}).sentence
            left_out = Outcome(OutcomeKind.BLOCKED, reason=reason, cause=cause)
            look.add(line_of(f"project:{project.id}:budget_rows", project.label, "budget", left_out))
        for one in sorted(plan.planned, key=lambda one: one.code.flat_code):
            self._add_code(project, one, look)
        for code, record in plan.already:
            look.add(line_of(str(CodeKey(project.id, code.id)), project.label, code.flat_code, outcome_of(record)))
        for code, record in plan.in_doubt:
            doubt = Outcome(
                OutcomeKind.UNKNOWN, record.name, reason="NetSuite did not confirm a write; wbs-sync is checking for it"
            )
            # By external id, and where that shows nothing by either once more: two at most.
            line = line_of(
                str(CodeKey(project.id, code.id)), project.label, code.flat_code, doubt, requests=Requests(0, 2)
            )
            look.add(line)
        for code in plan.inactive:
            inactive = Outcome(OutcomeKind.SKIPPED, reason="the code is budgeted, but not active")
            look.add(line_of(str(CodeKey(project.id, code.id)), project.label, code.flat_code, inactive))
        for number, record in plan.gone.items():
            gone = Outcome(OutcomeKind.SKIPPED, record.name, reason=NO_SUCH_CODE)
            look.add(line_of(str(CodeKey(project.id, number)), project.label, record.code, gone))

    def _add_code(self, project: Project, one: Planned, look: Look) -> None:
        key = str(CodeKey(project.id, one.code.id))
        name, item_id = one.item.name if one.item else one.name, one.item.id if one.item else ""
        reason = describe(one.cause, one.facts).sentence if one.cause else ""
        world: World = {
            "project number": project.number or "",
            "WBS code": one.code.flat_code,
            "description": one.code.description,
            "Item name": one.name,
            "in NetSuite": f"Item {item_id} {name!r}" if one.item else "" if one.cause else NOTHING,
        }
        outcome = Outcome(one.kind, name, item_id, reason, one.cause)
        takes = Requests(0, self._items.writes(one))
        look.add(line_of(key, project.label, one.code.flat_code, outcome, world=world, requests=takes))
        if one.kind is not OutcomeKind.BLOCKED:
            look.planned.setdefault(project.id, {})[one.code.id] = one

    def _not_scanned(self, project_id: int) -> PlanLine:
        """Return why a scan would skip a requested project."""
        project = next((one for one in self._projects.all() if one.id == project_id), None)
        if not self._projects.in_pilot(project_id):
            outcome = Outcome(OutcomeKind.SKIPPED, reason="the project is not in PROJECT_IDS")
        elif project is None:
            return _not_readable(project_id, f"id {project_id}", "budget", "the project is not visible to the app")
        else:
            why = self._projects.why_left_out(project) or f"project {project.label} is not active"
            outcome = Outcome(OutcomeKind.SKIPPED, reason=why)
        label = project.label if project else f"id {project_id}"
        return line_of(f"project:{project_id}:budget", label, "budget", outcome)

    # Invoices

    def _look_at_project(self, project: Project, look: Look) -> None:
        began = self._requests()
        try:
            listed = self._runs.listed(project.id)
        except (NotFound, NotPermitted) as error:
            look.add(_not_readable(project.id, project.label, "commitments", str(error)))
            return
        finally:
            look.reads += self._requests() - began
        # In the order in which they leave the lane: of two that need the same, the first one has it made.
        heads = {InvoiceKey(project.id, head.id): head for head in listed.to_export}
        for key in sorted(heads, key=str):
            head, record = heads[key], listed.known.get(key.invoice_id)
            if head.claimed and (record is None or record.state is State.SKIPPED):
                # The list says so; nobody reads it.
                skipped = Outcome(OutcomeKind.SKIPPED, head.label, reason=head.claimed)
                look.add(line_of(str(key), project.label, head.label, skipped))
            else:
                self._look_at_invoice(key, look)
        for head, bill_id in listed.exported.items():
            done = Outcome(OutcomeKind.ALREADY, head.document_number, bill_id)
            about = head.document_number or f"id {head.id}"
            look.add(line_of(str(InvoiceKey(project.id, head.id)), project.label, about, done))

    def _look_at_invoice(self, key: InvoiceKey, look: Look) -> None:
        """Add the invoice's line, preceded by lines of the codes whose Items the export would create."""
        began, seen = self._requests(), _Seen()
        try:
            outcome = self._outcome(key, seen, look)
        except Blocked as error:
            outcome = self._blocked(key, seen, error)
        except (NotFound, NotPermitted) as error:
            facts = {"project": f"id {key.project_id}", "what": "data", "answer": str(error)}
            outcome = self._blocked(key, seen, Blocked(cause=Cause.PROJECT_NOT_READABLE, facts=facts))
        except UnexpectedAnswer as error:
            facts = {"answer": str(error), "invoice": f"id {key.invoice_id}"}
            outcome = self._blocked(key, seen, Blocked(cause=Cause.ANSWER_NOT_UNDERSTOOD, facts=facts))
        takes = self._requests() - began + seen.follows
        project = self._projects.get(key.project_id)
        label, about = project.label if project else f"id {key.project_id}", outcome.name or f"id {key.invoice_id}"
        needs = tuple(dict.fromkeys(seen.needs))
        look.add(line_of(str(key), label, about, outcome, world=seen.world, needs=needs, requests=takes))

    def _outcome(self, key: InvoiceKey, seen: _Seen, look: Look) -> Outcome:
        """Return how the export would end, in the same steps as `InvoiceExport`. Raises Blocked for a problem."""
        record = self._ledger.invoice(key)
        if record and record.done:
            if not record.write_back_due:
                return outcome_of(record)
            seen.follows += Requests(2, 0)
            return Outcome(
                OutcomeKind.ALREADY, record.name, record.remote_id, "the bill exists; saving its id to Procore is next"
            )
        planned: list[Planned] = []

        def look_up(project: Project, invoice: Invoice) -> None:
            coming = look.coming(project.id)
            missing = [code_id for code_id in self._invoice_items.missing(invoice) if code_id not in coming]
            planned.extend(self._invoice_items.plan(project, invoice, missing) if missing else [])

        ready = self._export.plan(key, look_up=look_up)
        if isinstance(ready, Outcome):
            # One that a person has settled is read once more, and named to Procore.
            seen.follows += Requests(2 if ready.kind is OutcomeKind.ADOPTED else 0, 0)
            return ready
        seen.invoice = ready.invoice
        seen.world = {"vendor": ready.invoice.vendor_name} | _head_of(ready.invoice)
        try:
            in_doubt = self._look_at_items(ready, planned, seen, look)
        except Blocked as error:
            if settled := self._export.settled(key, ready.invoice, error):
                return settled
            raise
        if in_doubt:
            reason = f"waiting for {in_doubt} Items whose writes NetSuite did not confirm"
            return Outcome(OutcomeKind.WAITING, ready.invoice.label, reason=reason)
        return self._look_at_bill(key, ready, record, seen, look)

    def _look_at_items(self, ready: Billable, planned: Sequence[Planned], seen: _Seen, look: Look) -> int:
        """Return the Items to create first, as looked up, and how many of the Items are unconfirmed. Raises Blocked."""
        invoice, project = ready.invoice, ready.project
        lacking = self._invoice_items.missing(invoice)
        coming = look.coming(project.id)
        missing = [code_id for code_id in lacking if code_id not in coming]
        seen.needs += [str(CodeKey(project.id, code_id)) for code_id in lacking if code_id in coming]
        try:
            self._invoice_items.require_none_blocked(invoice, planned)
        except Blocked:
            # Then none is made for this invoice's sake, but what stands is taken over all the same.
            planned = [one for one in planned if one.kind is not OutcomeKind.CREATED]
            raise
        finally:
            for one in planned:
                self._add_code(project, one, look)
            seen.needs += [str(CodeKey(project.id, one.code.id)) for one in planned]
        if any(one.kind is OutcomeKind.CREATED for one in planned):
            # With its Items made, the invoice is read once more before the bill.
            seen.follows += Requests(2 if invoice.previous_id else 1, 0)
        return len(missing) - len(planned)

    def _look_at_bill(
        self, key: InvoiceKey, ready: Billable, record: Record | None, seen: _Seen, look: Look
    ) -> Outcome:
        invoice = ready.invoice
        bill, found = self._bills.plan(key, ready, look.coming(ready.project.id))
        seen.world = self._world_of(ready, bill, found, look)
        in_doubt, ours = record and record.in_doubt, found and same_external_id(found.external_id, bill.external_id)
        if found and (ours or not in_doubt):
            # Of one that was in doubt it is asked whether somebody entered it too.
            seen.follows += Requests(1, 1 if in_doubt else 0)
            return Outcome(OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED, invoice.label, found.id)
        if record and in_doubt:
            return replace(outcome_of(record), kind=OutcomeKind.UNKNOWN)
        number = bill.number_key
        if first := look.bills.get(number):
            seen.follows += Requests(0, 1)
            difference = f"it is the bill of another Procore invoice with the same number, of {first} in this plan"
            facts = {"bill_id": "not created yet", "difference": difference}
            raise Blocked(cause=Cause.DOCUMENT_NUMBER_TAKEN, facts=facts)
        look.bills[number] = ready.project.label
        # Write, read back, tell Procore.
        seen.follows += Requests(1, 2)
        moved = f"posted in {bill.posting_period.name}" if bill.posting_period else ""
        return Outcome(OutcomeKind.CREATED, invoice.label, reason=moved)

    def _world_of(self, ready: Billable, bill: Bill, found: FoundBill | None, look: Look) -> World:
        invoice = ready.invoice
        records = self._ledger.codes(invoice.project_id, invoice.wbs_code_ids)
        names = {record.remote_id: record.name for record in records.values() if record.done}
        names |= look.item_names
        names |= {_id_of(one): _name_of(one) for one in look.planned.get(invoice.project_id, {}).values()}
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
        record = self._bills.records.blocked(key, seen.invoice, error)
        if not seen.world and "vendor" in record.facts:
            seen.world = {"vendor": record.facts["vendor"], "number": record.facts.get("invoice", "")}
        return outcome_of(record)


@dataclass(slots=True)
class _Seen:
    """The data of one invoice as read. `follows`: requests of the export that a dry run does not make."""

    invoice: Invoice | None = None
    world: World = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    follows: Requests = field(default_factory=Requests)


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


def _id_of(one: Planned) -> str:
    return one.item.id if one.item else one.name


def _name_of(one: Planned) -> str:
    return one.item.name if one.item else one.name


def _not_readable(project_id: int, label: str, what: str, answer: str) -> PlanLine:
    cause, facts = Cause.PROJECT_NOT_READABLE, {"project": label, "what": what, "answer": answer}
    blocked = Outcome(OutcomeKind.BLOCKED, reason=describe(cause, facts).sentence, cause=cause)
    return line_of(f"project:{project_id}:{what}", label, what, blocked)
