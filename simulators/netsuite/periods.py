"""The account's posting periods: one a month (ohelp/section_0818065706)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from simulators.netsuite.records import Shelf

FIRST_PERIOD = 101  # internal id
FIRST_MONTH = datetime.date(2024, 1, 1)
MONTHS = 60


@dataclass
class Period:
    """A month. The settings of the account decide whether it is closed or locked (`NetSuiteState.closed`, `ap_locked`)."""

    id: str
    name: str
    start: datetime.date
    end: datetime.date
    externalid: str | None = None


def months() -> Shelf[Period]:
    """Return the base periods, ascending, without quarters and years: no transaction is posted to those."""
    shelf: Shelf[Period] = Shelf(first_id=FIRST_PERIOD)
    start = FIRST_MONTH
    for _ in range(MONTHS):
        following = (start + datetime.timedelta(days=32)).replace(day=1)
        shelf.put(Period(shelf.next_id(), f"{start:%b %Y}", start, following - datetime.timedelta(days=1)))
        start = following
    return shelf


def period_of(periods: Shelf[Period], day: datetime.date) -> Period:
    """Return the period that contains a day."""
    return next(period for period in periods if period.start <= day <= period.end)
