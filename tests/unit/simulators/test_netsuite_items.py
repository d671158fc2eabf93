"""Items: what a body needs, what must be unique, and how they are read, changed and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.simulators.conftest import BILLS, ITEMS, RECORDS, Account, bill_body, item_body, problem


def test_create_answers_204_with_the_address_of_the_record(account: Account) -> None:
    answer = account.send("POST", ITEMS, item_body("24-017-01-200.M", "pcr-itm-1", displayName="Rebar"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Location"] == f"{account.url}{ITEMS}/5005"
    read = account.send("GET", f"{ITEMS}/eid:PCR-ITM-1?expandSubResources=true").json()
    assert (read["id"], read["itemId"], read["displayName"]) == ("5005", "24-017-01-200.M", "Rebar")
    assert (read["itemType"]["id"], read["subtype"]["id"], read["isInactive"]) == ("OthCharge", "Purchase", False)
    assert [each["id"] for each in read["subsidiary"]["items"]] == ["3"]
    assert account.send("GET", f"{ITEMS}/5005?fields=id,itemId").json() == {
        "links": [],
        "id": "5005",
        "itemId": "24-017-01-200.M",
    }
    (entry,) = account.state.writes("item", "pcr-itm-1")
    assert (entry["write"], entry["by"], entry["name"]) == ("create", "client", "24-017-01-200.M")


@pytest.mark.parametrize("name", ["24-017-01-100.L", "24-017-01-100.l", "24-017-02-200.S", "24-017-03-300.M"])
def test_names_are_unique_over_types_case_and_inactive_items(account: Account, name: str) -> None:
    status, code, text = problem(account.send("POST", ITEMS, item_body(name)))
    assert (status, code) == (400, "USER_ERROR")
    assert "Uniqueness error - there is already an item with that name or name/parent combination." in text
    account.state.settings.duplicate_item_code = "DUP_ITEM"
    assert problem(account.send("POST", ITEMS, item_body(name)))[1] == "DUP_ITEM"
    assert len(account.state.items_named(name)) == 1


def test_external_ids_are_unique_over_item_types_without_case(account: Account) -> None:
    account.send("POST", ITEMS, item_body("one", "PCR-Itm-1"))
    resale = account.send("POST", f"{RECORDS}/otherChargeResaleItem", item_body("two", "pcr-itm-1"))
    assert problem(resale) == (400, "USER_ERROR", "Error while accessing a resource. This record already exists.")
    account.state.settings.duplicate_external_id_code = "DUP_RCRD"
    assert problem(account.send("POST", ITEMS, item_body("two", "PCR-ITM-1")))[1] == "DUP_RCRD"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"itemId": "x" * 61}, "The field itemId contained more than the maximum number ( 60 ) of characters allowed."),
        ({"itemId": None}, "Please enter value(s) for: Item Name/Number."),
        ({"expenseAccount": None}, "Please enter value(s) for: Expense Account."),
        ({"subsidiary": None}, "Please enter value(s) for: Subsidiary."),
        ({"subsidiary": {"items": [{"id": "77"}]}}, "Invalid Field Value 77 for the following field: subsidiary."),
        ({"externalId": "01-100.L"}, "Use letters, numbers, underscores and hyphens."),
    ],
)
def test_a_rule_that_is_broken_is_named(account: Account, change: dict[str, Any], text: str) -> None:
    status, _, detail = problem(account.send("POST", ITEMS, {**item_body("new"), **change}))
    assert status == 400
    assert detail.endswith(text)
    assert len(account.state.items) == 5


def test_preferences_of_the_account_decide_what_is_needed(account: Account) -> None:
    settings = account.state.settings
    settings.default_expense_account, settings.one_world = "300", False
    assert account.send("POST", ITEMS, {"itemId": "bare"}).status_code == 204
    assert account.state.items_named("bare")[0].expense_account == "300"
    settings.tax_schedule_required = True
    assert problem(account.send("POST", ITEMS, {"itemId": "other"}))[2].endswith("value(s) for: Tax Schedule.")
    assert account.send("POST", ITEMS, {"itemId": "other", "taxSchedule": {"id": "1"}}).status_code == 204
    settings.item_name_max_length = 5
    assert "maximum number ( 5 )" in problem(account.send("POST", ITEMS, item_body("longer")))[2]


def test_unknown_properties_are_refused_or_dropped_as_the_header_says(account: Account) -> None:
    body = item_body("new", "i-1", dispalyName="misspelt")
    assert "'dispalyName'" in problem(account.send("POST", ITEMS, body))[2]
    lenient = {"X-NetSuite-PropertyNameValidation": "Warning"}
    assert account.send("POST", ITEMS, body, headers=lenient).status_code == 204
    assert [entry["dropped"] for entry in account.state.journal.entries() if "dropped" in entry] == [["dispalyName"]]
    account.state.settings.custom_fields = ["custitem_wbs"]
    assert account.send("POST", ITEMS, item_body("custom", custitem_wbs="x")).status_code == 204


def test_patch_changes_what_it_names_and_put_makes_or_changes(account: Account) -> None:
    assert account.send("PATCH", f"{ITEMS}/5001", {"externalId": "pcr-itm-9"}).status_code == 204
    assert account.send("PATCH", f"{ITEMS}/eid:pcr-itm-9", {"displayName": "Changed"}).status_code == 204
    item = account.state.item_by_external_id("PCR-ITM-9")
    assert item is not None
    assert (item.id, item.itemid, item.displayname) == ("5001", "24-017-01-100.L", "Changed")
    made = account.send("PUT", f"{ITEMS}/eid:pcr-itm-10", item_body("put"))
    assert made.headers["Location"].endswith("/5005")
    again = account.send("PUT", f"{ITEMS}/eid:pcr-itm-10", item_body("put", displayName="twice"))
    assert (again.status_code, "Location" in again.headers) == (204, False)
    assert account.state.items_named("put")[0].displayname == "twice"
    clash = account.send("PATCH", f"{ITEMS}/5001", {"itemId": "put"})
    assert problem(clash)[0] == 400


def test_an_item_on_a_bill_cannot_be_deleted(account: Account) -> None:
    account.send("POST", BILLS, bill_body("b-1", "INV-1", "10.00"))
    assert "dependent records" in problem(account.send("DELETE", f"{ITEMS}/5001"))[2]
    assert account.send("DELETE", f"{ITEMS}/5000").status_code == 204
    assert problem(account.send("GET", f"{ITEMS}/5000"))[:2] == (404, "NONEXISTENT_ID")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{ITEMS}/99", 404, "NONEXISTENT_ID"),
        (f"{ITEMS}/eid:nobody", 404, "NONEXISTENT_ID"),
        (f"{ITEMS}/5002", 404, "NONEXISTENT_ID"),  # a service item, asked for as an Other Charge
        (f"{ITEMS}/eid:01-100.L", 400, "INVALID_ID"),
        (f"{ITEMS}/word", 400, "INVALID_ID"),
        (f"{RECORDS}/nonsense/1", 404, "NONEXISTENT_ID"),
    ],
)
def test_what_does_not_exist_is_answered_as_documented(account: Account, path: str, status: int, code: str) -> None:
    assert problem(account.send("GET", path))[:2] == (status, code)


def test_vendors_jobs_and_other_items_are_read_only(account: Account) -> None:
    assert account.send("GET", f"{RECORDS}/vendor/742").json()["companyName"] == "O'Brien Concrete"
    assert account.send("GET", f"{RECORDS}/job/eid:proc-17").json()["entityId"] == "24-017"
    assert account.send("GET", f"{RECORDS}/serviceSaleItem/5002").json()["itemId"] == "24-017-02-200.S"
    assert account.send("POST", f"{RECORDS}/vendor", {"companyName": "x"}).status_code == 405


def test_missing_permissions_are_403(account: Account) -> None:
    account.state.settings.missing_permissions = ["item:create", "vendorBill:read", "suiteql"]
    refusals = [
        account.send("POST", ITEMS, item_body("new")),
        account.send("PUT", f"{ITEMS}/eid:i-1", item_body("new")),
        account.send("GET", f"{BILLS}/88000"),
        account.query("SELECT id FROM item"),
    ]
    assert [problem(each)[:2] for each in refusals] == [(403, "INSUFFICIENT_PERMISSION")] * 4
    assert account.send("PATCH", f"{ITEMS}/5001", {"displayName": "may"}).status_code == 204


def test_the_catalog_has_the_length_of_names(account: Account) -> None:
    account.state.settings.item_name_max_length = 40
    path = f"{RECORDS}/metadata-catalog/otherChargePurchaseItem"
    schema = account.send("GET", path, headers={"Accept": "application/schema+json"}).json()
    assert schema["properties"]["itemId"]["maxLength"] == 40


def test_an_accountants_edit_is_in_the_journal(account: Account) -> None:
    account.state.edit_item("5001", displayname="By hand")
    (entry,) = account.state.writes("item")
    assert (entry["write"], entry["by"], entry["id"]) == ("update", "person", "5001")
    assert account.send("GET", f"{ITEMS}/5001").json()["displayName"] == "By hand"
    change = {"type": "item", "id": "5001", "changes": {"itemid": "renamed"}}
    assert account.send("PATCH", "/_admin/records", change).status_code == 200
    assert account.state.items_named("24-017-01-100.L") == []
    listed = account.send("GET", "/_admin/records?type=item").json()["records"]
    assert [each["itemid"] for each in listed if each["id"] == "5001"] == ["renamed"]
