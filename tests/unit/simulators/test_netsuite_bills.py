"""Bills: the rules a bill must keep, exact totals, and lines that a repeated PUT appends."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.simulators.conftest import BILLS, Account, bill_body, problem


def line(**fields: Any) -> dict[str, Any]:
    return {"item": {"id": "5001"}, "quantity": 1, "rate": 10.0, **fields}


def with_lines(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**bill_body("b-1", "INV-1"), "item": {"items": list(lines)}, **more}


def test_a_bill_is_read_back_to_the_cent(account: Account) -> None:
    body = with_lines(line(rate=45000.10, description="Concrete", customer={"id": "9120"}), line(rate=-4500.01))
    answer = account.send("POST", BILLS, body)
    assert answer.status_code == 204
    bill_id = answer.headers["Location"].rpartition("/")[2]
    read = account.send("GET", f"{BILLS}/{bill_id}?expandSubResources=true")
    assert '"total":40500.09,' in read.text  # money has two decimals on the wire
    assert read.json()["entity"] == {"links": [], "id": "742", "refName": "O'Brien Concrete"}
    first, second = read.json()["item"]["items"]
    assert (first["line"], first["item"]["id"], first["item"]["refName"]) == (1, "5001", "24-017-01-100.L")
    assert (first["customer"]["id"], first["customer"]["refName"]) == ("9120", "24-017 Harbor Point")
    assert (second["line"], second["amount"], "customer" in second) == (2, -4500.01, False)
    plain = account.send("GET", f"{BILLS}/eid:B-1?fields=total,tranId").json()
    assert plain == {"links": [], "tranId": "INV-1", "total": 40500.09}


def test_an_amount_is_quantity_times_rate_unless_it_is_given(account: Account) -> None:
    account.send("POST", BILLS, with_lines(line(quantity=3, rate=0.335), {"item": {"id": "5001"}, "amount": 7.25}))
    bill = account.state.bill_by_external_id("b-1")
    assert bill is not None
    assert [each.amount for each in bill.lines] == [Decimal("1.01"), Decimal("7.25")]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"entity": {"id": "1"}}, "Invalid Field Value 1 for the following field: entity."),
        ({"entity": {"id": "743"}}, "Invalid Field Value 743 for the following field: entity."),  # inactive
        ({"entity": None}, "Please enter value(s) for: Vendor."),
        ({"subsidiary": None}, "Please enter value(s) for: Subsidiary."),
        ({"subsidiary": {"id": "4"}}, "Invalid Field Value 4 for the following field: subsidiary."),
        ({"entity": {"id": "744"}}, "Invalid Field Value 3 for the following field: subsidiary."),
        ({"tranId": "9" * 46}, "The field tranId contained more than the maximum number ( 45 ) of characters allowed."),
        ({"tranDate": "31/10/2026"}, "Invalid Field Value 31/10/2026 for the following field: trandate."),
        ({"approvalStatus": {"id": "5"}}, "Invalid Field Value 5 for the following field: approvalstatus."),
        ({"item": {"items": []}}, "You must enter at least one line item for this transaction."),
        ({"item": {"items": [line(item={"id": "1"})]}}, "Invalid Field Value 1 for the following field: item."),
        ({"item": {"items": [line(item={"id": "5003"})]}}, "Invalid Field Value 5003 for the following field: item."),
        ({"item": {"items": [line(item={"id": "5004"})]}}, "Invalid item reference key 5004 for subsidiary 3."),
        ({"item": {"items": [line(customer={"id": "1"})]}}, "Invalid Field Value 1 for the following field: customer."),
        ({"item": {"items": [line(job={"id": "9120"})]}}, "Invalid Field Value 9120 for the following field: job."),
        ({"item": {"items": [line(rate=-1)]}}, "The total of this transaction must not be negative."),
        ({"item": {"items": [line(item={"externalId": "pcr-itm-1"})]}}, "Provide a valid value."),
        ({"item": {"items": [line(colour="red")]}}, "Unknown reference or property name 'colour'."),
    ],
)
def test_a_rule_that_is_broken_is_named_and_nothing_is_written(
    account: Account, change: dict[str, Any], text: str
) -> None:
    status, _, detail = problem(account.send("POST", BILLS, {**with_lines(line()), **change}))
    assert status == 400
    assert detail.endswith(text)
    assert len(account.state.bills) == 1
    assert account.state.writes() == []


def test_the_error_names_the_line(account: Account) -> None:
    answer = account.send("POST", BILLS, with_lines(line(), line(item={"id": "1"})))
    assert answer.json()["o:errorDetails"][0]["o:errorPath"] == "item.items[1].item"


def test_closed_periods_refuse_until_they_are_opened(account: Account) -> None:
    body = bill_body("b-1", "INV-1", "10.00", tranDate="2026-08-31")
    status, code, text = problem(account.send("POST", BILLS, body))
    assert (status, code) == (400, "USER_ERROR")
    assert "not within the date range of your accounting period" in text
    account.state.settings.closed_period_code = "CLOSED_TRAN_PRD"
    assert problem(account.send("POST", BILLS, body))[1] == "CLOSED_TRAN_PRD"
    account.state.settings.closed_before = "2026-08-01"
    assert account.send("POST", BILLS, body).status_code == 204


def test_a_vendors_numbers_are_unique_where_the_account_blocks_duplicates(account: Account) -> None:
    old = bill_body("b-1", "old-1", "10.00")
    status, code, text = problem(account.send("POST", BILLS, old))
    assert (status, code) == (400, "USER_ERROR")
    assert "Duplicate document number" in text
    other_bill = bill_body("b-2", "OLD-1", "10.00", entity={"id": "744"}, subsidiary={"id": "4"})
    other_bill["item"]["items"][0] |= {"item": {"id": "5004"}}
    assert account.send("POST", BILLS, other_bill).status_code == 204
    account.state.settings.duplicate_numbers = "allow"
    assert account.send("POST", BILLS, old).status_code == 204
    assert [each.tranid for each in account.state.bills_of_vendor("742")] == ["OLD-1", "old-1"]
    assert account.state.duplicates() == [("bill_number", "742/old-1", ["88000", "88002"])]


def test_external_ids_of_bills_are_unique_without_case(account: Account) -> None:
    account.send("POST", BILLS, bill_body("PCR-Bill-1", "INV-1", "10.00"))
    again = account.send("POST", BILLS, bill_body("pcr-bill-1", "INV-2", "10.00"))
    assert problem(again)[2].endswith("This record already exists.")


def test_a_repeated_put_appends_lines_unless_it_replaces_them(account: Account) -> None:
    body = bill_body(None, "INV-1", "10.00", "20.00")
    assert "Location" in account.send("PUT", f"{BILLS}/eid:b-1", body).headers
    account.send("PUT", f"{BILLS}/eid:b-1", body)
    bill = account.state.bill_by_external_id("b-1")
    assert bill is not None
    assert (len(bill.lines), bill.total) == (4, Decimal("60.00"))
    assert account.send("PUT", f"{BILLS}/eid:b-1?replace=item", body).status_code == 204
    bill = account.state.bill_by_external_id("b-1")
    assert bill is not None
    assert (len(bill.lines), bill.total) == (2, Decimal("30.00"))
    assert [entry["write"] for entry in account.state.writes("vendorBill", "b-1")] == ["create", "update", "update"]


def test_a_patch_changes_the_line_whose_key_it_names(account: Account) -> None:
    account.send("POST", BILLS, bill_body("b-1", "INV-1", "10.00", "20.00"))
    change = {"memo": "checked", "item": {"items": [{"line": 2, "rate": 25.0}]}}
    assert account.send("PATCH", f"{BILLS}/eid:b-1", change).status_code == 204
    bill = account.state.bill_by_external_id("b-1")
    assert bill is not None
    assert (bill.memo, bill.total, len(bill.lines)) == ("checked", Decimal("35.00"), 2)


def test_unknown_bills_are_400_by_id_and_configurable_by_external_id(account: Account) -> None:
    """By external id, the answer is 404 or as the account is set."""
    unknown_id = (400, "USER_ERROR", "Error while accessing a resource. Transaction type specified is incorrect.")
    assert problem(account.send("GET", f"{BILLS}/99999")) == unknown_id
    assert problem(account.send("GET", f"{BILLS}/eid:nobody"))[:2] == (404, "NONEXISTENT_ID")
    account.state.settings.unknown_bill_eid_status = 400
    assert problem(account.send("GET", f"{BILLS}/eid:nobody")) == unknown_id


def test_settings_of_the_account_change_its_rules(account: Account) -> None:
    settings = account.state.settings
    settings.project_field, settings.refuse_negative_bills, settings.bill_tax = "job", False, Decimal("1.23")
    refused = account.send("POST", BILLS, with_lines(line(customer={"id": "9120"})))
    assert problem(refused)[2].endswith("Invalid Field Value 9120 for the following field: customer.")
    assert account.send("POST", BILLS, with_lines(line(job={"id": "9120"}, rate=-5))).status_code == 204
    read = account.send("GET", f"{BILLS}/eid:b-1?expandSubResources=true").json()
    assert (read["total"], read["item"]["items"][0]["job"]["id"]) == (-3.77, "9120")


def test_expense_lines_count_and_take_only_a_customer(account: Account) -> None:
    expense = {"items": [{"account": {"id": "600"}, "amount": 5.5, "customer": {"id": "9120"}}]}
    assert account.send("POST", BILLS, with_lines(line(), expense=expense)).status_code == 204
    assert account.send("GET", f"{BILLS}/eid:b-1").json()["total"] == 15.5
    expense["items"][0]["job"] = {"id": "9120"}
    refused = account.send("POST", BILLS, with_lines(line(), expense=expense, tranId="INV-2", externalId="b-2"))
    assert "'job'" in problem(refused)[2]


def test_people_edit_and_delete_bills_and_the_journal_says_so(account: Account) -> None:
    account.state.edit_bill("88000", memo="by hand")
    account.state.edit_bill_line("88000", 1, Decimal("99.00"))
    assert account.send("GET", f"{BILLS}/88000").json()["total"] == 99
    account.state.delete_bill("88000")
    assert [(entry["write"], entry["by"]) for entry in account.state.writes("vendorBill")] == [
        ("update", "person"),
        ("update", "person"),
        ("delete", "person"),
    ]
