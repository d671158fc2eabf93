"""The page has the published figures as they were measured."""

from __future__ import annotations

from benchmarks import report


def test_the_report_and_the_capacity_sheet_agree_with_the_figures() -> None:
    assert report.is_current(), "run `python -m benchmarks report`"
