"""A project that may have its Items already, under a former number or code: a person is asked before any is created a second time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_recovery import lose_redis
from tests.kit.commands import run_command
from tests.kit.company import ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind

pytestmark = pytest.mark.real

CODES = ["05-120.S", "05-130.S", "05-140.S", "05-150.S"]
CAUSE = "possible_former_items"


def renumbered(office: Installation, codes: Sequence[str] = CODES) -> tuple[Project, list[str]]:
    """Create a project whose Items another integration created under its former number; wbs-sync sees it for the first time."""
    items = [office.netsuite.make_item(f"24-800-{code}").id for code in codes]
    return office.new_project("25-800", CODES), items


def keys(project: Project) -> set[str]:
    return {f"code:{project.id}:{code.id}" for code in project.budgeted_codes()}


def test_nothing_is_created_while_items_exist_under_a_former_number(office: Installation) -> None:
    """The project's Items exist under a number that no project has: no scan, single request or invoice creates new ones."""
    project, _ = renumbered(office)
    office.scan(project.id)
    assert office.problems() == dict.fromkeys(keys(project), CAUSE)
    sentence = office.sentence(min(keys(project)))
    assert "24-800-05-120.S" in sentence
    assert "25-800" in sentence
    # Neither by one code alone, nor for an invoice.
    (first, *_) = project.budgeted_codes()
    assert office.make_item(project, first).cause == CAUSE
    invoice = office.new_invoice(project, (CODES[0], "100.00"))
    assert office.export(invoice).cause == "blocked_codes"
    assert office.posts(ITEM_PATH) == []


def test_the_items_are_adopted_when_they_have_the_names_of_today(office: Installation) -> None:
    project, items = renumbered(office)
    office.scan(project.id)
    for item_id, code in zip(items[:3], CODES, strict=False):
        office.netsuite.edit_item(item_id, itemid=f"25-800-{code}")
    office.retry()
    last = project.budgeted_codes()[3]
    assert office.problems() == {f"code:{project.id}:{last.id}": CAUSE}, "one is not renamed yet"
    office.retry()
    assert office.problems() == {f"code:{project.id}:{last.id}": CAUSE}
    office.netsuite.edit_item(items[3], itemid=f"25-800-{CODES[3]}")
    office.retry()
    assert office.problems() == {}
    assert sorted(one.remote_id for one in office.container.ledger.codes(project.id).values()) == sorted(items)
    assert office.writes() == []


def test_new_items_are_created_once_a_person_rejects_the_former_ones(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person says that the other Items are not the project's, and this decision counts for all projects."""
    project, _ = renumbered(office)
    office.scan(project.id)
    (open_problem, *_) = (problem for problem in office.container.ledger.problems() if problem.problem.cause == CAUSE)
    office.container.former_items.reject(open_problem.facts)
    office.retry()
    assert office.problems() == {}
    assert len(office.posts(ITEM_PATH)) == len(CODES)
    # One answer counts for all projects.
    second_project = office.new_project("25-801", CODES)
    office.scan(second_project.id)
    assert office.problems() == {}


def test_the_items_of_other_projects_cause_no_question(office: Installation) -> None:
    """In a company whose Items another integration created, each project has the same codes."""
    for number in ("24-800", "24-801"):
        for code in CODES:
            office.netsuite.make_item(f"{number}-{code}")
        office.new_project(number, CODES)
    project = office.new_project("25-800", CODES)
    office.scan(project.id)
    assert office.problems() == {}
    assert len(office.posts(ITEM_PATH)) == len(CODES)


def test_few_codes_with_the_same_text_cause_no_question(office: Installation) -> None:
    project, _ = renumbered(office, CODES[:1])
    office.scan(project.id)
    assert office.problems() == {}


def test_a_late_code_of_a_renumbered_project_may_have_a_former_item(office: Installation) -> None:
    """The other integration created Items for all codes; this code was budgeted after the others were adopted."""
    project, items = renumbered(office, [*CODES, "09-100.S"])
    office.procore.renumber_project(project.id, "24-800")
    office.scan(project.id)
    assert office.problems() == {}
    office.procore.renumber_project(project.id, "25-800")
    late = office.procore.add_code(project.id, "09-100.S", budget=0)
    office.scan(project.id)
    assert office.problems() == {f"code:{project.id}:{late.id}": CAUSE}
    office.netsuite.edit_item(items[4], itemid="25-800-09-100.S")
    office.retry()
    assert office.problems() == {}
    assert office.writes() == []


def test_inactive_items_and_other_item_types_cause_no_question(office: Installation) -> None:
    for code in CODES[:2]:
        office.netsuite.make_item(f"24-800-{code}", isinactive=True)
        office.netsuite.make_item(f"24-801-{code}", "serviceSaleItem")
    project = office.new_project("25-800", CODES[:2])
    office.scan(project.id)
    assert office.problems() == {}


def lost_with_data_dir(office: Installation, tmp_path: Path) -> Installation:
    """Delete Redis and DATA_DIR, and let the settle window pass."""
    lose_redis(office)
    fresh = office.reopened(data_dir=tmp_path / "new-machine", netsuite_settle_seconds=0)
    fresh.container.recovery.rebuild()
    return fresh


def test_after_a_loss_an_unmarked_item_may_be_that_of_a_renamed_code(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    """An Item without our external id that matches no current code may be a renamed code's, so a person is asked."""
    office = open_office()
    project = office.new_project("24-800", CODES)
    by_hand = office.netsuite.make_item("24-800-05-120.S")
    office.scan(project.id)
    office.procore.rename_code(project.id, project.budgeted_codes()[0].id, "09-250.S")
    (first, *_) = project.budgeted_codes()
    fresh = lost_with_data_dir(office, tmp_path)
    mark = office.mark()
    fresh.scan(project.id)
    assert fresh.problems() == {f"code:{project.id}:{first.id}": CAUSE}
    assert by_hand.id in fresh.sentence(f"code:{project.id}:{first.id}")
    assert office.posts(ITEM_PATH, mark) == []

    (open_problem,) = (problem for problem in fresh.container.ledger.problems() if problem.problem.cause == CAUSE)
    fresh.container.former_items.reject(open_problem.facts)
    fresh.retry()
    assert fresh.problems() == {}
    assert fresh.make_item(project, first).kind is OutcomeKind.ALREADY


def test_without_a_loss_unused_items_cause_no_question(office: Installation) -> None:
    office.netsuite.make_item("24-800-01-100.S")
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    assert office.problems() == {}


def test_a_person_answers_on_the_command_line(office: Installation) -> None:
    project, _ = renumbered(office)
    office.scan(project.id)
    note = "an old project of the same codes"
    assert run_command(office.container, "problems", "continue", min(keys(project)), "--note", note).code == 0
    office.work_off()
    assert office.problems() == {}
    assert len(office.posts(ITEM_PATH)) == len(CODES)
