"""Problems: every cause has a sentence, an owner and a next step, and its sentence can always be written."""

from __future__ import annotations

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.problems import CATALOGUE, FIX_LOCATIONS, Cause, Owner, ProblemClass, describe, missing_facts


def facts_in(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_cause_has_its_row_and_no_row_is_without_a_cause() -> None:
    assert set(CATALOGUE) == set(Cause)


@pytest.mark.parametrize("cause", Cause)
def test_every_row_names_a_class_an_owner_a_sentence_and_a_next_step(cause: Cause) -> None:
    row = CATALOGUE[cause]
    assert row.problem_class in ProblemClass
    assert row.owner in Owner
    assert row.sentence.strip()
    assert row.next_step.strip().endswith(".")


@pytest.mark.parametrize(
    "cause", [Cause.UNEXPECTED, Cause.UNREADABLE_RESPONSE, Cause.ITEM_REJECTED, Cause.BILL_REJECTED]
)
def test_the_message_of_a_remote_is_part_of_the_sentence(cause: Cause) -> None:
    assert "Items need a colour since May." in describe(cause, {"answer": "Items need a colour since May."}).sentence


@pytest.mark.parametrize("problem_class", ProblemClass)
def test_every_class_says_where_it_is_fixed(problem_class: ProblemClass) -> None:
    assert FIX_LOCATIONS[problem_class].endswith(".")


@pytest.mark.parametrize("cause", Cause)
def test_causes_are_codes_that_other_programs_can_filter_by(cause: Cause) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", cause.value)


@pytest.mark.parametrize("cause", Cause)
def test_a_problem_has_a_sentence_even_if_all_its_facts_are_missing(cause: Cause) -> None:
    problem = describe(cause, {})
    assert problem.cause is cause
    earlier = CATALOGUE[cause].earlier_facts
    shown = [earlier.get(name, f"[{name} not recorded]") for name in facts_in(CATALOGUE[cause].sentence)]
    assert all(words in problem.sentence for words in shown)
    assert missing_facts(cause, {}) == sorted(facts_in(CATALOGUE[cause].sentence))


@pytest.mark.parametrize("cause", Cause)
def test_a_next_step_is_common_to_all_problems_of_its_cause(cause: Cause) -> None:
    assert "{" not in CATALOGUE[cause].next_step


@given(cause=st.sampled_from(list(Cause)), value=st.text(max_size=30))
def test_a_problem_has_a_sentence_whatever_its_facts_contain(cause: Cause, value: str) -> None:
    facts = dict.fromkeys(facts_in(CATALOGUE[cause].sentence), value)
    sentence = describe(cause, facts | {"unasked": "for"}).sentence
    assert all(value in sentence or repr(value) in sentence for value in facts.values())


@pytest.mark.parametrize("cause", Cause)
def test_a_problem_has_a_short_sentence_whatever_its_facts_contain(cause: Cause) -> None:
    """A fact of a million characters makes a sentence of less than ten thousand."""
    facts = dict.fromkeys(facts_in(CATALOGUE[cause].sentence), "\x00" * 1_000_000)
    assert len(describe(cause, facts).sentence) < 10_000


@pytest.mark.parametrize("state", [State.CREATED, State.ADOPTED])
def test_a_record_in_netsuite_has_nothing_left_to_do(state: State) -> None:
    outcome = outcome_of(Record(state, "24-017-01.S", "5871"))
    assert outcome.result(noun="item") == {"outcome": "already", "item": "24-017-01.S", "item_id": "5871"}


def test_a_blocked_record_says_its_problem() -> None:
    outcome = outcome_of(Record(State.BLOCKED, "x", cause=Cause.NAME_HAS_COLON, facts={"name": "24 : 01"}))
    assert outcome.kind is OutcomeKind.BLOCKED
    assert outcome.cause is Cause.NAME_HAS_COLON
    assert "'24 : 01'" in outcome.reason


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (State.SKIPPED, OutcomeKind.SKIPPED),
        (State.WAITING, OutcomeKind.WAITING),
        (State.INTENT, OutcomeKind.UNKNOWN),
        (State.UNKNOWN, OutcomeKind.UNKNOWN),
    ],
)
def test_a_record_that_is_not_done_shows_its_state_and_reason(state: State, kind: OutcomeKind) -> None:
    outcome = outcome_of(Record(state, "x", detail="because"))
    assert (outcome.kind, outcome.reason) == (kind, "because")


def test_every_state_has_an_outcome() -> None:
    assert all(outcome_of(Record(state)).kind in OutcomeKind for state in State)


def test_a_result_holds_text_only_and_leaves_out_what_is_not_known() -> None:
    assert Outcome(OutcomeKind.WAITING, again_at=12.0).result(noun="bill") == {"outcome": "waiting"}
    result = Outcome(OutcomeKind.BLOCKED, "ACME-1", reason="no", cause=Cause.PERIOD_CLOSED).result(noun="bill")
    assert result == {"outcome": "blocked", "bill": "ACME-1", "cause": "period_closed", "reason": "no"}


def test_a_problem_of_an_earlier_version_reads_as_a_whole_sentence() -> None:
    """Version 0.2.0 stored these facts; it named the same fields for every vendor and project."""
    vendor = describe(
        Cause.VENDOR_NOT_LINKED, {"vendor": "Acme", "origin_id": "none", "external_id": "pcr-vendor-4-33"}
    )
    assert vendor.sentence == "Vendor Acme was not found in NetSuite by its ids or a similar name."
    project = describe(Cause.PROJECT_NOT_LINKED, {"project": "24-017 Tower", "number": "24-017", "origin_id": "9001"})
    assert (
        project.sentence == "Project 24-017 Tower was not found in NetSuite by its ids, its number or a similar name."
    )
