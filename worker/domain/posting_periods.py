"""Posting periods: into which one a bill goes when the one of its date takes no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ClosedPeriod(StrEnum):
    """What the owner wants for a bill whose date lies in a closed posting period."""

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

    def holds(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.start <= day <= self.end


def period_of(periods: Iterable[PostingPeriod], day: date) -> PostingPeriod | None:
    """The period that a day lies in; None where there is none, or more than one (fiscal calendars of their own)."""
    found = [period for period in periods if period.holds(day)]
    return found[0] if len(found) == 1 else None


def next_open(periods: Iterable[PostingPeriod], day: date) -> PostingPeriod | None:
    """The first open period that begins after a day; None where all are closed."""
    return min((period for period in periods if period.open and period.start > day), key=_start, default=None)


def _start(period: PostingPeriod) -> date:
    return period.start
