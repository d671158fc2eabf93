"""Which Items have names like a project's under another number, or under a former code."""

from __future__ import annotations

import pytest

from worker.domain.former_items import Candidates, OtherItem, left_over, named_by, under_another_number
from worker.domain.wbs_codes import NamingRule, Project

RULE = NamingRule("{project_number}-{wbs_code}")
CODE_FIRST = NamingRule("{wbs_code} of {project_number}")
PROJECT = Project(17, "Tower", "25-800", active=True)


def items_named(*names: str) -> list[OtherItem]:
    return [OtherItem(str(number), name) for number, name in enumerate(names, 1)]


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (RULE, ("24-800-01.S", "24-800-02.s")),
        (CODE_FIRST, ("01.S of 24-800", "02.S OF 24-800")),
    ],
)
def test_the_former_number_of_a_projects_items_is_found(rule: NamingRule, names: tuple[str, str]) -> None:
    items = items_named(*names, "Freight")
    former_number = under_another_number(rule, {"01.S", "02.S", "03.S"}, items, {"25-800"})
    assert former_number == [Candidates("24-800", items[:2])]
    assert former_number[0].decision == ["number:24-800"]


def test_numbers_of_projects_that_procore_shows_are_left_out_in_any_case() -> None:
    assert under_another_number(RULE, {"01.S"}, items_named("A-1-01.S"), {"a-1"}) == []


def test_items_for_fewer_than_half_of_the_codes_do_not_count() -> None:
    codes = {"01.S", "02.S", "03.S"}
    assert under_another_number(RULE, codes, items_named("24-800-01.S"), ()) == []
    assert under_another_number(RULE, codes, items_named("24-800-01.S", "24-800-01.S"), ()) == []


def test_the_number_with_most_codes_comes_first() -> None:
    items = items_named("1-01.S", "2-01.S", "2-02.S")
    assert [one.number for one in under_another_number(RULE, {"01.S", "02.S"}, items, ())] == ["2", "1"]


def test_items_without_a_code_under_the_projects_number_are_found() -> None:
    items = items_named("25-800-01.S", "25-800-02.s", "25-8000-03.S", "25-800-")
    left = left_over(RULE, PROJECT, {"02.S"}, items)
    assert left == Candidates("", items[:1])
    assert left.decision == ["item:1"]
    assert left_over(RULE, PROJECT, {"01.S", "02.S"}, items) is None


def test_items_named_by_a_number_are_recognized() -> None:
    assert named_by(RULE, "25-800", ["x", "25-800-01.S"])
    assert not named_by(RULE, "25-800", ["25-8001-01.S"])
    assert named_by(CODE_FIRST, "25-800", ["01.S OF 25-800"])
