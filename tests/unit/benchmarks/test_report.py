"""The page has the published figures as they were measured."""

from __future__ import annotations

from benchmarks import report


def test_the_report_and_the_capacity_sheet_say_what_the_figures_say() -> None:
    assert report.is_current(), "run `python -m benchmarks report`"
