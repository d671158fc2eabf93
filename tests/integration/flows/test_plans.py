"""Plan, then apply: on an unchanging world a plan is its effect, line by line; a changed world is refused line by line."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from simulators.common.journal import Entry
from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenOffice
from tests.integration.flows.office import VENDOR, Office
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import OutcomeKind, Record, State
from worker.domain.plans import Plan, PlanLine, Requests, Would
from worker.services.applying import Checked
from worker.services.planning import Planning

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")


class Journals:
    """What both remotes saw since a moment: requests, logins left out, and what wbs-sync wrote."""

    def __init__(self, office: Office) -> None:
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
        """Records that wbs-sync, and no person, wrote in either system."""
        return [
            each
            for name, mark in self._marks.items()
            for each in self._office.stage.journal(name, mark)
            if "write" in each and each.get("by", "client") == "client"
        ]


def _last(entries: list[Entry]) -> int:
    return max((each["n"] for each in entries), default=0)


def planning(office: Office) -> Planning:
    """As `--dry-run` has it: in a process of its own that leaves nothing behind."""
    container = office.reopened().container
    container.cache.leave_no_trace()
    return container.planning


def checked(office: Office, plan: Plan) -> Checked:
    """As `apply` does it, up to what the workers do."""
    applying = office.reopened().container.applying
    found = applying.check(plan)
    applying.carry_out(found)
    return found


def apply(office: Office, plan: Plan) -> Checked:
    """The same, and what the workers do."""
    found = checked(office, plan)
    office.work_off()
    return found


def line_of(plan: Plan, key: CodeKey | InvoiceKey) -> PlanLine:
    return {line.key: line for line in plan.lines}[str(key)]


def code_key(project: Project, flat_code: str) -> CodeKey:
    return CodeKey(project.id, project.code_named(flat_code).id)


def key_of(invoice: Invoice) -> InvoiceKey:
    return InvoiceKey(invoice.project_id, invoice.id)


def everything(office: Office) -> dict[str, Any]:
    """All that Redis holds of this installation, but for what any reader leaves: tokens, rate limits, the list of projects."""
    prefix = office.container.settings.redis_key_prefix
    passing = ("token", "limits", "projects", "gate", "lease")
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


def assert_effect(office: Office, plan: Plan, written: list[Entry]) -> None:
    """Every line ended as it says, and nothing was written that no line says."""
    container, company = office.container, office.procore.company
    problems = {one.key: one.problem for one in container.ledger.problems()}
    expected: list[tuple[str, str, str]] = []
    for line in plan.lines:
        if line.key.startswith(("project:", "scan:")):
            assert problems[line.key].cause.value == line.cause, line
            continue
        record = _record(office, line)
        match line.would:
            case Would.CREATE:
                project, code = _code(office, line)
                item = office.item_of(project, code)
                assert item, line
                assert (item.itemid, record and record.state, record and record.remote_id) == (
                    line.name, State.CREATED, item.id,
                ), line  # fmt: skip
                expected.append(("create", "otherChargePurchaseItem", line.name))
            case Would.ADOPT if not line.of_invoice:
                assert record, line
                assert (record.state, record.remote_id, record.name) == (State.ADOPTED, line.remote_id, line.name), line
            case Would.BILL | Would.ADOPT:
                invoice = company.invoices[InvoiceKey.parse(line.key).invoice_id]
                assert record, line
                state = State.CREATED if line.would is Would.BILL else State.ADOPTED
                assert (record.state, invoice.origin_id) == (state, f"ns-vendorbill-{record.remote_id}"), line
                assert_bill(office, line, record.remote_id)
                expected.append(("update", "requisition", line.about))
                if line.would is Would.BILL:
                    assert office.bill(invoice).id == record.remote_id
                    expected.append(("create", "vendorBill", line.about))
                else:
                    assert record.remote_id == line.remote_id
            case Would.BLOCKED:
                assert (problems[line.key].cause.value, problems[line.key].sentence) == (line.cause, line.reason), line
                assert (problems[line.key].owner.value, problems[line.key].next_step) == (line.owner, line.next_step)
            case Would.SKIP:
                assert record is None or record.state is State.SKIPPED, line
            case Would.ALREADY:
                assert record, line
                assert (record.done, record.remote_id) == (True, line.remote_id), line
            case Would.LOOK:
                raise AssertionError(line)
    assert sorted((each["write"], each["type"], each["name"]) for each in written) == sorted(expected)


def assert_bill(office: Office, line: PlanLine, bill_id: str) -> None:
    bill = office.netsuite.bills.get(bill_id)
    assert bill, line
    world, retainage = line.world, office.container.settings.netsuite_retainage_item_id
    names = {retainage: f"Item {retainage}"}
    lines = [
        (names.get(each.item) or getattr(office.netsuite.items.get(each.item), "itemid", "?"), str(each.amount))
        for each in bill.lines
    ]
    rows = world["lines"]
    assert isinstance(rows, tuple)
    assert Counter(row[:2] for row in rows) == Counter(lines), line
    assert (bill.tranid, bill.trandate) == (world["number"], world["date"]), line
    assert bill.total == Decimal(str(world["total"])), line
    assert str(world["vendor"]).endswith(f"(NetSuite id {bill.entity})"), line


def _record(office: Office, line: PlanLine) -> Record | None:
    ledger = office.container.ledger
    return ledger.invoice(InvoiceKey.parse(line.key)) if line.of_invoice else ledger.code(CodeKey.parse(line.key))


def _code(office: Office, line: PlanLine) -> tuple[Project, Any]:
    key = CodeKey.parse(line.key)
    project = office.procore.project(key.project_id)
    return project, project.codes[key.wbs_code_id]


# On an unchanging world


def test_a_scan_does_line_by_line_what_its_plan_says_with_as_many_requests(office: Office) -> None:
    plan = planning(office).scan()
    kinds = Counter(line.would for line in plan.lines)
    assert kinds[Would.CREATE] > 80
    assert {Would.ADOPT, Would.BLOCKED, Would.SKIP} <= set(kinds)
    causes = {line.cause for line in plan.lines if line.would is Would.BLOCKED}
    assert {"name_too_long", "name_has_colon", "name_not_unique", "item_of_other_type", "item_inactive"} <= causes
    assert {"project_number_missing", "project_not_readable"} <= causes

    journals = Journals(office)
    run = office.scan()
    assert journals.requests() == plan.requests
    assert_effect(office, plan, journals.written())
    assert run.counts["created"] == kinds[Would.CREATE]
    # Nothing that the ledger knows now was left out of the plan.
    known = {
        str(CodeKey(project_id, code_id))
        for project_id in office.container.ledger.projects()
        for code_id in office.container.ledger.codes(project_id)
    }
    assert known == {line.key for line in plan.lines if line.key.startswith("code:") and line.would is not Would.SKIP}


def open_period(office: Office) -> None:
    """Whether a posting period is closed no plan can tell: NetSuite says it when it is asked to write."""
    case = office.case("closed_period_invoice")
    office.procore.edit_invoice(case["invoice_id"], billing_date="2026-05-20")


@pytest.mark.parametrize("scanned", [False, True], ids=["with all Items missing", "after a scan"])
def test_an_export_does_line_by_line_what_its_plan_says_with_as_many_requests(office: Office, scanned: bool) -> None:
    open_period(office)
    if scanned:
        office.scan()
    plan = planning(office).export_approved()
    kinds = Counter((line.would, line.of_invoice) for line in plan.lines)
    assert kinds[Would.BILL, True] > 10
    assert kinds[Would.ADOPT, True] == 1
    assert kinds[Would.CREATE, False] > (0 if scanned else 10)
    causes = {line.cause for line in plan.lines if line.would is Would.BLOCKED}
    assert {"vendor_not_linked", "vendor_ambiguous", "lines_do_not_tie", "document_number_taken"} <= causes
    assert {"foreign_currency", "needs_vendor_credit", "line_without_code", "project_not_linked"} <= causes

    journals = Journals(office)
    office.export_all()
    assert_effect(office, plan, journals.written())
    assert journals.requests() == plan.requests


def test_a_closed_period_is_what_a_plan_cannot_tell(office: Office) -> None:
    invoice = office.case_invoice("closed_period_invoice")
    plan = planning(office).export_one(key_of(invoice))
    assert line_of(plan, key_of(invoice)).would is Would.BILL
    assert office.export(invoice).cause == "period_closed"
