"""Final questions about what people are told: requests that were dropped, problems that are none, pauses that nobody sees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.watch import LOCKS_LOST

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

PREFIX = "wbs:"
NOTICED_SECONDS = 20.0
"""How soon after the answer a record has been read back and compared."""
LONGEST_REST = 4000.0
"""Virtual seconds from the last fault to rest. Several settle windows may follow each other; a pause of an hour on top may not."""


def ask_at_first_rest(rig: Rig, violations: list[str], rest_after: float) -> None:
    """Asked when everything came to rest by itself."""
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


def _problems(rig: Rig) -> dict[str, dict[str, object]]:
    return {key: json.loads(text) for key, text in rig.store.data.get(f"{PREFIX}problems", {}).items()}


def _asked_during(rig: Rig, violations: list[str]) -> None:
    """What was asked for during an attempt is done after it: the attempt had begun before what was changed."""
    if rig.strikes.losses:
        return
    for key in rig.asked_during:
        kind, project_id, number = key.split(":")
        record = json.loads(rig.store.data.get(f"{PREFIX}{kind}s:{project_id}", {}).get(number) or "{}")
        problem = _problems(rig).get(key, {})
        if problem.get("cause") == "period_closed":
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
        if problem["cause"] in ("answer_not_understood", "unreadable_response") and key.split(":")[0] in (
            "scan",
            "exports",
            "plan",
        ):
            violations.append(f"one odd row stopped {key}: {problem}")


def _settled(rig: Rig, violations: list[str]) -> None:
    """What a person entered in NetSuite by hand, with the same vendor, number and amount, is nobody's problem any more."""
    for invoice in rig.settled:
        key = f"invoice:{invoice.project_id}:{invoice.id}"
        unchanged = invoice.now.cents_off and invoice.now.status == "approved"
        if unchanged and key in _problems(rig):
            violations.append(f"{key} was entered by hand, and is still a problem: {_problems(rig)[key]['cause']}")


def _lines_tie(rig: Rig, violations: list[str]) -> None:
    """An invoice whose amounts are right is not told to be off."""
    for invoice in rig.company.invoices.values():
        problem = _problems(rig).get(f"invoice:{invoice.project_id}:{invoice.id}", {})
        if problem.get("cause") == "lines_do_not_tie" and not invoice.now.cents_off:
            violations.append(f"invoice {invoice.id} is told not to tie, and its lines ({invoice.line_ids} ids) do")


def _differences_are_problems(rig: Rig, violations: list[str]) -> None:
    """What NetSuite made otherwise than it was sent is told, and the series ends with the second one."""
    rules, problems = rig.netsuite.rules, _problems(rig)
    items = [one for one in rig.netsuite.made if one.request and one.request.is_item]
    bills = [one for one in rig.netsuite.made if one.request and one.request.is_bill]
    for made, differs, what in (
        (items, rules.generates_names, "Items under other names"),
        (bills, rules.generates_numbers, "bills under other numbers"),
        (bills, bool(rig.netsuite.state.settings.bill_tax), "bills with a tax that nobody sent"),
    ):
        requests = [one.request for one in made if one.request]
        answered = sorted(one.answered_at for one in requests if one.told and one.answered_at)
        late = [one for one in requests if len(answered) > 1 and one.sent_at > answered[1] + NOTICED_SECONDS]
        # An emptied store forgets the problem; under which name an Item was meant only `verify` can say after that.
        forgotten = made is items and rig.strikes.emptied
        # A single one may be an accident; two in a row are a setting.
        if differs and len(made) > 1 and not problems and not forgotten:
            violations.append(f"{len(made)} {what}, and nobody is told")
        elif differs and late and not rig.kinds & LOCKS_LOST:
            violations.append(f"{len(late)} {what}, sent when two had been seen")
