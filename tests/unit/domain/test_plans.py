"""The rules by which a line of a plan is applied or refused."""

from __future__ import annotations

from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.plans import Action, LineData, PlanLine, line_of, refusals, what_changed
from worker.domain.problems import Cause
from worker.domain.work import RunKind

ITEM, OTHER_ITEM, INVOICE, OTHER_INVOICE = "code:1:2", "code:1:3", "invoice:1:7", "invoice:1:8"


def create(key: str = ITEM, name: str = "27-001-05-120.S", **data: str) -> PlanLine:
    known = {"Item name": name, "in NetSuite": "nothing"} | data
    return line_of(key, "27-001 New Project", "05-120.S", Outcome(OutcomeKind.CREATED, name), data=known)


def bill(key: str = INVOICE, *needs: str, total: str = "90.00", rows: tuple[tuple[str, ...], ...] = ()) -> PlanLine:
    data: LineData = {"total": total, "lines": rows}
    return line_of(key, "27-001 New Project", "N-1", Outcome(OutcomeKind.CREATED, "N-1"), data=data, needs=needs)


def by_key(*lines: PlanLine) -> dict[str, PlanLine]:
    return {line.key: line for line in lines}


def test_a_planned_creation_for_an_invoice_is_a_bill() -> None:
    assert (create().action, bill().action) == (Action.CREATE, Action.BILL)
    assert {action for action in Action if action.is_change} == {Action.CREATE, Action.BILL, Action.ADOPT}


def test_a_blocked_line_has_owner_and_next_step() -> None:
    blocked = Outcome(OutcomeKind.BLOCKED, reason="No number.", cause=Cause.PROJECT_NUMBER_MISSING)
    line = line_of(ITEM, "New Project", "05-120.S", blocked)
    assert (line.cause, line.owner, line.reason) == ("project_number_missing", "project accountant", "No number.")
    assert line.next_step.startswith("Add a project number")


def test_an_unchanged_line_has_no_change() -> None:
    assert what_changed(bill(INVOICE, ITEM), bill(INVOICE, ITEM)) == ""


def test_a_change_is_a_sentence() -> None:
    facts = {"in NetSuite": "Item 9 'x'"}
    assert what_changed(create(), create(**facts)) == "in NetSuite was nothing, is now Item 9 'x'"
    first, second = ("A", "100.00", "steel"), ("A", "150.00", "steel")
    assert what_changed(bill(rows=(first,)), bill(total="135.00", rows=(second,))) == (
        "total was 90.00, is now 135.00; lines: 'A 100.00 steel' changed to 'A 150.00 steel'"
    )
    skipped = line_of(INVOICE, "p", "N-1", Outcome(OutcomeKind.SKIPPED, "N-1", reason="status is draft"))
    assert what_changed(bill(), skipped) == "it would be skipped now: status is draft"


def test_another_action_with_equal_data_is_a_change() -> None:
    adopt = line_of(ITEM, "27-001 New Project", "05-120.S", Outcome(OutcomeKind.ADOPTED, "x", "5"), data=create().data)
    assert what_changed(create(), adopt) == "it would be adopted now"


def test_a_line_whose_record_is_gone_is_refused() -> None:
    assert refusals(RunKind.SCAN, [create()], {}, ()) == {
        ITEM: "the code is no longer budgeted, or no longer in Procore"
    }
    closed = line_of("project:1:budget", "p", "budget", Outcome(OutcomeKind.SKIPPED, reason="it is not active"))
    assert refusals(RunKind.SCAN, [create()], by_key(closed), ()) == {ITEM: "it would be skipped now: it is not active"}


def test_an_invoice_is_refused_with_its_items() -> None:
    then = [
        create(),
        create(OTHER_ITEM, "27-001-05-310.S"),
        bill(INVOICE, ITEM, OTHER_ITEM),
        bill(OTHER_INVOICE, OTHER_ITEM),
    ]
    now = by_key(*then) | {ITEM: create(**{"in NetSuite": "Item 9 'x'"})}
    refused = refusals(RunKind.EXPORT, then, now, ())
    assert set(refused) == {ITEM, INVOICE}
    assert refused[INVOICE].startswith(
        "its Item 27-001-05-120.S must be created first and is refused: in NetSuite was nothing"
    )


def test_an_item_is_not_created_for_invoices_that_all_changed() -> None:
    then = [create(), bill(INVOICE, ITEM), bill(OTHER_INVOICE, ITEM)]
    one_changed = by_key(*then) | {INVOICE: bill(INVOICE, ITEM, total="1.00")}
    assert set(refusals(RunKind.EXPORT, then, one_changed, ())) == {INVOICE}
    both_changed = one_changed | {OTHER_INVOICE: bill(OTHER_INVOICE, ITEM, total="1.00")}
    assert refusals(RunKind.EXPORT, then, both_changed, ())[ITEM] == "the invoices that need this Item have changed"


def test_an_invoice_whose_item_was_removed_from_the_plan_is_refused() -> None:
    then = [bill(INVOICE, ITEM)]
    assert "is not in this plan" in refusals(RunKind.EXPORT, then, by_key(*then), ())[INVOICE]
    assert refusals(RunKind.EXPORT, then, by_key(*then), {ITEM}) == {}


def test_an_existing_record_is_neither_refused_nor_a_reason_to_refuse() -> None:
    then = [create(), bill(INVOICE, ITEM)]
    assert refusals(RunKind.EXPORT, then, by_key(bill(INVOICE, ITEM)), {ITEM}) == {}
    assert refusals(RunKind.EXPORT, then, {}, {ITEM, INVOICE}) == {}
