"""What people do about problems: they close them with a note, or hide them until they change; nothing stays hidden longer or is lost."""

from __future__ import annotations

import logging
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause
from worker.store.ledger import Ledger
from worker.store.open_problems import ACTS_KEPT, Act, Handling, OpenProblem

KEY = InvoiceKey(17, 417)
FACTS = {"invoice": "A-1", "vendor": "Blue Spruce Electric", "payment_due": "-5.00"}
BLOCKED = Record(
    State.BLOCKED, "A-1", at=100.0, cause=Cause.NEEDS_VENDOR_CREDIT, facts=FACTS, payment_due=Decimal("-5.00")
)
DONE = Record(State.CREATED, "A-1", "5871", at=300.0)
BY: dict[str, Any] = {"by": "ana", "at": 200.25, "note": "credit 88 entered"}


@pytest.fixture
def ledger(client: Redis) -> Ledger:
    return Ledger(client, PREFIX)


@pytest.fixture
def handling(client: Redis) -> Handling:
    return Handling(client, PREFIX)


def opened(ledger: Ledger, record: Record = BLOCKED) -> OpenProblem:
    ledger.write(KEY, record)
    (open_problem,) = ledger.problems()
    return open_problem


def test_a_missing_fact_of_a_sentence_is_logged_with_its_name(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    """The problem is stored nevertheless."""
    facts = {name: value for name, value in FACTS.items() if name != "vendor"}
    with caplog.at_level(logging.ERROR):
        open_problem = opened(ledger, replace(BLOCKED, facts=facts))
    assert caplog.messages == ["A problem with the cause needs_vendor_credit was stored without these facts: vendor"]
    assert "Invoice A-1 ([vendor not recorded]) totals -5.00" in open_problem.problem.sentence


# Resolved


def test_a_resolved_problem_is_closed_and_its_note_kept(ledger: Ledger, handling: Handling) -> None:
    assert handling.resolve(opened(ledger), **BY)
    assert ledger.problems() == []
    (entry,) = handling.history(str(KEY))
    assert (entry.act, entry.by, entry.at, entry.note) == (Act.RESOLVED, "ana", 200.25, "credit 88 entered")
    assert entry.problem.cause is Cause.NEEDS_VENDOR_CREDIT
    assert "Blue Spruce Electric" in entry.problem.sentence


def test_resolving_changes_nothing_that_work_depends_on(ledger: Ledger, handling: Handling) -> None:
    handling.resolve(opened(ledger), **BY)
    assert ledger.invoice(KEY) == BLOCKED


def test_a_cause_that_occurs_again_reopens_the_problem_and_keeps_the_note(ledger: Ledger, handling: Handling) -> None:
    """The problem counts as open from the new occurrence on."""
    handling.resolve(opened(ledger), **BY)
    again = opened(ledger, replace(BLOCKED, at=400.0))
    assert (again.since, again.ignored) == (400.0, None)
    assert [entry.note for entry in handling.history(str(KEY))] == ["credit 88 entered"]


def test_a_bill_that_exists_after_its_invoice_was_resolved_is_recorded(ledger: Ledger, handling: Handling) -> None:
    handling.resolve(opened(ledger), **BY)
    assert ledger.write(KEY, DONE)
    assert ledger.invoice(KEY) == DONE
    assert ledger.problems() == []


def test_a_closed_problem_cannot_be_resolved(ledger: Ledger, handling: Handling) -> None:
    seen = opened(ledger)
    ledger.write(KEY, DONE)
    assert not handling.resolve(seen, **BY)
    assert handling.history(str(KEY)) == []


@pytest.mark.parametrize(
    "changed",
    [
        replace(BLOCKED, cause=Cause.LINES_DO_NOT_TIE),
        replace(BLOCKED, facts=FACTS | {"payment_due": "-7.00"}),
        replace(BLOCKED, facts=FACTS | {"date": "2026-07-31"}),
        replace(BLOCKED, facts={"invoice": "A-1"}),
    ],
)
def test_a_problem_that_changed_meanwhile_is_neither_closed_nor_hidden(
    ledger: Ledger, handling: Handling, changed: Record
) -> None:
    """Its cause or its facts differ from those that the person saw."""
    seen = opened(ledger)
    now = opened(ledger, changed)
    assert not handling.resolve(seen, **BY)
    assert not handling.ignore(seen, **BY)
    assert ledger.problems() == [now]
    assert handling.history(str(KEY)) == []


# Ignored


def test_an_ignored_problem_is_still_open_and_shows_who_ignored_it(ledger: Ledger, handling: Handling) -> None:
    seen = opened(ledger)
    assert handling.ignore(seen, **BY)
    (open_problem,) = ledger.problems()
    assert ledger.is_problem(str(KEY))
    assert replace(open_problem, ignored=None) == seen
    assert open_problem.ignored is not None
    assert (open_problem.ignored.by, open_problem.ignored.at, open_problem.ignored.note) == (
        "ana",
        200.25,
        "credit 88 entered",
    )
    assert [entry.act for entry in handling.history(str(KEY))] == [Act.IGNORED]


def test_the_same_problem_found_again_and_again_stays_hidden(ledger: Ledger, handling: Handling) -> None:
    handling.ignore(opened(ledger), **BY)
    for at in (300.0, 400.0):
        again = opened(ledger, replace(BLOCKED, at=at))
        assert again.ignored
        assert again.since == 100.0


@pytest.mark.parametrize(
    "changed",
    [
        replace(BLOCKED, cause=Cause.LINES_DO_NOT_TIE),
        replace(BLOCKED, facts=FACTS | {"payment_due": "-7.00"}),
        replace(BLOCKED, facts=FACTS | {"date": "2026-07-31"}),
        replace(BLOCKED, facts={"invoice": "A-1"}),
        replace(BLOCKED, facts={}),
    ],
)
def test_an_ignored_problem_that_changes_is_shown_even_if_it_changes_back(
    ledger: Ledger, handling: Handling, changed: Record
) -> None:
    handling.ignore(opened(ledger), **BY)
    assert opened(ledger, changed).ignored is None
    assert opened(ledger).ignored is None


def test_an_ignored_problem_that_recurs_after_it_was_closed_is_shown(ledger: Ledger, handling: Handling) -> None:
    handling.ignore(opened(ledger), **BY)
    ledger.write(KEY, Record(State.SKIPPED, "A-1"))
    assert ledger.problems() == []
    assert opened(ledger).ignored is None


@pytest.mark.parametrize("count", ["attempts", "times"])
def test_the_number_of_attempts_does_not_change_a_problem(ledger: Ledger, handling: Handling, count: str) -> None:
    ledger.report("remote:netsuite", Cause.REMOTE_DOWN, {"remote": "NetSuite", "answer": "503", count: "5"}, at=1.0)
    (seen,) = ledger.problems()
    handling.ignore(seen, **BY)
    ledger.report("remote:netsuite", Cause.REMOTE_DOWN, {"remote": "NetSuite", "answer": "503", count: "6"}, at=2.0)
    (open_problem,) = ledger.problems()
    assert open_problem.ignored
    assert open_problem.facts[count] == "6"
    ledger.report("remote:netsuite", Cause.REMOTE_DOWN, {"remote": "NetSuite", "answer": "502", count: "7"}, at=3.0)
    (open_problem,) = ledger.problems()
    assert not open_problem.ignored


def test_a_problem_without_facts_can_be_ignored_and_found_again(ledger: Ledger, handling: Handling) -> None:
    bare = replace(BLOCKED, facts={})
    handling.ignore(opened(ledger, bare), by="ana", at=1.0, note="")
    open_problem = opened(ledger, bare)
    assert open_problem.ignored
    assert open_problem.ignored.note == ""


def test_an_ignored_problem_can_be_resolved(ledger: Ledger, handling: Handling) -> None:
    handling.ignore(opened(ledger), **BY)
    (open_problem,) = ledger.problems()
    assert handling.resolve(open_problem, **BY)
    assert ledger.problems() == []
    assert [entry.act for entry in handling.history(str(KEY))] == [Act.RESOLVED, Act.IGNORED], "the newest first"


def test_the_newest_notes_are_kept(ledger: Ledger, handling: Handling) -> None:
    for number in range(ACTS_KEPT + 3):
        handling.resolve(opened(ledger), by="ana", at=float(number), note=str(number))
    notes = [entry.note for entry in handling.history(str(KEY))]
    assert notes == [str(number) for number in reversed(range(3, ACTS_KEPT + 3))]


def test_notes_in_any_script_are_stored_unchanged(ledger: Ledger, handling: Handling) -> None:
    note = 'Gutschrift über 5 € - "erledigt" \\ / 経理'
    handling.ignore(opened(ledger), by="ana", at=1.0, note=note)
    (open_problem,) = ledger.problems()
    assert open_problem.ignored
    assert open_problem.ignored.note == note
    assert handling.history(str(KEY))[0].note == note
