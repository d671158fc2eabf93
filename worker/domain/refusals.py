"""Refused writes: which refusals depend on the account alone, which record a field names, and what to set for a mandatory field."""

from __future__ import annotations

import re
from enum import StrEnum

from worker.domain.problems import Cause
from worker.domain.series import Series

REFUSED = frozenset(
    {
        Cause.FIELD_REQUIRED,
        Cause.FIELD_VALUE_INVALID,
        Cause.FIELD_NOT_SETTABLE,
        Cause.FIELD_TOO_LONG,
        Cause.NOT_IN_SUBSIDIARY,
        Cause.CURRENCY_NOT_OF_VENDOR,
        Cause.RECORD_LOCKED,
    }
)
"""Causes of refused writes whose text is known (`worker/clients/netsuite/refusals.toml`)."""
OF_ACCOUNT = frozenset({Cause.FIELD_REQUIRED, Cause.FIELD_NOT_SETTABLE})
"""Those that depend on the account and its form, not on the record: the next record is refused for the same reason."""
FIELDS_FILE = "netsuite-fields.toml"
SHOW_THE_FIELD = (
    "Show the field on the form of the integration role and enable the feature that it needs, or remove its line from "
    f"{FIELDS_FILE}."
)
_SETTINGS = {
    "expenseAccount": "NETSUITE_EXPENSE_ACCOUNT_ID",
    "incomeAccount": "NETSUITE_INCOME_ACCOUNT_ID",
    "taxSchedule": "NETSUITE_TAX_SCHEDULE_ID",
    "subsidiary": "NETSUITE_SUBSIDIARY_ID",
}
"""Properties that have a setting."""
_REFERENCES = frozenset({"department", "class", "location", "terms", "account", "customForm"})
_ON_LINES_TOO = frozenset({"department", "class", "location"})
_TEXTS = frozenset({"memo", "description", "dueDate"})
_LINE = re.compile(r"item\.items\[\d+\]\.")
_SECTIONS = {Series.ITEMS: "item", Series.BILLS: "bill"}


class RecordKind(StrEnum):
    """A kind of record that a field may name. The value is its noun in a sentence."""

    VENDOR = "vendor"
    PROJECT = "project"
    ITEM = "Item"
    ACCOUNT = "account"
    DEPARTMENT = "department"
    CLASS = "class"
    LOCATION = "location"
    SUBSIDIARY = "subsidiary"
    CURRENCY = "currency"
    TAX_SCHEDULE = "tax schedule"


LISTS = {
    RecordKind.DEPARTMENT: "department",
    RecordKind.CLASS: "classification",
    RecordKind.LOCATION: "location",
    RecordKind.SUBSIDIARY: "subsidiary",
    RecordKind.CURRENCY: "currency",
    RecordKind.TAX_SCHEDULE: "taxschedule",
}
"""SuiteQL's tables of the kinds whose entries have a `name` (docs/remotes.md)."""
_KINDS = {
    "entity": RecordKind.VENDOR,
    "vendor": RecordKind.VENDOR,
    "customer": RecordKind.PROJECT,
    "job": RecordKind.PROJECT,
    "account": RecordKind.ACCOUNT,
    "expenseaccount": RecordKind.ACCOUNT,
    "incomeaccount": RecordKind.ACCOUNT,
    "item": RecordKind.ITEM,
    "department": RecordKind.DEPARTMENT,
    "class": RecordKind.CLASS,
    "location": RecordKind.LOCATION,
    "subsidiary": RecordKind.SUBSIDIARY,
    "currency": RecordKind.CURRENCY,
    "taxschedule": RecordKind.TAX_SCHEDULE,
}


def kind_of(field: str) -> RecordKind | None:
    """Return the kind of record that a field names, by its property in any case or its path; None for any other field."""
    return _KINDS.get(field.rpartition(".")[2].lower())


def line_for(series: Series, labels: str, path: str) -> str:
    """Return what to set so that mandatory fields get a value: lines for the fields file, or settings.

    `labels`: the fields' names in the user interface, separated by commas; `path`: the property of the first one in the record, as NetSuite's
    `o:errorPath` has it, "" if it is not known.
    """
    first, *others = labels.split(", ")
    shown = [_line(series, path, first) if path else _likely_line(series, first)]
    return " and ".join([*shown, *(_likely_line(series, label) for label in others)])


def _likely_line(series: Series, label: str) -> str:
    """Return the line for a field of which only the label is known: neither its place nor, for some labels, its property."""
    name = _property_of(label)
    line = _line(series, name, label)
    on_lines = name in _ON_LINES_TOO and series is Series.BILLS
    return (
        line.replace("`[bill]`", "`[bill]` (or `[bill.line]`, if the form demands it on lines)") if on_lines else line
    )


def _line(series: Series, path: str, label: str) -> str:
    place = _LINE.match(path)
    name = path[place.end() :] if place else path
    if not place and name in _SETTINGS:
        return f"{_SETTINGS[name]} in the settings"
    section = f"`[{_SECTIONS[series]}{'.line' if place else ''}]`"
    if not re.fullmatch(r"\w+", name):
        return f"the property of {label} under {section} in {FIELDS_FILE}"
    value = "ID" if name in _REFERENCES or name.startswith("cseg_") else "VALUE"
    return f'`{name} = "{value}"` under {section} in {FIELDS_FILE}'


def _property_of(label: str) -> str:
    """Return the property that the user interface shows as `label`, such as Expense Account; "" if it is not known."""
    known = (name for name in (*_SETTINGS, *_REFERENCES, *_TEXTS) if name.lower() == label.replace(" ", "").lower())
    return next(known, "")
