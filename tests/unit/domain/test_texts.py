"""Texts for people: counts agree with their nouns, and long texts are cut between words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.texts import counted, shortened


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "findings", "0 findings"),
        (1, "findings", "1 finding"),
        (2, "findings", "2 findings"),
        (1, "pieces of work", "1 piece of work"),
        (2, "pieces of work", "2 pieces of work"),
        (1_187, "codes", "1,187 codes"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text


LISTED = "missing lines: Temporary Facilities 7,750.00, Concrete 14,000.00"


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (len(LISTED), LISTED),
        (len(LISTED) - 1, "missing lines: Temporary Facilities 7,750.00, Concrete…"),
        (len("missing lines: Temporary Facilities 7,7"), "missing lines: Temporary Facilities…"),
        (
            len("missing lines: Temporary Facilities 7,750.00, "),
            "missing lines: Temporary Facilities 7,750.00…",
        ),
    ],
)
def test_no_amount_is_cut_in_its_middle(limit: int, shown: str) -> None:
    assert shortened(LISTED, limit) == shown


@given(text=st.text(max_size=60), limit=st.integers(2, 50))
def test_a_shortened_text_is_short_and_keeps_its_beginning(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert len(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
