"""Custom fields of Procore's records. They only decide further fields in NetSuite, so an unreadable one counts as missing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from worker.clients.fields import Id, Label, label
from worker.clients.procore.row import ProcoreRow

CUSTOM_FIELD = re.compile(r"custom_field_[0-9]{1,19}")


class CustomFieldRow(ProcoreRow):
    """GET /rest/v1.1/companies/{id}/custom_field_definitions."""

    id: Id
    label: Label = ""
    active: Any = True


class ProjectCustomFieldsRow(ProcoreRow):
    """GET /rest/v1.0/projects/{id}, of which only the custom fields are used."""

    custom_fields: Any = None


def custom_values(fields: Any) -> dict[str, str]:
    """Return the custom fields of a record that have a value as text, by their names."""
    entries = fields.items() if isinstance(fields, dict) else ()
    values = {name: _custom_value(entry) for name, entry in entries if CUSTOM_FIELD.fullmatch(str(name))}
    return {name: value for name, value in values.items() if value}


def _custom_value(entry: Any) -> str:
    """Return the `value` of a custom field: that of an entry of a list is its label, several are separated by commas."""
    value = entry.get("value") if isinstance(entry, dict) else None
    parts = value if isinstance(value, list) else [value]
    return ",".join(filter(None, map(_scalar, parts)))


def _scalar(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("label")
    if isinstance(value, bool):
        return str(value).lower()
    return label(str(value)) if isinstance(value, str | int | Decimal) else ""
