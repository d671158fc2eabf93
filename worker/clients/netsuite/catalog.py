"""Records of any type as text, and the kinds of custom fields in an account's metadata catalog."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from worker.clients.fields import label
from worker.clients.netsuite.wire import id_in
from worker.domain.field_kinds import CUSTOM, FieldKind


def text_fields(record: Any) -> dict[str, str]:
    """Return the fields of any record as text: references as internal ids, multi-select fields as ids separated by commas; empty ones are left out."""
    values = {name: _as_text(value) for name, value in record.items()} if isinstance(record, dict) else {}
    return {name: text for name, text in values.items() if text}


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        rows = value.get("items")
        return ",".join(filter(None, map(id_in, rows))) if isinstance(rows, list) else id_in(value)
    if isinstance(value, bool):
        return str(value).lower()
    return label(str(value)) if isinstance(value, str | int | Decimal) else ""


def custom_kinds(schema: Any, sublist: str = "") -> dict[str, FieldKind]:
    """Return the kinds of the custom fields of a record's JSON schema, or of a sublist's lines (docs/remotes.md, fields)."""
    path = ("properties", sublist, "properties", "items", "items", "properties") if sublist else ("properties",)
    for name in path:
        schema = schema.get(name) if isinstance(schema, dict) else None
    fields = schema.items() if isinstance(schema, dict) else ()
    return {name: kind for name, field in fields if CUSTOM.fullmatch(name) and (kind := _kind_of(field))}


def _kind_of(field: Any) -> FieldKind | None:
    if not isinstance(field, dict):
        return None
    parts = field.get("properties")
    if isinstance(parts, dict):
        return FieldKind.MULTI_SELECT if "items" in parts else FieldKind.REFERENCE if "id" in parts else None
    if field.get("type") == "string":
        return FieldKind.DATE if field.get("format") == "date" else FieldKind.TEXT
    kinds = {"number": FieldKind.NUMBER, "integer": FieldKind.INTEGER, "boolean": FieldKind.BOOLEAN}
    return kinds.get(str(field.get("type")))
