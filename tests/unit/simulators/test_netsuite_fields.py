"""Typed values: published types for standard properties, the account's for custom fields, and lists with inactive entries."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.netsuite.field_types import KINDS, standard_properties, standard_type
from simulators.netsuite.metadata import catalog
from simulators.netsuite.suiteql import Engine
from simulators.netsuite.suiteql_parser import BadQuery
from tests.published.shape import record
from tests.unit.simulators.conftest import RECORDS, Account, problem
from tests.unit.simulators.netsuite_desk import Desk, refusal

PUBLISHED = {"text": "string", "date": "string", "reference": "object", "multi": "object"}
LISTS: dict[str, Any] = {
    "department": [{"id": "5", "name": "Field"}, {"id": "6", "name": "Closed", "isinactive": True}],
    "classification": [{"id": "12", "name": "Civil", "externalid": "civil"}],
    "location": [{"id": "7", "name": "Harbor yard"}],
    "term": [{"id": "2", "name": "Net 30"}],
    "customlist_phase": [{"id": "201", "name": "Foundations"}, {"id": "202", "name": "Shell"}],
    "customrecord_cseg_phase": [{"id": "1", "name": "East"}],
}
CUSTOM: dict[str, Any] = {
    "custbody_link": {"type": "text", "label": "Procore Link", "length": 20},
    "custbody_hours": {"type": "number"},
    "custbody_day": {"type": "date"},
    "custbody_checked": {"type": "boolean"},
    "custbody_count": {"type": "integer"},
    "custbody_phases": {"type": "multi", "list": "customlist_phase"},
    "custcol_phase": {"type": "reference", "list": "customlist_phase"},
    "custitem_phase": {"type": "reference", "list": "customlist_phase"},
    "cseg_phase": {
        "type": "reference",
        "list": "customrecord_cseg_phase",
        "records": ["item", "vendorBill"],
        "parts": ["body"],
    },
}


@pytest.fixture
def desk() -> Desk:
    return Desk(typed_values=True, lists=LISTS, custom_field_types=CUSTOM)


@pytest.mark.parametrize(
    ("record_type", "part"),
    [
        ("otherChargePurchaseItem", ""),
        ("otherChargeResaleItem", ""),
        ("vendorBill", ""),
        ("vendorCredit", ""),
        ("vendorBill", "item"),
        ("vendorBill", "expense"),
    ],
)
def test_the_types_of_standard_properties_are_published(record_type: str, part: str) -> None:
    start = f"{part}.items[]." if part else ""
    table = record(record_type).properties
    for name in standard_properties(record_type, part):
        known = standard_type(name, part)
        if known is not None:
            assert known.kind in KINDS
            assert PUBLISHED.get(known.kind, known.kind) == table[start + name], name


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"department": {"id": "99"}}, "Invalid Field Value 99 for the following field: department."),
        ({"department": {"id": "6"}}, "Invalid Field Value 6 for the following field: department."),
        ({"class": {"id": "5"}}, "Invalid Field Value 5 for the following field: class."),
        ({"terms": {"id": "3"}}, "Invalid Field Value 3 for the following field: terms."),
        ({"account": {"id": "9"}}, "Invalid Field Value 9 for the following field: account."),
        ({"department": "Field"}, "field 'department'. Provide a valid value."),
        ({"dueDate": "30/11/2026"}, "Invalid Field Value 30/11/2026 for the following field: duedate."),
        ({"paymentHold": "yes"}, "field 'paymentHold'. Provide a valid value."),
        ({"exchangeRate": "1.1"}, "field 'exchangeRate'. Provide a valid value."),
        ({"custbody_link": 5}, "field 'custbody_link'. Provide a valid value."),
        ({"custbody_link": "x" * 21}, "The field custbody_link contained more than the maximum number ( 20 ) of characters"),
        ({"custbody_count": 1.5}, "field 'custbody_count'. Provide a valid value."),
        ({"custbody_phases": {"items": [{"id": "201"}, {"id": "9"}]}}, "Invalid Field Value 9 for the following field: custbody_phases."),
        ({"cseg_phase": {"id": "201"}}, "Invalid Field Value 201 for the following field: cseg_phase."),
        ({"custcol_phase": {"id": "201"}}, "Unknown reference or property name 'custcol_phase'."),
        ({"custitem_phase": {"id": "201"}}, "Unknown reference or property name 'custitem_phase'."),
    ],
)  # fmt: skip
def test_a_value_of_another_type_or_list_is_refused(desk: Desk, sent: dict[str, Any], words: str) -> None:
    assert words in refusal(desk.bill, **sent)[0]


def test_values_of_a_bill_are_returned_with_the_names_of_their_entries(desk: Desk) -> None:
    sent: dict[str, Any] = {
        "department": {"id": "5"},
        "class": {"id": "12"},
        "terms": {"id": "2"},
        "dueDate": "2026-11-30",
        "custbody_link": "https://procore",
        "custbody_hours": 12.345,
        "custbody_day": "2026-10-01",
        "custbody_checked": True,
        "custbody_count": 3,
        "custbody_phases": {"items": [{"id": "201"}, {"id": "202"}]},
        "cseg_phase": {"id": "1"},
    }
    bill = desk.bill(**sent, lines={"location": {"id": "7"}, "custcol_phase": {"id": "202"}})
    whole = desk.read("vendorBill", bill)
    plain = [name for name, value in sent.items() if not isinstance(value, dict)]
    assert {name: whole[name] for name in plain} == {name: sent[name] for name in plain}
    assert {name: whole[name]["refName"] for name in ("department", "class", "terms", "cseg_phase")} == {
        "department": "Field",
        "class": "Civil",
        "terms": "Net 30",
        "cseg_phase": "East",
    }
    assert [each["refName"] for each in whole["custbody_phases"]["items"]] == ["Foundations", "Shell"]
    line = desk.first_line(bill)
    assert (line["location"]["refName"], line["custcol_phase"]["refName"]) == ("Harbor yard", "Shell")
    assert line["custcol_phase"]["links"][0]["href"] == "/services/rest/record/v1/customlist_phase/202"
    assert "items" not in desk.read("vendorBill", bill, expand=False)["custbody_phases"]
    standard = {name: value for name, value in whole.items() if not name.startswith(("cust", "cseg"))}
    standard.pop("item")
    assert record("vendorBill").differences(standard) == []


def test_an_error_in_a_line_names_the_line(desk: Desk) -> None:
    assert refusal(desk.bill, lines={"location": {"id": "1"}}) == (
        "You have entered an Invalid Field Value 1 for the following field: location.",
        "item.items[0].location",
    )


def test_items_have_typed_fields_too(desk: Desk) -> None:
    item = desk.item(custitem_phase={"id": "201"}, cseg_phase={"id": "1"}, department={"id": "5"})
    shown = desk.read("otherChargePurchaseItem", item)
    assert [shown[name]["refName"] for name in ("custitem_phase", "cseg_phase", "department")] == [
        "Foundations",
        "East",
        "Field",
    ]
    assert "Invalid Field Value 999" in refusal(desk.item, expenseAccount={"id": "999"})[0]
    assert "'custbody_link'" in refusal(desk.item, custbody_link="x")[0]


def test_a_segment_applies_only_to_its_records_and_parts(desk: Desk) -> None:
    assert "'cseg_phase'" in refusal(desk.bill, "vendorCredit", cseg_phase={"id": "1"})[0]
    assert "'cseg_phase'" in refusal(desk.bill, lines={"cseg_phase": {"id": "1"}})[0]


def test_an_entry_that_is_made_inactive_is_refused_from_then_on(desk: Desk) -> None:
    bill = desk.bill(department={"id": "5"})
    desk.state.edit_listed("department", "5", isinactive=True)
    assert "Invalid Field Value 5" in refusal(desk.bill, department={"id": "5"})[0]
    desk.change("vendorBill", bill, memo="kept")
    assert desk.read("vendorBill", bill)["department"]["refName"] == "Field"


def test_without_the_settings_any_value_is_stored_as_it_was_sent() -> None:
    desk = Desk()
    bill = desk.bill(department={"id": "99"}, exchangeRate="1.1")
    shown = desk.read("vendorBill", bill)
    assert (shown["department"], shown["exchangeRate"]) == ({"id": "99"}, "1.1")


def test_lists_are_read_by_name_with_suiteql(desk: Desk) -> None:
    run = Engine(desk.state).run
    assert run("SELECT id, name, isinactive FROM department ORDER BY id ASC") == [
        {"id": "5", "name": "Field", "isinactive": "F"},
        {"id": "6", "name": "Closed", "isinactive": "T"},
    ]
    assert run("SELECT id, fullname FROM classification WHERE id = 12") == [{"id": "12", "fullname": "Civil"}]
    assert run("SELECT id FROM customlist_phase WHERE name = 'Shell'") == [{"id": "202"}]
    assert run("SELECT name FROM term WHERE isinactive = 'F'") == [{"name": "Net 30"}]
    desk.state.settings.lists = {"account": [{"id": "1218", "name": "Job Costs CA", "accttype": "COGS"}]}
    assert [row["id"] for row in run("SELECT id FROM account ORDER BY id ASC")] == ["54", "111", "218", "1218"]


@pytest.mark.parametrize("table", [*LISTS, "subsidiary"])
def test_every_list_names_its_entries_by_id(desk: Desk, table: str) -> None:
    entries: list[dict[str, Any]] = [
        {"id": "31", "name": "First"},
        {"id": "32", "name": "Gone", "isinactive": True},
        {"id": "33", "name": "No"},
    ]
    desk.state.settings.lists = {table: entries}
    desk.state.settings.subsidiaries = entries if table == "subsidiary" else ()
    found = Engine(desk.state).run(f"SELECT id, name, isinactive FROM {table} WHERE id IN (32, 31, 99) ORDER BY id ASC")
    assert found == [
        {"id": "31", "name": "First", "isinactive": "F"},
        {"id": "32", "name": "Gone", "isinactive": "T"},
    ]


def test_an_entry_below_another_one_has_a_full_name(desk: Desk) -> None:
    tree: list[dict[str, Any]] = [{"id": "12", "name": "Roads", "parent": "11"}, {"id": "11", "name": "Civil"}]
    desk.state.settings.lists = {"classification": tree, "term": tree}
    run = Engine(desk.state).run
    assert run("SELECT name, fullname FROM classification WHERE id = 12") == [
        {"name": "Roads", "fullname": "Civil : Roads"}
    ]
    roads: dict[str, Any] = {"class": {"id": "12"}}
    assert desk.read("vendorBill", desk.bill(**roads))["class"]["refName"] == "Civil : Roads"
    with pytest.raises(BadQuery, match="fullname"):
        run("SELECT fullname FROM term")


def test_the_catalog_has_types_and_custom_fields(desk: Desk) -> None:
    bill = catalog("vendorBill", desk.state.settings)["properties"]
    assert (bill["dueDate"]["type"], bill["dueDate"]["format"]) == ("string", "date")
    assert bill["paymentHold"]["type"] == "boolean"
    assert bill["custbody_link"] == {
        "title": "Procore Link",
        "type": "string",
        "nullable": True,
        "maxLength": 20,
        "x-ns-custom-field": True,
    }
    assert "custcol_phase" not in bill
    line = bill["item"]["properties"]["items"]["items"]["properties"]
    assert set(line["custcol_phase"]["properties"]) == {"id", "refName", "externalId", "links"}
    item = catalog("otherChargePurchaseItem", desk.state.settings)["properties"]
    assert {name for name, schema in item.items() if schema.get("x-ns-custom-field")} == {
        "custitem_phase",
        "cseg_phase",
    }
    assert item["itemId"]["maxLength"] == 60


def test_entries_of_lists_are_records_that_are_only_read(account: Account) -> None:
    account.send("PATCH", "/_admin/settings", {"lists": LISTS})
    assert account.send("GET", f"{RECORDS}/classification/eid:civil").json()["name"] == "Civil"
    assert account.send("GET", f"{RECORDS}/department/6").json() == {
        "links": [],
        "id": "6",
        "name": "Closed",
        "isInactive": True,
    }
    assert account.send("GET", f"{RECORDS}/customlist_phase/202").json()["name"] == "Shell"
    assert problem(account.send("GET", f"{RECORDS}/department/99"))[0] == 404
    assert problem(account.send("POST", f"{RECORDS}/department", {"name": "x"}))[0] == 405
    account.state.settings.missing_permissions = ["department"]
    assert problem(account.send("GET", f"{RECORDS}/department/6"))[0] == 403
    assert account.query("SELECT id FROM department").status_code == 400
