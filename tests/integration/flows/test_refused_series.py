"""An account that refuses every record for the same reason: two refusals stop the series, and a good setting lets it continue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.errors import Blocked
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Outcome, OutcomeKind, State
from worker.domain.problems import Cause
from worker.domain.series import Deviation, Series
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


def test_a_record_refused_first_waits_even_if_its_attempt_goes_on(open_office: OpenInstallation) -> None:
    """Several are sent at once: the second is refused and stops the series before the first attempt has ended."""
    office = open_office()
    demand(office, "item:class")
    project = office.new_project("26-731", CODES[:2])
    office.container.wbs_scan.scan_project(project.id)
    first, second = project.codes.values()
    make = office.container.scans.items.make

    def attempt(_: object) -> Outcome:
        refused = make(CodeKey(project.id, first.id))
        office.make_item(project, second)
        return refused

    office.container.runner.run(str(CodeKey(project.id, first.id)), attempt)
    office.work_off()
    assert office.problems() == {ITEMS: "series_refused"}
    assert len(office.waiting(Lane.ITEMS)) == 2


def test_another_file_of_fields_lets_the_series_continue_after_a_restart(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    """The first record after that is sent at once, not after five minutes, and no command is needed."""
    office = open_office()
    office.stage.settings("netsuite", lists={"classification": [{"id": "12", "name": "Commercial"}]})
    demand(office, "item:class")
    project = office.new_project("26-731", CODES)
    office.scan(project.id)
    assert office.problems() == {ITEMS: "series_refused"}
    file = tmp_path / "fields.toml"
    file.write_text('[item]\nclass = "12"\n')
    office = office.reopened(netsuite_fields_file=file)
    office.hurry()
    office.work_off()
    assert {office.item(f"26-731-{code}").fields["class"]["id"] for code in CODES} == {"12"}
    assert office.problems() == {}


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


def test_an_accepted_item_continues_a_series_that_was_stopped_meanwhile(open_office: OpenInstallation) -> None:
    """A worker whose Item was accepted has read the state of the series before another worker's second refusal stopped it."""
    office = open_office()
    demand(office, "item:class")
    project = office.new_project("26-731", CODES)
    facts = {"record": "x", "field": "Class", "line": "x", "answer": "x"}
    refused = Blocked(cause=Cause.FIELD_REQUIRED, facts=facts)
    assert not office.container.refusals.note(Series.ITEMS, CodeKey(1, 1), refused)
    before = office.container.differences.state(Series.ITEMS)
    office.scan(project.id)
    assert office.problems() == {ITEMS: "series_refused"}
    demand(office)
    office.container.differences.accepts(Series.ITEMS, before)
    assert office.problems() == {}
    office.work_off()
    assert all(office.item(f"26-731-{code}") for code in CODES)


def test_an_accepted_bill_accepts_no_difference_found_meanwhile(
    open_office: OpenInstallation,
) -> None:
    """Two other workers have read back bills with a difference, after this one has read the state of the refused series."""
    pilot, _, invoices = pilot_of(open_office(), 4)
    demand(pilot, "vendorBill:department")
    pilot.export_all()
    differences = pilot.container.differences
    before = differences.state(Series.BILLS)
    for name in ("N-8", "N-9"):
        differences.note(Series.BILLS, name, {Deviation.TOTAL: "total 108.25 instead of 100.00"})
    demand(pilot)
    differences.accepts(Series.BILLS, before)
    pilot.hurry()
    pilot.work_off()
    assert pilot.problems() == {BILLS: "systematic_difference"}
    assert (billed(pilot, invoices), differences.state(Series.BILLS).accepted) == (0, frozenset())
    call(pilot, "problems", "continue", BILLS, "--note", "the tax is right")
    assert differences.state(Series.BILLS).accepted == {Deviation.TOTAL}
    pilot.work_off()
    assert billed(pilot, invoices) == 4


def test_a_person_accepts_no_difference_found_meanwhile(open_office: OpenInstallation) -> None:
    """Two bills with a difference are read back between the two steps of the command."""
    pilot, _, _ = pilot_of(open_office(), 3)
    demand(pilot, "vendorBill:department")
    pilot.export_all()
    container = pilot.container
    (seen,) = container.ledger.problems()
    assert container.stores.handling.resume(seen, by="ana", at=container.now(), note="tried again")
    for name in ("N-8", "N-9"):
        container.differences.note(Series.BILLS, name, {Deviation.TOTAL: "total 108.25 instead of 100.00"})
    assert not container.differences.go_on(Series.BILLS)
    assert container.differences.state(Series.BILLS).stopped == Deviation.TOTAL
    assert pilot.problems() == {BILLS: "systematic_difference"}


def test_a_stopped_series_gets_its_problem_again(open_office: OpenInstallation) -> None:
    """As after a version that stopped the series and died before it reported the problem."""
    pilot, _, _ = pilot_of(open_office(), 3)
    demand(pilot, "vendorBill:department")
    pilot.export_all()
    pilot.container.ledger.resolve(BILLS)
    five_minutes_pass(pilot, BILLS)
    assert pilot.problems() == {BILLS: "series_refused"}


def test_the_record_that_was_refused_last_does_not_try_before_the_others(open_office: OpenInstallation) -> None:
    pilot, _, (first, second, third) = pilot_of(open_office(), 3)
    demand(pilot, "vendorBill:department")
    for invoice in (first, second):
        pilot.export(invoice)
    demand(pilot)
    pilot.container.redis.hset(pilot.redis_key(BILLS), "trial_at", pilot.container.now() - 1)
    assert "writing bills is stopped" in pilot.export(second).reason
    assert "the next attempt shows" in pilot.export(third).reason
    pilot.work_off()
    assert len(pilot.bills(third)) == 1
    pilot.work_off()
    assert billed(pilot, (first, second)) == 2, "they are due as soon as one is accepted"
    assert pilot.problems() == {}


def test_reasons_that_alternate_leave_an_ignored_problem_ignored(open_office: OpenInstallation) -> None:
    """Each reason is shown once."""
    pilot, _, _ = pilot_of(open_office(), 4)
    ignore = ("problems", "ignore", BILLS, "--until-changed", "--note", "known")
    demand(pilot, "vendorBill:department")
    pilot.export_all()
    call(pilot, *ignore)
    shown: list[bool] = []
    for field in ("class", "department", "class"):
        demand(pilot, f"vendorBill:{field}")
        five_minutes_pass(pilot, BILLS)
        (problem,) = pilot.container.ledger.problems()
        assert f"because of the field {field.title()}" in problem.problem.sentence
        shown.append(problem.ignored is None)
        if shown[-1]:
            call(pilot, *ignore)
    assert shown == [True, False, False]
