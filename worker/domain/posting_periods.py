"""Posting periods, and which of them a bill is posted in if that of its date is closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ClosedPeriod(StrEnum):
    """How to handle a bill with a date in a closed posting period (NETSUITE_CLOSED_PERIOD)."""

    BLOCK = "block"
    NEXT_OPEN = "next_open"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class PostingPeriod:
    """A base period of NetSuite's calendar, first and last day included. `open`: neither closed nor locked for payables."""

    id: str
    name: str
    start: date
    end: date
    open: bool

    def contains(self, day: date) -> bool:
        """Return whether the period contains the day."""
        return self.start <= day <= self.end


def period_of(periods: Iterable[PostingPeriod], day: date) -> PostingPeriod | None:
    """Return the period of a day; None if there is none, or more than one (separate fiscal calendars)."""
    containing = [period for period in periods if period.contains(day)]
    return containing[0] if len(containing) == 1 else None


def next_open(periods: Iterable[PostingPeriod], day: date) -> PostingPeriod | None:
    """Return the first open period that begins after a day; None if all are closed."""
    later = (period for period in periods if period.open and period.start > day)
    return min(later, key=lambda period: period.start, default=None)
