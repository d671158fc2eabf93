"""The posting period of a bill: never an earlier one, never a closed one, and none where two calendars disagree."""

from __future__ import annotations

from datetime import date

from worker.domain.posting_periods import PostingPeriod, next_open, period_of


def month(number: int, *, opened: bool = True, name: str = "") -> PostingPeriod:
    return PostingPeriod(str(number), name or f"month {number}", date(2026, number, 1), date(2026, number, 28), opened)


MONTHS = [month(6), month(1), month(4, opened=False), month(2, opened=False), month(3, opened=False), month(5)]
"""In no order; January was opened again, February to April are closed."""


def test_the_next_open_period_is_the_first_that_begins_after_the_date() -> None:
    assert next_open(MONTHS, date(2026, 2, 14)) == month(5)
    assert next_open(MONTHS, date(2026, 5, 28)) == month(6)
    assert next_open(MONTHS, date(2026, 6, 1)) is None


def test_a_period_includes_both_its_ends_and_a_gap_belongs_to_none() -> None:
    """A day between two periods belongs to none."""
    assert period_of(MONTHS, date(2026, 3, 1)) == period_of(MONTHS, date(2026, 3, 28)) == month(3, opened=False)
    assert period_of(MONTHS, date(2026, 3, 29)) is None


def test_a_day_of_two_fiscal_calendars_is_in_no_certain_period() -> None:
    assert period_of([*MONTHS, month(3, name="of the other calendar")], date(2026, 3, 5)) is None
