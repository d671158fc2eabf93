"""Plan, then apply: with unchanged data, a plan's effect is its lines; lines whose data changed are refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from simulators.common.journal import Entry
from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.installation import Installation
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Record, State
from worker.domain.plans import Action, Plan, PlanLine, Requests
from worker.domain.series import Series
from worker.reconcile.applying import Applied
from worker.reconcile.planning import Planning

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")


class Journals:
    """The requests to both remotes since this object was created, without logins, and the records that wbs-sync wrote."""

    def __init__(self, office: Installation) -> None:
        self._office = office
        self._marks = {name: _last(office.stage.journal(name)) for name in ("procore", "netsuite")}

    def requests(self) -> Requests:
        seen = {
            name: sum(
                "method" in each and "oauth" not in each["path"] for each in self._office.stage.journal(name, mark)
            )
            for name, mark in self._marks.items()
        }
        return Requests(**seen)

    def written(self) -> list[Entry]:
        """Return the records that wbs-sync, not a person, wrote in either system."""
        return [
            each
            for name, mark in self._marks.items()
            for each in self._office.stage.journal(name, mark)
            if "write" in each and each.get("by", "client") == "client"
        ]


def _last(entries: list[Entry]) -> int:
    return max((each["n"] for each in entries), default=0)


def planning(office: Installation, **settings: Any) -> Planning:
    """Return the planning of a separate process with `--dry-run`, which stores nothing in Redis."""
    container = office.reopened(**settings).container
    container.stores.cache.leave_no_trace()
    return container.planning


def apply(office: Installation, plan: Plan) -> Applied:
    """Apply a plan as the command does, and do the work as workers do."""
    applied = office.reopened().container.applying.apply(plan)
    office.work_off()
    return applied


def line_of(plan: Plan, key: CodeKey | InvoiceKey) -> PlanLine:
    return {line.key: line for line in plan.lines}[str(key)]


def code_key(project: Project, flat_code: str) -> CodeKey:
    return CodeKey(project.id, project.code_named(flat_code).id)


def key_of(invoice: Invoice) -> InvoiceKey:
    return InvoiceKey(invoice.project_id, invoice.id)


def everything(office: Installation) -> dict[str, Any]:
    """Return all data of this installation in Redis, except what every reader writes: tokens, rate limits, request counts, the list of projects."""
    prefix = office.container.settings.redis_key_prefix
    passing = ("token", "limits", "sent", "projects", "gate", "lease")
    redis = office.container.redis
    kept = {}
    for key in sorted(str(key) for key in redis.scan_iter(f"{prefix}*")):
        if not key.removeprefix(prefix).startswith(passing):
            kept[key] = redis.dump(key) if redis.type(key) == "string" else _content(redis, key)
    return kept


def _content(redis: Any, key: str) -> Any:
    readers = {
        "hash": redis.hgetall,
        "set": redis.smembers,
        "zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
    }
    return readers[redis.type(key)](key)


def assert_effect(office: Installation, plan: Plan, written: list[Entry]) -> None:
    """Check that each line had its effect and that nothing else was written."""
    container, company = office.container, office.procore.company
    problems = {one.key: one.problem for one in container.ledger.problems()}
    expected: list[tuple[str, str, str]] = []
    for line in plan.lines:
        if line.key.startswith(("project:", "scan:")):
            assert problems[line.key].cause.value == line.cause, line
            continue
        record = _record(office, line)
        match line.action:
            case Action.CREATE:
                project, code = _code(office, line)
                item = office.item_of(project, code)
                assert item, line
                assert (item.itemid, record and record.state, record and record.remote_id) == (
                    line.name, State.CREATED, item.id,
                ), line  # fmt: skip
                expected.append(("create", "otherChargePurchaseItem", line.name))
            case Action.ADOPT if not line.is_invoice:
                assert record, line
                assert (record.state, record.remote_id, record.name) == (State.ADOPTED, line.remote_id, line.name), line
            case Action.BILL | Action.ADOPT:
                invoice = company.invoices[InvoiceKey.parse(line.key).invoice_id]
                assert record, line
                state = State.CREATED if line.action is Action.BILL else State.ADOPTED
                assert (record.state, invoice.origin_id) == (state, f"ns-vendorbill-{record.remote_id}"), line
                assert_bill(office, line, record.remote_id)
                expected.append(("update", "requisition", line.record))
                if line.action is Action.BILL:
                    assert office.bill(invoice).id == record.remote_id
                    expected.append(("create", "vendorBill", line.record))
                else:
                    assert record.remote_id == line.remote_id
            case Action.BLOCKED:
                assert (problems[line.key].cause.value, problems[line.key].sentence) == (line.cause, line.reason), line
                assert (problems[line.key].owner.value, problems[line.key].next_step) == (line.owner, line.next_step)
            case Action.SKIP:
                assert record is None or record.state is State.SKIPPED, line
            case Action.ALREADY:
                assert record, line
                assert (record.done, record.remote_id) == (True, line.remote_id), line
            case Action.PENDING:
                raise AssertionError(line)
    assert sorted((each["write"], each["type"], each["name"]) for each in written) == sorted(expected)


def assert_bill(office: Installation, line: PlanLine, bill_id: str) -> None:
    bill = office.netsuite.bills.get(bill_id)
    assert bill, line
    data = line.data
    lines = [(getattr(office.netsuite.items.get(each.item), "itemid", "?"), str(each.amount)) for each in bill.lines]
    rows = data["lines"]
    assert isinstance(rows, tuple)
    assert Counter(row[:2] for row in rows) == Counter(lines), line
    assert (bill.tranid, bill.trandate) == (data["number"], data["date"]), line
    assert bill.total == Decimal(str(data["total"])), line
    assert str(data["vendor"]).endswith(f"NetSuite id {bill.entity})"), line


def _record(office: Installation, line: PlanLine) -> Record | None:
    ledger = office.container.ledger
    return ledger.invoice(InvoiceKey.parse(line.key)) if line.is_invoice else ledger.code(CodeKey.parse(line.key))


def _code(office: Installation, line: PlanLine) -> tuple[Project, Any]:
    key = CodeKey.parse(line.key)
    project = office.procore.project(key.project_id)
    return project, project.codes[key.wbs_code_id]


# With unchanged data


def test_a_scan_does_line_by_line_what_its_plan_says_with_as_many_requests(office: Installation) -> None:
    plan = planning(office).scan()
    kinds = Counter(line.action for line in plan.lines)
    assert kinds[Action.CREATE] > 80
    assert {Action.ADOPT, Action.BLOCKED, Action.SKIP} <= set(kinds)
    causes = {line.cause for line in plan.lines if line.action is Action.BLOCKED}
    assert {"name_too_long", "name_has_colon", "name_not_unique", "item_type_mismatch", "item_inactive"} <= causes
    assert {"project_number_missing", "project_not_readable"} <= causes

    journals = Journals(office)
    run = office.scan()
    assert journals.requests() == plan.requests
    assert_effect(office, plan, journals.written())
    assert run.counts["created"] == kinds[Action.CREATE]
    # Every code in the ledger has a line in the plan.
    known = {
        str(CodeKey(project_id, code_id))
        for project_id in office.container.ledger.projects()
        for code_id in office.container.ledger.codes(project_id)
    }
    assert known == {line.key for line in plan.lines if line.key.startswith("code:") and line.action is not Action.SKIP}


def test_a_plan_counts_the_request_that_gives_an_item_our_external_id(open_office: OpenInstallation) -> None:
    """Adopting an Item that is to get our external id costs one request, and the scan sends as many as planned."""
    setting = {"netsuite_adopted_items_get_external_id": True}
    office = open_office(**setting)
    case = office.case("item_by_hand")
    plan = planning(office, **setting).scan([case["project_id"]])
    line = line_of(plan, CodeKey(case["project_id"], case["wbs_code_id"]))
    assert (line.action, line.remote_id, line.requests) == (Action.ADOPT, case["item_id"], Requests(0, 1))
    journals = Journals(office)
    office.scan(case["project_id"])
    assert journals.requests() == plan.requests


def open_period(office: Installation) -> None:
    case = office.case("closed_period_invoice")
    office.procore.edit_invoice(case["invoice_id"], billing_date="2026-05-20")


def without_the_longest(office: Installation) -> None:
    """Withdraw the invoice of 120 codes, which takes as long as all others together: only one test exports it."""
    office.procore.set_invoice_status(office.case("invoice_300_lines")["invoice_id"], "under_review")


def pilot_of(office: Installation) -> dict[str, str]:
    """Return settings for three projects of the company: they have Items and bills to create and to adopt, and blocked records."""
    return {"project_ids": ",".join(str(office.procore.project(number).id) for number in ("24-002", "24-003", "24"))}


@pytest.mark.parametrize("scanned", [False, True], ids=["with all Items missing", "after a scan"])
def test_an_export_does_what_its_plan_says_with_as_many_requests(office: Installation, scanned: bool) -> None:
    """Every line of the plan has its effect, whether or not the Items exist already."""
    open_period(office)
    # An Item was read back today and agreed: until then, how many are read back depends on how many are created at once.
    office.container.stores.series_states.agrees(Series.ITEMS, (), at=office.container.now())
    if scanned:
        without_the_longest(office)
        office.scan()
    plan = planning(office).export_approved()
    kinds = Counter((line.action, line.is_invoice) for line in plan.lines)
    assert kinds[Action.BILL, True] > 10
    assert kinds[Action.ADOPT, True] == 1
    assert kinds[Action.CREATE, False] > (0 if scanned else 10)
    causes = {line.cause for line in plan.lines if line.action is Action.BLOCKED}
    assert {"vendor_not_linked", "vendor_ambiguous", "lines_do_not_tie", "document_number_taken"} <= causes
    assert {"foreign_currency", "needs_vendor_credit", "line_missing_code", "project_not_linked"} <= causes

    journals = Journals(office)
    office.export_all()
    assert_effect(office, plan, journals.written())
    assert journals.requests() == plan.requests


def test_the_plan_shows_a_closed_period_if_periods_can_be_read(office: Installation) -> None:
    invoice = office.case_invoice("closed_period_invoice")
    line = line_of(planning(office).export_one(key_of(invoice)), key_of(invoice))
    assert (line.action, line.cause) == (Action.BLOCKED, "period_closed")
    assert office.export(invoice).cause == "period_closed"
    office.stage.settings("netsuite", missing_permissions=("accountingPeriod",))
    office.container.stores.cache.forget("posting_periods")
    line = line_of(planning(office).export_one(key_of(invoice)), key_of(invoice))
    assert line.action is Action.BILL, "NetSuite reports it at the write"
    assert office.export(invoice).cause == "period_closed"


def test_two_invoices_with_one_number_of_one_vendor_are_not_both_planned(office: Installation) -> None:
    project = office.new_project("27-001", CODES)
    pair = [office.new_invoice(project, (code, "100.00"), invoice_number="77") for code in CODES]
    pilot = {"project_ids": str(project.id)}
    office = office.reopened(**pilot)
    plan = planning(office, **pilot).export_approved()
    actions = [line_of(plan, key_of(invoice)).action for invoice in pair]
    assert actions == [Action.BILL, Action.BLOCKED]
    journals = Journals(office)
    office.export_all()
    assert [len(office.bills(invoice)) for invoice in pair] == [1, 0]
    assert office.problems(str(key_of(pair[1])))[str(key_of(pair[1]))] == "document_number_taken"
    assert journals.requests() == plan.requests


def test_a_credit_may_have_a_bills_number_and_case_is_ignored_in_numbers(office: Installation) -> None:
    """Of two bills whose numbers differ only in case, one is blocked."""
    project = office.new_project("27-002", CODES)
    for amount, number in (("100.00", "77"), ("-50.00", "77"), ("60.00", "88r"), ("70.00", "88R")):
        office.new_invoice(project, (CODES[0], amount), invoice_number=number)
    settings = {"project_ids": str(project.id), "netsuite_create_credits": True}
    lines = [line for line in planning(office, **settings).export_approved().lines if line.is_invoice]
    assert Counter(line.action for line in lines) == {Action.BILL: 3, Action.BLOCKED: 1}
    (blocked,) = [line for line in lines if line.action is Action.BLOCKED]
    assert (blocked.cause, blocked.record.upper()) == ("document_number_taken", "88R")
    run = office.reopened(**settings).export_all()
    assert (run.counts["created"], run.counts["blocked"]) == (3, 1)


def test_a_dry_run_changes_nothing_anywhere(office: Installation) -> None:
    """It changes neither a ledger with many records nor the remotes; not even a link is cached."""
    office.scan(office.procore.project("24-001").id)
    # The origin id of a bill that is not in the ledger, as after a loss of Redis: an export records it.
    office.procore.edit_invoice(office.case("shared_new_code")["invoice_id"], origin_id="ns-vendorbill-4711")
    before, journals = everything(office), Journals(office)
    planner = planning(office)
    planner.scan()
    planner.export_approved()
    planner.export_one(key_of(office.case_invoice("vendor_not_linked")))
    assert everything(office) == before
    assert journals.written() == []
    assert journals.requests().procore > 50


def test_an_applied_plan_of_a_scan_is_its_effect(office: Installation) -> None:
    plan = planning(office).scan()
    journals = Journals(office)
    results = apply(office, plan)
    assert results.refused == {}
    changes = [line for line in plan.lines if line.action.is_change]
    assert results.to_do == changes
    assert_effect(office, replace(plan, lines=tuple(changes)), journals.written())
    seen, most = journals.requests(), plan.requests
    assert (seen.netsuite, seen.procore <= most.procore) == (most.netsuite, True)
    assert office.netsuite.duplicates() == []


@pytest.mark.parametrize("scanned", [False, True], ids=["with all Items missing", "after a scan"])
def test_an_applied_plan_of_an_export_is_its_effect(office: Installation, scanned: bool) -> None:
    pilot = pilot_of(office)
    office = office.reopened(**pilot)
    if scanned:
        office.scan()
    plan = planning(office, **pilot).export_approved()
    assert {Action.CREATE, Action.ADOPT, Action.BILL, Action.BLOCKED} <= {line.action for line in plan.lines}
    journals = Journals(office)
    results = apply(office, plan)
    office.settle()
    assert results.refused == {}
    changes = [line for line in plan.lines if line.action.is_change]
    assert results.to_do == changes
    assert_effect(office, replace(plan, lines=tuple(changes)), journals.written())
    seen, most = journals.requests(), plan.requests + plan.dry_run_requests
    assert seen.procore <= most.procore
    assert seen.netsuite <= most.netsuite
    ends = office.container.applying.outcomes(results)
    result_of = {Action.CREATE: "created", Action.BILL: "created", Action.ADOPT: "adopted"}
    assert {line.key: result_of[line.action] for line in changes} == {key: end.kind.value for key, end in ends.items()}
    assert office.netsuite.duplicates() == []


def test_applied_twice_it_is_already_done(office: Installation) -> None:
    pilot = pilot_of(office)
    office = office.reopened(**pilot)
    plans = [planning(office, **pilot).scan(), planning(office, **pilot).export_approved()]
    assert {Action.CREATE, Action.ADOPT, Action.BILL, Action.BLOCKED} <= {
        line.action for plan in plans for line in plan.lines
    }
    for plan in plans:
        apply(office, plan)
        office.settle()
    journals = Journals(office)
    for plan in plans:
        results = apply(office, plan)
        assert (results.to_do, results.refused) == ([], {})
        assert {line.key for line in plan.lines if line.action.is_change} <= set(results.already)
    assert journals.written() == []
    assert office.netsuite.duplicates() == []


# With changed data


def test_codes_whose_data_changed_are_refused_and_the_others_created(office: Installation) -> None:
    flat_codes = ["05-120.S", "05-310.S", "05-500.S", "06-100.S", "06-200.S", "07-100.S"]
    project, other_project = office.new_project("27-001", flat_codes), office.new_project("27-002", CODES)
    unbudgeted, hand_made, renamed, inactive, same, gone_item = (code_key(project, code) for code in flat_codes)
    office.netsuite.make_item(f"27-001-{flat_codes[5]}")
    plan = planning(office).scan([project.id, other_project.id])
    assert line_of(plan, gone_item).action is Action.ADOPT

    edits = office.procore
    edits.unbudget(project.id, unbudgeted.wbs_code_id)
    office.netsuite.make_item(f"27-001-{flat_codes[1]}")
    edits.rename_code(project.id, renamed.wbs_code_id, "05-510.S")
    edits.set_code_status(project.id, inactive.wbs_code_id, "inactive")
    office.netsuite.items.remove(line_of(plan, gone_item).remote_id)
    edits.renumber_project(other_project.id, "27-003")
    journals = Journals(office)
    results = apply(office, plan)

    renumbered_codes = {str(code_key(other_project, code)) for code in CODES}
    assert (
        set(results.refused)
        == {str(key) for key in (unbudgeted, hand_made, renamed, inactive, gone_item)} | renumbered_codes
    )
    assert "no longer budgeted" in results.refused[str(unbudgeted)]
    assert "in NetSuite was nothing, is now Item" in results.refused[str(hand_made)]
    assert "WBS code was 05-500.S, is now 05-510.S" in results.refused[str(renamed)]
    assert "skipped now: the code is budgeted, but not active" in results.refused[str(inactive)]
    assert "is now nothing" in results.refused[str(gone_item)]
    assert all("project number was 27-002, is now 27-003" in results.refused[key] for key in renumbered_codes)
    assert [each["name"] for each in journals.written()] == ["27-001-06-200.S"]
    assert [line.key for line in results.to_do] == [str(same)]
    # A refused line is not recorded, so no worker processes it later.
    assert set(office.container.ledger.codes(project.id)) == {same.wbs_code_id}


def test_invoices_whose_data_changed_are_refused_and_the_others_billed(office: Installation) -> None:
    project = office.new_project("27-001", [*CODES, "06-100.S", "06-200.S", "07-100.S"])
    edited, same, sent_back, by_hand, redated = invoices = [
        office.new_invoice(project, (code, "100.00"), invoice_number=f"N-{code}")
        for code in (*CODES, "06-100.S", "06-200.S", "07-100.S")
    ]
    plan = planning(office, project_ids=str(project.id)).export_approved()
    assert {line_of(plan, key_of(invoice)).action for invoice in invoices} == {Action.BILL}

    office.procore.edit_invoice_line(edited.id, work="150.00", held="15.00")
    office.procore.set_invoice_status(sent_back.id, "under_review")
    office.netsuite.make_item("27-001-06-200.S")
    office.procore.edit_invoice(redated.id, billing_date="2026-05-02")
    journals = Journals(office)
    results = apply(office, plan)

    assert set(results.refused) == {
        str(key)
        for invoice, code in ((edited, CODES[0]), (sent_back, "06-100.S"), (by_hand, "06-200.S"), (redated, "07-100.S"))
        for key in (key_of(invoice), code_key(project, code))
    }
    assert "total was 90.00, is now 135.00" in results.refused[str(key_of(edited))]
    assert "'27-001-05-120.S 100.00 05-120.S" in results.refused[str(key_of(edited))]
    assert "skipped now: status is under review" in results.refused[str(key_of(sent_back))]
    assert "Item 27-001-06-200.S must be created first and is refused" in results.refused[str(key_of(by_hand))]
    assert "is now 2026-05-02" in results.refused[str(key_of(redated))]
    assert results.refused[str(code_key(project, CODES[0]))] == "the invoices that need this Item have changed"
    assert sorted((each["type"], each["name"]) for each in journals.written()) == [
        ("otherChargePurchaseItem", f"27-001-{CODES[1]}"),
        ("requisition", same.invoice_number),
        ("vendorBill", same.invoice_number),
    ]
    assert office.bill(same).total == Decimal("90.00")


def test_a_line_without_the_items_that_come_first_is_refused(office: Installation) -> None:
    """Lines may be removed from a plan; lines that depend on them are then refused."""
    project = office.new_project("27-001", CODES)
    invoice = office.new_invoice(project, (CODES[0], "100.00"))
    plan = planning(office).export_one(key_of(invoice))
    alone = replace(plan, lines=(line_of(plan, key_of(invoice)),))
    results = apply(office, alone)
    assert "is not in this plan" in results.refused[str(key_of(invoice))]
    assert office.bills(invoice) == []


def test_an_item_that_a_scan_created_meanwhile_is_already_done(office: Installation) -> None:
    project = office.new_project("27-001", CODES)
    invoice = office.new_invoice(project, (CODES[0], "100.00"), (CODES[1], "5.00"))
    plan = planning(office).export_one(key_of(invoice))
    office.scan(project.id)
    results = apply(office, plan)
    assert ([line.key for line in results.to_do], results.refused) == ([str(key_of(invoice))], {})
    assert set(results.already) == {str(code_key(project, code)) for code in CODES}
    assert office.bill(invoice).total == Decimal("94.50")


def test_an_unconfirmed_write_is_pending_in_a_plan(office: Installation) -> None:
    """Workers look up an unconfirmed write. A plan shows it, and the line of an earlier plan is refused."""
    project = office.new_project("27-001", CODES)
    invoice = office.new_invoice(project, (CODES[0], "100.00"))
    plan = planning(office).export_one(key_of(invoice))
    key, at = code_key(project, CODES[0]), office.container.now()
    doubt = Record(State.UNKNOWN, f"27-001-{CODES[0]}", code=CODES[0], at=at, sent_at=at, attempts=1)
    office.container.ledger.write(key, doubt)
    now = planning(office)
    assert line_of(now.scan([project.id]), key).action is Action.PENDING
    assert line_of(now.export_one(key_of(invoice)), key_of(invoice)).action is Action.PENDING
    results = apply(office, plan)
    assert (results.to_do, set(results.refused)) == ([], {str(key), str(key_of(invoice))})
