"""What NetSuite may change on every record of a kind when it is created, and which of its settings does that."""

from __future__ import annotations

from enum import StrEnum

from worker.domain.bill_differences import Aspect

MAX_IN_A_ROW = 2
"""So many records in a row that differ in the same way are no accident."""


class Series(StrEnum):
    """The records that are written one after the other."""

    ITEMS = "items"
    BILLS = "bills"

    @property
    def problem_key(self) -> str:
        """Under which the problem of a stopped series is open."""
        return f"series:{self}"

    @property
    def noun(self) -> str:
        """One of its records, as NetSuite calls it."""
        return "Item" if self is Series.ITEMS else "bill"


class Deviation(StrEnum):
    """In what a record differs from what was sent."""

    NAME = "name"
    VENDOR = "vendor"
    NUMBER = "number"
    DATE = "date"
    TOTAL = "total"
    LINES = "lines"
    PERIOD = "period"
    SUBSIDIARY = "subsidiary"

    @classmethod
    def of(cls, aspect: Aspect) -> Deviation:
        """The same of two bills that were compared."""
        return cls(aspect.value)


SETTINGS = {
    Deviation.NAME: "Setup > Company > Auto-Generated Numbers, for Items: switch it off or allow override",
    Deviation.NUMBER: "Setup > Company > Auto-Generated Numbers, for vendor bills: switch it off or allow override",
    Deviation.TOTAL: "the tax that the account adds (default tax code of the vendor or of Setup > Accounting > Set Up Taxes)",
    Deviation.PERIOD: "Setup > Accounting > Accounting Preferences, transaction dates outside of the posting period",
    Deviation.SUBSIDIARY: "the subsidiary of the vendors, and NETSUITE_SUBSIDIARY_ID",
}
"""Which setting to check. Auto-generated numbers without override replace what was sent, and no error says so (ohelp/section_N452342);
an account may add its default tax to bills made by API (seen with public integrations).
"""
OTHER_SETTING = "workflows and scripts that run when {noun}s are created"


def setting_of(series: Series, deviation: Deviation) -> str:
    """What in NetSuite makes such a difference, in words."""
    return SETTINGS.get(deviation, OTHER_SETTING.format(noun=series.noun))
