"""Accounts that change every record at its creation: the second one stops the series, and a person's decision continues it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call, call_json
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.work import Lane

pytestmark = pytest.mark.real

CODES = [f"05-{number}.S" for number in range(120, 126)]
STOPS_BILLS = {
    "numbers generated": (
        {"auto_generated_numbers": ["vendorBill"]},
        "Auto-Generated Numbers",
        "reference number 'BILL",
    ),
    "tax added": ({"bill_tax": "8.25"}, "the tax that the account adds", "8.25 is not on Item lines"),
}


def exported(office: Installation, count: int = 4) -> tuple[Project, list[Invoice]]:
    """Create a project with some invoices, and export each once, in order."""
    project = office.new_project("26-731", CODES)
    invoices = [office.new_invoice(project, (CODES[0], "100.00"), invoice_number=f"N-{n}") for n in range(count)]
    for invoice in invoices:
        office.export(invoice)
    return project, invoices


def billed(office: Installation, invoices: Sequence[Invoice]) -> list[int]:
    return [len(office.bills(invoice)) for invoice in invoices]


@pytest.mark.parametrize(("world", "setting", "sentence"), STOPS_BILLS.values(), ids=STOPS_BILLS)
def test_the_second_bill_that_netsuite_changed_stops_all_others(
    open_office: OpenInstallation, world: dict[str, object], setting: str, sentence: str
) -> None:
    office = open_office(world=world)
    _, invoices = exported(office)
    assert billed(office, invoices) == [1, 1, 0, 0]
    assert office.problems("series:") == {"series:bills": "systematic_difference"}
    assert setting in office.sentence("series:bills")
    assert sentence in office.sentence("series:bills")
    outcome = office.export(invoices[2])
    assert (outcome.kind, outcome.reason) == (
        OutcomeKind.WAITING,
        "writing bills is stopped: see problem series:bills",
    )
    assert office.due(f"invoice:{invoices[2].project_id}:{invoices[2].id}") > 60
    assert len(office.posts(BILL_PATH)) == 2


def test_generated_item_names_stop_the_items_and_name_the_setting(open_office: OpenInstallation) -> None:
    office = open_office(world={"auto_generated_numbers": ["item"]})
    project = office.new_project("26-731", CODES)
    run = office.scan(project.id)
    assert (run.counts["created"], len(office.posts(ITEM_PATH))) == (2, 2)
    assert office.problems() == {"series:items": "systematic_difference"}
    assert "Auto-Generated Numbers, for Items" in office.sentence("series:items")
    assert "name 'ITEM00002' instead of '26-731-05-12" in office.sentence("series:items")
    assert len(office.waiting(Lane.ITEMS)) == 4


def test_items_of_writes_without_a_response_are_compared_when_found(open_office: OpenInstallation) -> None:
    office = open_office(world={"auto_generated_numbers": ["item"]})
    office.stage.faults("netsuite", [{"kind": "cut_after", "method": "POST", "path": "record/v1/otherCharge"}])
    office.scan(office.new_project("26-731", CODES).id)
    assert len(office.posts(ITEM_PATH)) == 2
    assert office.problems() == {"series:items": "systematic_difference"}


@pytest.mark.parametrize("world", [{"auto_generated_numbers": ["vendorBill"]}, {"bill_tax": "8.25"}], ids=STOPS_BILLS)
@pytest.mark.parametrize("lost", ["the answer", "the answer and the next look"])
def test_bills_of_writes_without_a_response_are_compared_when_found(
    open_office: OpenInstallation, world: dict[str, object], lost: str
) -> None:
    office = open_office(world=world)
    project = office.new_project("26-731", CODES)
    office.scan(project.id)
    faults: list[dict[str, object]] = [{"kind": "cut_after", "method": "POST", "path": BILL_PATH}]
    if lost == "the answer and the next look":
        faults.append({"kind": "cut_before", "method": "GET", "path": BILL_PATH, "times": 1})
    first, second, third = (
        office.new_invoice(project, (CODES[0], "100.00"), invoice_number=f"N-{n}") for n in range(3)
    )
    for invoice in (first, second):
        office.stage.faults("netsuite", faults)
        office.export(invoice)
        office.settle()
    assert office.export(third).kind is OutcomeKind.WAITING
    assert len(office.posts(BILL_PATH)) == 2
    assert office.problems("series:") == {"series:bills": "systematic_difference"}


def test_an_invoice_of_a_stopped_series_does_not_show_a_solved_problem(open_office: OpenInstallation) -> None:
    """Its former problem is settled, so the record waits without a cause."""
    office = open_office(world={"auto_generated_numbers": ["vendorBill"]})
    project, _ = exported(office, 1)
    old = office.new_invoice(project, (CODES[0], "100.00"), invoice_number="N-8", billing_date="2026-02-25")
    assert office.export(old).cause == "period_closed"
    office.export(office.new_invoice(project, (CODES[0], "100.00"), invoice_number="N-9"))
    assert office.problems("series:").keys() == {"series:bills"}
    office.stage.settings("netsuite", closed_before="2026-02-01")
    assert office.export(old).kind is OutcomeKind.WAITING
    assert office.problems(f"invoice:{project.id}:{old.id}") == {}
    record = office.invoice_record(old)
    assert record is not None
    assert (record.state, record.cause) == (State.WAITING, None)


def test_an_interrupted_write_of_a_stopped_series_shows_no_solved_problem(open_office: OpenInstallation) -> None:
    """The write was cut off before the series stopped; its invoice waits without its former problem."""
    office = open_office(world={"auto_generated_numbers": ["vendorBill"]}, netsuite_settle_seconds=0)
    project, _ = exported(office, 1)
    old = office.new_invoice(project, (CODES[0], "100.00"), invoice_number="N-8", billing_date="2026-02-25")
    assert office.export(old).cause == "period_closed"
    office.stage.settings("netsuite", closed_before="2026-02-01")
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": "/vendorBill"}])
    assert office.export(old).kind is OutcomeKind.UNKNOWN
    office.clear_faults()
    office.export(office.new_invoice(project, (CODES[0], "100.00"), invoice_number="N-9"))
    assert office.problems("series:").keys() == {"series:bills"}
    office.hurry()
    assert office.export(old).kind is OutcomeKind.WAITING
    assert office.problems(f"invoice:{project.id}:{old.id}") == {}


def test_one_record_that_differs_stops_nothing(open_office: OpenInstallation) -> None:
    office = open_office()
    _, (first, *_) = exported(office, 1)
    office.stage.settings("netsuite", bill_tax="1.00")
    project = office.procore.project(first.project_id)
    differing, agreeing, differing_again = (
        office.new_invoice(project, (CODES[0], "100.00"), invoice_number=f"M-{n}") for n in range(3)
    )
    office.export(differing)
    office.stage.settings("netsuite", bill_tax="0")
    office.export(agreeing)
    office.stage.settings("netsuite", bill_tax="1.00")
    office.export(differing_again)
    assert office.problems("series:") == {}
    assert billed(office, [differing, agreeing, differing_again]) == [1, 1, 1]


def test_every_view_of_next_steps_names_the_stopped_series(open_office: OpenInstallation, tmp_path: Path) -> None:
    """A plan, the explanation of an invoice or a code, and the result of a plan that is applied all say how to continue it."""
    office = open_office(world={"auto_generated_numbers": ["vendorBill", "item"]})
    project, invoices = exported(office)
    assert office.problems("series:").keys() == {"series:bills"}, "one Item was enough for all"
    unseen = office.new_invoice(project, (CODES[0], "100.00"), invoice_number="N-9")
    continued = "`wbs-sync problems continue series:bills --note NOTE`"
    pilot = {"PROJECT_IDS": str(project.id)}
    for command in (
        ("export", "--approved", "--dry-run"),
        ("export", str(unseen.id), "--project", str(project.id), "--dry-run"),
        ("explain", "--invoice", str(unseen.id), "--project", str(project.id)),
        ("explain", "--invoice", str(invoices[3].id)),
        ("status", "--invoice", str(invoices[3].id)),
    ):
        shown = call(office, *command, **pilot).stdout
        assert continued in shown, command
        assert "writing bills is stopped." in shown
    plan = call_json(office, "export", "--approved", "--dry-run", "--save", str(tmp_path / "bills.json"), **pilot)
    waiting = {line["record"]: line["waits_for"] for line in plan["lines"] if line["action"] == "bill"}
    assert waiting.keys() == {"N-2", "N-3", "N-9"}
    assert all("Problem series:bills" in words for words in waiting.values())

    office.scan(project.id)
    assert office.problems("series:").keys() == {"series:bills", "series:items"}
    code = project.code_named(CODES[-1])
    for about_items in (
        ("scan", "--dry-run", "--project", str(project.id)),
        ("explain", str(project.id), code.flat_code),
    ):
        shown = call(office, *about_items, **pilot).stdout
        assert "`wbs-sync problems continue series:items --note NOTE`" in shown, about_items
    assert "series:items" not in call(office, "export", "--approved", "--dry-run", **pilot).stdout, "none is needed"


def test_a_known_difference_does_not_stop_a_continued_series_again(open_office: OpenInstallation) -> None:
    office = open_office(world={"bill_tax": "1.00"})
    project, invoices = exported(office, 5)
    refused = call(office, "problems", "resolve", "series:bills", "--note", "seen")
    assert refused.exit_code == 1
    assert "problems continue series:bills" in refused.stderr
    ended = call(office, "problems", "continue", "series:bills", "--note", "we want that tax", "--json")
    assert json.loads(ended.stdout)["continued"] == "series:bills"
    assert office.problems("series:") == {}
    office.work_off()
    assert billed(office, invoices) == [1] * 5, "waiting work is due immediately"
    assert office.problems("series:") == {}
    (noted,) = office.container.stores.handling.history("series:bills")
    assert (noted.act.value, noted.note) == ("continued", "we want that tax")

    office.stage.settings("netsuite", bill_tax="0")
    more = [office.new_invoice(project, (CODES[0], "100.00"), invoice_number=f"M-{n}") for n in range(4)]
    office.export(more[0])
    office.stage.settings("netsuite", bill_tax="1.00")
    for invoice in more[1:]:
        office.export(invoice)
    assert billed(office, more) == [1, 1, 1, 0], "an equal record resets the count"


def test_explain_says_that_the_series_is_stopped(open_office: OpenInstallation) -> None:
    office = open_office(world={"bill_tax": "1.00"})
    _, invoices = exported(office, 3)
    explanation = office.container.explain.invoice(str(invoices[2].id), str(invoices[2].project_id))
    assert "writing bills is stopped" in explanation["explanation"]
    assert "problems continue" in explanation["explanation"]
