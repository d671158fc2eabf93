"""Custom fields of projects and invoices: their definitions, their values, and both as Procore's JSON ("custom-fields" reference page)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from simulators.company import Company
from simulators.company.model import CustomField

FIRST_ID = 598
FIRST_OPTION_ID = 90_001


def define(company: Company, label: str, data_type: str, options: list[str]) -> CustomField:
    """Add a definition, and return it. `options`: the labels of a list's entries. Raises ValueError for an unknown type."""
    if data_type not in _READERS:
        raise ValueError(f"no such type of a custom field: {data_type}; known: {', '.join(_READERS)}")
    taken = sum(len(each.options) for each in company.custom_fields.values())
    ids = {option: FIRST_OPTION_ID + taken + place for place, option in enumerate(options)}
    definition = CustomField(FIRST_ID + len(company.custom_fields), label, data_type, ids)
    company.custom_fields[definition.id] = definition
    return definition


def checked(definition: CustomField, value: Any) -> Any:
    """Return a value of a field; entries of a list are given by label. None empties the field. Raises ValueError for another type."""
    if value is None:
        return None
    try:
        return _READERS[definition.data_type](definition, value)
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"{value!r} is no value of {definition.label} ({definition.data_type})") from error


def shown_values(company: Company, values: dict[int, Any]) -> dict[str, Any]:
    """Return the property `custom_fields` of a project or an invoice."""
    return {
        f"custom_field_{each}": {"data_type": company.custom_fields[each].data_type, "value": value}
        for each, value in values.items()
    }


def shown_definition(definition: CustomField, company: Company) -> dict[str, Any]:
    """Return a definition. The values of `variant` are not published."""
    return {
        "id": definition.id,
        "label": definition.label,
        "active": definition.active,
        "company_id": company.company_id,
        "data_type": definition.data_type,
        "variant": None,
        "description": None,
        "default_value": None,
    }


def _text(definition: CustomField, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(definition: CustomField, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _entry(definition: CustomField, label: Any) -> dict[str, Any]:
    return {"id": definition.options[label], "label": label}


def _entries(definition: CustomField, labels: Any) -> list[dict[str, Any]]:
    return [_entry(definition, label) for label in labels]


# The types in the published responses of projects and requisitions.
_READERS: dict[str, Callable[[CustomField, Any], Any]] = {
    "string": _text,
    "decimal": lambda _, value: float(Decimal(value)),
    "boolean": _flag,
    "lov_entry": _entry,
    "lov_entries": _entries,
}
