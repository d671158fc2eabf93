"""The questions that are answered by the records of the remotes and the store, when nothing is left to do."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simulators.netsuite.records import Bill, Item
from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.netsuite import Written
from tests.campaign.simulated.remotes import Request
from tests.campaign.simulated.world import COMPANY, RETAINAGE_ITEM, Code, Invoice, InvoiceVersion, Project
from worker.domain.problems import Cause, cause_of
from worker.domain.refusals import REFUSED
from worker.store.ledger import LEAVES_WITHIN_SECONDS

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

PREFIX = "wbs:"
SETTLE = 900.0
DONE = ("created", "adopted")
ENDED = (*DONE, "skipped", "blocked")


def at_first_rest(rig: Rig, violations: list[str]) -> None:
    """Without faults for a while: every run has ended, and everything that a command requested has an end."""
    _runs(rig, violations)
    _no_false_problem(rig, violations)
    _nothing_left_lying(rig, violations)
    if rig.strikes.emptied:
        # An emptied store forgets what was requested; `rebuild` restores the records, not the requests.
        return
    lost_since = min((taken for taken, _ in rig.troubles.losses), default=1e18)
    last_loss = max((at for _, at in rig.troubles.losses), default=0.0)
    scans = [at for what, at in rig.accepted if what == "scan" and not lost_since - 1 <= at <= last_loss + 1]
    exports = [at for what, at in rig.accepted if what == "export_all" and not lost_since - 1 <= at <= last_loss + 1]
    edited = {Kind.UNBUDGETED, Kind.RENUMBERED} & rig.kinds
    if scans and not rig.troubles.losses and not edited:
        for project in rig.company.projects.values():
            if project.active and not _project_problem(rig, project, "budget"):
                _codes_ended(rig, project, violations)
    if exports and not rig.troubles.losses:
        for invoice in rig.company.invoices.values():
            # An inactive project whose tools are switched off is no problem until something was exported; status and verify name it.
            if str(invoice.project_id) in rig.store.data.get(f"{PREFIX}projects:invoices_refused", {}):
                continue
            steady = len({version.status for version in invoice.versions}) == 1
            if steady and invoice.now.status == "approved" and not _listing_problem(rig, invoice):
                state = _record(rig, "invoices", invoice.project_id, invoice.id).get("state")
                if state not in ENDED and not _has_problem(rig, f"invoice:{invoice.project_id}:{invoice.id}"):
                    violations.append(f"lost: invoice {invoice.id} was to be exported and is {state}")


def _nothing_left_lying(rig: Rig, violations: list[str]) -> None:
    """No code and no invoice waits or is in doubt without being looked up again, and everything that was begun has an end."""
    for kind in ("code", "invoice"):
        for key in [key for key in rig.store.data if key.startswith(f"{PREFIX}{kind}s:")]:
            for number, text in rig.store.data[key].items():
                work, state = f"{kind}:{key.rsplit(':', 1)[1]}:{number}", json.loads(text)["state"]
                if state not in ENDED and not _has_problem(rig, work):
                    violations.append(f"left lying: {work} is {state}")
    for key, begun_at in rig.begun.items():
        kind, project_id, *number = key.split(":")
        if kind not in ("code", "invoice") or any(begun_at <= at for _, at in rig.troubles.losses):
            continue
        if not _record(rig, f"{kind}s", int(project_id), int(number[0])) and not _has_problem(rig, key):
            violations.append(f"lost: {key} was begun, and nothing is known of it")


def _codes_ended(rig: Rig, project: Project, violations: list[str]) -> None:
    for code in project.codes.values():
        state = _record(rig, "codes", project.id, code.id).get("state")
        if (
            code.budgeted
            and code.active
            and state not in ENDED
            and not _has_problem(rig, f"code:{project.id}:{code.id}")
        ):
            violations.append(f"lost: code {code.id} of a scan is {state}")


def ask(rig: Rig, violations: list[str], excused: list[str]) -> None:
    """The final questions."""
    _items_once(rig, violations, excused)
    _bills_once(rig, violations, excused)
    _not_beside_a_persons(rig, violations)
    _every_code(rig, violations)
    _every_invoice(rig, violations)
    _every_bill_right(rig, violations)
    _nothing_overwritten(rig, violations)
    _nothing_held(rig, violations)
    _resent(rig, violations)
    _runs(rig, violations)
    if not rig.troubles.losses:
        # A store that lost a second may have lost the very code's problem.
        violations.extend(rig.untrue)
    violations.extend(f"a task failed: {one}" for one in rig.floor.failed_tasks)
    _no_false_problem(rig, violations)
    if any(request.over_cap for request in rig.wires.log):
        violations.append(f"NetSuite's cap of {rig.setup.cap} was exceeded: {rig.wires.most_at_once} at once")


# Once


def _items_once(rig: Rig, violations: list[str], excused: list[str]) -> None:
    ours = [one for one in rig.netsuite.made if one.request is not None and one.request.is_item]
    _once(rig, "Item", ours, violations, excused)


def _bills_once(rig: Rig, violations: list[str], excused: list[str]) -> None:
    ours = [one for one in rig.netsuite.made if one.request is not None and one.request.is_bill]
    _once(rig, "bill", ours, violations, excused)


def _not_beside_a_persons(rig: Rig, violations: list[str]) -> None:
    """No bill of ours is written where one that a person entered could be seen before the work began."""
    for written in rig.netsuite.made:
        bill, request = rig.netsuite.state.bills.get(written.record_id), written.request
        if bill is None or request is None or not request.is_bill:
            continue
        for entered_id in rig.netsuite.entered:
            entered = rig.netsuite.state.bills.get(entered_id)
            of_bill = (bill.record_type, bill.entity, bill.tranid)
            same = entered is not None and (entered.record_type, entered.entity, entered.tranid) == of_bill
            if same and rig.netsuite.engine.seen_from[entered_id] <= request.work_began_at:
                violations.append(f"bill {bill.id} was written beside {entered_id}, which a person had entered before")


def _once(rig: Rig, noun: str, made: list[Written], violations: list[str], excused: list[str]) -> None:
    by_id: dict[str, list[Written]] = {}
    for one in made:
        by_id.setdefault(one.external_id.lower(), []).append(one)
    for external_id, several in by_id.items():
        if len(several) > 1:
            ids = ", ".join(one.record_id for one in several)
            words = f"{len(several)} {noun}s for {_key(rig, noun, external_id)} ({external_id}): {ids}"
            excuse = _excuse(rig, several)
            (excused if excuse else violations).append(f"{words}; {excuse}" if excuse else words)


def _key(rig: Rig, noun: str, external_id: str) -> str:
    parts = external_id.split("-")
    if noun == "Item":
        return f"code:{parts[3]}:{parts[4]}"
    return f"invoice:{rig.company.invoices[int(parts[3])].project_id}:{parts[3]}"


def _excuse(rig: Rig, several: list[Written]) -> str:
    """Why nobody could have prevented this pair: only with a window, and only if each later check fell into an earlier's."""
    window = rig.setup.window
    if window is None:
        return ""
    for one, other in itertools.pairwise(several):
        first, second = one.request, other.request
        assert first is not None
        assert second is not None
        if other.at - window >= one.at:
            return ""
        why = _how_lost(rig, first, second)
        if not why:
            return ""
    return why


def _how_lost(rig: Rig, *requests: Request) -> str:
    """What no client can see: a pause as long as the settle window between its last look at the clock and its request."""
    if any(paused_at_the_last_moment(rig, request) for request in requests):
        return "a holder was paused between its last check and its request, and uniqueness has a window"
    return ""


def paused_at_the_last_moment(rig: Rig, request: Request) -> bool:
    """Return whether its worker paused for as long as the settle window after its last check of the clock, and then sent it."""
    if request.checked_at is None:
        return False
    stalls = rig.troubles.stalls.get(request.thread.process.name, ())
    return any(end - begin > SETTLE - 30 and request.checked_at <= begin <= request.sent_at for begin, end in stalls)


def _resent(rig: Rig, violations: list[str]) -> None:
    """Nothing is sent again within the settle window of a write whose end its sender did not learn."""
    sent: dict[str, list[Request]] = {}
    for request in rig.wires.log:
        if request.creates:
            sent.setdefault(request.external_id, []).append(request)
    for external_id, requests in sent.items():
        for place, later in enumerate(requests):
            for earlier in requests[:place]:
                known = earlier.told and earlier.answered_at is not None and earlier.answered_at <= later.sent_at
                if known or later.sent_at - earlier.sent_at >= SETTLE - LEAVES_WITHIN_SECONDS - 0.01:
                    continue
                if _how_lost(rig, earlier, later):
                    rig.facts["sent again beside one that stood still"] += 1
                else:
                    violations.append(f"{external_id} sent again after {later.sent_at - earlier.sent_at:.0f} s")


def _no_false_problem(rig: Rig, violations: list[str]) -> None:
    """No problem says that NetSuite refused an Item or a bill which exists there, ours and in order."""
    for key, text in rig.store.data.get(f"{PREFIX}problems", {}).items():
        if cause_of(json.loads(text)["cause"]) is Cause.UNEXPECTED:
            violations.append(f"{key} is told as something unexpected: {text}")
    for project in rig.company.projects.values():
        for code in project.codes.values():
            cause = _cause(rig, f"code:{project.id}:{code.id}")
            item = rig.netsuite.state.item_by_external_id(f"pcr-itm-{COMPANY}-{project.id}-{code.id}")
            if cause in (Cause.ITEM_REJECTED, *REFUSED) and item is not None and not item.isinactive:
                violations.append(f"code {code.id} is told as refused, but its Item {item.id} stands")
    for invoice in rig.company.invoices.values():
        cause = _cause(rig, f"invoice:{invoice.project_id}:{invoice.id}")
        bill = rig.netsuite.state.bill_by_external_id(f"pcr-bill-{COMPANY}-{invoice.id}")
        if cause in (Cause.BILL_REJECTED, Cause.DOCUMENT_NUMBER_TAKEN, *REFUSED) and bill is not None:
            violations.append(f"invoice {invoice.id} is told as {cause}, but its bill {bill.id} stands")


def _cause(rig: Rig, key: str) -> Cause | None:
    text = rig.store.data.get(f"{PREFIX}problems", {}).get(key)
    return cause_of(json.loads(text)["cause"]) if text else None


# Every code, every invoice


def _every_code(rig: Rig, violations: list[str]) -> None:
    """A budgeted, active code without a problem has exactly one usable Item."""
    for project in rig.company.projects.values():
        if _project_problem(rig, project, "budget") or not project.active:
            continue
        for code in project.codes.values():
            record = _record(rig, "codes", project.id, code.id)
            if _has_problem(rig, f"code:{project.id}:{code.id}"):
                continue
            if record.get("state") in DONE:
                item = rig.netsuite.state.items.get(record["remote_id"])
                if item is None or not _is_items_code(item, project, code):
                    violations.append(
                        f"code {code.id}: the ledger names Item {record['remote_id']}, which is not its own"
                    )
                continue
            if code.budgeted and code.active:
                violations.append(
                    f"code {code.id} is budgeted and active, has no problem, and is {record.get('state')}"
                )


def _is_items_code(item: Item, project: Project, code: Code) -> bool:
    ours = (item.externalid or "").lower() == f"pcr-itm-{COMPANY}-{project.id}-{code.id}"
    name = item.itemid.casefold().removeprefix("renamed ")
    while name.startswith("renamed "):
        name = name.removeprefix("renamed ")
    return item.itemtype == "OthCharge" and (ours or name in project.names_of(code))


def _every_invoice(rig: Rig, violations: list[str]) -> None:
    """An approved invoice has its bill, or a problem says why not; what is not approved has an end as well."""
    for invoice in rig.company.invoices.values():
        record = _record(rig, "invoices", invoice.project_id, invoice.id)
        state = record.get("state")
        problem = _has_problem(rig, f"invoice:{invoice.project_id}:{invoice.id}")
        if state in DONE:
            _billed(rig, invoice, record, violations, told=not problem)
            continue
        if state == "skipped" and invoice.id in rig.decided:
            continue
        # Procore itself names the bill: also an emptied store's end.
        if (invoice.now.origin_id and state is None) or problem:
            continue
        if invoice.now.status == "approved" and not _listing_problem(rig, invoice):
            violations.append(f"invoice {invoice.id} is approved, has no problem, and is {state}")
        elif state in ("intent", "unknown"):
            violations.append(f"invoice {invoice.id} rests as {state}")


def _billed(rig: Rig, invoice: Invoice, record: dict[str, Any], violations: list[str], *, told: bool) -> None:
    """The bill in the ledger totals what was due, and Procore names it too where that is not a problem."""
    bill = rig.netsuite.state.bills.get(record["remote_id"])
    if bill is None or _sign(bill) * (bill.total - bill.tax) not in {version.due for version in invoice.versions}:
        violations.append(f"invoice {invoice.id}: the ledger names bill {record['remote_id']}, which is not its own")
    elif told and invoice.now.origin_id != f"ns-{bill.record_type.lower()}-{bill.id}":
        violations.append(f"invoice {invoice.id} has bill {bill.id}, and Procore says {invoice.now.origin_id}")


def _every_bill_right(rig: Rig, violations: list[str]) -> None:
    """Lines and total of every bill of ours are those of its invoice as it was when the bill was written."""
    for written in rig.netsuite.made:
        bill = rig.netsuite.state.bills.get(written.record_id)
        request = written.request
        if bill is None or request is None or not request.is_bill:
            continue
        invoice = rig.company.invoices[int(written.external_id.rsplit("-", 1)[1])]
        versions = _versions_between(rig, invoice, request.work_began_at, request.sent_at)
        if not any(
            version.status == "approved" and bill_of_version(rig, invoice, version, bill) for version in versions
        ):
            violations.append(f"bill {bill.id} is not invoice {invoice.id} as it was when it was written")


def _versions_between(rig: Rig, invoice: Invoice, begin: float, end: float) -> list[InvoiceVersion]:
    ends = [version.since for version in invoice.versions[1:]] + [1e18]
    return [one for one, until in zip(invoice.versions, ends, strict=True) if one.since <= end and until >= begin]


def bill_of_version(rig: Rig, invoice: Invoice, version: InvoiceVersion, bill: Bill) -> bool:
    """Whether a bill has the lines and the total of an invoice as it was; a tax that the account adds by itself is left out."""
    project = rig.company.projects[invoice.project_id]
    expected: Counter[tuple[int, Decimal]] = Counter()
    for line in version.lines:
        expected[line.code_id, line.gross] += 1
    held = sum((line.held for line in version.lines), Decimal(0))
    if held:
        expected[0, -held] += 1
    found: Counter[tuple[int, Decimal]] = Counter()
    for billed in bill.lines:
        found[_code_of(rig, project, billed.item), _sign(bill) * billed.amount] += 1
    return found == expected and _sign(bill) * (bill.total - bill.tax) == version.due


def _sign(bill: Bill) -> int:
    """A vendor credit has the invoice's amounts turned."""
    return -1 if bill.record_type == "vendorCredit" else 1


def _code_of(rig: Rig, project: Project, item_id: str) -> int:
    if item_id == RETAINAGE_ITEM:
        return 0
    item = rig.netsuite.state.items.get(item_id)
    for code in project.codes.values():
        if item is not None and _is_items_code(item, project, code):
            return code.id
    return -1


# The rest


def _nothing_overwritten(rig: Rig, violations: list[str]) -> None:
    last: dict[tuple[str, str], Any] = {}
    for _, record_id, changes in rig.netsuite.edits:
        for name, value in changes.items():
            last[record_id, name] = value
    for (record_id, name), value in last.items():
        record = rig.netsuite.state.items.get(record_id) or rig.netsuite.state.bills.get(record_id)
        if record is None or getattr(record, name) != value:
            violations.append(f"record {record_id}: the accountant's {name} was overwritten")


def _nothing_held(rig: Rig, violations: list[str]) -> None:
    """Asked when every lease had the time to end: what is held now would be held forever."""
    locks = rig.store.keys(f"{PREFIX}lock:")
    slots = [token for token, end in rig.store.data.get(f"{PREFIX}gate", {}).items() if end > rig.scheduler.now * 1000]
    if locks or slots:
        violations.append(f"still held at rest: {locks} {slots}")


def _runs(rig: Rig, violations: list[str]) -> None:
    for run in rig.beats.current_runs():
        fields = rig.store.data.get(f"{PREFIX}run:{run}", {})
        open_keys = rig.store.data.get(f"{PREFIX}run:{run}:open", {})
        if fields and "ended_at" not in fields and not any(_is_paused(rig, key) for key in open_keys):
            violations.append(
                f"run {run} has not ended: open {list(rig.store.data.get(f'{PREFIX}run:{run}:open', {}))}"
            )


def _record(rig: Rig, kind: str, project_id: int, number: int) -> dict[str, Any]:
    text = rig.store.data.get(f"{PREFIX}{kind}:{project_id}", {}).get(str(number))
    record: dict[str, Any] = json.loads(text) if text else {}
    return record


def _has_problem(rig: Rig, key: str) -> bool:
    """Whether a problem says what is the matter with it, or why it waits for a person."""
    return key in rig.store.data.get(f"{PREFIX}problems", {}) or _is_paused(rig, key)


def _is_paused(rig: Rig, key: str) -> bool:
    return rig.beats.paused and key in rig.beats.lanes()


def _project_problem(rig: Rig, project: Project, what: str) -> bool:
    return (
        _has_problem(rig, f"project:{project.id}:{what}")
        or _has_problem(rig, f"scan:{project.id}")
        or _has_problem(rig, "scan:all")
    )


def _listing_problem(rig: Rig, invoice: Invoice) -> bool:
    keys = (f"project:{invoice.project_id}:commitments", f"exports:{invoice.project_id}", "exports:all")
    return any(_has_problem(rig, key) for key in keys)
