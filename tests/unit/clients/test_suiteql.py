"""SuiteQL texts: text that a person typed stays a value and never becomes part of the query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.clients.netsuite import api
from worker.domain.errors import Blocked
from worker.domain.problems import Cause
from worker.domain.texts import REPLACEMENT

PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=REPLACEMENT))


def read_back(literal: str) -> str:
    """Return the value that SQL reads from a text literal. Raises AssertionError if the literal ends too early."""
    inside = literal[1:-1]
    assert literal[0] == literal[-1] == "'"
    assert "'" not in inside.replace("''", "")
    return inside.replace("''", "'")


@given(PRINTABLE)
def test_a_literal_is_read_back_as_the_very_text(value: str) -> None:
    assert read_back(api.literal(value)) == value


@pytest.mark.parametrize(
    ("value", "literal"),
    [("O'Brien & Sons", "'O''Brien & Sons'"), ("' OR 1=1 --", "''' OR 1=1 --'"), ("", "''"), ("'", "''''")],
)
def test_quotes_are_doubled(value: str, literal: str) -> None:
    assert api.literal(value) == literal


@pytest.mark.parametrize("character", ["\0", "\n", "\t", "\r", "\x1b", "\x7f", "\x85", REPLACEMENT, chr(0xD800)])
def test_a_character_that_no_name_can_contain_is_refused_and_named(character: str) -> None:
    with pytest.raises(Blocked, match=f"U\\+{ord(character):04X}") as caught:
        api.literal(f"01{character}02")
    assert caught.value.cause is Cause.NAME_HAS_UNSUPPORTED_CHARACTER


def test_a_list_of_values_is_quoted_one_by_one() -> None:
    assert api.is_in("itemid", ["24-01", "O'Brien"]) == "itemid IN ('24-01', 'O''Brien')"


@pytest.mark.parametrize("count", [0, 1001])
def test_a_list_that_netsuite_would_refuse_is_refused_here(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        api.is_in("id", [str(n) for n in range(count)])


def test_a_list_may_be_as_long_as_netsuite_takes() -> None:
    assert api.is_in("id", [str(n) for n in range(1000)]).count(",") == 999


def test_conditions_are_joined_by_or_and_empty_ones_left_out() -> None:
    assert api.any_of("a = 1", "", "b = 2") == "a = 1 OR b = 2"
    assert api.any_of("", "b = 2") == "b = 2"


@given(st.lists(st.text(max_size=3), max_size=30), st.integers(1, 7))
def test_batches_lose_nothing_and_keep_the_order(values: list[str], size: int) -> None:
    batches = list(api.in_batches(values, size))
    assert [value for batch in batches for value in batch] == values
    assert all(1 <= len(batch) <= size for batch in batches)
