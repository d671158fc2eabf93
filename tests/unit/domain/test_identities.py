"""External ids and work keys: built from numbers, parsed back unchanged, compared as NetSuite compares them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.identities import (
    CodeKey,
    InvoiceKey,
    bill_external_id,
    bill_external_ids_of,
    bill_id_of_origin,
    bill_origin_id,
    code_of_item,
    is_internal_id,
    is_our_bill,
    is_our_item,
    item_external_id,
    item_external_ids_of,
    same_external_id,
    vendor_external_id,
)
from worker.domain.work import EXPORTS_OF_ALL, SCAN_OF_ALL, Lane, exports_of, lane_of, resolution_of, scan_of

IDS = st.integers(min_value=1, max_value=2**63 - 1)
TAKEN_BY_NETSUITE = re.compile(r"[A-Za-z0-9_-]+")


def test_external_ids_are_written_as_published() -> None:
    assert item_external_id(4, 17, 901) == "pcr-itm-4-17-901"
    assert bill_external_id(4, 417) == "pcr-bill-4-417"
    assert vendor_external_id(4, 33) == "pcr-vendor-4-33"


@given(company=IDS, project=IDS, record_id=IDS)
def test_external_ids_have_only_characters_that_netsuite_accepts(company: int, project: int, record_id: int) -> None:
    for made in (
        item_external_id(company, project, record_id),
        bill_external_id(company, record_id),
        vendor_external_id(company, record_id),
    ):
        assert TAKEN_BY_NETSUITE.fullmatch(made)


@given(first=st.tuples(IDS, IDS, IDS), second=st.tuples(IDS, IDS, IDS))
def test_two_codes_share_an_external_id_only_when_they_are_the_same_code(
    first: tuple[int, int, int], second: tuple[int, int, int]
) -> None:
    assert (item_external_id(*first) == item_external_id(*second)) == (first == second)


@given(project=IDS, code=IDS)
def test_a_code_key_can_be_parsed_from_its_text(project: int, code: int) -> None:
    assert CodeKey.parse(str(CodeKey(project, code))) == CodeKey(project, code)


@given(project=IDS, invoice=IDS)
def test_an_invoice_key_can_be_parsed_from_its_text(project: int, invoice: int) -> None:
    assert InvoiceKey.parse(str(InvoiceKey(project, invoice))) == InvoiceKey(project, invoice)


def test_a_code_and_an_invoice_of_the_same_numbers_are_different_work() -> None:
    assert str(CodeKey(1, 2)) != str(InvoiceKey(1, 2))


@given(company=IDS, project=IDS, code=IDS)
def test_the_code_of_an_item_is_read_back_from_its_external_id(company: int, project: int, code: int) -> None:
    external_id = item_external_id(company, project, code)
    assert external_id.startswith(item_external_ids_of(company))
    assert code_of_item(external_id) == code_of_item(external_id.upper()) == CodeKey(project, code)


@pytest.mark.parametrize(
    "external_id", [None, "", "agave-1-2-3", "pcr-itm-1-2", "pcr-itm-1-2-3-4", "xpcr-itm-1-2-3", "pcr-itm-1-x-3"]
)
def test_any_other_external_id_names_no_code(external_id: str | None) -> None:
    assert code_of_item(external_id) is None


def test_external_ids_differ_between_companies() -> None:
    assert not item_external_id(44, 1, 2).startswith(item_external_ids_of(4))
    assert not bill_external_id(44, 1).startswith(bill_external_ids_of(4))
    assert bill_external_id(4, 1).startswith(bill_external_ids_of(4))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("pcr-itm-1-2-3", "pcr-itm-1-2-3", True),
        ("PCR-ITM-1-2-3", "pcr-itm-1-2-3", True),
        ("pcr-itm-1-2-3", "pcr-itm-1-2-33", False),
        (None, "pcr-itm-1-2-3", False),
        ("", "", False),
        (None, None, False),
    ],
)
def test_external_ids_are_compared_without_case_and_no_id_equals_nothing(
    first: str | None, second: str | None, same: bool
) -> None:
    assert same_external_id(first, second) is same
    assert same_external_id(second, first) is same


@pytest.mark.parametrize(
    ("is_ours", "external_id", "ours"),
    [
        (is_our_item, "pcr-itm-1-2-3", True),
        (is_our_item, "PCR-ITM-1-2-3", True),
        (is_our_item, "pcr-bill-1-2", False),
        (is_our_item, "agave-77", False),
        (is_our_item, None, False),
        (is_our_bill, "Pcr-Bill-1-2", True),
        (is_our_bill, "pcr-itm-1-2-3", False),
        (is_our_bill, "", False),
    ],
)
def test_our_records_are_recognized_by_the_prefix_of_their_external_id(
    is_ours: Callable[[str | None], bool], external_id: str | None, ours: bool
) -> None:
    assert is_ours(external_id) is ours


@given(bill=st.integers(min_value=1, max_value=10**15).map(str))
def test_the_bill_of_an_origin_id_is_the_bill_it_was_made_for(bill: str) -> None:
    assert bill_id_of_origin(bill_origin_id(bill)) == bill


@pytest.mark.parametrize("origin_id", [None, "", "88123", "ns-vendorbill-", "ns-vendorbill-12x", "x ns-vendorbill-12"])
def test_an_origin_id_that_is_not_ours_names_no_bill(origin_id: str | None) -> None:
    assert bill_id_of_origin(origin_id) is None


@pytest.mark.parametrize(
    ("key", "lane"),
    [
        (SCAN_OF_ALL, Lane.SCANS),
        (scan_of(17), Lane.SCANS),
        (resolution_of(17), Lane.SCANS),
        (str(CodeKey(17, 901)), Lane.ITEMS),
        (EXPORTS_OF_ALL, Lane.LISTINGS),
        (exports_of(17), Lane.LISTINGS),
        (str(InvoiceKey(17, 417)), Lane.EXPORTS),
    ],
)
def test_every_kind_of_work_has_its_lane(key: str, lane: Lane) -> None:
    assert lane_of(key) is lane


@pytest.mark.parametrize(
    ("origin_id", "internal"),
    [
        ("5871", True),
        ("0" * 19, True),
        ("", False),
        (None, False),
        ("x", False),
        ("-5", False),
        ("\u0665", False),
        ("\u00b2", False),
        ("5\n", False),
        ("9" * 20, False),
    ],
)
def test_only_digits_can_name_a_record_of_netsuite(origin_id: str | None, internal: bool) -> None:
    assert is_internal_id(origin_id) is internal


@pytest.mark.parametrize("part", ["9" * 5000, "\u0661", "", "-1", "1\n"])
def test_an_external_id_that_only_looks_like_ours_is_not_ours(part: str) -> None:
    assert code_of_item(f"pcr-itm-4-17-{part}") is None
    assert bill_id_of_origin(f"ns-vendorbill-{part}") is None
