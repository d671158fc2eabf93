"""The simulated NetSuite accepts published properties only, and its records have the published properties and types."""

from __future__ import annotations

import pytest

from simulators.netsuite.properties import (
    BILL_EXPENSE_LINE_PROPERTIES,
    BILL_ITEM_LINE_PROPERTIES,
    BILL_PROPERTIES,
    CREDIT_PROPERTIES,
    ITEM_PROPERTIES,
)
from tests.published.shape import record
from tests.unit.simulators.conftest import ITEMS, RECORDS, Account, bill_body, item_body


@pytest.mark.parametrize("record_type", ["otherChargePurchaseItem", "otherChargeResaleItem"])
def test_properties_of_items_are_published(record_type: str) -> None:
    assert ITEM_PROPERTIES[record_type] - record(record_type).names() == set()


def test_properties_of_bills_and_their_lines_are_published() -> None:
    assert BILL_PROPERTIES - record("vendorBill").names() == set()
    assert CREDIT_PROPERTIES - record("vendorCredit").names() == set()
    assert BILL_ITEM_LINE_PROPERTIES - record("vendorBill").names("item.items[]") == set()
    assert BILL_EXPENSE_LINE_PROPERTIES - record("vendorBill").names("expense.items[]") == set()


def test_an_item_that_is_read_has_the_published_shape(account: Account) -> None:
    account.send("POST", ITEMS, item_body("24-017-09-900.S", "code-1", displayName="Paint"))
    item = account.send("GET", f"{ITEMS}/eid:code-1").json()
    assert item["itemId"] == "24-017-09-900.S"
    assert record("otherChargePurchaseItem").differences(item) == []


@pytest.mark.parametrize("record_type", ["vendorBill", "vendorCredit"])
def test_a_bill_or_credit_that_is_read_has_the_published_shape(account: Account, record_type: str) -> None:
    records = f"{RECORDS}/{record_type}"
    account.send("POST", records, bill_body("bill-1", "INV-1", "10.25", "-1.03"))
    whole = account.send("GET", f"{records}/eid:bill-1?expandSubResources=true").json()
    assert len(whole["item"]["items"]) == 2
    for body in (whole, account.send("GET", f"{records}/eid:bill-1").json()):
        assert record(record_type).differences(body) == []
