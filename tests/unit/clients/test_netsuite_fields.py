"""Further fields in a request, and records and schemas of any type as they are read: nothing is lost or changed in between."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clients.test_netsuite_wire import PLAIN
from worker.clients.netsuite import catalog, wire
from worker.clients.netsuite.wire import AccountDefaults
from worker.domain.bills import Bill, BillLine, Document
from worker.domain.field_kinds import FieldKind, FieldValue, convert
from worker.domain.items import ItemNeed

REFERENCE = FieldValue(FieldKind.REFERENCE, "5")
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=2).map(str)
IDS = st.integers(min_value=-5, max_value=10**18).map(str)
TEXTS: dict[FieldKind, st.SearchStrategy[str]] = {
    FieldKind.TEXT: st.text(min_size=1, max_size=40),
    FieldKind.NUMBER: NUMBERS,
    FieldKind.INTEGER: st.integers(-(10**9), 10**9).map(str),
    FieldKind.BOOLEAN: st.sampled_from(("true", "false")),
    FieldKind.DATE: st.dates().map(str),
    FieldKind.REFERENCE: IDS,
    FieldKind.MULTI_SELECT: st.lists(IDS, min_size=1, max_size=4).map(",".join),
}


@given(st.sampled_from(FieldKind).flatmap(lambda kind: TEXTS[kind].map(lambda text: convert(text, kind))))
def test_what_is_sent_is_what_was_shown(value: FieldValue) -> None:
    sent = json.loads(json.dumps(wire.properties({"custbody_x": value})), parse_float=Decimal)
    read = catalog.text_fields(sent)["custbody_x"]
    if value.kind in (FieldKind.NUMBER, FieldKind.INTEGER):
        assert Decimal(read) == Decimal(value.text)
    else:
        assert read == value.text


def test_fields_are_added_to_the_record_and_its_lines() -> None:
    item = wire.item_body(ItemNeed("x", "24-01", "", {"class": REFERENCE}), PLAIN, display_name_limit=60)
    assert item["class"] == {"id": "5"}
    line = BillLine("7", Decimal("1.00"), "work", fields={"location": REFERENCE})
    bill = Bill("e", "712", "33", "A-1", date(2026, 9, 30), "memo", (line,), fields={"department": REFERENCE})
    body = wire.bill_body(bill, AccountDefaults(item_type="otherChargePurchaseItem"), Document.BILL)
    assert body["department"] == {"id": "5"}
    assert body["item"]["items"][0]["location"] == {"id": "5"}


def test_a_record_is_read_as_text_without_what_is_empty_or_no_value() -> None:
    record = {
        "id": "33", "terms": {"id": "4", "refName": "Net 30", "links": []}, "email": "", "isInactive": False, "limit": Decimal("1.50"),
        "custentity_regions": {"items": [{"id": "1"}, {"id": "2"}]}, "addressBook": {"links": []}, "phone": None, "links": [],
    }  # fmt: skip
    assert catalog.text_fields(record) == {
        "id": "33",
        "terms": "4",
        "isInactive": "false",
        "limit": "1.50",
        "custentity_regions": "1,2",
    }


REFERENCE_SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}, "refName": {"type": "string"}}}
SCHEMA = {
    "properties": {
        "memo": {"type": "string"},
        "custbody_text": {"type": "string"},
        "custbody_day": {"type": "string", "format": "date"},
        "custbody_flag": {"type": "boolean"},
        "custbody_count": {"type": "integer", "format": "int64"},
        "custbody_amount": {"type": "number", "format": "double"},
        "cseg_phase": REFERENCE_SCHEMA,
        "custbody_many": {"type": "object", "properties": {"items": {"type": "array", "items": REFERENCE_SCHEMA}}},
        "custbody_odd": {"type": "array"},
        "item": {"properties": {"items": {"items": {"properties": {"custcol_type": REFERENCE_SCHEMA, "rate": {"type": "number"}}}}}},
    }
}  # fmt: skip


def test_the_catalog_says_the_kind_of_each_custom_field() -> None:
    assert catalog.custom_kinds(SCHEMA) == {
        "custbody_text": FieldKind.TEXT,
        "custbody_day": FieldKind.DATE,
        "custbody_flag": FieldKind.BOOLEAN,
        "custbody_count": FieldKind.INTEGER,
        "custbody_amount": FieldKind.NUMBER,
        "cseg_phase": FieldKind.REFERENCE,
        "custbody_many": FieldKind.MULTI_SELECT,
    }
    assert catalog.custom_kinds(SCHEMA, "item") == {"custcol_type": FieldKind.REFERENCE}


@pytest.mark.parametrize("schema", [None, [], "x", {}, {"properties": []}, {"properties": {"custbody_x": 5}}])
def test_a_catalog_in_another_format_has_no_custom_fields(schema: Any) -> None:
    assert catalog.custom_kinds(schema) == {}
    assert catalog.custom_kinds(schema, "item") == {}
