"""The metadata catalog: a record type's properties as a JSON schema, with the lengths and the custom fields of this account."""

from __future__ import annotations

from typing import Any

from simulators.netsuite.field_types import (
    BODY,
    FieldType,
    custom_types,
    entity_types,
    standard_properties,
    types_of,
)
from simulators.netsuite.forms import label_of
from simulators.netsuite.properties import BILL_TYPE_PROPERTIES, ENTITY_PROPERTIES, ITEM_PROPERTIES, names
from simulators.netsuite.settings import NetSuiteSettings
from simulators.netsuite.wire import NetSuiteError

_REFERENCES = names(
    """
    expenseAccount taxSchedule department class location vendor customForm unitsType parent costCategory incomeAccount
    entity subsidiary postingPeriod currency account terms approvalStatus nextApprover customer job taxCode
    """
)
_LINK = {"$ref": "/services/rest/record/v1/metadata-catalog/nsLink"}
_REFERENCE = {
    "id": {"title": "Internal identifier", "type": "string", "nullable": True},
    "refName": {"title": "Reference Name", "type": "string", "nullable": True},
    "externalId": {"title": "External identifier", "type": "string", "nullable": True},
    "links": {"title": "Links", "type": "array", "readOnly": True, "items": _LINK},
}
_SCALARS = {
    "text": {"type": "string"},
    "number": {"type": "number", "format": "double"},
    "integer": {"type": "integer", "format": "int64"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}


def catalog(record_type: str, settings: NetSuiteSettings) -> dict[str, Any]:
    """Return the schema of a record type: of items, bills and credits, projects and vendors. Raises a 404 for any other."""
    if record_type in BILL_TYPE_PROPERTIES:
        properties = _properties(record_type, BODY, settings, {"tranId": 45, "memo": 999})
        properties["item"] = _sublist(_properties(record_type, "item", settings, {}))
        properties["expense"] = _sublist(_properties(record_type, "expense", settings, {}))
    elif record_type in ITEM_PROPERTIES:
        limits = {"itemId": settings.item_name_max_length, "displayName": settings.display_name_max_length}
        properties = _properties(record_type, BODY, settings, limits if settings.catalog_tells_lengths else {})
    elif record_type in ENTITY_PROPERTIES:
        types = sorted(entity_types(settings, record_type).items())
        properties = {name: _typed(label_of(settings, name), known, known.length) for name, known in types}
    else:
        raise NetSuiteError(f"Record type '{record_type}' does not exist.", status=404, code="NONEXISTENT_ID")
    return {
        "$schema": "http://json-schema.org/draft-06/hyper-schema#",
        "type": "object",
        "properties": properties,
        "x-ns-filterable": [],
    }


def _properties(record_type: str, part: str, settings: NetSuiteSettings, lengths: dict[str, int]) -> dict[str, Any]:
    """Return the properties of a part of a record type; typed if the settings type them, else as texts and references."""
    types = types_of(settings, record_type, part)
    known = sorted(standard_properties(record_type, part) | custom_types(settings, record_type, part).keys())
    return {
        name: _typed(label_of(settings, name), types[name], lengths.get(name, types[name].length))
        if name in types
        else _property(name, lengths)
        for name in known
    }


def _typed(label: str, known: FieldType, length: int) -> dict[str, Any]:
    """Return a property as the catalogs of real accounts have it: `nullable` is true for all, whatever a form demands."""
    schema: dict[str, Any] = {"title": label, **_SCALARS.get(known.kind, {"type": "object"}), "nullable": True}
    if known.kind == "reference":
        schema["properties"] = _REFERENCE
    if known.kind == "multi":
        schema["properties"] = {"items": {"type": "array", "items": {"type": "object", "properties": _REFERENCE}}}
    if length:
        schema["maxLength"] = length
    return {**schema, "x-ns-custom-field": True} if known.custom else schema


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


def _sublist(elements: dict[str, Any]) -> dict[str, Any]:
    element = {"type": "object", "properties": elements}
    return {"type": "object", "properties": {"items": {"type": "array", "items": element}}}
