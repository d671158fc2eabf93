"""The published report says what its figures say, and its figures are of campaigns that were clean."""

from __future__ import annotations

import json

import pytest

from tests.campaign import report


def test_the_report_says_what_its_figures_say() -> None:
    assert report.is_current(), "run `python -m tests.campaign report`"


def test_the_published_campaign_was_clean() -> None:
    """That of real processes tells its failing rounds in the report: time is real there, and a round need not fail again."""
    figures = json.loads((report.FOLDER / "simulate.json").read_text())
    assert figures["failing"] == {}
    assert figures["seeds"] >= 10_000


@pytest.mark.parametrize(
    "part", ["lock", "intent", "look", "settle", "fence", "adoption", "order", "due", "rebuild", "restart"]
)
def test_the_campaign_sees_within_a_thousand_seeds_when_a_part_is_missing(part: str) -> None:
    told = json.loads((report.FOLDER / "mutations.json").read_text())["parts"][part]
    assert told["seed"] is not None
    assert told["seed"] <= 1000
