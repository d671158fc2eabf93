"""NetSuite's records as values of the domain, and the bodies that are sent: published names, exact amounts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.published.shape import record
from tests.unit.clients.remotes import answer
from worker.clients.fields import read
from worker.clients.netsuite import wire
from worker.clients.netsuite.wire import AccountDefaults
from worker.domain.bills import Bill, BillLine, FoundBill
from worker.domain.errors import UnexpectedAnswer
from worker.domain.items import ItemNeed
from worker.domain.posting_periods import PostingPeriod

NEED = ItemNeed("pcr-itm-4-17-901", "24-017-01-100.S", "Concrete")
LINES = (
    BillLine("5871", Decimal("1000.10"), "01-100.S Slab"),
    BillLine("9000", Decimal("-100.01"), "Retainage held"),
)
BILL = Bill("pcr-bill-4-417", "33", "700", "ACME-0417", date(2026, 9, 30), "wbs-sync", LINES)
PLAIN = AccountDefaults(item_type="otherChargePurchaseItem")
FULL: dict[str, Any] = {
    "subsidiary_id": "2",
    "expense_account_id": "60",
    "income_account_id": "40",
    "tax_schedule_id": "1",
}
BOUNDS = 10**15 - 1  # cents: NetSuite's largest amounts have thirteen digits before the point


# Amounts


@given(st.integers(-BOUNDS, BOUNDS).map(lambda cents: Decimal(cents).scaleb(-2)))
def test_an_amount_is_sent_digit_for_digit(amount: Decimal) -> None:
    assert Decimal(json.dumps(wire.number(amount))) == amount


@pytest.mark.parametrize("amount", ["0.1234567890123456789", "99999999999999999.99"])
def test_an_amount_that_a_json_number_would_change_is_refused(amount: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="without losing a cent"):
        wire.number(Decimal(amount))


# Bodies


def test_an_item_is_sent_with_name_and_external_id_and_nothing_unset() -> None:
    """Fields without a setting are not in the body."""
    assert wire.item_body(NEED, PLAIN, display_name_limit=60) == {
        "externalId": "pcr-itm-4-17-901",
        "itemId": "24-017-01-100.S",
        "displayName": "Concrete",
        "includeChildren": False,
    }


def test_a_code_without_description_makes_an_item_without_display_name() -> None:
    assert "displayName" not in wire.item_body(ItemNeed("x", "24-01", ""), PLAIN, display_name_limit=60)


def test_only_the_display_name_is_ever_cut() -> None:
    body = wire.item_body(ItemNeed("x", "n" * 90, "d" * 90), PLAIN, display_name_limit=60)
    assert (body["itemId"], body["displayName"]) == ("n" * 90, "d" * 60)


@pytest.mark.parametrize(("item_type", "has_income"), [("otherChargePurchaseItem", False), ("otherChargeResaleItem", True)])  # fmt: skip
def test_only_resale_items_have_an_income_account(item_type: str, has_income: bool) -> None:
    body = wire.item_body(NEED, AccountDefaults(item_type=item_type, **FULL), display_name_limit=60)
    assert ("incomeAccount" in body) == has_income
    assert body["expenseAccount"] == {"id": "60"}
    assert body["subsidiary"] == {"items": [{"id": "2"}]}


@pytest.mark.parametrize("project_field", ["customer", "job"])
def test_a_bill_is_sent_with_its_lines_for_the_project(project_field: str) -> None:
    body = wire.bill_body(
        BILL, AccountDefaults(item_type="x", project_field=project_field, subsidiary_id="2"), BILL.document
    )
    assert body == {
        "externalId": "pcr-bill-4-417",
        "entity": {"id": "33"},
        "tranId": "ACME-0417",
        "tranDate": "2026-09-30",
        "memo": "wbs-sync",
        "subsidiary": {"id": "2"},
        "item": {
            "items": [
                {
                    "item": {"id": line.item_id},
                    "quantity": 1,
                    "rate": float(line.amount),
                    "description": line.description,
                    project_field: {"id": "700"},
                    "isBillable": False,
                }
                for line in LINES
            ]
        },
    }


# Published property names and types


@pytest.mark.parametrize("item_type", ["otherChargePurchaseItem", "otherChargeResaleItem"])
def test_an_item_is_sent_with_published_properties_only(item_type: str) -> None:
    body = wire.item_body(NEED, AccountDefaults(item_type=item_type, **FULL), display_name_limit=60)
    assert record(item_type).differences(body, sent=True) == []


@pytest.mark.parametrize("project_field", ["customer", "job"])
def test_a_bill_is_sent_with_published_properties_only(project_field: str) -> None:
    defaults = AccountDefaults(item_type="x", project_field=project_field, **FULL)
    moved = replace(BILL, posting_period=PostingPeriod("117", "Oct 2026", date(2026, 10, 1), date(2026, 10, 31), True))
    for document, record_type in wire.RECORD_TYPES.items():
        body = wire.bill_body(moved, defaults, document)
        assert "postingPeriod" in body
        assert record(record_type).differences(body, sent=True) == []


# What comes back

FOUND_BILL: dict[str, Any] = {
    "id": "88123",
    "externalId": "pcr-bill-4-417",
    "entity": {"id": "33", "refName": "Acme"},
    "tranId": "ACME-0417",
    "tranDate": "2026-09-30",
    "total": 900,
    "item": {"items": [{"item": {"id": "5871"}, "amount": 1000, "description": "a"}]},
}


def found_bill(body: Any) -> FoundBill:
    return read(wire.VendorBillRow, body).bill()


def test_a_bill_is_read_to_the_cent() -> None:
    text = json.dumps(FOUND_BILL).replace("900", "900.09").replace("1000", "1000.10")
    bill = found_bill(answer(200, text).json())
    assert (bill.id, bill.vendor_id, bill.document_number) == ("88123", "33", "ACME-0417")
    assert (bill.date, bill.total) == (date(2026, 9, 30), Decimal("900.09"))
    assert bill.lines == (BillLine("5871", Decimal("1000.10"), "a"),)


def test_the_amount_of_a_line_without_one_is_quantity_times_rate() -> None:
    line = {"item": {"id": "5871"}, "quantity": 2, "rate": Decimal("1.05")}
    assert found_bill(FOUND_BILL | {"item": {"items": [line]}}).lines[0].amount == Decimal("2.10")


@pytest.mark.parametrize("name", ["externalId", "tranId", "item"])
def test_a_bill_with_an_empty_field_can_be_read(name: str) -> None:
    missing = {key: value for key, value in FOUND_BILL.items() if key != name}
    assert found_bill(FOUND_BILL | {name: None}) == found_bill(missing)


@pytest.mark.parametrize("name", ["id", "entity", "tranDate", "total"])
def test_a_bill_without_required_fields_is_not_comparable(name: str) -> None:
    missing = {key: value for key, value in FOUND_BILL.items() if key != name}
    for body in (missing, FOUND_BILL | {name: None}):
        with pytest.raises(UnexpectedAnswer, match=f"NetSuite's VendorBill is not in the documented format: {name}"):
            found_bill(body)


ODD_LINES: list[dict[str, Any]] = [
    {"amount": 1000.1}, {"amount": "1,000.10"}, {"amount": True}, {"item": "5871", "amount": 1}, {"item": {}, "amount": 1},
    {"item": {"id": None}, "amount": 1}, {"quantity": "2", "rate": 1}, {"quantity": 1, "rate": "10%"},
    {"quantity": Decimal("1e999999"), "rate": Decimal("1e999999")}, {"quantity": Decimal("0.5"), "rate": Decimal("0.01")},
    {"quantity": True, "rate": 1}, {"description": [], "amount": 1},
]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"total": 900.1}, {"total": "900.001"}, {"total": "1e3"}, {"total": Decimal("NaN")}, {"tranDate": "30.09.2026"},
        {"tranDate": "20260930"}, {"tranDate": 1759190400}, {"tranDate": "2026-02-30"}, {"id": "x"}, {"id": True}, {"entity": "33"},
        {"entity": {"id": ""}}, {"tranId": []}, {"externalId": {}}, {"item": [1]}, {"item": {"items": ["x"]}},
        {"item": {"items": None}}, *({"item": {"items": [line]}} for line in ODD_LINES),
    ],
)  # fmt: skip
def test_a_bill_that_is_not_as_published_is_a_clear_error(changes: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer, match="NetSuite's VendorBill is not in the documented format"):
        found_bill(FOUND_BILL | changes)


@pytest.mark.parametrize("body", [None, [], "text", 7, [FOUND_BILL]])
def test_a_body_that_is_no_bill_is_reported(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="VendorBill is not in the documented format: body"):
        found_bill(body)


@pytest.mark.parametrize(("flag", "inactive"), [("T", True), ("F", False)])
def test_a_row_of_suiteql_is_read_as_an_item(flag: str, inactive: bool) -> None:
    row = {"id": 5871, "itemid": "24-01", "externalid": "", "itemtype": "OthCharge", "subtype": None, "isinactive": flag}  # fmt: skip
    item = read(wire.ItemRow, row).item()
    assert (item.id, item.name, item.external_id, item.subtype, item.inactive) == ("5871", "24-01", None, "", inactive)


def test_a_row_of_suiteql_without_its_null_columns_is_read_as_an_item() -> None:
    item = read(wire.ItemRow, {"id": "1", "itemid": "24-01", "itemtype": "Service", "isinactive": "F"}).item()
    assert (item.external_id, item.subtype, item.usable) == (None, "", False)
