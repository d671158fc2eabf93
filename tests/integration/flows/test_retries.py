"""`problems retry`: a fix is tried immediately, with few requests; a problem closes only when its work has succeeded."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.company.model import Project, WbsCode
from simulators.stage import CERTIFICATE_ID
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH, SUITEQL_PATH
from tests.kit.installation import Installation
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Outcome, OutcomeKind, State
from worker.domain.problems import Cause, FindingKind
from worker.domain.work import Lane, RunKind, WorkKey, exports_of, resolution_of, scan_of
from worker.engine import remote_failures, settlement
from worker.sync.wbs_scan import WbsScan

pytestmark = pytest.mark.real

CODES = [f"05-{number}.S" for number in range(120, 132)]
CODE = CODES[0]


def key_of(project: Project, code: WbsCode | None = None) -> str:
    return str(CodeKey(project.id, (code or project.budgeted_codes()[0]).id))


def procore_requests(office: Installation, since: int = 0) -> list[str]:
    """Return the paths of the requests to Procore, without those for tokens."""
    entries = office.procore.journal.requests(since)
    return [entry["path"] for entry in entries if "oauth" not in entry["path"]]


def procore_mark(office: Installation) -> int:
    return max((entry["n"] for entry in office.procore.journal.entries()), default=0)


def without_number(office: Installation, codes: list[str] = CODES) -> Project:
    """Create a project whose codes are all blocked because it has no number."""
    project = office.new_project(None, codes)
    office.scan(project.id)
    assert set(office.problems().values()) == {"project_number_missing"}
    assert len(office.problems()) == len(codes)
    return project


# Codes


def test_fixed_codes_get_items_and_their_problems_stay_open_until_then(office: Installation) -> None:
    project = without_number(office)
    office.procore.renumber_project(project.id, "31-800")
    since = [one.since for one in office.container.ledger.problems()]

    asked = office.container.retries.retry(list(office.problems()))
    assert asked.dispatched == {"codes": len(CODES)}
    assert len(office.container.retries.unfinished(asked)) == len(CODES)
    assert [one.since for one in office.container.ledger.problems()] == since
    office.work_off()
    assert office.problems() == {}
    assert office.container.retries.unfinished(asked) == set()
    assert {item.itemid for item in office.netsuite.items if item.externalid} >= {f"31-800-{code}" for code in CODES}


def test_many_codes_looked_up_together_cost_little_more_than_one(office: Installation) -> None:
    project = without_number(office)
    office.procore.renumber_project(project.id, "31-800")
    mark, before = office.mark(), procore_mark(office)
    office.retry()
    assert len(office.posts(ITEM_PATH, mark)) == len(CODES)
    # One write for each; one look-up, one list of the account's other Items, and the first of all Items is read back.
    assert len(office.requests(mark)) == len(CODES) + 3
    # The list of projects, the budget, the codes.
    assert len(procore_requests(office, before)) == 3


def test_a_problem_that_was_not_fixed_keeps_its_time_and_is_not_retried(office: Installation) -> None:
    project = without_number(office)
    before = {one.key: one.since for one in office.container.ledger.problems()}
    asked = office.retry()
    assert {one.key: one.since for one in office.container.ledger.problems()} == pytest.approx(before, abs=0.001)
    assert office.container.retries.unfinished(asked) == set()
    assert not office.waiting(Lane.ITEMS)
    assert not office.waiting(Lane.SCANS)
    assert {record.state for record in office.container.ledger.codes(project.id).values()} == {State.BLOCKED}


def test_a_second_cause_behind_the_first_one_is_reported(office: Installation) -> None:
    project = without_number(office, CODES[:2])
    office.netsuite.make_item(f"31-800-{CODES[0]}", isinactive=True)
    office.procore.renumber_project(project.id, "31-800")
    office.retry()
    assert office.problems() == {key_of(project): "item_inactive"}


def test_only_what_was_asked_for_is_tried(office: Installation) -> None:
    """A person who fixes one code does not want a project's hundred new codes created."""
    project = without_number(office)
    office.procore.renumber_project(project.id, "31-800")
    office.procore.add_code(project.id, "05-310.S", budget=10_000)
    first, second, *_ = project.budgeted_codes()
    office.retry(key_of(project, first), key_of(project, second))
    assert {item.itemid for item in office.netsuite.items if item.itemid.startswith("31-800-")} == {
        f"31-800-{first.flat_code}",
        f"31-800-{second.flat_code}",
    }
    assert len(office.problems()) == len(CODES) - 2


def test_an_item_that_is_active_again_is_adopted(office: Installation) -> None:
    project = office.new_project("31-800", CODES)
    item = office.netsuite.make_item(f"31-800-{CODE}", isinactive=True)
    office.scan(project.id)
    assert office.problems() == {key_of(project): "item_inactive"}
    office.netsuite.edit_item(item.id, isinactive=False)
    mark = office.mark()
    office.retry()
    assert office.problems() == {}
    assert office.posts(ITEM_PATH, mark) == []
    record = office.code_record(project, project.budgeted_codes()[0])
    assert record is not None
    assert (record.state, record.remote_id) == (State.ADOPTED, item.id)


def test_a_code_that_is_no_longer_budgeted_has_no_problem(office: Installation) -> None:
    project = without_number(office)
    gone, inactive, *_ = project.budgeted_codes()
    office.procore.unbudget(project.id, gone.id)
    office.procore.set_code_status(project.id, inactive.id, "inactive")
    office.retry()
    assert set(office.problems()) == {
        key_of(project, code) for code in project.budgeted_codes() if code is not inactive
    }
    for code in (gone, inactive):
        record = office.code_record(project, code)
        assert record is not None
        assert record.state is State.SKIPPED


def test_the_next_scan_sees_that_too(office: Installation) -> None:
    project = without_number(office)
    gone, inactive, *_ = project.budgeted_codes()
    office.procore.unbudget(project.id, gone.id)
    office.procore.set_code_status(project.id, inactive.id, "inactive")
    office.scan(project.id)
    assert len(office.problems()) == len(CODES) - 2
    for code in project.budgeted_codes():
        office.procore.unbudget(project.id, code.id)
    office.scan(project.id)
    assert office.problems() == {}


def test_a_code_in_progress_is_tried_again_since_its_attempt_may_be_older(office: Installation) -> None:
    """The attempt in progress may have begun before the fix, so one more follows it."""
    project = office.new_project("31-800", [CODE])
    item = office.netsuite.make_item(f"31-800-{CODE}", isinactive=True)
    office.scan(project.id)
    key, lane, blocked = key_of(project), Lane.ITEMS, office.code_record(project, project.budgeted_codes()[0])
    assert blocked is not None
    office.container.work.add(lane, [key])
    assert office.container.dispatch.next([lane]).keys() == {key}
    office.container.work.claim(lane, key)
    office.netsuite.edit_item(item.id, isinactive=False)

    asked = office.container.retries.retry([key])
    assert office.container.retries.unfinished(asked) == {key}
    # The end of the attempt that began before the request.
    office.container.ledger.write(CodeKey.parse(key), blocked)
    office.container.settlement.settle(WorkKey.parse(key), Outcome(OutcomeKind.BLOCKED))
    office.work_off()
    assert office.problems() == {}


def test_an_unconfirmed_item_is_looked_up_and_not_sent_again(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("31-800", [CODE])
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": "otherCharge", "times": 1}])
    office.scan(project.id)
    key = key_of(project)
    office.container.ledger.report(key, Cause.RETRIES_EXHAUSTED, {"attempts": "12", "answer": "503"}, at=1.0)
    mark = office.mark()
    office.retry()
    assert office.posts(ITEM_PATH, mark) == []
    assert office.posts(SUITEQL_PATH, mark), "it was looked up"
    assert office.problems() == {key: "retries_exhausted"}


def test_a_thousand_codes_do_not_flood_the_broker(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    project = without_number(office)
    office.procore.renumber_project(project.id, "31-800")
    monkeypatch.setattr(office.container.dispatch, "limits", {**dict.fromkeys(Lane, 1), Lane.ITEMS: 3})
    office.container.retries.retry(list(office.problems()))
    assert office.container.dispatch.next(Lane).keys() == {f"plan:{project.id}"}
    office.container.runner.run(resolution_of(project.id))
    given = office.container.dispatch.next(Lane)
    assert len(given) == 3
    assert office.container.dispatch.next(Lane) == {}
    assert len(office.waiting(Lane.ITEMS)) == len(CODES) - 3


def test_retried_codes_precede_a_backlog(office: Installation) -> None:
    project = without_number(office, CODES[:2])
    office.procore.renumber_project(project.id, "31-800")
    office.container.work.add(Lane.ITEMS, ["code:1:1"], at=5)
    office.container.retries.retry(list(office.problems()))
    office.container.runner.run(resolution_of(project.id))
    assert office.container.work.take(Lane.ITEMS, limit=2) == [
        (key, 0, "") for key in sorted(key_of(project, code) for code in project.budgeted_codes())
    ]


def test_a_run_counts_no_retry_of_work_that_is_not_its_own(office: Installation) -> None:
    project = without_number(office)
    scan = office.container.runs.current(RunKind.SCAN)
    assert scan is not None
    office.procore.renumber_project(project.id, "31-800")
    office.retry()
    assert office.run(scan).counts == scan.counts


def test_codes_of_a_project_that_cannot_be_read_stay_problems(office: Installation) -> None:
    """Their cause says that the project cannot be read, and nothing waits for it."""
    project = without_number(office, CODES[:2])
    office.procore.renumber_project(project.id, "31-800")
    project.permitted = False
    office.retry()
    keys = {key_of(project, code) for code in project.budgeted_codes()}
    assert office.problems() == dict.fromkeys([*keys, f"project:{project.id}:budget"], "project_not_readable")
    assert not any(office.waiting(lane) for lane in Lane)
    project.permitted = True
    office.retry()
    assert office.problems() == {}
    assert all(office.item_of(project, code) for code in project.budgeted_codes())


def test_a_project_without_outdated_codes_is_not_asked_for_anything(office: Installation) -> None:
    # One whose names begin like another's, so that planning would compare their codes.
    project = office.new_project("24-800", CODES[:2])
    office.scan(project.id)
    before, mark = procore_mark(office), office.mark()
    office.container.runner.run(resolution_of(project.id))
    assert procore_requests(office, before) == []
    assert office.requests(mark) == []


# Codes that an invoice needs


def blocked_for_an_invoice(office: Installation) -> tuple[Project, Any, Any]:
    """Create an approved invoice on a code without a budget line, whose Item is inactive: (project, invoice, Item)."""
    project = office.new_project("31-800", [CODES[1]])
    office.procore.add_code(project.id, CODE)
    item = office.netsuite.make_item(f"31-800-{CODE}", isinactive=True)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    assert office.export(invoice).cause is Cause.BLOCKED_CODES
    code = project.code_named(CODE)
    assert office.problems() == {
        key_of(project, code): "item_inactive",
        f"invoice:{project.id}:{invoice.id}": "blocked_codes",
    }
    return project, invoice, item


def test_a_code_that_only_an_invoice_needs_is_tried_without_a_budget_line(office: Installation) -> None:
    """A scan leaves a code without a budget line; `problems retry` tries it."""
    project, invoice, item = blocked_for_an_invoice(office)
    office.scan(project.id)
    assert len(office.problems()) == 2, "a scan reads budgeted codes only"
    office.netsuite.edit_item(item.id, isinactive=False)
    office.retry(key_of(project, project.code_named(CODE)))
    assert office.problems() == {f"invoice:{project.id}:{invoice.id}": "blocked_codes"}
    record = office.code_record(project, project.code_named(CODE))
    assert record is not None
    assert record.state is State.ADOPTED


@pytest.mark.parametrize("alone", [False, True], ids=["with its codes", "by itself"])
def test_an_invoice_that_waited_for_blocked_codes_is_billed(office: Installation, alone: bool) -> None:
    project, invoice, item = blocked_for_an_invoice(office)
    office.netsuite.edit_item(item.id, isinactive=False)
    office.retry(*([f"invoice:{project.id}:{invoice.id}"] if alone else []))
    assert office.bill(invoice).total == invoice.summary().current_payment_due
    assert office.problems() == {}


def test_an_invoice_whose_codes_are_still_blocked_stays_a_problem(office: Installation) -> None:
    blocked_for_an_invoice(office)
    before = office.problems()
    office.retry()
    assert office.problems() == before


# Invoices


def test_the_bill_is_created_after_its_period_was_reopened(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    office.stage.settings("netsuite", closed_before="2027-01-01")
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    key = f"invoice:{project.id}:{invoice.id}"
    assert office.problems() == {key: "period_closed"}
    office.stage.settings("netsuite", closed_before="2026-01-01")
    asked = office.retry()
    assert asked.dispatched == {"invoices": 1}
    assert office.bill(invoice)
    assert office.problems() == {}


def test_a_bill_in_doubt_is_never_sent_again_by_a_retry(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": "vendorBill", "times": 1}])
    assert office.export(invoice).kind is OutcomeKind.UNKNOWN
    # A problem in addition to the doubt: while its bill is looked up, the invoice's sum is wrong.
    office.procore.edit_invoice(invoice.id, off_by="5.00")
    office.export(invoice)
    key = f"invoice:{project.id}:{invoice.id}"
    assert office.problems() == {key: "lines_do_not_tie"}
    office.procore.edit_invoice(invoice.id, off_by="0.00")
    mark = office.mark()
    asked = office.retry()
    assert office.posts(BILL_PATH, mark) == []
    assert office.problems() == {key: "lines_do_not_tie"}, "open until its work has succeeded"
    assert office.container.retries.unfinished(asked) == {key}, "it is looked up soon"
    record = office.invoice_record(invoice)
    assert record is not None
    assert record.in_doubt


def test_a_vendor_that_was_linked_to_another_one_is_looked_up_again(office: Installation) -> None:
    vendor = office.procore.vendor("Peak Painting and Coatings")
    wrong_vendor, right_vendor = office.new_vendor("Peak 1", company_name=vendor.name), office.new_vendor(vendor.name)
    office.procore.edit_vendor(vendor.id, origin_id=wrong_vendor.id)
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    by_hand = office.new_invoice(project, (CODE, "700.00"), vendor=vendor.name, invoice_number="P-1")
    office.export(by_hand)
    invoice = office.new_invoice(project, (CODE, "900.00"), vendor=vendor.name, invoice_number="P-1")
    office.export(invoice)
    assert office.problems() == {f"invoice:{project.id}:{invoice.id}": "document_number_taken"}
    office.procore.edit_vendor(vendor.id, origin_id=right_vendor.id)
    office.retry()
    assert office.bill(invoice).entity == right_vendor.id
    assert office.problems() == {}


def test_an_origin_id_that_procore_refused_is_written(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.stage.settings("procore", patch_forbidden=True)
    office.export(invoice)
    assert office.problems() == {f"invoice:{project.id}:{invoice.id}": "write_back_rejected"}
    office.retry()
    assert len(office.problems()) == 1, "still refused"
    office.stage.settings("procore", patch_forbidden=False)
    mark = office.mark()
    office.retry()
    assert office.problems() == {}
    assert office.requests(mark) == []
    assert invoice.origin_id == f"ns-vendorbill-{office.bill(invoice).id}"


# Projects and runs


def test_a_project_that_may_be_read_again_is_scanned(office: Installation) -> None:
    project = office.new_project("31-800", CODES)
    project.permitted = False
    office.scan(project.id)
    assert office.problems() == {f"project:{project.id}:budget": "project_not_readable"}
    office.retry()
    assert len(office.problems()) == 1, "not yet"
    project.permitted = True
    asked = office.retry()
    assert asked.dispatched == {"projects": 1}
    assert office.problems() == {}
    assert all(office.item_of(project, code) for code in project.budgeted_codes())


def test_a_project_that_was_closed_meanwhile_has_no_problem(office: Installation) -> None:
    project = office.new_project("31-800", CODES)
    project.tools_disabled = {"budget"}  # type: ignore[assignment]
    office.scan(project.id)
    assert office.problems() == {f"project:{project.id}:budget": "project_not_readable"}
    office.procore.edit_project(project.id, active=False)
    office.retry()
    assert office.problems() == {}


def test_a_project_whose_invoices_may_be_listed_again_is_listed(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    project.permitted = False
    office.container.runner.run(exports_of(project.id))
    assert office.problems() == {f"project:{project.id}:commitments": "project_not_readable"}
    project.permitted = True
    office.retry()
    assert office.problems() == {}
    assert office.bill(invoice)


def explode(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a bug")


def test_work_that_failed_with_a_bug_is_retried_after_the_fix(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = office.new_project("31-800", [CODE])
    with monkeypatch.context() as patch:
        patch.setattr(WbsScan, "resolve_project", explode)
        office.container.wbs_scan.request("test", [project.id])
        with pytest.raises(ZeroDivisionError):
            office.container.runner.run(scan_of(project.id))
    assert office.problems() == {f"scan:{project.id}": "unexpected"}
    asked = office.retry()
    assert asked.dispatched == {"projects": 1}
    assert office.problems() == {}, "a problem of the work itself closes when the work has succeeded"
    assert office.item(f"31-800-{CODE}")


@pytest.mark.parametrize("start", ["scan:all", "exports:all"])
def test_a_run_that_could_not_start_is_started_again(
    office: Installation, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.setattr(settlement, "MAX_ATTEMPTS", 1)
    office = office.reopened(project_ids=str(office.procore.project("24-003").id))
    office.stage.faults("procore", [{"kind": "error_before", "path": "/rest/v1.1/projects", "value": 500}])
    office.container.start_scan("test") if start == "scan:all" else office.container.start_export("test")
    assert office.problems() == {start: "retries_exhausted"}
    office.clear_faults()
    office.retry(start)
    assert start not in office.problems()
    assert office.netsuite.journal.writes()


def test_a_retry_resets_the_attempts_of_a_code_that_had_too_many(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "MAX_ATTEMPTS", 3)
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    code = office.procore.add_code(project.id, CODES[1], budget=1)
    office.stage.faults("procore", [{"kind": "error_before", "path": "/wbs_codes", "value": 500}])
    for _ in range(3):
        office.make_item(project, code)
    assert office.problems() == {key_of(project, code): "retries_exhausted"}
    office.retry()
    assert office.due(key_of(project, code)) < 1, "one more failure counts as the first one"
    office.clear_faults()
    office.settle()
    assert office.problems() == {}


# Remotes


def test_a_paused_remote_is_tried_immediately(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_failures, "REFUSED_PAUSE_SECONDS", 600.0)
    project = office.new_project("31-800", CODES)
    login = office.netsuite.doorkeeper
    certificates = login.unmap_certificates()
    office.scan(project.id)
    assert office.problems() == {"remote:netsuite": "netsuite_login"}

    asked = office.retry()
    assert asked.dispatched == {"remotes": 1}
    assert office.problems() == {"remote:netsuite": "netsuite_login"}, "tried, and refused again"
    assert office.container.retries.unfinished(asked) == set()

    login.register(CERTIFICATE_ID, certificates[CERTIFICATE_ID])
    office.work_off()
    assert len(office.problems()) == 1, "without a retry it waits for ten minutes"
    asked = office.container.retries.retry(["remote:netsuite"])
    assert office.container.retries.unfinished(asked) == {"remote:netsuite"}
    office.work_off()
    assert office.problems() == {}
    assert office.container.retries.unfinished(asked) == set()
    assert all(office.item_of(project, code) for code in project.budgeted_codes())


# What no work fixes


def test_a_finding_of_verify_has_no_work_to_try(office: Installation) -> None:
    office.container.ledger.report(
        "verify:item_missing:code:1:2", FindingKind.ITEM_MISSING.cause, {"finding": "x"}, at=1.0
    )
    asked = office.retry()
    assert (asked.dispatched, asked.without_work) == ({}, ["verify:item_missing:code:1:2"])
    assert len(office.problems()) == 1
    assert not any(office.waiting(lane) for lane in Lane)


def test_a_retry_while_procore_does_not_answer_waits_for_it(office: Installation) -> None:
    project = without_number(office)
    office.procore.renumber_project(project.id, "31-800")
    office.stage.take_down("procore")
    asked = office.container.retries.retry(list(office.problems()))
    assert asked.dispatched == {"codes": len(CODES)}
    office.stage.bring_up("procore")
    office.settle()
    assert office.problems() == {}


# A long backlog


def test_codes_looked_up_long_ago_are_looked_up_again_together(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first code is looked up by itself, and the others in one batch."""
    project = office.new_project("31-800", CODES)
    office.container.start_scan("test", [project.id])
    office.container.runner.run(scan_of(project.id))
    office.plans_grow_old(project)
    before, mark = procore_mark(office), office.mark()
    monkeypatch.setattr(office.container.dispatch, "limits", dict.fromkeys(Lane, 1))
    office.work_off()
    assert len(office.posts(ITEM_PATH, mark)) == len(CODES)
    # The first by itself (is it budgeted, is it active, is there an Item), the others together.
    assert len(procore_requests(office, before)) == 4
    assert len(office.posts(SUITEQL_PATH, mark)) == 2


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_unavailable_list_of_projects_delays_no_retry(office: Installation, status: int) -> None:
    project = without_number(office)
    office.procore.renumber_project(project.id, "31-800")
    fault = {"kind": "error_before", "value": status, "path": "/rest/v1.1/projects", "times": 1}
    office.stage.faults("procore", [fault])
    assert office.retry().dispatched == {"codes": len(CODES)}
    assert office.problems() == {}
