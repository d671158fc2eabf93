"""Whether a bill in NetSuite is the one that an invoice needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.unit.domain.test_invoices import amount
from worker.domain.bill_differences import difference, differences
from worker.domain.bills import Bill, BillLine, FoundBill

LINES = (BillLine("5871", amount("1000"), "a"), BillLine("9000", amount("-100"), "b"))
BILL = Bill("pcr-bill-4-417", "33", "700", "ACME-0417", date(2026, 9, 30), "memo", LINES, "Acme")
EXTRA, MISSING = "extra lines", "missing lines"
FOUND = FoundBill("88123", "pcr-bill-4-417", "33", "ACME-0417", date(2026, 9, 30), amount("900"), LINES)


@pytest.mark.parametrize(
    "bill",
    [
        FOUND,
        replace(FOUND, lines=LINES[::-1]),
        replace(FOUND, lines=tuple(replace(one, description="edited") for one in LINES)),
        replace(FOUND, external_id=None),
    ],
)
def test_order_descriptions_and_external_id_make_no_difference(bill: FoundBill) -> None:
    assert difference(BILL, bill) is None


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"vendor_id": "34"}, {"vendor": "vendor id 34 instead of Acme (id 33)"}),
        ({"vendor_id": "34", "vendor_name": "Apex"}, {"vendor": "vendor Apex (id 34) instead of Acme (id 33)"}),
        ({"document_number": "ACME-0418"}, {"number": "reference number 'ACME-0418' instead of 'ACME-0417'"}),
        ({"date": date(2026, 10, 1)}, {"date": "date 2026-10-01 instead of 2026-09-30"}),
        ({"date": None}, {"date": "date None instead of 2026-09-30"}),
        (
            {"total": amount("900.01")},
            {"total": "total 900.01 instead of 900.00, of which 0.01 is not on Item lines"},
        ),
        ({"lines": (LINES[0], LINES[0])}, {"lines": f"{EXTRA}: a 1,000.00, {MISSING}: b -100.00"}),
        ({"lines": (*LINES, LINES[0])}, {"lines": f"{EXTRA}: a 1,000.00"}),
        ({"lines": LINES[:1]}, {"lines": f"{MISSING}: b -100.00"}),
        (
            {"lines": (replace(LINES[0], item_id="5872", item_name="24-01.S"), LINES[1])},
            {"lines": f"{EXTRA}: 24-01.S 1,000.00, {MISSING}: a 1,000.00"},
        ),
        (
            {"lines": (replace(LINES[0], item_name="24-01.S"), LINES[0])},
            {"lines": f"{EXTRA}: 24-01.S 1,000.00, {MISSING}: b -100.00"},
        ),
        (
            {"lines": (replace(LINES[0], item_name="24-01.S", amount=amount("950")), LINES[1])},
            {"lines": f"{EXTRA}: 24-01.S 950.00, {MISSING}: 24-01.S 1,000.00"},
        ),
        (
            {
                "lines": (*LINES, *(BillLine("", amount(str(cents)), "") for cents in range(1, 6))),
                "total": amount("915"),
            },
            {
                "lines": f"total 915.00 instead of 900.00, {EXTRA}: Item none 1.00, Item none 2.00, Item none 3.00 and 2 more"
            },
        ),
        (
            {"lines": LINES[:1], "total": amount("1080")},
            {
                "total": "total 1,080.00 instead of 900.00, of which 80.00 is not on Item lines",
                "lines": f"{MISSING}: b -100.00",
            },
        ),
    ],
)
def test_any_other_difference_is_described(changes: dict[str, Any], sentences: dict[str, str]) -> None:
    bill = replace(FOUND, **changes)
    assert differences(BILL, bill) == sentences
    assert difference(BILL, bill) == "; ".join(sentences.values())


@pytest.mark.parametrize(
    ("changes", "void"),
    [
        ({}, False),
        ({"total": amount("0")}, False),
        ({"total": amount("0"), "lines": tuple(replace(line, amount=amount("0")) for line in LINES)}, True),
    ],
)
def test_a_void_bill_owes_nothing_on_any_line(changes: dict[str, Any], void: bool) -> None:
    assert replace(FOUND, **changes).void is void


def test_a_bill_totals_the_sum_of_its_lines() -> None:
    assert BILL.total == amount("900.00")
