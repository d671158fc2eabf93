"""Item names: joined unchanged, refused if NetSuite could not store them, and never shared by two codes."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.errors import Blocked
from worker.domain.problems import Cause, describe
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import NameClashes, NamingRule, Project, WbsCode, clashing_names, same_item_name

USUAL = NamingRule("{project_number}-{wbs_code}")
CODE_FIRST = NamingRule("{wbs_code} {project_number}")
FORMATS = ["{project_number}-{wbs_code}", "{wbs_code} {project_number}", "J{project_number}{wbs_code}", "{wbs_code}-{project_number}-{wbs_code}"]  # fmt: skip


class CountingRule(NamingRule):
    """Counts the names that it joins, including those that find the beginnings and ends of names."""

    joined = 0

    def join(self, project_number: str, flat_code: str) -> str:
        CountingRule.joined += 1
        return super().join(project_number, flat_code)


def project(number: str | None, project_id: int = 1, name: str = "Harbor Tower") -> Project:
    return Project(project_id, name, number, active=True)


def code(text: str, code_id: int = 100) -> WbsCode:
    return WbsCode(code_id, text, "Concrete")


def cause_of(rule: NamingRule, of: Project, text: str) -> Blocked:
    with pytest.raises(Blocked) as caught:
        rule.item_name(of, code(text))
    return caught.value


@given(number=st.text(min_size=1, max_size=12).filter(str.strip), text=st.text(max_size=20).filter(str.strip))
def test_a_name_is_exactly_the_project_number_and_the_code(number: str, text: str) -> None:
    joined = f"{number}-{text}"
    if unwritable(joined):
        assert cause_of(USUAL, project(number), text).cause is Cause.NAME_HAS_UNSUPPORTED_CHARACTER
    elif " : " in joined:
        assert cause_of(USUAL, project(number), text).cause is Cause.NAME_HAS_COLON
    else:
        assert USUAL.item_name(project(number), code(text)) == joined


@pytest.mark.parametrize("text", ["", "   "])
def test_a_code_without_a_text_names_no_item(text: str) -> None:
    blocked = cause_of(USUAL, project("24-017"), text)
    assert (blocked.cause, blocked.facts["code_id"]) == (Cause.CODE_MISSING_TEXT, "100")


@pytest.mark.parametrize("number", [None, "", "   "])
def test_a_project_without_a_number_names_no_item(number: str | None) -> None:
    assert cause_of(USUAL, project(number), "01-100.S").cause is Cause.PROJECT_NUMBER_MISSING


def test_a_name_as_long_as_the_limit_stays_whole() -> None:
    name = USUAL.item_name(project("24-017"), code("x" * 53))
    assert len(name) == 60
    assert name.endswith("-" + "x" * 53)


def test_a_name_one_longer_than_the_limit_is_refused_and_never_cut() -> None:
    blocked = cause_of(USUAL, project("24-017"), "x" * 54)
    assert blocked.cause is Cause.NAME_TOO_LONG
    assert blocked.facts["length"] == "61"
    assert blocked.facts["name"] == "24-017-" + "x" * 54


def test_the_accounts_own_limit_is_the_one_that_counts() -> None:
    rule = NamingRule(USUAL.format, limit=10)
    assert rule.item_name(project("24"), code("1234567")) == "24-1234567"
    assert cause_of(rule, project("24"), "12345678").facts["limit"] == "10"


@pytest.mark.parametrize(("number", "text"), [("24", "01 : 02"), ("24 : 1", "01"), ("24 :", " 01")])
def test_a_name_that_netsuite_reads_as_parent_and_child_is_refused(number: str, text: str) -> None:
    rule = NamingRule("{project_number}{wbs_code}")
    assert cause_of(rule, project(number), text).cause is Cause.NAME_HAS_COLON


@pytest.mark.parametrize(
    "character", ["\n", "\t", "\x00", "\x1b", "\x7f", "\x85", "\x9b", chr(0xD800), "\N{REPLACEMENT CHARACTER}"]
)
@pytest.mark.parametrize("place", ["number", "text"])
def test_an_unsupported_character_in_a_name_is_refused_and_identified(character: str, place: str) -> None:
    """The sentence has the character's code point, and the character itself only if it can be printed."""
    parts = {"number": "24-017", "text": "01.S"}
    parts[place] += character
    blocked = cause_of(USUAL, project(parts["number"]), parts["text"])
    assert blocked.cause is Cause.NAME_HAS_UNSUPPORTED_CHARACTER
    sentence = describe(blocked.cause, blocked.facts).sentence
    assert f"U+{ord(character):04X}" in sentence
    assert character not in sentence or character.isprintable()


@pytest.mark.parametrize(
    "name", ["24\u00a017", "Stra\u00dfe", "\u200f24", "24 \U0001f3d7", "{project_number}", "[red]", "O'Brien", "%s"]
)
def test_any_other_character_is_allowed_in_a_name(name: str) -> None:
    assert USUAL.item_name(project(name), code("01.S")) == f"{name}-01.S"


def test_a_colon_without_spaces_is_a_name_like_any_other() -> None:
    assert USUAL.item_name(project("24"), code("01:02")) == "24-01:02"


def test_a_refused_name_is_a_complete_sentence() -> None:
    blocked = cause_of(USUAL, project("24-017"), "y" * 60)
    assert "not recorded]" not in describe(blocked.cause, blocked.facts).sentence


@pytest.mark.parametrize(("first", "second", "same"), [("24-01.S", "24-01.s", True), ("STRASSE", "straße", True), ("24-01", "24-02", False)])  # fmt: skip
def test_names_are_compared_without_case(first: str, second: str, same: bool) -> None:
    assert same_item_name(first, second) is same


@pytest.mark.parametrize(
    ("rule", "mine", "theirs", "rival"),
    [
        (USUAL, "24", "24-017", True),
        (USUAL, "24-017", "24", True),
        (USUAL, "24", "24", True),
        (USUAL, "ab", "AB-1", True),
        (USUAL, "24", "240", False),
        (USUAL, "24", "25", False),
        (USUAL, "24 ", "24 -01", True),
        (CODE_FIRST, "24", "0 24", True),
        (CODE_FIRST, "24", "24", True),
        (CODE_FIRST, "24", "124", False),
        (CODE_FIRST, "24", "24 1", False),
    ],
)
def test_only_projects_whose_names_can_clash_are_rivals(rule: NamingRule, mine: str, theirs: str, rival: bool) -> None:
    first, second = project(mine, 1), project(theirs, 2)
    assert NameClashes([first, second], rule).of(first) == ([second] if rival else [])
    assert NameClashes([first, second], rule).of(second) == ([first] if rival else [])


@pytest.mark.parametrize("rule", [USUAL, CODE_FIRST])
def test_of_many_projects_hardly_any_is_compared_with_another(rule: NamingRule) -> None:
    """Comparing ten thousand with ten thousand would take an hour per scan."""
    many = [project(f"{number % 7}4-{number:05d}", number) for number in range(1, 501)]
    counting = CountingRule(rule.format)
    rivals = NameClashes(many, counting)
    CountingRule.joined = 0
    for listed in many:
        rivals.of(listed)
    # Once for each project, and once for each that it is compared with.
    assert len(many) <= CountingRule.joined <= 2 * len(many)


@pytest.mark.parametrize("number", [None, "", " "])
def test_a_project_without_number_has_no_rivals(number: str | None) -> None:
    first, second = project(number, 1), project("24", 2)
    assert NameClashes([second], CODE_FIRST).of(first) == []
    assert NameClashes([first], CODE_FIRST).of(second) == []
    assert clashing_names(first, [code("01", 1), code("01", 2)], {}, USUAL) == {}


@pytest.mark.parametrize(
    ("rule", "mine", "my_code", "theirs", "their_code"),
    [
        (USUAL, "24", "017-01.S", "24-017", "01.S"),
        (USUAL, "24", "01.S", "24", "01.S"),
        (USUAL, "A", "01.s", "a", "01.S"),
        (CODE_FIRST, "24", "01 0", "0 24", "01"),
    ],
)
def test_two_projects_with_one_name_are_each_named_as_the_others_rival(
    rule: NamingRule, mine: str, my_code: str, theirs: str, their_code: str
) -> None:
    my_project, their_project = project(mine, 1), project(theirs, 2)
    first, second = code(my_code, 100), code(their_code, 200)
    assert clashing_names(my_project, [first], {their_project: [second]}, rule) == {100: (their_project, second)}
    assert clashing_names(their_project, [second], {my_project: [first]}, rule) == {200: (my_project, first)}


def test_two_codes_of_one_project_that_differ_in_case_only_clash() -> None:
    upper, lower, alone = code("01.S", 1), code("01.s", 2), code("02.S", 3)
    here = project("24")
    assert clashing_names(here, [upper, lower, alone], {}, USUAL) == {1: (here, lower), 2: (here, upper)}


def test_a_code_listed_twice_is_no_clash_with_itself() -> None:
    assert clashing_names(project("24"), [code("01"), code("01")], {}, USUAL) == {}


NUMBERS = st.one_of(st.none(), st.text(alphabet="2-4 aA", max_size=5))
CODES = st.lists(st.text(alphabet="2-4 aAs", max_size=5), max_size=5)


@given(st.sampled_from(FORMATS), st.lists(st.tuples(NUMBERS, CODES), min_size=2, max_size=5))
def test_codes_that_share_a_name_are_all_reported_and_no_other_code_is(
    name_format: str, drawn: list[tuple[str | None, list[str]]]
) -> None:
    """Exactly the codes whose names equal another code's are reported."""
    rule = NamingRule(name_format)
    owned = {
        project(number, project_id): [code(text, 10 * project_id + place) for place, text in enumerate(texts)]
        for project_id, (number, texts) in enumerate(drawn)
    }
    sharing: dict[str, list[int]] = defaultdict(list)
    for owner, codes in owned.items():
        if (owner.number or "").strip():
            for owned_code in codes:
                sharing[rule.join(str(owner.number), owned_code.flat_code).casefold()].append(owned_code.id)
    expected = {code_id for ids in sharing.values() if len(ids) > 1 for code_id in ids}

    reported = set()
    for owner, codes in owned.items():
        rivals = {rival: owned[rival] for rival in NameClashes(owned, rule).of(owner)}
        for code_id, (other_owner, other_code) in clashing_names(owner, codes, rivals, rule).items():
            reported.add(code_id)
            mine = next(owned_code for owned_code in codes if owned_code.id == code_id)
            assert same_item_name(
                rule.join(str(owner.number), mine.flat_code), rule.join(str(other_owner.number), other_code.flat_code)
            )
    assert reported == expected
