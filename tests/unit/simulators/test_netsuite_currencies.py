"""An account with several currencies: a bill is in one that its vendor takes, at the account's rate. And bills that wait for approval."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.netsuite.suiteql import Engine
from simulators.netsuite.suiteql_parser import BadQuery
from tests.published.shape import record
from tests.unit.simulators.conftest import BILLS, RECORDS, Account, bill_body
from tests.unit.simulators.netsuite_desk import Desk, refusal

CURRENCIES: list[dict[str, Any]] = [
    {"id": "1", "symbol": "USD", "name": "US Dollar"},
    {"id": "2", "symbol": "CAD", "name": "Canadian Dollar", "rate": 0.8},
    {"id": "3", "symbol": "EUR", "name": "Euro", "rate": "1.123456789", "isinactive": True},
]
SUBSIDIARIES: list[dict[str, Any]] = [
    {"id": "3", "name": "Harbor US", "currency": "1"},
    {"id": "4", "name": "Harbor CA", "currency": "2"},
]
CAD: dict[str, Any] = {"currency": {"id": "2"}}
CANADA: dict[str, Any] = {"subsidiary": {"id": "4"}, "entity": {"id": "744"}}
CANADIAN_LINES: dict[str, Any] = {"item": {"id": "5004"}, "customer": None}


@pytest.fixture
def desk() -> Desk:
    desk = Desk(currencies=CURRENCIES)
    desk.edit("vendors", "742", currencies=("1", "2"))
    return desk


def currency(desk: Desk, bill: str, record_type: str = "vendorBill") -> tuple[str, str, float]:
    shown = desk.read(record_type, bill)
    return shown["currency"]["id"], shown["currency"]["refName"], shown["exchangeRate"]


@pytest.mark.parametrize("record_type", ["vendorBill", "vendorCredit"])
def test_a_bill_has_the_currency_that_was_sent_at_the_accounts_rate(desk: Desk, record_type: str) -> None:
    bill = desk.bill(record_type, **CAD)
    assert currency(desk, bill, record_type) == ("2", "Canadian Dollar", 0.8)
    shown = desk.read(record_type, bill)
    assert (shown["total"], shown["currency"]["links"][0]["href"]) == (30.0, "/services/rest/record/v1/currency/2")
    assert record(record_type).differences(shown) == []


def test_a_rate_that_was_sent_is_kept(desk: Desk) -> None:
    assert currency(desk, desk.bill(**CAD, exchangeRate=0.7654321)) == ("2", "Canadian Dollar", 0.7654321)


def test_a_bill_without_a_currency_has_the_primary_one_of_its_vendor(desk: Desk) -> None:
    assert currency(desk, desk.bill()) == ("1", "US Dollar", 1.0)
    assert currency(desk, "88000") == ("1", "US Dollar", 1.0)  # a bill of the books
    desk.edit("vendors", "742", currencies=("2", "1"))
    assert currency(desk, desk.bill()) == ("2", "Canadian Dollar", 0.8)
    desk.edit("vendors", "742", currencies=())
    assert currency(desk, desk.bill()) == ("1", "US Dollar", 1.0)


def test_the_rate_is_to_the_currency_of_the_subsidiary(desk: Desk) -> None:
    desk.state.settings.subsidiaries = SUBSIDIARIES
    assert currency(desk, desk.bill(**CANADA, lines=CANADIAN_LINES)) == ("2", "Canadian Dollar", 1.0)
    desk.edit("vendors", "744", currencies=("2", "1"))
    american = desk.bill(**CANADA, lines=CANADIAN_LINES, currency={"id": "1"})
    assert currency(desk, american) == ("1", "US Dollar", 1.25)


def test_a_currency_that_the_vendor_does_not_take_is_refused(desk: Desk) -> None:
    desk.edit("vendors", "742", currencies=())
    assert refusal(desk.bill, **CAD) == ("Invalid currency reference key 2 for entity 742.", "currency")


@pytest.mark.parametrize("unusable", ["3", "9"])
def test_a_currency_that_is_inactive_or_does_not_exist_is_refused(desk: Desk, unusable: str) -> None:
    desk.edit("vendors", "742", currencies=("1", unusable))
    words = f"You have entered an Invalid Field Value {unusable} for the following field: currency."
    assert refusal(desk.bill, currency={"id": unusable}) == (words, "currency")


def test_a_bill_outlives_a_new_rate_and_the_currency_of_its_vendor(desk: Desk) -> None:
    bill = desk.bill(**CAD)
    desk.edit("vendors", "742", currencies=("1",))
    desk.state.settings.currencies = [CURRENCIES[0], {**CURRENCIES[1], "rate": "0.5"}]
    desk.change("vendorBill", bill, memo="later")
    assert currency(desk, bill) == ("2", "Canadian Dollar", 0.8)
    assert refusal(desk.change, "vendorBill", bill, **CAD)[1] == "currency"


def test_currencies_are_read_with_suiteql(desk: Desk) -> None:
    run = Engine(desk.state).run
    assert run(
        "SELECT id, symbol, name, exchangerate, isinactive FROM currency WHERE id IN (1, 3) ORDER BY id ASC"
    ) == [
        {"id": "1", "symbol": "USD", "name": "US Dollar", "exchangerate": "1", "isinactive": "F"},
        {"id": "3", "symbol": "EUR", "name": "Euro", "exchangerate": "1.123456789", "isinactive": "T"},
    ]
    assert run("SELECT id, currency, subsidiary FROM vendor WHERE id = 742") == [
        {"id": "742", "currency": "1", "subsidiary": "3"}
    ]
    assert run("SELECT currency FROM vendorcurrencybalance WHERE vendor = 742") == [
        {"currency": "1"},
        {"currency": "2"},
    ]
    bill = desk.bill(**CAD)
    assert run(f"SELECT currency, foreigntotal FROM transaction WHERE id = {bill}") == [
        {"currency": "2", "foreigntotal": "30.00"}
    ]


@pytest.mark.parametrize(
    "query", ["SELECT id, currency FROM vendor", "SELECT id FROM currency", "SELECT vendor FROM vendorcurrencybalance"]
)
def test_an_account_with_one_currency_has_none_of_this(query: str) -> None:
    desk = Desk()
    with pytest.raises(BadQuery, match="was not found"):
        Engine(desk.state).run(query)
    shown = desk.read("vendorBill", desk.bill())
    assert not {"currency", "exchangeRate"} & set(shown)
    assert desk.read("vendorBill", desk.bill(**CAD))["currency"] == {"id": "2"}  # as it was sent


def test_currencies_are_set_and_read_over_http(account: Account) -> None:
    account.send("PATCH", "/_admin/settings", {"currencies": CURRENCIES, "subsidiaries": SUBSIDIARIES})
    assert account.send("GET", "/_admin/settings").json()["currencies"][1]["rate"] == "0.8"
    account.send("PATCH", "/_admin/records", {"type": "vendor", "id": "742", "changes": {"currencies": ["1", "2"]}})
    assert account.send("POST", BILLS, bill_body("b-1", "INV-1", "10.00", **CAD)).status_code == 204
    bill = account.send("GET", f"{BILLS}/eid:b-1").json()
    assert (bill["currency"]["refName"], bill["exchangeRate"]) == ("Canadian Dollar", 0.8)
    vendor = account.send("GET", f"{RECORDS}/vendor/742").json()
    assert (vendor["currency"]["refName"], vendor["subsidiary"]["refName"]) == ("US Dollar", "Harbor US")
    assert record("vendor").differences(vendor) == []
    assert account.send("GET", f"{RECORDS}/currency/2").json()["name"] == "Canadian Dollar"


def test_a_new_bill_waits_for_approval_whatever_is_sent() -> None:
    desk = Desk(bills_need_approval=True)
    approved: dict[str, Any] = {"approvalStatus": {"id": "2"}}
    for sent in ({}, approved):
        bill = desk.bill(**sent)
        shown = desk.read("vendorBill", bill)
        assert shown["approvalStatus"] == {"id": "1", "refName": "Pending Approval"}
        assert shown["status"] == {"id": "D", "refName": "Pending Approval"}
        assert record("vendorBill").differences(shown) == []
    desk.state.approve_bill(bill)
    shown = desk.read("vendorBill", bill)
    assert (shown["approvalStatus"]["refName"], shown["status"]["refName"]) == ("Approved", "Open")
    assert not {"approvalStatus", "status"} & set(desk.read("vendorCredit", desk.bill("vendorCredit")))


def test_without_approval_routing_a_bill_is_open() -> None:
    desk = Desk()
    shown = desk.read("vendorBill", desk.bill())
    assert shown["status"]["refName"] == "Open"
    assert "approvalStatus" not in shown
    assert desk.read("vendorBill", desk.bill(approvalStatus={"id": "1"}))["approvalStatus"] == {"id": "1"}
