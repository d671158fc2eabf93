"""The published report says what its figures say, and its figures are of campaigns that were clean."""

from __future__ import annotations

import json

from tests.campaign import report


def test_the_report_says_what_its_figures_say() -> None:
    assert report.is_current(), "run `python -m tests.campaign report`"


def test_the_published_campaign_was_clean() -> None:
    """That of real processes tells its failing rounds in the report: time is real there, and a round need not fail again."""
    figures = json.loads((report.FOLDER / "simulate.json").read_text())
    assert figures["failing"] == {}
    assert figures["seeds"] >= 10_000


def test_the_campaign_notices_a_removed_part_within_two_thousand_seeds() -> None:
    """The exception is the part that only one seed in 30,000 needs, as the report says."""
    parts = json.loads((report.FOLDER / "mutations.json").read_text())["parts"]
    late = {name for name, told in parts.items() if told["seed"] is None or told["seed"] > 2000}
    assert late <= {"fence-clock"}
