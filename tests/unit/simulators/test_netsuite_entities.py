"""Projects and vendors as records: fields of the books, further ones of the settings, and references with their names."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.netsuite.field_types import KINDS, entity_types
from simulators.netsuite.metadata import catalog
from simulators.netsuite.properties import ENTITY_PROPERTIES
from simulators.netsuite.settings import NetSuiteSettings
from tests.published.shape import record
from tests.unit.simulators.conftest import RECORDS, Account, problem

TYPES = {"text": "string", "date": "string", "reference": "object"}
FIELDS: dict[str, Any] = {
    "lists": {
        "department": [{"id": "5", "name": "Field"}],
        "term": [{"id": "4", "name": "Net 30"}],
        "customlist_phase": [{"id": "201", "name": "Shell"}, {"id": "202", "name": "Fit-out"}],
    },
    "subsidiaries": [{"id": "3", "name": "Harbor US"}, {"id": "4", "name": "Harbor CA"}],
    "custom_field_types": {
        "custentity_department": {"type": "reference", "list": "department", "label": "Department", "records": ["job"]},
        "custentity_phases": {"type": "multi", "list": "customlist_phase"},
        "custbody_link": {"type": "text"},
    },
    "record_fields": {
        "job:9120": {
            "custentity_department": {"id": "5"},
            "custentity_phases": {"items": [{"id": "201"}, {"id": "202"}]},
            "custentity_region": {"id": "9"},
            "custentity_permit": "P-1",
            "startDate": "2026-03-01",
            "jobPrice": 1250.5,
        },
        "vendor:742": {"terms": {"id": "4"}, "email": "ap@obrien.example", "creditLimit": 5000, "expenseAccount": {"id": "218"}},
        "vendor:1": {"email": "nobody@example.com"},
    },
}  # fmt: skip


@pytest.fixture
def filled(account: Account) -> Account:
    account.send("PATCH", "/_admin/settings", FIELDS)
    return account


def read(account: Account, path: str) -> dict[str, Any]:
    answer = account.send("GET", f"{RECORDS}/{path}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("record_type", ["job", "vendor"])
def test_properties_of_projects_and_vendors_are_published(record_type: str) -> None:
    published = record(record_type)
    assert ENTITY_PROPERTIES[record_type] - published.names() == set()
    for name, known in entity_types(NetSuiteSettings(), record_type).items():
        assert known.kind in KINDS
        assert TYPES.get(known.kind, known.kind) == published.properties[name], name


def test_a_project_has_its_fields_with_the_names_of_their_entries(filled: Account) -> None:
    body = read(filled, "job/9120")
    department = {"rel": "self", "href": f"{RECORDS}/department/5"}
    assert body["custentity_department"] == {"links": [department], "id": "5", "refName": "Field"}
    assert (body["entityId"], body["subsidiary"]["refName"]) == ("24-017", "Harbor US")
    assert (body["custentity_permit"], body["startDate"], body["jobPrice"]) == ("P-1", "2026-03-01", 1250.5)
    assert body["custentity_region"] == {"links": [], "id": "9"}  # no catalog says what it refers to
    assert body["custentity_phases"] == {"links": []}
    whole = read(filled, "job/9120?expandSubResources=true")
    assert [each["refName"] for each in whole["custentity_phases"]["items"]] == ["Shell", "Fit-out"]
    standard = {name: value for name, value in whole.items() if not name.startswith("cust")}
    assert record("job").differences(standard) == []


def test_a_vendor_has_its_fields_with_the_names_of_their_entries(filled: Account) -> None:
    body = read(filled, "vendor/eid:PROC-9")
    assert (body["id"], body["email"], body["creditLimit"]) == ("742", "ap@obrien.example", 5000)
    assert (body["terms"]["refName"], body["expenseAccount"]["refName"]) == ("Net 30", "Job Costs : Subcontracts")
    assert record("vendor").differences(body) == []
    assert set(read(filled, "vendor/742?fields=terms,email")) == {"links", "terms", "email"}


def test_without_the_setting_records_have_the_fields_of_the_books_only(account: Account) -> None:
    books = {"links", "id", "entityId", "companyName", "isInactive", "subsidiary", "externalId"}
    assert set(read(account, "job/eid:proc-17")) == books
    assert read(account, "vendor/742")["subsidiary"] == {"links": [], "id": "3"}
    assert set(read(account, "vendor/743")) == (books - {"externalId"}) | {"isPerson"}


def test_fields_of_a_record_that_does_not_exist_make_no_record(filled: Account) -> None:
    assert problem(filled.send("GET", f"{RECORDS}/vendor/1"))[0] == 404


def test_a_name_follows_its_entry_and_an_inactive_one_is_still_shown(filled: Account) -> None:
    filled.state.edit_listed("department", "5", name="Site", isinactive=True)
    assert read(filled, "job/9120")["custentity_department"]["refName"] == "Site"


def test_the_catalog_has_the_fields_of_projects_and_vendors(filled: Account) -> None:
    job, vendor = (catalog(each, filled.state.settings)["properties"] for each in ("job", "vendor"))
    assert (job["custentity_department"]["title"], job["custentity_department"]["type"]) == ("Department", "object")
    assert set(job) - set(vendor) >= {"custentity_department", "startDate", "jobPrice"}
    assert job["startDate"]["format"] == "date"
    assert {name for name, schema in vendor.items() if schema.get("x-ns-custom-field")} == {"custentity_phases"}
    assert (vendor["email"]["title"], vendor["isPerson"]["type"]) == ("Vendor Email", "boolean")
    answer = filled.send("GET", f"{RECORDS}/metadata-catalog/job", headers={"Accept": "application/schema+json"})
    assert "subsidiary" in answer.json()["properties"]


def test_fields_of_projects_are_no_fields_of_bills(filled: Account) -> None:
    names = set(catalog("vendorBill", filled.state.settings)["properties"])
    assert "custbody_link" in names
    assert not {name for name in names if name.startswith("custentity_")}


def test_subsidiaries_of_projects_and_vendors_are_queried(account: Account) -> None:
    assert account.rows("SELECT id, subsidiary FROM vendor WHERE id IN (742, 744) ORDER BY id ASC") == [
        {"id": "742", "subsidiary": "3"},
        {"id": "744", "subsidiary": "4"},
    ]
    assert account.rows("SELECT subsidiary FROM job WHERE entityid = '24-017'") == [{"subsidiary": "3"}]
    for column in ("department", "class", "location"):
        assert "was not found" in problem(account.query(f"SELECT id, {column} FROM job"))[2]
