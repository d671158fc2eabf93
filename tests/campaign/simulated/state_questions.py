"""Final questions about what people see: requests that were dropped, false problems, pauses that are not shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.remotes import Request
from worker.domain.problems import Cause, cause_of
from worker.domain.series import MAX_IN_A_ROW

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

Problems = dict[str, dict[str, object]]
PREFIX = "wbs:"
NOTICED_SECONDS = 20.0
"""How soon after the answer a record has been read back and compared."""
SLOT_PATIENCE = 5.0
"""How much longer a request may wait for a slot until it is given up."""
LONGEST_REST = 4000.0
"""Virtual seconds from the last fault to rest. Several settle windows may follow each other; a pause of an hour on top may not."""


def ask_at_first_rest(rig: Rig, violations: list[str], rest_after: float) -> None:
    """Asked when all work ended by itself."""
    _asked_during(rig, violations)
    _no_row_stops_its_list(rig, violations)
    violations.extend(rig.watch.seen.values())
    if rest_after > LONGEST_REST and not rig.beats.paused:
        violations.append(f"it came to rest only {rest_after:.0f} s after the last fault")


def ask(rig: Rig, violations: list[str]) -> None:
    """Asked when everything was asked for once more."""
    _settled(rig, violations)
    _lines_tie(rig, violations)
    _differences_are_problems(rig, violations)


def _problems(rig: Rig) -> Problems:
    stored = {key: json.loads(text) for key, text in rig.store.data.get(f"{PREFIX}problems", {}).items()}
    return {key: one | {"cause": cause_of(one["cause"])} for key, one in stored.items()}


def _asked_during(rig: Rig, violations: list[str]) -> None:
    """What was asked for during an attempt is done after it: the attempt had begun before what was changed."""
    if rig.troubles.losses:
        return
    for key in rig.asked_during:
        kind, project_id, number = key.split(":")
        record = json.loads(rig.store.data.get(f"{PREFIX}{kind}s:{project_id}", {}).get(number) or "{}")
        problem = _problems(rig).get(key, {})
        if problem.get("cause") is Cause.PERIOD_CLOSED:
            violations.append(f"{key} was asked for again when its period was open, and still says that it is closed")
        elif (
            not record
            and not problem
            and not _problems(rig).keys() & {f"scan:{project_id}", f"project:{project_id}:budget"}
        ):
            violations.append(f"{key} was asked for during a scan of its project, and nothing is known of it")


def _no_row_stops_its_list(rig: Rig, violations: list[str]) -> None:
    """A row that no work needs stops nothing."""
    if Kind.ODD_ROWS not in rig.kinds:
        return
    for key, problem in _problems(rig).items():
        if problem["cause"] == Cause.UNREADABLE_RESPONSE and key.split(":")[0] in (
            "scan",
            "exports",
            "plan",
        ):
            violations.append(f"one odd row stopped {key}: {problem}")


def _settled(rig: Rig, violations: list[str]) -> None:
    """What a person entered in NetSuite by hand, with the same vendor, number and amount, has no problem."""
    for invoice in rig.settled:
        key = f"invoice:{invoice.project_id}:{invoice.id}"
        unchanged = invoice.now.cents_off and invoice.now.status == "approved"
        if unchanged and key in _problems(rig):
            violations.append(f"{key} was entered by hand, and is still a problem: {_problems(rig)[key]['cause']}")


def _lines_tie(rig: Rig, violations: list[str]) -> None:
    """An invoice with correct amounts is not reported as off."""
    for invoice in rig.company.invoices.values():
        problem = _problems(rig).get(f"invoice:{invoice.project_id}:{invoice.id}", {})
        if problem.get("cause") is Cause.LINES_DO_NOT_TIE and not invoice.now.cents_off:
            violations.append(f"invoice {invoice.id} is told not to tie, and its lines ({invoice.line_ids} ids) do")


def _differences_are_problems(rig: Rig, violations: list[str]) -> None:
    """What NetSuite made otherwise than it was sent is a problem, and the series ends with the second one."""
    rules, problems = rig.netsuite.rules, _problems(rig)
    items = [one.request for one in rig.netsuite.made if one.request and one.request.is_item]
    bills = [one.request for one in rig.netsuite.made if one.request and one.request.is_bill]
    for series, requests, differs, what in (
        ("items", items, rules.generates_names, "Items under other names"),
        ("bills", bills, rules.generates_numbers, "bills under other numbers"),
        ("bills", bills, bool(rig.netsuite.state.settings.bill_tax), "bills with a tax that nobody sent"),
    ):
        if not differs:
            continue
        if series == "bills":
            violations.extend(_not_reported(rig, requests, problems, what))
        reads = {one: _read_back(rig, one) for one in requests if _undisturbed(rig, one)}
        unread = [one for one, read in reads.items() if read is None]
        if unread:
            violations.append(f"{len(unread)} {what}, which nobody read back")
        looks = [read if (read := reads.get(one)) and _is_shown(read) else _found(rig, one) for one in requests]
        seen = sorted(look.answered_at for look in looks if look and look.answered_at)
        if len(seen) < MAX_IN_A_ROW:
            # One Item under another name may be an accident: `verify` reports it, and it is posted right.
            continue
        if f"series:{series}" not in problems:
            violations.append(f"{len(seen)} {what}, and nobody is asked about the setting")
        stopped_at = seen[MAX_IN_A_ROW - 1] + NOTICED_SECONDS
        late = [one for one in requests if one.sent_at > stopped_at
                and not rig.troubles.met(one.thread.process.name, stopped_at - NOTICED_SECONDS, one.sent_at)]  # fmt: skip
        if late:
            violations.append(f"{len(late)} {what}, sent when two had been seen")


def _undisturbed(rig: Rig, create: Request) -> bool:
    """Whether a worker was told what it made, and nothing kept it from reading that back and the store from keeping what it saw.

    An Item that could not be read back since all slots stayed busy is left to `verify`; the next one is read back.
    """
    answered, process = create.answered_at, create.thread.process.name
    if not create.told or answered is None:
        return False
    until = answered + NOTICED_SECONDS
    no_slot = rig.troubles.got_no_slot(process, answered, until + SLOT_PATIENCE)
    return not no_slot and not rig.troubles.met(process, answered, until)


def _read_back(rig: Rig, create: Request) -> Request | None:
    """The request, answered or not, with which the worker read back what it had just made: by its id, if it did that.

    A create without a Location is looked up by its external id first, only to learn the id; a credit is first looked for among the bills.
    """
    by_id, by_external_id = f"/{create.record_id}", f"/eid:{create.external_id}".casefold()
    reads = [
        one for one in rig.wires.log
        if one.remote == "netsuite" and one.method == "GET" and one.thread.process is create.thread.process
        and one.sent_at >= (create.answered_at or 0.0) and one.path.casefold().endswith((by_id, by_external_id))
    ]  # fmt: skip
    by_its_id = [one for one in reads if one.path.endswith(by_id)]
    return next(filter(_is_shown, by_its_id), None) or next(iter(by_its_id or reads), None)


def _found(rig: Rig, create: Request) -> Request | None:
    """The request that found the record of an unconfirmed write, if the attempt that sent it compares what was found with what was
    sent, and could.

    A later attempt compares as well, unless the first one did, where nothing has changed since: else it may end before that.
    """
    name = f"/eid:{create.external_id}".casefold()
    found = next(
        (
            one for one in rig.wires.log
            if one.method == "GET" and one.work == create.work and one.sent_at > create.sent_at
            and one.path.casefold().endswith(name) and _is_shown(one)
        ), None,
    )  # fmt: skip
    if found is None or found.answered_at is None:
        return None
    at_once = _attempt(found) == _attempt(create)
    compared = not create.told if at_once else _nothing_changed(rig, create, found)
    disturbed = rig.troubles.met(found.thread.process.name, found.sent_at, found.answered_at + NOTICED_SECONDS)
    return found if compared and not disturbed else None


def _is_shown(read: Request) -> bool:
    """Whether a remote showed what it was asked for, and the worker got that answer."""
    return read.told and read.reply is not None and read.reply.status == 200


def _attempt(request: Request) -> tuple[object, ...]:
    return request.thread, request.work_began_at, request.work


def _nothing_changed(rig: Rig, create: Request, found: Request) -> bool:
    """Whether store and people left alone what was sent until an attempt found it, and this attempt was refused nothing before."""
    if rig.troubles.store_troubled(create.sent_at, found.sent_at):
        return False
    if any(record_id == create.record_id for _, record_id, _ in rig.netsuite.edits):
        return False
    if create.is_bill:
        invoice = rig.company.invoices[int(create.external_id.rpartition("-")[2])]
        project = rig.company.projects[invoice.project_id]
        edited = len(invoice.versions) > 1 or invoice.id in rig.decided
        if edited or len(project.numbers) > 1 or not project.active:
            return False
    before = [one for one in rig.wires.log if _attempt(one) == _attempt(found) and one.sent_at < found.sent_at]
    return all(_is_shown(one) or (one.remote == "netsuite" and one.reply and one.reply.status == 404) for one in before)


def _not_reported(rig: Rig, requests: list[Request], problems: Problems, what: str) -> Iterator[str]:
    """Bills that differ from what was sent, and no problem says so."""
    for request in requests:
        invoice = rig.company.invoices[int(request.external_id.rpartition("-")[2])]
        key = f"invoice:{invoice.project_id}:{invoice.id}"
        if _undisturbed(rig, request) and key not in problems:
            yield f"{key} is one of the {what}, and nobody is told"
