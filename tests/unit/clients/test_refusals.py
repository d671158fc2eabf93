"""What refused writes are missing: every pattern by its example, and what a problem shows of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.clients.remotes import answer
from worker.clients.http import Answer
from worker.clients.netsuite.errors import AccountRefusals, error_of
from worker.clients.netsuite.refusals import RefusalPattern, known_refusals, meaning_of
from worker.domain.errors import Blocked
from worker.domain.problems import Cause
from worker.domain.refusals import REFUSED

KNOWN = known_refusals()
DEPARTMENT = "Error while accessing a resource. Please enter value(s) for: Department."


def refusal(*details: tuple[str, str, str]) -> Answer:
    """Return a refusal with these details: code, text, and the property that it names."""
    shown = [{"detail": text, "o:errorCode": code, "o:errorPath": path} for code, text, path in details]
    return answer(400, {"title": "x", "status": 400, "o:errorDetails": shown})


@pytest.mark.parametrize("entry", KNOWN, ids=lambda entry: entry.example[:80])
def test_each_pattern_recognizes_its_example_before_any_other_does(entry: RefusalPattern) -> None:
    facts = entry.facts_of(entry.example)
    assert facts is not None
    assert meaning_of(entry.example, KNOWN) == (entry.cause, facts)
    assert facts.keys() == set(entry.pattern.groupindex)
    assert entry.source


def test_every_cause_of_a_refusal_has_a_pattern() -> None:
    assert {entry.cause for entry in KNOWN} == REFUSED


@pytest.mark.parametrize(
    ("code", "text", "cause", "facts"),
    [
        ("USER_ERROR", DEPARTMENT, Cause.FIELD_REQUIRED, {"field": "Department"}),
        ("USER_ERROR", "Please enter value(s) for: Department, Class", Cause.FIELD_REQUIRED, {"field": "Department, Class"}),
        ("USER_ERROR", "Invalid entity reference key 712 for subsidiary 3.", Cause.NOT_IN_SUBSIDIARY, {"field": "entity", "value": "712", "subsidiary": "3"}),
        ("USER_ERROR", "Invalid currency reference key 2 for subsidiary 3.", Cause.NOT_IN_SUBSIDIARY, {"field": "currency", "value": "2", "subsidiary": "3"}),
        ("USER_ERROR", "Invalid currency reference key 2 for entity 712.", Cause.CURRENCY_NOT_OF_VENDOR, {"value": "2", "entity": "712"}),
        ("USER_ERROR", "Invalid customer reference key 88 for entity 712.", Cause.FIELD_VALUE_INVALID, {"field": "customer", "value": "88"}),
        ("USER_ERROR", "You have entered an Invalid Field Value 33 for the following field: entity.", Cause.FIELD_VALUE_INVALID, {"field": "entity", "value": "33"}),
        ("USER_ERROR", "You have entered an Invalid Field Value 2026-13-01 for the following field: trandate", Cause.FIELD_VALUE_INVALID, {"field": "trandate", "value": "2026-13-01"}),
        ("INVALID_CONTENT", "Invalid value for the resource or sub-resource field 'item.items[0].rate'. Provide a valid value.", Cause.FIELD_VALUE_INVALID, {"field": "item.items[0].rate"}),
        ("INSUFFICIENT_PERMISSION", "You do not have permissions to set a value for element item.isbillable due to one of the following reasons: 1) The field is read-only", Cause.FIELD_NOT_SETTABLE, {"field": "item.isbillable"}),
        ("USER_ERROR", "The field memo contained more than the maximum number ( 999 ) of characters allowed.", Cause.FIELD_TOO_LONG, {"field": "memo", "limit": "999"}),
        ("USER_ERROR", "This record has been locked by a user defined workflow.", Cause.RECORD_LOCKED, {}),
        ("RCRD_LOCKED_BY_WF", "", Cause.RECORD_LOCKED, {}),
    ],
)  # fmt: skip
def test_a_refused_write_has_its_cause_its_facts_and_the_message(
    code: str, text: str, cause: Cause, facts: dict[str, str]
) -> None:
    error = error_of(refusal((code, text, "a.path")), writes=True)
    assert isinstance(error, Blocked)
    assert error.cause is cause
    assert error.facts == {"answer": f"400 {code} {text}".strip(), "path": "a.path", **facts}


@pytest.mark.parametrize(
    "text",
    [
        "You must enter at least one line item for this transaction.",
        "Items need a colour since May.",
        "Bitte geben Sie einen Wert ein: Abteilung",
    ],
)
def test_an_unknown_text_keeps_the_general_cause_and_netsuites_message(text: str) -> None:
    error = error_of(refusal(("USER_ERROR", text, "")), writes=True)
    assert isinstance(error, Blocked)
    assert (error.cause, error.facts) == (Cause.UNEXPECTED, {"answer": f"400 USER_ERROR {text}"})


def test_a_refused_read_is_not_taken_for_a_refused_write() -> None:
    error = error_of(refusal(("USER_ERROR", DEPARTMENT, "")), writes=False)
    assert isinstance(error, Blocked)
    assert error.cause is Cause.UNEXPECTED


def test_the_first_detail_with_a_known_text_decides() -> None:
    error = error_of(
        refusal(("USER_ERROR", "Something else.", "x"), ("USER_ERROR", DEPARTMENT, "department")), writes=True
    )
    assert isinstance(error, Blocked)
    assert (error.cause, error.facts["field"], error.facts["path"]) == (
        Cause.FIELD_REQUIRED,
        "Department",
        "department",
    )


def test_an_account_adds_its_own_patterns_which_come_first() -> None:
    known = known_refusals([{"cause": "field_required", "pattern": r"Bitte geben Sie einen Wert ein: (?P<field>\w+)"}])
    error = error_of(
        refusal(("USER_ERROR", "Bitte geben Sie einen Wert ein: Abteilung", "")),
        writes=True,
        refusals=AccountRefusals(patterns=known),
    )
    assert isinstance(error, Blocked)
    assert (error.cause, error.facts["field"]) == (Cause.FIELD_REQUIRED, "Abteilung")
    assert list(known[1:]) == list(KNOWN)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"cause": "field_required"}, "each entry needs a `cause` and a `pattern`"),
        ({"cause": "field_required", "pattern": 5}, "each entry needs a `cause` and a `pattern`"),
        (
            {"cause": "no_such_cause", "pattern": "x"},
            "has the unknown cause 'no_such_cause'; the causes are currency_not_of_vendor, ",
        ),
        ({"cause": "bill_rejected", "pattern": "x"}, "has the unknown cause 'bill_rejected'"),
        ({"cause": "record_locked", "pattern": ""}, "each entry needs a `cause` and a `pattern`"),
        ({"cause": "record_locked", "pattern": "(?L)a"}, "not a regular expression"),
        ({"cause": "record_locked", "pattern": "a{4294967296}"}, "not a regular expression"),
        (
            {"cause": "field_too_long", "pattern": "(?P<field>x)"},
            "the pattern of field_too_long needs a group named limit",
        ),
        ({"cause": "field_required", "pattern": "("}, "not a regular expression"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named(row: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        known_refusals([row])
