"""docs/probe.md lists every point of the probe once, as in the code."""

from __future__ import annotations

import pytest

from probe.point import Point
from probe.points import POINTS
from tools.probe_page import PAGE, page


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run `make docs`"


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.id)
def test_every_point_has_one_row_with_each_of_its_answers(point: Point) -> None:
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{point.id}` | {point.question} |")]
    for answer in point.answers:
        assert f"`{answer.word}`" in row
        assert answer.meaning in row
        assert (f"`{answer.word}` (news)" in row) == answer.is_news


def test_ids_and_names_are_unique() -> None:
    assert len({point.id for point in POINTS}) == len(POINTS)
    for point in POINTS:
        assert len({answer.word for answer in point.answers}) == len(list(point.answers.__members__))
