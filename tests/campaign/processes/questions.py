"""The questions of a round, answered by the records of the remotes and by their journals, not by the ledger alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from config.names import TaskName
from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from simulators.netsuite.records import Bill, Item
from tests.campaign.processes.plan import Deed
from tests.campaign.processes.storm import Storm
from tests.campaign.processes.traces import Line, Process
from worker.domain.identities import bill_external_id, item_external_id
from worker.domain.problems import Cause

REDIS_GONE = ("ConnectionError", "TimeoutError", "BusyLoadingError", "OperationalError", "ReadOnlyError")
"""A task that ends with one of these fails visibly; its work comes back from its lane."""
REDIS_FULL = "OutOfMemoryError"
"""A task fails with this if Redis stays full for longer than Celery tries to send its next step. Its message must run again, and succeed."""
CLOSE = 0.05  # seconds between two clocks of one machine


@dataclass
class Verdict:
    """What must never be, and the pairs that no client could have prevented."""

    violations: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    doubled: set[str] = field(default_factory=set)
    """Keys of the codes and invoices that the excuses are about."""


def at_first_rest(storm: Storm, verdict: Verdict) -> None:
    """Without faults for a while: what a command requested has an end."""
    problems = {one.key for one in storm.site.container.ledger.problems()}
    for deed, started in storm.deeds.accepted:
        if deed is Deed.SCAN:
            for project, code in _codes(storm):
                since = project.budget[code.id].created_at.timestamp()
                key = f"code:{project.id}:{code.id}"
                if since < started and not _items_of(storm, project, code) and key not in problems:
                    verdict.violations.append(f"lost: the scan left {key} without an Item and without a word")
        else:
            for invoice in _invoices(storm):
                key = f"invoice:{invoice.project_id}:{invoice.id}"
                if invoice.created_at.timestamp() < started and not invoice.origin_id and key not in problems:
                    verdict.violations.append(f"lost: the export left {key} without a bill and without a word")


def about_messages(storm: Storm, verdict: Verdict) -> None:
    """Every message of another app was begun by somebody, unless its queue was deleted with it in it."""
    begun = {line["id"] for _, line in storm.traces.lines("run")}
    storm.facts["messages lost with a queue"] += sum(one.id in storm.deleted - begun for one in storm.deeds.sent)
    for one in storm.deeds.sent:
        if one.id not in begun and one.id not in storm.deleted:
            verdict.violations.append(
                f"lost: nobody began {one.task} for {one.key}, sent {one.at - storm.story.began:.2f}"
            )


def at_the_end(storm: Storm, verdict: Verdict) -> None:
    """The final questions, after everything was asked for once more in the calm."""
    _once(storm, verdict)
    _every_code(storm, verdict)
    _every_invoice(storm, verdict)
    _only_creates(storm, verdict)
    _nothing_overwritten(storm, verdict)
    _nothing_sent_again_early(storm, verdict)
    _no_problem_left(storm, verdict)
    _no_task_failed(storm, verdict)
    _cap(storm, verdict)
    _comparison_ended(storm, verdict)
    _verify(storm, verdict)


def _comparison_ended(storm: Storm, verdict: Verdict) -> None:
    """What was to be compared was compared, whatever struck meanwhile."""
    asked = [one for one in storm.deeds.sent if one.task == TaskName.RECONCILE and one.id not in storm.deleted]
    begun = {line["id"] for _, line in storm.traces.lines("run")}
    last = storm.site.container.stores.verifications.last()
    for one in asked:
        if one.id in begun and (last is None or last.ended_at < one.at):
            verdict.violations.append("a comparison was asked for and begun, and none has ended since")


# Once


def _once(storm: Storm, verdict: Verdict) -> None:
    """Nothing of ours was created twice, and nothing exists twice."""
    for record_type in ("item", "vendorBill"):
        made: dict[str, list[dict[str, Any]]] = {}
        for entry in storm.site.stage.netsuite.writes(record_type):
            if entry["by"] == "client" and entry["write"] == "create":
                made.setdefault(entry["external_id"], []).append(entry)
        for external_id, entries in made.items():
            if len(entries) > 1:
                _pair(storm, verdict, external_id, entries)
    for kind, key, ids in storm.site.stage.netsuite.duplicates():
        entries = [
            entry
            for entry in storm.site.stage.netsuite.journal.writes()
            if entry["id"] in ids and entry["write"] == "create"
        ]
        if len({entry["external_id"] for entry in entries}) > 1 or len(entries) < 2:
            verdict.violations.append(f"{kind} {key} stands {len(ids)} times: {', '.join(ids)}")


def _pair(storm: Storm, verdict: Verdict, external_id: str, entries: list[dict[str, Any]]) -> None:
    words = f"{external_id} was created {len(entries)} times: {', '.join(entry['id'] for entry in entries)}"
    excuses = [_excuse(storm, one, other) for one, other in pairwise(entries)]
    if all(excuses):
        verdict.excused.append(f"{words}; {excuses[0]}")
        verdict.doubled.add(external_id.rsplit("-", 1)[1])
    else:
        verdict.violations.append(words)


def _excuse(storm: Storm, one: dict[str, Any], other: dict[str, Any]) -> str:
    """Why no client could have prevented this pair: uniqueness has a window, and a process stood still between its intent and
    its request until the other one's settle time had passed.
    """
    setup = storm.plan.setup
    if setup.window is None:
        return ""
    sent = sorted((_Write.of(storm, entry) for entry in (one, other)), key=lambda write: write.arrived)
    intents = sorted((write.intent for write in sent), key=lambda line: float(line["sent_at"]))
    if intents[1]["sent_at"] - intents[0]["sent_at"] < setup.settle - CLOSE:
        return ""
    stood = max(write.arrived - write.intent["sent_at"] for write in sent)
    if stood >= setup.lock_seconds:
        return f"its process stood still for {stood:.1f} s between intent and request, and uniqueness has a window"
    return ""


@dataclass(frozen=True, slots=True)
class _Write:
    """One create: when its request arrived, and the intent that was noted for it."""

    arrived: float
    intent: dict[str, Any]

    @classmethod
    def of(cls, storm: Storm, entry: dict[str, Any]) -> _Write:
        request = next(
            one for one in storm.site.stage.netsuite.journal.requests() if one["request_id"] == entry["request_id"]
        )
        process = storm.traces.by_agent(request["agent"])
        assert process is not None, f"nobody knows who sent {entry}"
        last = entry["external_id"].rsplit("-", 1)[1]
        intents = [
            line
            for line in process.of("intending")
            if line["key"].endswith(f":{last}") and line["sent_at"] <= request["started"] + CLOSE
        ]
        return cls(request["started"], intents[-1])


# Every code, every invoice


def _codes(storm: Storm) -> Iterator[tuple[Project, WbsCode]]:
    for project in storm.site.stage.procore.company.projects.values():
        for code in project.budgeted_codes():
            yield project, code


def _invoices(storm: Storm) -> list[Invoice]:
    return [invoice for invoice in storm.site.stage.procore.company.invoices.values() if invoice.status == "approved"]


def _items_of(storm: Storm, project: Project, code: WbsCode) -> list[Item]:
    netsuite, company_id = storm.site.stage.netsuite, storm.site.stage.procore.company.company_id
    ours = netsuite.items.find("externalid", item_external_id(company_id, project.id, code.id))
    named = netsuite.items_named(f"{project.number}-{code.flat_code}")
    return list({item.id: item for item in (*ours, *named)}.values())


def _usable(item: Item) -> bool:
    return item.itemtype == "OthCharge" and not item.isinactive


def _every_code(storm: Storm, verdict: Verdict) -> None:
    """Each budgeted code has its one Item, which the ledger names, or the problem that its Item by hand makes."""
    ledger = storm.site.container.ledger
    problems = {one.key for one in ledger.problems()}
    for project, code in _codes(storm):
        items, key = _items_of(storm, project, code), f"code:{project.id}:{code.id}"
        if str(code.id) in verdict.doubled:
            continue
        record = ledger.codes(project.id, [code.id]).get(code.id)
        if len(items) != 1:
            verdict.violations.append(f"{key} has {len(items)} Items")
        elif not _usable(items[0]):
            if key not in problems:
                verdict.violations.append(f"{key}: its Item cannot be used, and nobody is told")
        elif record is None or not record.done or record.remote_id != items[0].id:
            verdict.violations.append(f"{key}: Item {items[0].id} stands, the ledger says {record}")


def _every_invoice(storm: Storm, verdict: Verdict) -> None:
    """Each approved invoice has its one bill, correct to the cent, and names it; or one of its codes has no Item and a problem says so."""
    problems = {one.key for one in storm.site.container.ledger.problems()}
    for invoice in _invoices(storm):
        key = f"invoice:{invoice.project_id}:{invoice.id}"
        if str(invoice.id) in verdict.doubled:
            continue
        company_id = storm.site.stage.procore.company.company_id
        bills = storm.site.stage.netsuite.bills.find("externalid", bill_external_id(company_id, invoice.id))
        wrong = _difference(storm, invoice, bills[0]) if len(bills) == 1 else ""
        if not bills and _lacks_an_item(storm, invoice) and key in problems:
            continue
        if len(bills) != 1:
            verdict.violations.append(f"{key} has {len(bills)} bills")
        elif wrong:
            verdict.violations.append(f"{key}: {wrong}")
        elif invoice.origin_id != f"ns-vendorbill-{bills[0].id}":
            verdict.violations.append(f"{key}: its origin id is {invoice.origin_id}, its bill {bills[0].id}")


def _lacks_an_item(storm: Storm, invoice: Invoice) -> bool:
    project = storm.site.stage.procore.company.projects[invoice.project_id]
    codes = [line.contract_line.code for line in invoice.lines if line.contract_line.code]
    return any(not _usable(item) for code in codes for item in _items_of(storm, project, code))


def _difference(storm: Storm, invoice: Invoice, bill: Bill) -> str:
    """How a bill differs from its invoice by the company's own books; empty when it does not."""
    netsuite, company = storm.site.stage.netsuite, storm.site.stage.procore.company
    project = company.projects[invoice.project_id]
    wanted: Counter[tuple[str, Decimal]] = Counter()
    for line in invoice.lines:
        assert line.contract_line.code is not None
        wanted[_items_of(storm, project, line.contract_line.code)[0].id, line.gross] += 1
    retained = sum((line.retainage for line in invoice.lines), Decimal(0))
    if retained:
        wanted[netsuite.books.retainage_item_id, -retained] += 1
    found = Counter((line.item, line.amount) for line in bill.lines)
    if found != wanted:
        return f"the lines of bill {bill.id} are {sorted(found.elements())}, not {sorted(wanted.elements())}"
    if bill.total != invoice.summary().current_payment_due:
        return f"bill {bill.id} comes to {bill.total}, due are {invoice.summary().current_payment_due}"
    head = (bill.entity, bill.tranid, bill.trandate)
    right = (company.vendors[invoice.vendor_id].origin_id, invoice.invoice_number, invoice.billing_date.isoformat())
    return "" if head == right else f"bill {bill.id} has {head}, not {right}"


# What was written, and what was not


def _only_creates(storm: Storm, verdict: Verdict) -> None:
    """Nothing of anybody's was changed or deleted by us."""
    verdict.violations.extend(
        f"we wrote to what stood: {entry}"
        for entry in storm.site.stage.netsuite.journal.writes()
        if entry["by"] == "client" and entry["write"] != "create"
    )


def _nothing_overwritten(storm: Storm, verdict: Verdict) -> None:
    netsuite = storm.site.stage.netsuite
    for (kind, record_id, name), words in storm.deeds.edited.items():
        record = netsuite.items.get(record_id) if kind == "item" else netsuite.bills.get(record_id)
        if getattr(record, name, None) != words:
            verdict.violations.append(f"{kind} {record_id}: the accountant's {name} was overwritten")


def _nothing_sent_again_early(storm: Storm, verdict: Verdict) -> None:
    """What was written without a known end is not sent again before the settle window has passed."""
    writes: dict[str, list[tuple[Process, dict[str, Any]]]] = {}
    for process, line in storm.traces.lines("intent"):
        if line["noted"]:
            writes.setdefault(line["key"], []).append((process, line))
    for key, intents in writes.items():
        for (process, one), (_, other) in pairwise(intents):
            if _known_not_done(process, one, key, other):
                continue
            after = other["sent_at"] - one["sent_at"]
            if after < storm.plan.setup.settle - CLOSE:
                verdict.violations.append(f"{key} was sent again after {after:.1f} s")


def _known_not_done(process: Process, intent: dict[str, Any], key: str, other: dict[str, Any]) -> bool:
    """Whether the first sender had heard that nothing was done. The same write noted again is one that NetSuite had no room for."""
    last = key.rsplit(":", 1)[1]
    for line in process.lines:
        if line is other:
            return True
        if line["what"] == "told" and line["at"] >= intent["at"] and line["external_id"].endswith(f"-{last}"):
            return (
                line.get("error") in ("Transient", "NoRoom", "Misconfigured", "Blocked") and line["at"] <= other["at"]
            )
    return False


def _no_problem_left(storm: Storm, verdict: Verdict) -> None:
    """In the calm no problem stays open but those that Items by hand make, and those of doubled records. One of a comparison made before the
    first scan is closed by the scan.
    """
    for one in storm.site.container.ledger.problems():
        if one.key.rsplit(":", 1)[1] in verdict.doubled:
            continue
        expected = one.problem.cause in (Cause.ITEM_TYPE_MISMATCH, Cause.ITEM_INACTIVE, Cause.BLOCKED_CODES)
        if not (expected and storm.plan.setup.by_hand):
            verdict.violations.append(
                f"an open problem at the end: {one.key} {one.problem.cause}: {one.problem.sentence}"
            )


def _no_task_failed(storm: Storm, verdict: Verdict) -> None:
    """Tasks fail visibly for bugs alone; what fails because Redis is gone or full comes back."""
    ran = [line for _, line in storm.traces.lines("ran")]
    for process, line in storm.traces.lines("failed"):
        if line["error"] in REDIS_GONE:
            storm.facts["tasks that failed because Redis was gone"] += 1
        elif line["error"] == REDIS_FULL and succeeded_later(line, ran):
            storm.facts["tasks that ran again after Redis was full"] += 1
        else:
            verdict.violations.append(f"a task of {process.agent} failed: {line['error']}: {line['words']}")


def succeeded_later(failed: Line, ran: Iterable[Line]) -> bool:
    """Whether the message of a failed task ran again afterwards, and succeeded. `ran`: the ends of tasks, of all processes."""
    return any(line["id"] == failed["id"] and line["at"] > failed["at"] and line["state"] == "SUCCESS" for line in ran)


# The cap


def _cap(storm: Storm, verdict: Verdict) -> None:
    """Never more requests in NetSuite than the gate has slots, but for those of which their clients could not know."""
    moves: list[tuple[float, int]] = []
    for entry in storm.site.stage.netsuite.journal.requests():
        if entry["in_flight"] and not entry["refused"]:
            end = _known_until(storm, entry)
            if end > entry["started"]:
                moves += [(entry["started"], 1), (end, -1)]
    now = most = 0
    for _, step in sorted(moves):
        now += step
        most = max(most, now)
    storm.facts["requests"] += len(storm.site.stage.netsuite.journal.requests())
    if most > storm.plan.setup.slots:
        verdict.violations.append(f"{most} requests in NetSuite at once, the gate has {storm.plan.setup.slots} slots")


def _known_until(storm: Storm, entry: dict[str, Any]) -> float:
    """When its client had given the request up, or its slot: NetSuite may go on with it, and nobody can know.

    A killed or stopped process holds its slot for three quarters of a lease at least.
    """
    setup, end = storm.plan.setup, float(entry["ended"])
    if end - entry["started"] > setup.read_timeout * 0.8:
        end = entry["started"] + setup.read_timeout * 0.5
    process = storm.traces.by_agent(entry["agent"])
    for line in process.of("given back") if process else ():
        end = min(end, line["at"])
    for death in storm.deaths:
        if death.process is process:
            end = min(end, death.at + setup.slot_seconds * 0.7)
    for pause in storm.pauses:
        stood = pause.end - pause.begin >= setup.slot_seconds * 0.7
        # Stopped between taking the slot and sending, it sends when it goes on; about that moment its slot is another's.
        if (
            pause.agent == entry["agent"]
            and stood
            and pause.begin - 1 <= entry["ended"]
            and entry["started"] <= pause.end + 1
        ):
            end = min(end, max(entry["started"], pause.begin + setup.slot_seconds * 0.7))
            if entry["started"] > pause.begin:
                return float(entry["started"])
    return end


# Verify


def _verify(storm: Storm, verdict: Verdict) -> None:
    """`verify` finds every doubled record, and nothing else."""
    findings = storm.site.container.verification.verify().findings
    found = {finding.key.rsplit(":", 1)[1] for finding in findings}
    verdict.violations.extend(f"verify does not find that {one} is doubled" for one in sorted(verdict.doubled - found))
    verdict.violations.extend(
        f"verify finds: {finding.kind} {finding.sentence}"
        for finding in findings
        if finding.key.rsplit(":", 1)[1] not in verdict.doubled and not _of_doubled_code(storm, verdict, finding.key)
    )


def _of_doubled_code(storm: Storm, verdict: Verdict, key: str) -> bool:
    """Whether a finding is about an invoice that names a doubled code."""
    if not key.startswith("invoice:"):
        return False
    invoice = storm.site.stage.procore.company.invoices[int(key.rsplit(":", 1)[1])]
    return any(line.contract_line.code and str(line.contract_line.code.id) in verdict.doubled for line in invoice.lines)
