"""The tables of published properties, and the comparison that the tests of both simulators and clients rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.published.__main__ import OPERATIONS, RECORDS
from tests.published.shape import FOLDER, Shape, record, response

INVOICES = Shape(
    {
        "[]": "object",
        "[].id": "integer",
        "[].status": ["draft", "approved"],
        "[].total": "number",
        "[].tags": "array",
        "[].notes": "any",
        "[].locked": "boolean",
        "[].lines": "array",
        "[].lines[]": "object",
        "[].lines[].links": "array read-only",
        "[].lines[].memo": "string",
    }
)


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        [{"id": 1, "status": "draft", "total": 1.5, "locked": True}, {"id": None, "lines": None}],
        [{"tags": ["anything", 1], "notes": {"any": "thing"}, "lines": [{"memo": "", "links": []}]}],
    ],
)
def test_a_value_of_the_published_shape_has_no_differences(value: Any) -> None:
    assert INVOICES.differences(value) == []


@pytest.mark.parametrize(
    ("value", "difference"),
    [
        ({"id": 1}, "the value is {'id': 1}, not array"),
        ([{"unheard_of": 1}], "[].unheard_of is not published"),
        ([{"id": "1"}], "[].id is '1', not integer"),
        ([{"id": True}], "[].id is True, not integer"),
        ([{"total": "1.50"}], "[].total is '1.50', not number"),
        ([{"locked": 0}], "[].locked is 0, not boolean"),
        ([{"status": "void"}], "[].status is 'void', not one of ['draft', 'approved']"),
        ([{"lines": {}}], "[].lines is {}, not array"),
        ([{}, {"lines": [{"memo": ""}, {"memo": 2}]}], "[].lines[].memo is 2, not string"),
    ],
)
def test_each_difference_is_named_with_its_path(value: Any, difference: str) -> None:
    assert INVOICES.differences(value) == [difference]


def test_a_read_only_property_may_be_read_and_not_sent() -> None:
    value: Any = [{"lines": [{"links": []}]}]
    assert INVOICES.differences(value) == []
    assert INVOICES.differences(value, sent=True) == ["[].lines[].links is read-only"]


def test_names_are_those_directly_below_a_path() -> None:
    assert INVOICES.names("[].lines[]") == {"links", "memo"}
    assert Shape({"id": "string", "entity": "object", "entity.id": "string"}).names() == {"id", "entity"}


@pytest.mark.parametrize(("name", "tables"), [("procore", len(OPERATIONS)), ("netsuite", len(RECORDS))])
def test_each_table_names_its_source_and_date(name: str, tables: int) -> None:
    table = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert all(table[key] for key in ("source", "version", "date"))
    assert len(table["properties"]) == tables


def test_the_tables_have_the_properties_that_matter_most() -> None:
    assert record("vendorBill").properties["item.items[].rate"] == "number"
    assert record("vendorCredit").properties["links"] == "array read-only"
    assert response("GET /rest/v1.1/requisitions/{id}").properties["status"] != "string"


@pytest.mark.parametrize("operation", ["GET /rest/v1.1/requisitions", "GET /rest/v1.1/requisitions/{id}"])
def test_the_packages_of_an_invoice_have_no_amounts(operation: str) -> None:
    """`item_packages` group lines and are not read. An amount there would be part of an invoice that no bill has."""
    properties = response(operation).properties
    in_packages = {path.rpartition(".")[2] for path in properties if "item_packages[]." in path}
    assert "title" in in_packages
    assert [name for name in in_packages if any(word in name for word in ("amount", "value", "retain", "total"))] == []
