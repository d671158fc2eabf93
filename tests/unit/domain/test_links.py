"""When a NetSuite record is the vendor or project that Procore means, and when a person must decide."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.errors import Blocked
from worker.domain.links import PROJECT, VENDOR, Entity, Wanted, are_variants, same_name, search_pattern
from worker.domain.problems import Cause, describe

EXTERNAL_ID = "pcr-vendor-4-33"
ALDER = Wanted(VENDOR, "Alder Masonry", "Alder Masonry", "Alder Masonry", "1003", EXTERNAL_ID)
UNLINKED = replace(ALDER, origin_id=None)
TOWER = Wanted(PROJECT, "24-017 Tower", "24-017", "Tower", "9001", "pcr-project-4-17")


def cause_of(caught: pytest.ExceptionInfo[Blocked]) -> Cause:
    assert "not recorded]" not in describe(caught.value.cause, caught.value.facts).sentence
    return caught.value.cause


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Alder Masonry", "ALDER  MASONRY "),
        ("O'Brien Steel & Sons", "OBrien Steel and Sons"),
        ("Muñoz Brothers", "MUNOZ BROTHERS"),
        ("Smith-Jones", "Smith Jones"),
    ],
)
def test_a_name_is_the_same_in_every_spelling(first: str, second: str) -> None:
    assert same_name(first, second)
    assert are_variants(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Alder Masonry", "Alder Masonry, L.L.C."),
        ("The Alder Company", "Alder Co., Inc."),
        ("Alder Masonry", "Alder Masonry (AP)"),
        ("Alder Masonry", "V1003 Alder Masonry"),
        ("Skanska", "Skanska USA Building Inc."),
    ],
)
def test_variants_of_a_name_fit_a_link_but_are_not_the_same_name(first: str, second: str) -> None:
    assert are_variants(first, second)
    assert are_variants(second, first)
    assert not same_name(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Alder Masonry", "Zenith Catering"),
        ("Alder Masonry", "Alder Catering"),
        ("Inc.", "LLC"),
        ("", "Alder"),
        ("A", ""),
    ],
)
def test_other_names_are_no_variants(first: str, second: str) -> None:
    assert not are_variants(first, second)
    assert not same_name(first, second)


def test_a_link_is_taken_where_the_names_agree() -> None:
    for record in (
        Entity("1003", "V-1", "ALDER MASONRY LLC"),
        Entity("1003", "Alder Masonry"),
        Entity("1003", "Vendors : Alder Masonry", "Alder Holdings"),
    ):
        assert ALDER.by_link([record]) is record


def test_a_person_is_matched_by_first_and_last_name() -> None:
    lopez = replace(ALDER, key="Ana Lopez", name="Ana Lopez")
    record = Entity("1003", "V34", first_name="Ana", last_name="Lopez")
    assert lopez.by_link([record]) is record
    assert lopez.by_name([record]) is record
    assert replace(lopez, key="Lopez, Ana").by_name([record]) is record


def test_an_origin_id_of_another_name_causes_a_question_with_both_names() -> None:
    """Another ERP has left its digits in Procore."""
    with pytest.raises(Blocked) as caught:
        ALDER.by_link([Entity("1003", "Z-9", "Zenith Catering")])
    assert cause_of(caught) is Cause.VENDOR_LINK_MISMATCH
    sentence = describe(caught.value.cause, caught.value.facts).sentence
    assert "Alder Masonry" in sentence
    assert "'Zenith Catering' (id 1003, Z-9)" in sentence


@pytest.mark.parametrize("wanted", [ALDER, replace(ALDER, origin_id="sage-991"), UNLINKED])
def test_a_link_matches_only_an_existing_record(wanted: Wanted) -> None:
    assert wanted.by_link([]) is None


def test_an_external_id_set_by_a_person_decides() -> None:
    vendor = Entity("7", "AM", "Books of Alder", external_id=EXTERNAL_ID.upper())
    assert ALDER.by_link([vendor]) is vendor
    assert ALDER.by_link([Entity("1003", "Zenith Catering"), vendor]) is vendor


def test_two_plausible_links_cause_a_question() -> None:
    with pytest.raises(Blocked) as caught:
        ALDER.by_link([Entity("7", "AM", "Books of Alder", external_id=EXTERNAL_ID), Entity("1003", "Alder Masonry")])
    assert cause_of(caught) is Cause.VENDOR_AMBIGUOUS


@pytest.mark.parametrize(
    "record",
    [Entity("1003", "Alder Masonry", inactive=True), Entity("7", "AM", external_id=EXTERNAL_ID, inactive=True)],
)
def test_an_inactive_record_is_a_problem_and_no_reason_to_look_for_another(record: Entity) -> None:
    with pytest.raises(Blocked) as caught:
        ALDER.by_link([record])
    assert cause_of(caught) is Cause.VENDOR_INACTIVE


def test_without_a_link_the_one_active_vendor_of_the_name_is_taken() -> None:
    vendor = Entity("8", "A-8", "Alder Masonry")
    other_vendors = [
        Entity("7", "Alder Masonry", inactive=True),
        Entity("9", "Alder Masonry LLC"),
        Entity("10", "Boulder"),
    ]
    assert UNLINKED.by_name([*other_vendors, vendor]) is vendor


@pytest.mark.parametrize(
    ("records", "cause"),
    [
        ([], Cause.VENDOR_NOT_LINKED),
        ([Entity("10", "Zenith")], Cause.VENDOR_NOT_LINKED),
        ([Entity("7", "Alder Masonry", inactive=True)], Cause.VENDOR_INACTIVE),
        ([Entity("9", "Alder Masonry LLC")], Cause.VENDOR_AMBIGUOUS),
        ([Entity("7", "Alder Masonry"), Entity("8", "A-8", "ALDER MASONRY")], Cause.VENDOR_AMBIGUOUS),
    ],
)
def test_without_a_link_anything_else_causes_a_question(records: list[Entity], cause: Cause) -> None:
    with pytest.raises(Blocked) as caught:
        UNLINKED.by_name(records)
    assert cause_of(caught) is cause


@pytest.mark.parametrize(
    ("wanted", "searched"),
    [
        (ALDER, "internal id 1003 (its origin id), external id pcr-vendor-4-33 or similar names"),
        (UNLINKED, "external id pcr-vendor-4-33 or similar names; it has no origin id"),
        (replace(ALDER, origin_id="V-1003"), "external id pcr-vendor-4-33 or similar names; its origin id 'V-1003' is not a NetSuite internal id"),
        (
            replace(UNLINKED, is_listed=False),
            "external id pcr-vendor-4-33 or similar names; its origin id is not known, because the app sees it in no directory of Procore",
        ),
        (replace(UNLINKED, key="A\n", name="A\n"), "external id pcr-vendor-4-33; it has no origin id"),
        (replace(UNLINKED, key="", name=""), "external id pcr-vendor-4-33; it has no origin id"),
        (TOWER, "internal id 9001 (its origin id), external id pcr-project-4-17, number '24-017' or similar names"),
        (replace(TOWER, key="", name="-"), "internal id 9001 (its origin id) or external id pcr-project-4-17"),
    ],
)  # fmt: skip
def test_not_found_names_exactly_what_was_searched(wanted: Wanted, searched: str) -> None:
    with pytest.raises(Blocked) as caught:
        wanted.by_name([])
    sentence = describe(caught.value.cause, caught.value.facts).sentence
    assert sentence.endswith(f" was not found in NetSuite by {searched}.")


def test_a_project_is_matched_by_its_number_or_its_name() -> None:
    for record in (
        Entity("9001", "24-017", "Another name"),
        Entity("9001", "Owner Inc : 24-017", "Another name"),
        Entity("9001", "24-017 Tower"),
        Entity("9001", "P-1", "tower"),
    ):
        assert TOWER.by_link([record]) is record


@pytest.mark.parametrize(
    "record",
    [
        Entity("9001", "99-001", "Hangar"),
        Entity("9001", "24", "Hangar"),
        Entity("9001", "24-017-02", "Annex"),
        Entity("9001", "24-018", "Tower 2"),
    ],
)
def test_a_linked_project_with_another_number_and_name_causes_a_question(record: Entity) -> None:
    with pytest.raises(Blocked) as caught:
        TOWER.by_link([record])
    assert cause_of(caught) is Cause.PROJECT_LINK_MISMATCH


def test_a_project_is_found_by_its_number_alone() -> None:
    job = Entity("1", "24-017", "Another name")
    assert TOWER.by_name([job, Entity("2", "24-0170", "Another name"), Entity("3", "P-3", "Tower")]) is job


@pytest.mark.parametrize(
    ("records", "cause"),
    [
        ([], Cause.PROJECT_NOT_LINKED),
        ([Entity("2", "240-17")], Cause.PROJECT_NOT_LINKED),
        ([Entity("1", "24-017", inactive=True)], Cause.NETSUITE_PROJECT_INACTIVE),
        ([Entity("3", "P-3", "Tower")], Cause.PROJECT_AMBIGUOUS),
        ([Entity("1", "24-017"), Entity("2", "Owner : 24-017")], Cause.PROJECT_AMBIGUOUS),
    ],
)
def test_an_uncertain_project_causes_a_question(records: list[Entity], cause: Cause) -> None:
    with pytest.raises(Blocked) as caught:
        TOWER.by_name(records)
    assert cause_of(caught) is cause


WORDS = st.lists(st.text("abcXYZ019'.&-é", min_size=1, max_size=8), min_size=1, max_size=4)


@given(WORDS, st.sampled_from([" ", "  ", " , "]), st.sampled_from(["", " ", ", Inc.", " LLC"]))
def test_the_search_is_never_narrower_than_the_comparison(parts: list[str], between: str, end: str) -> None:
    """Otherwise an existing vendor would be "not found"."""
    name = " ".join(parts)
    pattern, variant = search_pattern(name), between.join(parts) + end
    assert bool(pattern) is any(each.isascii() and each.isalnum() for each in "".join(parts))
    if len(pattern) - pattern.count("%") > 2 and are_variants(name, variant):
        assert re.fullmatch(".*".join(map(re.escape, pattern.split("%"))), variant.upper())
