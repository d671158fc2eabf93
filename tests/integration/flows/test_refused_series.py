"""An account that refuses every record for the same reason: two refusals stop the series, and a good setting lets it continue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.work import Lane

pytestmark = pytest.mark.real

CODES = [f"05-{number}.S" for number in range(120, 126)]
COUNT = 14
BILLS, ITEMS = "series:bills", "series:items"


def pilot_of(office: Installation, count: int = COUNT) -> tuple[Installation, Project, list[Invoice]]:
    """Return the installation for one new project with its Items and approved invoices."""
    project = office.new_project("26-731", CODES)
    office.scan(project.id)
    invoices = [office.new_invoice(project, (CODES[0], "100.00"), invoice_number=f"N-{n}") for n in range(count)]
    return office.reopened(project_ids=str(project.id)), project, invoices


def demand(office: Installation, *fields: str) -> None:
    office.stage.settings("netsuite", mandatory_fields=list(fields))


def five_minutes_pass(office: Installation, series: str) -> None:
    """The next record of a stopped series may try, and all work is due."""
    office.container.redis.hset(office.redis_key(series), "trial_at", 0)
    office.hurry()
    office.work_off()


def billed(office: Installation, invoices: Sequence[Invoice]) -> int:
    return sum(len(office.bills(invoice)) for invoice in invoices)


def test_two_bills_without_a_mandatory_field_stop_the_others(open_office: OpenInstallation) -> None:
    """One problem names the field and the line; each five minutes one bill is sent; then all are billed without a person."""
    pilot, _, invoices = pilot_of(open_office())
    demand(pilot, "vendorBill:department")
    pilot.export_all()
    assert len(pilot.posts(BILL_PATH)) == 2
    assert pilot.problems() == {BILLS: "series_refused"}
    sentence = pilot.sentence(BILLS)
    for words in (
        "refused 2 bills in a row because of the field Department",
        '`department = "ID"` under `[bill]` in netsuite-fields.toml',
        "Please enter value(s) for: Department",
    ):
        assert words in sentence
    records = [pilot.invoice_record(invoice) for invoice in invoices]
    assert {record.state for record in records if record} == {State.WAITING}
    assert len(pilot.waiting(Lane.EXPORTS)) == COUNT
    assert "writing bills is stopped" in pilot.export(invoices[-1]).reason

    five_minutes_pass(pilot, BILLS)
    assert len(pilot.posts(BILL_PATH)) == 3, "exactly one tries"
    pilot.hurry()
    pilot.work_off()
    assert len(pilot.posts(BILL_PATH)) == 3, "and no other before five minutes have passed"
    assert pilot.problems() == {BILLS: "series_refused"}

    demand(pilot)
    five_minutes_pass(pilot, BILLS)
    assert billed(pilot, invoices) == COUNT
    assert len(pilot.posts(BILL_PATH)) == 3 + COUNT
    assert pilot.problems() == {}


def test_two_items_without_a_mandatory_field_stop_the_others(open_office: OpenInstallation) -> None:
    office = open_office()
    demand(office, "item:class")
    project = office.new_project("26-731", CODES)
    office.scan(project.id)
    assert len(office.posts(ITEM_PATH)) == 2
    assert office.problems() == {ITEMS: "series_refused"}
    assert '`class = "ID"` under `[item]`' in office.sentence(ITEMS)
    assert len(office.waiting(Lane.ITEMS)) == len(CODES)

    five_minutes_pass(office, ITEMS)
    assert len(office.posts(ITEM_PATH)) == 3
    demand(office)
    five_minutes_pass(office, ITEMS)
    assert all(office.item(f"26-731-{code}") for code in CODES)
    assert office.problems() == {}


def test_a_field_that_the_form_hides_stops_the_bills_too(open_office: OpenInstallation) -> None:
    pilot, _, invoices = pilot_of(open_office(), 4)
    pilot.stage.settings("netsuite", hidden_on_form=["memo"])
    pilot.export_all()
    assert len(pilot.posts(BILL_PATH)) == 2
    assert pilot.problems() == {BILLS: "series_refused"}
    assert "because of the field memo" in pilot.sentence(BILLS)
    assert "Show the field on the form" in pilot.sentence(BILLS)
    assert billed(pilot, invoices) == 0


def test_a_person_continues_a_refused_series(open_office: OpenInstallation) -> None:
    """Two more refusals stop it again; what is accepted does not."""
    pilot, _, invoices = pilot_of(open_office(), 4)
    demand(pilot, "vendorBill:department")
    pilot.export_all()
    refused = call(pilot, "problems", "resolve", BILLS, "--note", "seen")
    assert "problems continue series:bills" in refused.stderr
    ended = call(pilot, "problems", "continue", BILLS, "--note", "tried again", "--json")
    assert json.loads(ended.stdout)["continued"] == BILLS
    pilot.work_off()
    assert len(pilot.posts(BILL_PATH)) == 4
    assert pilot.problems() == {BILLS: "series_refused"}
    demand(pilot)
    call(pilot, "problems", "continue", BILLS, "--note", "the field is optional now")
    pilot.work_off()
    assert billed(pilot, invoices) == 4
    assert pilot.problems() == {}


def test_the_problem_names_the_field_that_is_missing_now(open_office: OpenInstallation) -> None:
    pilot, _, _ = pilot_of(open_office(), 4)
    demand(pilot, "vendorBill:department")
    pilot.export_all()
    demand(pilot, "vendorBill:class")
    five_minutes_pass(pilot, BILLS)
    assert pilot.problems() == {BILLS: "series_refused"}
    assert "because of the field Class" in pilot.sentence(BILLS)


def test_a_bill_that_is_accepted_in_between_resets_the_count(open_office: OpenInstallation) -> None:
    pilot, _, (first, second, third) = pilot_of(open_office(), 3)
    demand(pilot, "vendorBill:department")
    assert pilot.export(first).cause == "field_required"
    assert pilot.export(first).cause == "field_required", "one record twice is not two records"
    demand(pilot)
    assert pilot.export(second).kind is OutcomeKind.CREATED
    demand(pilot, "vendorBill:department")
    assert pilot.export(third).cause == "field_required"
    assert pilot.problems("series:") == {}


OF_THE_RECORD: dict[str, Any] = {"subsidiaries": [{"id": "2", "name": "US"}, {"id": "3", "name": "CA"}]}


def test_refusals_of_single_records_stop_nothing(open_office: OpenInstallation) -> None:
    """Each has a separate problem: the next record may be accepted."""
    pilot, project, invoices = pilot_of(open_office(), 3)
    item = pilot.item(f"{project.number}-{CODES[0]}")
    pilot.stage.settings("netsuite", **OF_THE_RECORD)
    pilot.netsuite.edit_item(item.id, subsidiaries=("3",))
    pilot.export_all()
    assert sorted(pilot.problems().values()) == ["not_in_subsidiary"] * 3
    assert len(pilot.posts(BILL_PATH)) == len(invoices)


def test_a_trial_that_ends_otherwise_leaves_the_series_stopped(open_office: OpenInstallation) -> None:
    """A record that is refused for another reason has a separate problem; another one tries next."""
    pilot, project, invoices = pilot_of(open_office(), 3)
    demand(pilot, "vendorBill:department")
    pilot.export_all()
    item = pilot.item(f"{project.number}-{CODES[0]}")
    pilot.stage.settings("netsuite", **OF_THE_RECORD)
    pilot.netsuite.edit_item(item.id, subsidiaries=("3",))
    five_minutes_pass(pilot, BILLS)
    assert sorted(pilot.problems().values()) == ["not_in_subsidiary", "series_refused"]
    demand(pilot)
    pilot.netsuite.edit_item(item.id, subsidiaries=("2",))
    five_minutes_pass(pilot, BILLS)
    pilot.retry()
    assert billed(pilot, invoices) == 3
    assert pilot.problems() == {}


def test_bills_that_were_in_progress_wait_for_the_series_too(open_office: OpenInstallation) -> None:
    """All that were sent at once are refused; whichever is recorded first, one problem is left."""
    pilot, _, invoices = pilot_of(open_office(), 8)
    demand(pilot, "vendorBill:department")
    pilot.stage.settings("netsuite", write_latency=0.3)
    pilot.at_once(*(partial(pilot.export, invoice) for invoice in invoices[:4]))
    pilot.stage.settings("netsuite", write_latency=0.0)
    pilot.work_off()
    pilot.export_all()
    assert len(pilot.posts(BILL_PATH)) <= 4
    assert pilot.problems() == {BILLS: "series_refused"}
    demand(pilot)
    five_minutes_pass(pilot, BILLS)
    assert billed(pilot, invoices) == 8
    assert pilot.problems() == {}
