"""Only the generated sections of a page change."""

from __future__ import annotations

import pytest

from tools.sections import with_section

PAGE = "# Page\n\n<!-- generated: rows -->\n\nold\n\n<!-- end: rows -->\n\nby hand\n"


def test_a_section_is_replaced_and_the_rest_stays() -> None:
    after = with_section(PAGE, "rows", "new\n")
    assert after == PAGE.replace("old", "new")
    assert with_section(after, "rows", "new") == after


@pytest.mark.parametrize(
    "page", ["# Page\n", PAGE + PAGE, PAGE.replace("end", "begin"), "<!-- end: rows -->\n<!-- generated: rows -->\n"]
)
def test_a_page_without_the_section_exactly_once_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="'rows' exactly once"):
        with_section(page, "rows", "new")
