"""Which codes get an Item in a scan: budgeted, active, of an active project that the app may read, and not synced yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulators.company.model import Project, WbsCode
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.work import scan_of
from worker.sync import items

pytestmark = pytest.mark.real


def test_created_items_have_account_defaults_and_the_codes_description(synced: Installation) -> None:
    """Every created Item has the account's subsidiary, expense account and tax schedule, and the code's description."""
    project = synced.procore.project("24-001")
    books = synced.netsuite.books
    for code in project.budgeted_codes():
        item = synced.item(f"24-001-{code.flat_code}")
        assert (item.record_type, item.isinactive) == ("otherChargePurchaseItem", False)
        assert item.externalid == synced.item_external_id(project, code)
        assert item.displayname == code.description[:60]
        assert item.subsidiaries == (books.subsidiary_id,)
        assert item.expense_account == books.expense_account_id
        assert item.fields["taxSchedule"] == {"id": books.tax_schedule_id}


def test_a_budget_line_of_zero_counts(synced: Installation) -> None:
    assert synced.item(synced.case("zero_budget_line")["name"])


def test_a_scan_creates_no_item_for_a_code_without_a_budget_line(synced: Installation) -> None:
    assert synced.items(synced.case("unbudgeted_code")["name"]) == []
    assert synced.items(synced.case("inactive_code")["name"]) == []


def test_a_budgeted_code_that_is_inactive_is_skipped(synced: Installation) -> None:
    case = synced.case("inactive_budgeted_code")
    assert synced.items(case["name"]) == []
    assert synced.problems(f"code:{case['project_id']}:{case['wbs_code_id']}") == {}


def test_inactive_and_sample_projects_are_not_synced(synced: Installation) -> None:
    """An inactive project, and Procore's sample project."""
    for case in ("inactive_project", "is_demo"):
        project = synced.procore.project(synced.case(case)["project_id"])
        assert not [code for code in project.budgeted_codes() if synced.items(f"{project.number}-{code.flat_code}")]
        assert synced.container.ledger.codes(project.id) == {}


def test_an_inactive_project_is_not_scanned_even_when_requested_by_id(office: Installation) -> None:
    """A scan that is requested for an inactive project sends NetSuite no request."""
    project = office.procore.project(office.case("inactive_project")["project_id"])
    office.scan(project.id)
    assert office.requests() == []


def test_a_project_hidden_from_the_app_is_absent_and_the_others_continue(synced: Installation) -> None:
    project = synced.procore.project(synced.case("project_not_permitted")["project_id"])
    assert synced.container.ledger.codes(project.id) == {}
    assert synced.problems(f"project:{project.id}") == {}
    assert not [code for code in project.budgeted_codes() if synced.items(f"{project.number}-{code.flat_code}")]
    assert synced.item_of(*_some_code(synced))


@pytest.mark.parametrize("status", [404, 403])
def test_a_project_that_left_the_permitted_list_is_reported(open_office: OpenInstallation, status: int) -> None:
    """A requested scan opens a problem, and the next scan closes it once the app may read the project again."""
    office = open_office(world={"unpermitted_status": status})
    project = office.new_project("24-800", ["05-120.S"])
    project.permitted = False
    office.scan(project.id)
    assert office.problems() == {f"project:{project.id}:budget": "project_not_readable"}
    assert office.writes() == []

    project.permitted = True
    office.scan(project.id)
    assert office.problems() == {}
    assert office.item("24-800-05-120.S")


def test_a_permission_lost_between_the_list_and_the_budget_is_reported(office: Installation) -> None:
    project = office.new_project("24-800", ["05-120.S"])
    office.container.start_scan("test")
    project.permitted = False
    office.work_off()
    assert office.problems(f"project:{project.id}") == {f"project:{project.id}:budget": "project_not_readable"}
    assert office.item_of(*_some_code(office))


def test_a_full_scan_reports_a_project_that_the_app_no_longer_sees(open_office: OpenInstallation) -> None:
    """A scan of all projects reports one that was seen before; a pilot's scan reports any of its projects that is missing."""
    office = open_office()
    project, never_seen = office.new_project("24-800", ["05-120.S"]), office.new_project("24-801", ["05-120.S"])
    never_seen.permitted = False
    office.scan(project.id)
    project.permitted = False
    key, pilots_key = (f"project:{one.id}:budget" for one in (project, never_seen))
    # It is requested nevertheless.
    assert office.make_item(never_seen, never_seen.budgeted_codes()[0]).kind is OutcomeKind.SKIPPED
    office.scan()
    assert office.problems(key) == {key: "project_not_readable"}
    assert pilots_key not in office.problems()
    assert office.sentence(key).endswith("(the project is not visible to the app).")
    project.permitted = True
    office.scan()
    assert key not in office.problems()

    # Of a pilot's projects each is wanted, seen before or not.
    pilot = office.reopened(project_ids=f"{project.id},{never_seen.id}")
    pilot.scan()
    assert pilots_key in pilot.problems()
    assert key not in pilot.problems()


def test_a_project_with_tools_off_is_reported_and_the_others_continue(synced: Installation) -> None:
    project_id = synced.case("project_tool_disabled")["project_id"]
    assert synced.problems(f"project:{project_id}") == {
        f"project:{project_id}:budget": "project_not_readable",
        f"project:{project_id}:commitments": "project_not_readable",
    }
    assert "403" in synced.sentence(f"project:{project_id}:budget")
    assert synced.item_of(*_some_code(synced))


def test_an_account_without_the_list_of_budget_lines_gets_the_same_items(
    open_office: OpenInstallation, synced: Installation
) -> None:
    """The v2 list is BETA; the rows of a budget view name the same codes."""
    office = open_office(world={"budget_lines_v2": False})
    office.scan()
    made = {(item.itemid, item.displayname) for item in office.netsuite.items if item.externalid}
    budgeted = {
        project.id: {code.id for code in project.budgeted_codes()}
        for project in synced.procore.company.projects.values()
    }
    wanted = {
        (item.itemid, item.displayname)
        for item in synced.netsuite.items
        if item.externalid and _code_of(item.externalid) in budgeted.get(_project_of(item.externalid), ())
    }
    by_hand = {(item.itemid, item.displayname) for item in office.netsuite.items if item.externalid == "SAGE-ITEM-4471"}
    assert made - by_hand == wanted
    assert len(wanted) > 80


def test_a_single_code_is_created_without_the_v2_list_before_any_scan(open_office: OpenInstallation) -> None:
    """One code's Item can be created on an account without the v2 list of budget lines, before any scan ran."""
    office = open_office(world={"budget_lines_v2": False})
    project = office.new_project("24-800", ["05-120.S"])
    assert office.make_item(project, project.budgeted_codes()[0]).kind is OutcomeKind.CREATED
    assert office.item("24-800-05-120.S")


def test_a_code_that_lost_its_budget_line_after_the_scan_is_not_created(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code that loses its budget line between the scan and its turn is skipped, and the other code gets its Item."""
    project = office.new_project("24-800", ["05-120.S", "05-310.S"])
    gone, stays = project.budgeted_codes()
    office.container.start_scan("test", [project.id])
    office.container.runner.run(scan_of(project.id))
    office.procore.unbudget(project.id, gone.id)
    monkeypatch.setattr(items, "FRESH_SECONDS", 0.0)
    office.work_off()

    assert office.items("24-800-05-120.S") == []
    record = office.code_record(project, gone)
    assert record is not None
    assert (record.state, record.detail) == (State.SKIPPED, "no budgeted, active code of a readable project")
    assert office.item("24-800-05-310.S").externalid == office.item_external_id(project, stays)


def test_a_code_that_became_inactive_after_the_scan_is_not_created(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code that becomes inactive between the scan and its turn gets no Item."""
    project = office.new_project("24-800", ["05-120.S"])
    (code,) = project.budgeted_codes()
    office.container.start_scan("test", [project.id])
    office.container.runner.run(scan_of(project.id))
    office.procore.set_code_status(project.id, code.id, "inactive")
    monkeypatch.setattr(items, "FRESH_SECONDS", 0.0)
    office.work_off()
    assert office.items("24-800-05-120.S") == []


def test_a_second_scan_writes_nothing_and_requests_nothing_if_unchanged(office: Installation) -> None:
    """A second scan sends no write, and a project without changes costs NetSuite no request."""
    project = office.new_project("24-800", ["05-120.S", "05-310.S"])
    run = office.scan(project.id)
    assert (run.ended, run.counts["created"]) == (True, 2)
    mark = office.mark()
    again = office.scan(project.id)
    assert (again.ended, again.counts["already"]) == (True, 2)
    assert office.requests(mark) == []

    office.scan()
    mark = office.mark()
    office.scan()
    assert office.writes(mark) == []
    assert office.posts(ITEM_PATH, mark) == []
    assert office.netsuite.duplicates() == []


def test_a_second_scan_joins_the_first(office: Installation) -> None:
    first, joined = office.container.start_scan("one")
    second, joined_too = office.container.start_scan("two")
    assert (second.id, joined, joined_too) == (first.id, False, True)
    office.work_off()
    assert office.run(first).ended
    third, joined_too = office.container.start_scan("three")
    assert (third.id != first.id, joined_too) == (True, False)


def test_a_pilot_is_limited_to_the_projects_it_lists(open_office: OpenInstallation) -> None:
    office = open_office()
    listed = office.procore.project("24-003")
    office = office.reopened(project_ids=str(listed.id))
    office.scan()
    office.export_all()
    ours = {item.externalid for item in office.netsuite.items if (item.externalid or "").startswith("pcr-itm")}
    assert ours
    assert {_project_of(each) for each in ours if each} == {listed.id}
    billed = [invoice for invoice in office.procore.company.invoices.values() if office.bills(invoice)]
    assert billed
    assert {invoice.project_id for invoice in billed} == {listed.id}


def test_a_description_longer_than_the_limit_is_cut_and_the_name_is_not(office: Installation) -> None:
    """A description that is longer than NetSuite allows is cut; the Item name stays whole."""
    project = office.new_project("24-800")
    code = office.procore.add_code(project.id, "05-120.S", budget=1, description="long " * 30)
    office.scan(project.id)
    assert office.item("24-800-05-120.S").displayname == code.description[:60]


def test_a_renamed_description_in_procore_does_not_overwrite_the_item(office: Installation) -> None:
    project = office.new_project("24-800", ["05-120.S"])
    (code,) = project.budgeted_codes()
    office.scan(project.id)
    before = replace(office.item("24-800-05-120.S"))
    office.procore.rename_code(project.id, code.id, "05-121.S", "Another text")
    office.scan(project.id)
    assert office.item("24-800-05-120.S") == before
    assert office.items("24-800-05-121.S") == []


def _some_code(office: Installation) -> tuple[Project, WbsCode]:
    project = office.procore.project("24-001")
    return project, project.budgeted_codes()[0]


def _project_of(external_id: str) -> int:
    return int(external_id.split("-")[3]) if external_id.startswith("pcr-itm-") else 0


def _code_of(external_id: str) -> int:
    return int(external_id.split("-")[4]) if external_id.startswith("pcr-itm-") else 0
