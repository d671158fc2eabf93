"""docs/probe.md is the table of points: current, and every point once."""

from __future__ import annotations

import pytest

from worker.cli.probe.page import PAGE, page
from worker.services.probe.point import Point
from worker.services.probe.table import POINTS


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m worker.cli.probe.page"


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.id)
def test_every_point_has_one_row_with_each_of_its_answers(point: Point) -> None:
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{point.id}` | {point.question} |")]
    for answer in point.answers:
        assert f"`{answer.word}`" in row
        assert answer.meaning in row
        assert (f"`{answer.word}` (news)" in row) == answer.alarming


def test_ids_and_words_are_unique() -> None:
    assert len({point.id for point in POINTS}) == len(POINTS)
    for point in POINTS:
        assert len({answer.word for answer in point.answers}) == len(list(point.answers.__members__))
