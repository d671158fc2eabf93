"""A OneWorld account: what is not available in a bill's subsidiary is refused with the record and the subsidiary."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.netsuite.suiteql import Engine
from tests.unit.simulators.conftest import RECORDS, Account
from tests.unit.simulators.netsuite_desk import Desk, refusal

SUBSIDIARIES: list[dict[str, Any]] = [
    {"id": "1", "name": "Parent", "currency": "1"},
    {"id": "3", "name": "Harbor US", "parent": "1", "currency": "1"},
    {"id": "4", "name": "Harbor CA", "parent": "1", "currency": "2"},
    {"id": "5", "name": "Dissolved", "parent": "1", "isinactive": True},
]
LISTS: dict[str, Any] = {
    "account": [
        {"id": "1218", "name": "Job Costs CA", "accttype": "COGS", "subsidiaries": ["4"]},
        {"id": "112", "name": "Payables CA", "accttype": "AcctPay", "subsidiaries": ["4"]},
    ],
    "department": [{"id": "5", "name": "Field", "subsidiaries": ["1"], "includechildren": True}],
    "location": [{"id": "7", "name": "Halifax", "subsidiaries": ["4"]}, {"id": "8", "name": "Anywhere"}],
    "customlist_phase": [{"id": "201", "name": "Shell", "subsidiaries": ["1"]}],
}
CANADA: dict[str, Any] = {"subsidiary": {"id": "4"}}


@pytest.fixture
def desk() -> Desk:
    return Desk(
        subsidiaries=SUBSIDIARIES,
        lists=LISTS,
        custom_field_types={"custbody_phase": {"type": "reference", "list": "customlist_phase"}},
    )


def not_for(field: str, record: str, subsidiary: str, path: str) -> tuple[str, str]:
    return f"Invalid {field} reference key {record} for subsidiary {subsidiary}.", path


def test_a_bill_needs_a_vendor_of_its_subsidiary(desk: Desk) -> None:
    assert refusal(desk.bill, **CANADA) == not_for("entity", "742", "4", "entity")
    desk.edit("vendors", "742", shared_with=("4",))
    lines = {"item": {"id": "5004"}, "customer": None}
    desk.bill(**CANADA, lines=lines)
    desk.edit("vendors", "742", shared_with=())
    assert refusal(desk.bill, **CANADA, lines=lines)[0].startswith("Invalid entity reference key 742")


@pytest.mark.parametrize("subsidiary", ["5", "9"])
def test_a_bill_needs_a_subsidiary_that_is_active(desk: Desk, subsidiary: str) -> None:
    words = f"You have entered an Invalid Field Value {subsidiary} for the following field: subsidiary."
    assert refusal(desk.bill, subsidiary={"id": subsidiary}) == (words, "subsidiary")
    assert refusal(desk.item, subsidiary={"items": [{"id": subsidiary}]}) == (words, "subsidiary")


def test_a_bill_needs_items_and_projects_of_its_subsidiary(desk: Desk) -> None:
    assert refusal(desk.bill, lines={"item": {"id": "5004"}}) == not_for("item", "5004", "3", "item.items[0].item")
    desk.edit("jobs", "9120", subsidiary="4")
    words = "Invalid customer reference key 9120 for entity 742."
    assert refusal(desk.bill) == (words, "item.items[0].customer")
    desk.state.settings.project_field = "job"
    lines = {"customer": None, "job": {"id": "9120"}}
    assert refusal(desk.bill, lines=lines) == (words.replace("customer", "job"), "item.items[0].job")


def test_an_item_may_be_shared_with_the_children_of_its_subsidiary(desk: Desk) -> None:
    parent: dict[str, Any] = {"subsidiary": {"items": [{"id": "1"}]}}
    alone = desk.item(**parent)
    assert refusal(desk.bill, lines={"item": {"id": alone}})[0].startswith(f"Invalid item reference key {alone}")
    shared = desk.item(**parent, includeChildren=True)
    desk.bill(lines={"item": {"id": shared}})


@pytest.mark.parametrize(
    ("sent", "field", "record", "path"),
    [
        ({"account": {"id": "112"}}, "account", "112", "account"),
        ({"location": {"id": "7"}}, "location", "7", "location"),
        ({"custbody_phase": {"id": "201"}}, "custbody_phase", "201", "custbody_phase"),
        ({"lines": {"location": {"id": "7"}}}, "location", "7", "item.items[0].location"),
        (
            {"expense": {"items": [{"account": {"id": "1218"}, "amount": 5.0}]}},
            "account",
            "1218",
            "expense.items[0].account",
        ),
    ],
)
def test_a_bill_needs_accounts_and_classifications_of_its_subsidiary(
    desk: Desk, sent: dict[str, Any], field: str, record: str, path: str
) -> None:
    assert refusal(desk.bill, **sent) == not_for(field, record, "3", path)


def test_an_account_may_refuse_a_classification_as_an_invalid_value(desk: Desk) -> None:
    desk.state.settings.wrong_subsidiary_is_invalid_value = True
    words = "You have entered an Invalid Field Value 7 for the following field: location."
    assert refusal(desk.bill, location={"id": "7"}) == (words, "location")


def test_what_is_shared_or_belongs_to_all_is_accepted(desk: Desk) -> None:
    desk.bill(department={"id": "5"}, lines={"location": {"id": "8"}}, account={"id": "111"})


def test_the_accounts_of_an_item_fit_all_its_subsidiaries(desk: Desk) -> None:
    both = {"items": [{"id": "4"}, {"id": "3"}]}
    canadian: dict[str, Any] = {"expenseAccount": {"id": "1218"}}
    assert refusal(desk.item, subsidiary=both, **canadian) == not_for("expenseaccount", "1218", "3", "expenseAccount")
    desk.item(subsidiary={"items": [{"id": "4"}]}, **canadian)


def test_a_bill_that_is_moved_to_another_subsidiary_is_checked_as_a_whole(desk: Desk) -> None:
    bill = desk.bill()
    desk.edit("vendors", "742", shared_with=("4",))
    assert refusal(desk.change, "vendorBill", bill, **CANADA) == not_for("item", "5001", "4", "item.items[0].item")


def test_an_account_without_subsidiaries_checks_none_of_this() -> None:
    desk = Desk(one_world=False, subsidiaries=SUBSIDIARIES, lists=LISTS)
    desk.bill(account={"id": "112"}, lines={"item": {"id": "5004"}})
    desk = Desk(lists=LISTS)
    desk.bill(account={"id": "112"})
    assert refusal(desk.bill, **CANADA)[0].endswith("Invalid Field Value 4 for the following field: subsidiary.")


def test_subsidiaries_and_what_they_may_use_are_read_with_suiteql(desk: Desk) -> None:
    run = Engine(desk.state).run
    assert run(
        "SELECT id, name, parent, currency FROM subsidiary WHERE isinactive = 'F' AND id > 1 ORDER BY id ASC"
    ) == [
        {"id": "3", "name": "Harbor US", "parent": "1", "currency": "1"},
        {"id": "4", "name": "Harbor CA", "parent": "1", "currency": "2"},
    ]
    assert run("SELECT subsidiary FROM job WHERE id = 9120") == [{"subsidiary": "3"}]
    desk.item(subsidiary={"items": [{"id": "3"}, {"id": "4"}]}, includeChildren=True)
    assert run("SELECT item, subsidiary FROM itemsubsidiarymap WHERE item IN (5004, 5005) ORDER BY item ASC") == [
        {"item": "5004", "subsidiary": "4"},
        {"item": "5005", "subsidiary": "3"},
        {"item": "5005", "subsidiary": "4"},
    ]
    assert run("SELECT includechildren FROM item WHERE id IN (5004, 5005) ORDER BY id ASC") == [
        {"includechildren": "F"},
        {"includechildren": "T"},
    ]
    assert run("SELECT subsidiary FROM accountsubsidiarymap WHERE account = 1218") == [{"subsidiary": "4"}]
    assert run("SELECT department FROM departmentsubsidiarymap WHERE subsidiary = 1") == [{"department": "5"}]


def test_administrators_move_projects_and_share_vendors(account: Account) -> None:
    account.send("PATCH", "/_admin/settings", {"subsidiaries": SUBSIDIARIES})
    change = {"type": "vendor", "id": "742", "changes": {"shared_with": ["4"]}}
    assert account.send("PATCH", "/_admin/records", change).json()["shared_with"] == ["4"]
    account.send("PATCH", "/_admin/records", {"type": "job", "id": "9120", "changes": {"subsidiary": "4"}})
    assert account.rows("SELECT subsidiary FROM vendorsubsidiaryrelationship WHERE entity = 742") == [
        {"subsidiary": "3"},
        {"subsidiary": "4"},
    ]
    assert account.send("GET", f"{RECORDS}/job/9120").json()["subsidiary"]["id"] == "4"
    assert account.send("GET", f"{RECORDS}/subsidiary/4").json()["name"] == "Harbor CA"
    assert [entry["by"] for entry in account.state.writes()] == ["person", "person"]
    assert account.send("PATCH", "/_admin/records", {**change, "id": "1"}).status_code == 400
