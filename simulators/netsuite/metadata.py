"""The metadata catalog: a record type's properties as a JSON schema, with the lengths of this account."""

from __future__ import annotations

from typing import Any

from simulators.netsuite.properties import (
    BILL_EXPENSE_LINE_PROPERTIES,
    BILL_ITEM_LINE_PROPERTIES,
    BILL_TYPE_PROPERTIES,
    ITEM_PROPERTIES,
    names,
)
from simulators.netsuite.settings import NetSuiteSettings
from simulators.netsuite.wire import NetSuiteError

_REFERENCES = names(
    """
    expenseAccount taxSchedule department class location vendor customForm unitsType parent costCategory incomeAccount
    entity subsidiary postingPeriod currency account terms approvalStatus nextApprover customer job taxCode
    """
)
_SUBLISTS = frozenset({"item", "expense"})


def catalog(record_type: str, settings: NetSuiteSettings) -> dict[str, Any]:
    """Return the schema of a record type; a 404 for one that clients cannot write here."""
    if record_type in BILL_TYPE_PROPERTIES:
        known = sorted(BILL_TYPE_PROPERTIES[record_type])
        properties = {name: _property(name, {"tranId": 45, "memo": 999}) for name in known}
        properties["item"] = _sublist(BILL_ITEM_LINE_PROPERTIES)
        properties["expense"] = _sublist(BILL_EXPENSE_LINE_PROPERTIES)
    elif record_type in ITEM_PROPERTIES:
        limits = {"itemId": settings.item_name_max_length, "displayName": settings.display_name_max_length}
        lengths = limits if settings.catalog_tells_lengths else {}
        properties = {name: _property(name, lengths) for name in sorted(ITEM_PROPERTIES[record_type])}
    else:
        raise NetSuiteError(f"Record type '{record_type}' does not exist.", status=404, code="NONEXISTENT_ID")
    return {
        "$schema": "http://json-schema.org/draft-06/hyper-schema#",
        "type": "object",
        "properties": properties,
        "x-ns-filterable": [],
    }


def _property(name: str, lengths: dict[str, int]) -> dict[str, Any]:
    if name in _REFERENCES:
        return {
            "title": name,
            "type": "object",
            "properties": {"id": {"type": "string"}, "refName": {"type": "string"}},
        }
    if name in lengths:
        return {"title": name, "type": "string", "maxLength": lengths[name], "nullable": True}
    return {"title": name, "type": "string", "nullable": True}


def _sublist(elements: frozenset[str]) -> dict[str, Any]:
    element = {"type": "object", "properties": {name: _property(name, {}) for name in sorted(elements)}}
    return {"type": "object", "properties": {"items": {"type": "array", "items": element}}}
