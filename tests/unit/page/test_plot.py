"""Gate use over time: the areas that are drawn, and the text and numbers next to them."""

from __future__ import annotations

import pytest

from tests.unit.page.samples import AT
from worker.inspect.report import GateUse
from worker.page.plot import COLUMNS, ROWS, SPANS, Plot, plot
from worker.store.gate import Use


def drawn(*noted: tuple[float, int], slots: int = 5) -> Plot:
    """Return the plot of notes that were recorded this many seconds ago."""
    made = plot(GateUse(0, slots, [Use(AT - before, in_use) for before, in_use in noted]), now=AT)
    assert made is not None
    return made


def test_without_notes_there_is_no_plot() -> None:
    assert plot(GateUse(0, 5, []), now=AT) is None


@pytest.mark.parametrize(("before", "span"), [(60, 0), (15 * 60, 0), (15 * 60 + 1, 1), (3 * 3600, 2), (11 * 3600, 3)])
def test_the_shortest_span_that_holds_everything_is_drawn(before: float, span: int) -> None:
    parts = drawn((before, 1), (0, 1)).rows
    assert (parts[0].begins, parts[-1].ends) == (AT - SPANS[span], AT)


def test_a_column_is_as_high_as_its_average_and_its_highest() -> None:
    # The last three columns of five seconds each; two notes in the last one.
    made = drawn((14, 2), (9, 5), (4, 1), (2, 4))
    first = COLUMNS - 3
    assert made.highest == f"M{first} 5V3H{first + 1}V0H{first + 2}V1H{first + 3}V5Z"
    assert made.average == f"M{first} 5V3H{first + 1}V0H{first + 2}V2.5H{first + 3}V5Z"


def test_a_time_without_notes_is_left_blank() -> None:
    made = drawn((14, 2), (4, 2))
    first = COLUMNS - 3
    assert made.highest == f"M{first} 5V3H{first + 1}V5ZM{first + 2} 5V3H{first + 3}V5Z"
    assert [part.highest for part in made.rows] == [None] * (ROWS - 1) + [2]


def test_no_slot_in_use_is_a_line_at_zero() -> None:
    assert drawn((2, 0)).highest == f"M{COLUMNS - 1} 5V5H{COLUMNS}V5Z"


def test_more_slots_in_use_than_there_are_now_still_fits_the_plot() -> None:
    assert drawn((4, 15), slots=5).height == 15


def test_what_was_noted_while_the_report_was_gathered_is_drawn_last() -> None:
    assert drawn((4, 1), (-2, 3)).rows[-1].highest == 3


def test_the_plot_has_a_description_in_text_and_numbers() -> None:
    made = drawn((600, 4), (300, 0), (0, 2))
    assert made.sentence == "3 samples since 14:03: 2.0 of 5 slots in use on average, at most 4 (at 14:03)."
    assert [part.average for part in made.rows if part.average is not None] == [4.0, 0.0, 2.0]
    assert made.labels == ["13:58", "14:03", "14:08", "14:13"]
    assert drawn((5, 0)).sentence == "1 samples since 14:13: no slot in use in any of them."
