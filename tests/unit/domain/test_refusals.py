"""Refused writes: what to set for a mandatory field, and which record a field names."""

from __future__ import annotations

import pytest

from worker.domain.refusals import RecordKind, kind_of, line_for
from worker.domain.series import Series


@pytest.mark.parametrize(
    ("series", "labels", "path", "line"),
    [
        (Series.BILLS, "Department", "department", '`department = "ID"` under `[bill]` in netsuite-fields.toml'),
        (Series.BILLS, "Abteilung", "department", '`department = "ID"` under `[bill]` in netsuite-fields.toml'),
        (Series.BILLS, "Department", "", '`department = "ID"` under `[bill]` (or `[bill.line]`, if the form demands it on lines) in netsuite-fields.toml'),
        (Series.BILLS, "Location", "item.items[0].location", '`location = "ID"` under `[bill.line]` in netsuite-fields.toml'),
        (Series.ITEMS, "Phase", "cseg_phase", '`cseg_phase = "ID"` under `[item]` in netsuite-fields.toml'),
        (Series.BILLS, "Due Date", "", '`dueDate = "VALUE"` under `[bill]` in netsuite-fields.toml'),
        (Series.BILLS, "Region", "", "the property of Region under `[bill]` in netsuite-fields.toml"),
        (Series.BILLS, "Region", "a.strange[0].path", "the property of Region under `[bill]` in netsuite-fields.toml"),
        (Series.ITEMS, "Tax Schedule", "taxSchedule", "NETSUITE_TAX_SCHEDULE_ID in the settings"),
        (Series.ITEMS, "Expense Account", "", "NETSUITE_EXPENSE_ACCOUNT_ID in the settings"),
        (
            Series.BILLS,
            "Department, Class",
            "department",
            '`department = "ID"` under `[bill]` in netsuite-fields.toml and `class = "ID"` under `[bill]` (or `[bill.line]`, if the form demands it on lines) in netsuite-fields.toml',
        ),
    ],
)  # fmt: skip
def test_the_line_of_a_mandatory_field(series: Series, labels: str, path: str, line: str) -> None:
    assert line_for(series, labels, path) == line


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("entity", RecordKind.VENDOR),
        ("item.items[3].item", RecordKind.ITEM),
        ("expenseAccount", RecordKind.ACCOUNT),
        ("class", RecordKind.CLASS),
        ("memo", None),
    ],
)
def test_the_record_that_a_field_names(field: str, kind: RecordKind | None) -> None:
    assert kind_of(field) is kind
