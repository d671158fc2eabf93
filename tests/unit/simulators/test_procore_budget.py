"""Projects, vendors, WBS codes and budgets as the simulated Procore lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.simulators.procore_caller import Caller, listening_procore

PROJECTS = "/rest/v1.1/projects"


@pytest.fixture
def procore() -> Iterator[Caller]:
    with listening_procore() as caller:
        yield caller


def projects(procore: Caller, **params: Any) -> list[Any]:
    listed: list[Any] = procore.json(PROJECTS, company_id=procore.company_id, **params)
    return listed


def codes_path(project_id: int) -> str:
    return f"/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes"


def test_only_active_permitted_projects_are_listed_by_default(procore: Caller) -> None:
    listed = {each["id"] for each in projects(procore)}
    hidden = {procore.case(case)["project_id"] for case in ("inactive_project", "project_not_permitted")}
    assert listed == set(procore.state.company.projects) - hidden
    everything = {each["id"] for each in projects(procore, filters_by_status="All")}
    assert everything - listed == {procore.case("inactive_project")["project_id"]}
    assert {each["id"] for each in projects(procore, filters_by_status="Inactive")} == everything - listed


def test_projects_are_filtered_by_number_origin_and_id(procore: Caller) -> None:
    first, second, *_ = procore.state.company.projects.values()
    assert [each["id"] for each in projects(procore, filters_project_number="24-001")] == [first.id]
    assert [each["id"] for each in projects(procore, filters_origin_id=first.origin_id)] == [first.id]
    assert {each["id"] for each in projects(procore, filters_id__=[first.id, second.id])} == {first.id, second.id}
    assert [each["id"] for each in projects(procore, filters_id=str(first.id))] == [first.id]
    assert projects(procore, filters_project_number="none") == []
    demo = [procore.case("is_demo")["project_id"]]
    assert [each["id"] for each in projects(procore, filters_is_demo="true")] == demo
    assert not set(demo) & {each["id"] for each in projects(procore, filters_is_demo="false")}
    assert [each["id"] for each in projects(procore, filters_name="harbor view")] == [first.id]
    unlinked = projects(procore, filters_synced="false")
    assert all(each["origin_id"] is None for each in unlinked)
    assert procore.case("project_not_linked")["project_id"] in {each["id"] for each in unlinked}


def test_the_company_id_is_required(procore: Caller) -> None:
    assert procore.get(PROJECTS).status_code == 400
    assert procore.get(PROJECTS, company_id=1).status_code == 403


def test_pages_follow_each_other_by_their_links() -> None:
    with listening_procore("large:450x1") as procore:
        first = procore.get(PROJECTS, company_id=procore.company_id)
        assert (first.headers["Total"], first.headers["Per-Page"], len(first.json())) == ("450", "100", 100)
        answer = procore.get(PROJECTS, company_id=procore.company_id, per_page=1000)
        assert (answer.headers["Per-Page"], len(answer.json())) == ("300", 300)
        seen = [each["id"] for each in answer.json()]
        assert set(answer.links) == {"next", "last"}
        answer = procore.session.get(answer.links["next"]["url"], timeout=60)
        assert set(answer.links) == {"first", "prev"}
        seen += [each["id"] for each in answer.json()]
        assert len(set(seen)) == len(seen) == 450


def test_the_view_ids_gives_everything_at_once() -> None:
    with listening_procore("large:450x1") as procore:
        assert projects(procore, view="ids") == list(procore.state.company.projects)


@pytest.mark.parametrize("status", [404, 403])
def test_everything_below_a_project_that_is_not_permitted_is_refused(procore: Caller, status: int) -> None:
    procore.state.settings.unpermitted_status = status
    facts = procore.case("project_not_permitted")
    project_id = facts["project_id"]
    paths = [
        f"/rest/v1.0/projects/{project_id}?company_id={procore.company_id}",
        codes_path(project_id),
        procore.v2(project_id, "budget_line_items"),
        procore.v2(project_id, "wbs/codes"),
        f"/rest/v1.0/budget_views?project_id={project_id}",
        f"/rest/v1.1/requisitions?project_id={project_id}",
        f"/rest/v1.1/requisitions/{facts['invoice_id']}?project_id={project_id}",
        f"/rest/v1.0/projects/{project_id}/billing_periods",
    ]
    assert {procore.get(path).status_code for path in paths} == {status}
    assert procore.export(facts["invoice_id"], origin_id="x").status_code == status


def test_a_disabled_tool_is_a_403_on_a_project_that_is_listed(procore: Caller) -> None:
    project_id = procore.case("project_tool_disabled")["project_id"]
    assert project_id in {each["id"] for each in projects(procore)}
    assert procore.get(codes_path(project_id)).status_code == 200
    for path in (procore.v2(project_id, "budget_line_items"), f"/rest/v1.1/requisitions?project_id={project_id}"):
        assert procore.get(path).status_code == 403


def test_codes_carry_their_segments_in_pattern_order(procore: Caller) -> None:
    facts = procore.case("odd_text")
    codes = {each["id"]: each for each in procore.json(codes_path(facts["project_id"]), per_page=2000)}
    code = codes[facts["wbs_code_id"]]
    assert code["flat_code"] == ".".join(item["code"] for item in code["segment_items"])
    assert [item["segment"]["type"] for item in code["segment_items"]] == ["cost_code", "line_item_type", "custom"]
    assert code["description"] == 'paint  the o\'neil  "east" wing, 2 coats'
    plain = next(each for each in codes.values() if each["flat_code"] == "01-100.S")
    assert plain["segment_items"][0]["path_codes"] == ["01 - General Requirements", "01-100 - Site Supervision"]


def test_codes_are_filtered_by_status_time_and_text(procore: Caller) -> None:
    inactive = procore.case("inactive_code")
    path = codes_path(inactive["project_id"])
    ids = {each["id"] for each in procore.json(path, filters_status__="inactive")}
    assert ids == {inactive["wbs_code_id"], procore.case("inactive_budgeted_code")["wbs_code_id"]}
    since = procore.state.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert procore.json(path, filters_updated_at=f"{since}...2099-01-01T00:00:00Z") == []
    procore.state.rename_code(inactive["project_id"], inactive["wbs_code_id"], description="Renamed")
    changed = procore.json(path, filters_updated_at=f"{since}...2099-01-01T00:00:00Z")
    assert [(each["id"], each["description"]) for each in changed] == [(inactive["wbs_code_id"], "Renamed")]
    assert [each["id"] for each in procore.json(path, query="renam")] == [inactive["wbs_code_id"]]
    assert procore.get(path, filters_updated_at="yesterday").status_code == 400


def test_division_codes_can_be_left_out(procore: Caller) -> None:
    pair = procore.case("same_joined_name")["codes"][1]
    path = codes_path(pair["project_id"])
    assert pair["wbs_code_id"] in {each["id"] for each in procore.json(path, per_page=2000)}
    leaves = {each["id"] for each in procore.json(path, per_page=2000, can_select_divisions="false")}
    assert pair["wbs_code_id"] not in leaves


def test_the_v2_budget_lists_ten_lines_a_page_and_a_hundred_at_most() -> None:
    with listening_procore("large:1x250") as procore:
        project_id = next(iter(procore.state.company.projects))
        path = procore.v2(project_id, "budget_line_items")
        assert len(procore.json(path)["data"]) == 10
        answer = procore.get(path, per_page=500, page=3)
        assert (len(answer.json()["data"]), answer.headers["Total"], answer.headers["Per-Page"]) == (50, "250", "100")
        line = answer.json()["data"][0]
        assert isinstance(line["id"], str)
        assert isinstance(line["wbs_code"]["id"], str)
        assert line["original_budget_amount"] == "10000.00"
        filtered = procore.json(path, filters_wbs_code_id=line["wbs_code"]["id"])["data"]
        assert [each["id"] for each in filtered] == [line["id"]]


def test_an_account_without_the_v2_list_answers_404_and_has_the_view(procore: Caller) -> None:
    """The budget view has every budgeted and every unbudgeted code."""
    facts = procore.case("shared_new_code")
    project = procore.state.project(facts["project_id"])
    procore.state.settings.budget_lines_v2 = False
    assert procore.get(procore.v2(project.id, "budget_line_items")).status_code == 404
    view = procore.json("/rest/v1.0/budget_views", project_id=project.id)[0]
    rows = f"/rest/v1.0/budget_views/{view['id']}/detail_rows"
    budgeted = procore.json(rows, project_id=project.id)
    assert {row["wbs_code_id"] for row in budgeted} == set(project.budget)
    assert all(row["id"] for row in budgeted)
    unbudgeted = procore.json(rows, project_id=project.id, budget_row_type="unbudgeted")
    assert facts["wbs_code_id"] in {row["wbs_code_id"] for row in unbudgeted}
    assert all(row["id"] is None for row in unbudgeted)
    everything = procore.json(rows, project_id=project.id, budget_row_type="all")
    assert len(everything) == len(budgeted) + len(unbudgeted)


def test_v2_codes_have_text_ids(procore: Caller) -> None:
    facts = procore.case("item_by_hand")
    path = procore.v2(facts["project_id"], "wbs/codes")
    assert len(procore.json(path)["data"]) == 10
    codes = procore.json(path, filters_id__=facts["wbs_code_id"])["data"]
    assert [(each["id"], each["code"]) for each in codes] == [(str(facts["wbs_code_id"]), facts["flat_code"])]


def test_vendors_are_listed_filtered_and_shown(procore: Caller) -> None:
    vendors = procore.json("/rest/v1.0/vendors", company_id=procore.company_id)
    assert "O'Brien Steel & Sons" in {each["name"] for each in vendors}
    last = vendors[-1]["id"]
    filtered = procore.json("/rest/v1.0/vendors", company_id=procore.company_id, filters_id__=last)
    assert [each["id"] for each in filtered] == [last]
    assert procore.json(f"/rest/v1.0/vendors/{last}", company_id=procore.company_id) == vendors[-1]
    assert procore.get("/rest/v1.0/vendors/1", company_id=procore.company_id).status_code == 404


def test_a_vendor_of_a_project_directory_is_shown_there_only(procore: Caller) -> None:
    commitment = next(iter(procore.state.company.commitments.values()))
    vendor, company = commitment.vendor_id, {"company_id": procore.company_id}
    procore.admin("edit", {"action": "edit_vendor", "vendor_id": vendor, "project_directory_only": True})
    assert procore.get(f"/rest/v1.0/vendors/{vendor}", **company).status_code == 404
    assert vendor not in {each["id"] for each in procore.json("/rest/v1.0/vendors", per_page=1000, **company)}
    assert procore.json(f"/rest/v1.0/projects/{commitment.project_id}/vendors/{vendor}")["id"] == vendor
    assert procore.get(f"/rest/v1.0/projects/{commitment.project_id}/vendors/1").status_code == 404


def test_edits_from_outside_show_in_the_lists(procore: Caller) -> None:
    def edit(action: str, **fields: Any) -> Any:
        answer = procore.admin("edit", {"action": action, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def budgeted(project_id: int) -> set[str]:
        data = procore.json(procore.v2(project_id, "budget_line_items"), per_page=100)["data"]
        return {line["wbs_code"]["flat_code"] for line in data}

    project_id = edit("add_project", number="26-001", codes=["03-300.S.B2", "01-100.L"])
    assert budgeted(project_id) == {"03-300.S.B2", "01-100.L"}
    code_id = edit("add_code", project_id=project_id, flat_code="05-120.S", budget="0")
    assert "05-120.S" in budgeted(project_id)
    edit("unbudget", project_id=project_id, wbs_code_id=code_id)
    assert "05-120.S" not in budgeted(project_id)
    edit("add_budget_line", project_id=project_id, wbs_code_id=code_id, amount=12.5)
    edit("rename_code", project_id=project_id, wbs_code_id=code_id, flat_code="05-125.S")
    assert "05-125.S" in budgeted(project_id)
    edit("renumber_project", project_id=project_id, number="26-002")
    assert [each["id"] for each in projects(procore, filters_project_number="26-002")] == [project_id]
    edit("edit_project", project_id=project_id, permitted=False)
    assert procore.get(codes_path(project_id)).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "nonsense"}, 400),
        ({"action": "edit_project", "project_id": 1, "name": "x"}, 404),
        ({"action": "unbudget"}, 400),
        ({"action": "edit_vendor", "vendor_id": 0}, 404),
    ],
)
def test_an_edit_that_cannot_be_made_is_refused(procore: Caller, body: dict[str, Any], status: int) -> None:
    answer = procore.admin("edit", body)
    assert answer.status_code == status
    assert answer.json()["error"]
