"""The aspects in which records can differ, the changes that NetSuite may make to each new record, and the settings that cause them."""

from __future__ import annotations

from enum import StrEnum

MAX_IN_A_ROW = 2
"""Number of consecutive records that differ in the same way, after which the difference is taken as systematic."""


class Series(StrEnum):
    """A kind of records that are written one after the other."""

    ITEMS = "items"
    BILLS = "bills"

    @property
    def problem_key(self) -> str:
        """The key of the problem of a stopped series."""
        return f"series:{self}"

    @property
    def noun(self) -> str:
        """NetSuite's name of one of its records."""
        return "Item" if self is Series.ITEMS else "bill"


class Deviation(StrEnum):
    """The aspect in which a record differs from what was sent, or from the bill that an invoice needs."""

    NAME = "name"
    VENDOR = "vendor"
    NUMBER = "number"
    DATE = "date"
    TOTAL = "total"
    LINES = "lines"
    PERIOD = "period"
    SUBSIDIARY = "subsidiary"


SETTINGS = {
    Deviation.NAME: "Setup > Company > Auto-Generated Numbers, for Items: switch it off or allow override",
    Deviation.NUMBER: "Setup > Company > Auto-Generated Numbers, for vendor bills: switch it off or allow override",
    Deviation.TOTAL: "the tax that the account adds (default tax code of the vendor or of Setup > Accounting > Set Up Taxes)",
    Deviation.PERIOD: "Setup > Accounting > Accounting Preferences, transaction dates outside of the posting period",
    Deviation.SUBSIDIARY: "the subsidiary of the vendors, and NETSUITE_SUBSIDIARY_ID",
}
"""The setting to check. Auto-generated numbers without override replace what was sent without an error (ohelp/section_N452342), and an account
may add its default tax to bills from the API, as public integrations report.
"""
OTHER_SETTING = "workflows and scripts that run when {noun}s are created"


def setting_of(series: Series, deviation: Deviation) -> str:
    """Return what in NetSuite causes such a difference."""
    return SETTINGS.get(deviation, OTHER_SETTING.format(noun=series.noun))
