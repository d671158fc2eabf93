"""Which projects are synced: templates never, inactive ones for their invoices, and each despite unreadable rows next to it."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call
from tests.kit.installation import Installation
from worker.domain.errors import NoRoom, NotFound
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind
from worker.domain.problems import FindingKind
from worker.inspect.overview import run_counts
from worker.sync import projects as projects_module
from worker.sync.export_runs import SCHEDULE
from worker.sync.projects import Projects

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")
LIST = "/rest/v1.1/projects"


def alone(office: Installation, project: Project) -> Installation:
    return office.reopened(project_ids=str(project.id))


def of(office: Installation) -> Projects:
    return office.container.exports.projects


def lists(office: Installation, since: int = 0) -> int:
    """Return how often the list of all projects was requested."""
    seen = [entry for entry in office.stage.journal("procore", since) if entry.get("path") == LIST]
    return sum("filters" not in entry.get("query", "") or "id%5D" not in entry.get("query", "") for entry in seen)


def mark(office: Installation) -> int:
    return max((entry["n"] for entry in office.stage.journal("procore")), default=0)


# Templates


@pytest.mark.parametrize("number", [None, "TEMPLATE-01"])
def test_a_template_gets_no_items_and_is_no_problem(office: Installation, number: str | None) -> None:
    template = office.new_project(number, CODES, linked=False)
    office.procore.edit_project(template.id, template=True, name="TEMPLATE - Commercial")
    pilot = alone(office, template)
    for run in (pilot.scan(), pilot.scan(template.id)):
        assert run.counts.get("created", 0) == 0
    assert office.writes() == []
    assert office.problems() == {}
    (line,) = pilot.container.planning.scan([template.id]).lines
    assert "is a template" in line.reason


def test_an_invoice_of_a_template_is_not_exported(office: Installation) -> None:
    template = office.new_project("TEMPLATE-01", CODES)
    office.procore.edit_project(template.id, template=True)
    invoice = office.new_invoice(template, (CODES[0], "900.00"))
    outcome = office.export(invoice)
    assert outcome.kind is OutcomeKind.SKIPPED
    assert "is a template" in outcome.reason
    alone(office, template).export_all()
    assert office.writes() == []


# Inactive projects


def scheduled(office: Installation) -> int:
    """Return how many projects a scheduled run lists."""
    run, _ = office.container.start_export(SCHEDULE)
    office.work_off()
    return office.run(run).counts["projects"]


def closed_out(office: Installation) -> tuple[Project, Any]:
    """Create a project that becomes inactive while its last approved invoice has no bill yet."""
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    office.procore.edit_project(project.id, active=False)
    return project, invoice


def test_the_last_invoice_of_an_inactive_project_is_exported(office: Installation) -> None:
    project, invoice = closed_out(office)
    pilot = alone(office, project)
    (line,) = pilot.container.planning.export_approved().lines
    assert line.key == str(InvoiceKey(project.id, invoice.id))
    pilot.export_all()
    assert office.bill(invoice)
    assert pilot.scan().counts.get("projects_done", 0) == 0, "a scan reads active projects only"


def test_an_inactive_project_is_listed_until_exported_then_once_a_day(office: Installation) -> None:
    """A requested run always lists it, and so does the next run after it was active for a while."""
    project, invoice = closed_out(office)
    office.procore.edit_invoice(invoice.id, off_by="0.01")
    pilot = alone(office, project)
    assert scheduled(pilot) == 1
    assert pilot.problems() == {str(InvoiceKey(project.id, invoice.id)): "lines_do_not_tie"}
    office.procore.edit_invoice(invoice.id, off_by="0.00")
    assert scheduled(pilot) == 1
    assert office.bill(invoice)
    assert scheduled(pilot) == 1, "only this list shows that nothing is left"
    assert scheduled(pilot) == 0
    assert pilot.export_all().counts["projects"] == 1, "a requested run lists each project"
    assert scheduled(pilot) == 0
    office.procore.edit_project(project.id, active=True)
    assert scheduled(pilot) == 1
    office.procore.edit_project(project.id, active=False)
    assert scheduled(pilot) == 1, "what it had while it was active may not be exported"


def test_what_was_billed_in_an_inactive_project_is_still_compared(office: Installation) -> None:
    project, invoice = closed_out(office)
    pilot = alone(office, project)
    pilot.export_all()
    verified = pilot.container.verification.verify()
    assert (verified.codes, verified.invoices, verified.findings) == (0, 1, [])
    office.netsuite.void_bill(office.bill(invoice).id)
    (finding,) = pilot.container.verification.verify(full=True).findings
    assert finding.kind is FindingKind.BILL_VOIDED


def test_many_inactive_projects_are_listed_some_in_each_run(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects_module, "MAX_INACTIVE", 2)
    ids = [office.new_project(f"24-80{n}").id for n in range(5)]
    for project_id in ids:
        office.procore.edit_project(project_id, active=False)
    pilot = office.reopened(project_ids=",".join(map(str, ids)))
    assert [scheduled(pilot) for _ in range(4)] == [2, 2, 1, 0]


def test_an_inactive_project_with_tools_off_is_no_problem_but_shown(office: Installation) -> None:
    """The run, `status`, `verify` and `explain` all name the project whose invoices cannot be read."""
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"), invoice_number="LAST-1")
    office.procore.edit_project(project.id, active=False, tools_disabled=True)
    pilot = alone(office, project)
    run = pilot.export_all()
    assert pilot.problems() == {}
    assert "1 project skipped" in run_counts(run.counts)
    (unread,) = pilot.container.overview.status()["invoices_unreadable"]
    assert ("24-800" in unread["project"], "403" in unread["answer"]) == (True, True)
    assert f"Invoices not readable: 1 inactive project ({unread['project']})" in call(pilot, "status").stdout
    verified = pilot.container.verification.verify()
    assert [(one.kind, one.key) for one in verified.information] == [
        (FindingKind.INVOICES_UNREADABLE, f"project:{project.id}")
    ]
    assert "its approved invoices are not billed" in verified.information[0].sentence
    for where in (None, str(project.id)):
        with pytest.raises(NotFound, match="24-800"):
            pilot.container.explain.invoice("LAST-1", where)
    assert "403" in pilot.container.explain.invoice(str(invoice.id), str(project.id))["explanation"]

    office.procore.edit_project(project.id, tools_disabled=False)
    pilot.export_all()
    assert office.bill(invoice)
    assert pilot.container.overview.status()["invoices_unreadable"] == []
    assert pilot.container.verification.verify().information == []


def test_an_unreadable_project_that_is_active_again_becomes_a_problem(office: Installation) -> None:
    """It leaves the list of inactive projects whose invoices cannot be read."""
    project = office.new_project("24-800", CODES)
    office.procore.edit_project(project.id, active=False, tools_disabled=True)
    pilot = alone(office, project)
    pilot.export_all()
    office.procore.edit_project(project.id, active=True)
    pilot.export_all()
    assert pilot.problems() == {f"project:{project.id}:commitments": "project_not_readable"}
    assert pilot.container.overview.status()["invoices_unreadable"] == []


# Odd rows


@pytest.mark.parametrize("shown", [{"flat_code": None}, {"flat_code": ""}, {"description": None}, {"id": None}])
@pytest.mark.parametrize("v2", [True, False])
def test_an_incomplete_code_stops_no_other(open_office: OpenInstallation, shown: dict[str, Any], v2: bool) -> None:
    office = open_office(world={"budget_lines_v2": v2})
    project = office.new_project("24-800", CODES)
    incomplete = office.procore.add_code(project.id, "26-050.S")
    office.procore.show_code(project.id, incomplete.id, **shown)
    assert office.scan(project.id).counts["created"] == 2
    assert office.problems() == {}


def test_a_budgeted_code_without_a_text_is_the_only_one_that_waits(office: Installation) -> None:
    project = office.new_project("24-800", CODES)
    code = project.code_named(CODES[0])
    office.procore.show_code(project.id, code.id, flat_code=None)
    office.scan(project.id)
    key = f"code:{project.id}:{code.id}"
    assert office.problems() == {key: "code_missing_text"}
    assert f"id {code.id}" in office.sentence(key)
    assert office.item_of(project, project.code_named(CODES[1]))
    office.procore.show_code(project.id, code.id)
    office.scan(project.id)
    assert office.item_of(project, code)
    assert office.problems() == {}


def test_an_unreadable_budget_row_is_reported_and_stops_no_other(office: Installation) -> None:
    project = office.new_project("24-800", CODES)
    code = project.code_named(CODES[0])
    office.procore.show_code(project.id, code.id, id="?")
    assert office.scan(project.id).counts["created"] == 1
    key = f"project:{project.id}:budget_rows"
    assert office.problems() == {key: "unreadable_rows"}
    assert key in {line.key for line in office.container.planning.scan([project.id]).lines}
    office.procore.show_code(project.id, code.id)
    office.scan(project.id)
    assert office.problems() == {}


def test_a_project_that_cannot_be_read_stops_no_other_one(office: Installation) -> None:
    unreadable, readable = office.new_project("24-800", CODES), office.new_project("24-801", CODES)
    office.procore.edit_project(unreadable.id, shown={"active": "perhaps"})
    pilot = office.reopened(project_ids=f"{unreadable.id},{readable.id}")
    assert pilot.scan().counts["created"] == 2
    key = f"project:{unreadable.id}:row"
    assert pilot.problems() == {key: "unreadable_rows"}
    office.procore.edit_project(unreadable.id, shown={})
    assert pilot.scan().counts["created"] == 2
    assert pilot.problems() == {}


def test_an_invoice_with_an_unusual_row_is_exported_like_any_other(office: Installation) -> None:
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    odd_invoice, usual_invoice = (office.new_invoice(project, (code, "900.00")) for code in CODES)
    office.procore.edit_invoice(odd_invoice.id, shown={"invoice_number": {}})
    alone(office, project).export_all()
    assert office.bill(usual_invoice)
    assert office.problems(f"invoice:{project.id}:{odd_invoice.id}") or office.bills(odd_invoice)


def test_an_invoice_without_an_id_is_reported_and_stops_no_other(office: Installation) -> None:
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    without_id, usual_invoice = (office.new_invoice(project, (code, "900.00")) for code in CODES)
    office.procore.edit_invoice(without_id.id, shown={"id": None})
    pilot = alone(office, project)
    pilot.export_all()
    assert office.bill(usual_invoice)
    assert pilot.problems() == {f"project:{project.id}:commitment_rows": "unreadable_rows"}
    office.procore.edit_invoice(without_id.id, shown={})
    pilot.export_all()
    assert office.bill(without_id)
    assert pilot.problems() == {}


# Two ways to the budget


@pytest.mark.parametrize("status", [403, 404])
def test_one_project_without_budget_lines_is_read_through_its_budget_view(office: Installation, status: int) -> None:
    refused, sound = office.new_project("24-800", CODES), office.new_project("24-801", CODES)
    office.procore.edit_project(refused.id, budget_lines_refused=status)
    assert office.scan(refused.id).counts["created"] == 2
    since = mark(office)
    assert office.scan(sound.id).counts["created"] == 2
    paths = [entry["path"] for entry in office.stage.journal("procore", since) if "path" in entry]
    assert any(path.endswith(f"{sound.id}/budget_line_items") for path in paths)
    assert "/rest/v1.0/budget_views" not in paths


@pytest.mark.parametrize("status", [403, 404])
def test_a_budget_that_cannot_be_read_either_way_is_a_problem(office: Installation, status: int) -> None:
    project = office.new_project("24-800", CODES)
    office.procore.edit_project(project.id, budget_lines_refused=status, has_budget_view=False)
    office.scan(project.id)
    key = f"project:{project.id}:budget"
    assert office.problems() == {key: "project_not_readable"}
    assert "the project has no budget view" in office.sentence(key)


# The list


def test_all_that_need_a_new_list_at_the_same_time_share_one(office: Installation) -> None:
    projects = of(office)
    projects.outdate()
    since = mark(office)
    read_lists = office.at_once(*[projects.all] * 4, *[office.container.scans.projects.all] * 4)
    assert len({len(each) for each in read_lists}) == 1
    assert lists(office, since) == 1


def test_an_unknown_project_is_requested_by_itself(office: Installation) -> None:
    projects = of(office)
    projects.refresh()
    since = mark(office)
    assert projects.get(1) is None
    new = office.new_project("24-800")
    assert projects.get(new.id)
    assert new.id in {one.id for one in projects.all()}
    assert lists(office, since) == 0


def test_a_list_that_another_worker_reads_for_long_makes_work_wait(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects_module, "READING_TIMEOUT_SECONDS", 0.2)
    projects = of(office)
    projects.outdate()
    token = office.container.stores.listed_projects.claim()
    assert token
    with pytest.raises(NoRoom, match="still reading the list of projects"):
        projects.all()
    office.container.stores.listed_projects.release(token)
    assert projects.all()
