"""The values of further fields: from the file, from a source, by a map, or a problem; never a guess."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.errors import Blocked
from worker.domain.field_kinds import FieldKind, FieldValue, Place, convert
from worker.domain.fields import FieldRule, field_values
from worker.domain.fields_file import account_fields
from worker.domain.problems import Cause


def rule_of(text: str, place: str = "bill") -> FieldRule:
    """Return the only rule of a file with one table."""
    rules = account_fields(tomllib.loads(f"[{place}]\n{text}"), "digest").of(Place(place))
    assert len(rules) == 1
    return rules[0]


def value_of(text: str, found: dict[str, str], *, place: str = "bill", kind: FieldKind | None = None) -> str | None:
    rule = rule_of(text, place)
    value = rule.value(rule.kind or kind or FieldKind.TEXT, found)
    return value.text if value else None


def cause_of(text: str, found: dict[str, str], **options: Any) -> tuple[Cause, dict[str, str]]:
    with pytest.raises(Blocked) as caught:
        value_of(text, found, **options)
    return caught.value.cause, dict(caught.value.facts)


def test_a_fixed_value_is_used_as_it_is() -> None:
    assert value_of('department = "5"', {}) == "5"
    assert value_of("department = 5", {}) == "5"
    assert value_of("paymentHold = true", {}) == "true"


def test_a_source_is_used_and_its_default_only_where_it_is_empty() -> None:
    rule = 'department = { from = "netsuite_project.custentity_department", default = "5" }'
    assert value_of(rule, {"netsuite_project.custentity_department": "8"}) == "8"
    assert value_of(rule, {}) == "5"
    assert value_of(rule, {"netsuite_project.custentity_department": ""}) == "5"


def test_an_empty_source_without_a_default_is_a_problem_that_names_it() -> None:
    cause, facts = cause_of('terms = { from = "vendor.terms" }', {})
    assert cause is Cause.FIELD_SOURCE_EMPTY
    assert facts == {"field": "terms", "place": "[bill]", "sources": "vendor.terms is empty"}


def test_a_value_outside_of_the_map_is_a_problem_and_not_used() -> None:
    rule = 'custcol_type = { from = "wbs.cost_type", map = { S = "7" } }'
    assert value_of(rule, {"wbs.cost_type": "S"}, place="bill.line", kind=FieldKind.REFERENCE) == "7"
    cause, facts = cause_of(rule, {"wbs.cost_type": "9"}, place="bill.line", kind=FieldKind.REFERENCE)
    assert (cause, facts["sources"]) == (Cause.FIELD_SOURCE_EMPTY, "wbs.cost_type is 9")


def test_an_empty_default_leaves_the_field_out() -> None:
    rule = rule_of('terms = { from = "vendor.terms", default = "" }')
    assert field_values([rule], {}, {}) == {}
    assert field_values([rule], {}, {"vendor.terms": "4"}) == {"terms": FieldValue(FieldKind.REFERENCE, "4")}


def test_days_are_added_to_the_date_of_the_source_and_not_to_the_default() -> None:
    rule = 'dueDate = { from = "invoice.billing_date", add_days = 30, default = "2026-12-31" }'
    assert value_of(rule, {"invoice.billing_date": "2026-01-31"}) == "2026-03-02"
    assert value_of(rule, {}) == "2026-12-31"


def test_a_text_is_filled_in_with_its_sources_and_needs_all_of_them() -> None:
    rule = 'custbody_note = { text = "Procore {invoice.number} of {project.number}" }'
    assert value_of(rule, {"invoice.number": "4", "project.number": "24-017"}) == "Procore 4 of 24-017"
    cause, facts = cause_of(rule, {"invoice.number": "4"})
    assert (cause, facts["sources"]) == (Cause.FIELD_SOURCE_EMPTY, "invoice.number is 4, project.number is empty")


def test_braces_in_a_source_are_text() -> None:
    rule = 'custbody_note = { text = "of {project.name}" }'
    assert value_of(rule, {"project.name": "{invoice.number} \\1"}) == "of {invoice.number} \\1"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FieldKind.REFERENCE, "Field Operations"), (FieldKind.REFERENCE, ""), (FieldKind.REFERENCE, "5,6"),
        (FieldKind.MULTI_SELECT, "5,,6"), (FieldKind.DATE, "30.11.2026"), (FieldKind.BOOLEAN, "yes"), (FieldKind.NUMBER, "1e400"),
        (FieldKind.NUMBER, "nan"), (FieldKind.INTEGER, "1.5"), (FieldKind.INTEGER, "five"),
    ],
)  # fmt: skip
def test_a_source_of_another_kind_is_a_problem_that_names_both(kind: FieldKind, text: str) -> None:
    rule = FieldRule(Place.BILL, "custbody_x", kind, source="vendor.x")
    with pytest.raises(Blocked) as caught:
        rule.value(kind, {"vendor.x": text or " "})
    assert caught.value.cause is Cause.FIELD_SOURCE_UNUSABLE
    assert caught.value.facts["sources"] == f"vendor.x is {text or ' '}"
    assert "must be" in caught.value.facts["difference"]


def test_days_cannot_be_added_to_a_custom_field_that_is_no_date() -> None:
    cause, facts = cause_of(
        'custbody_x = { from = "invoice.number", add_days = 3 }', {"invoice.number": "7"}, kind=FieldKind.TEXT
    )
    assert (cause, facts["difference"]) == (
        Cause.FIELD_SOURCE_UNUSABLE,
        "is not a date, so `add_days` cannot be applied",
    )


@given(st.sampled_from(FieldKind), st.text(max_size=30))
def test_any_text_becomes_a_value_of_its_kind_or_is_refused(kind: FieldKind, text: str) -> None:
    try:
        value = convert(text, kind)
    except ValueError:
        return
    assert value.kind is kind
    assert convert(value.text, kind) == value, "what was accepted once is accepted again, unchanged"
    assert all(part.lstrip("-").isascii() and part.lstrip("-").isdigit() for part in value.ids)
