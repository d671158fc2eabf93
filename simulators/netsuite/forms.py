"""What the form that the integration's role uses demands.

A setting names a field as "vendorBill:department", or "vendorBill:item.location" for each line of a sublist. "item" stands for all
types of Items; without a record type, the field is one of bills and credits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from simulators.netsuite.properties import LABELS
from simulators.netsuite.records import ITEM_TYPES
from simulators.netsuite.settings import NetSuiteSettings
from simulators.netsuite.wire import missing_value


def check_mandatory(settings: NetSuiteSettings, record_type: str, shown: dict[str, Any]) -> None:
    """Refuse a record without a value in a field that the form makes mandatory. `shown`: the record as a GET with its sublists has it.

    The text is that of real accounts (walk of an account with a mandatory department; Airbyte's NetSuite tests). Whether one refusal names
    one missing field or all is not documented: setting `missing_fields_at_once`. No source says that a form's fields are checked on
    creation only, so the whole record is checked at an update too.
    """
    missing = [
        (label_of(settings, name), path)
        for name in _fields_of(settings.mandatory_fields, record_type)
        for path, value in _values(shown, name)
        if _is_empty(value)
    ]
    if missing:
        labels = list(dict.fromkeys(label for label, _ in missing))
        raise missing_value(", ".join(labels) if settings.missing_fields_at_once else labels[0], missing[0][1])


def label_of(settings: NetSuiteSettings, name: str) -> str:
    """Return the name of a field in the user interface: the account's own, else the published one, else words made from its property."""
    name = name.rpartition(".")[2]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return settings.field_labels.get(name) or LABELS.get(name) or words[:1].upper() + words[1:]


def _fields_of(entries: Iterable[str], record_type: str) -> Iterator[str]:
    groups = {record_type, "item" if record_type in ITEM_TYPES else ""}
    for entry in entries:
        group, _, name = entry.rpartition(":")
        if group in groups:
            yield name


def _values(shown: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Yield the JSON path and the value of a field of the body, or of a field of each line."""
    sublist, _, field = name.rpartition(".")
    if not sublist:
        yield name, shown.get(name)
        return
    for place, line in enumerate(shown.get(sublist, {}).get("items", [])):
        yield f"{sublist}.items[{place}].{field}", line.get(field)


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return not value.get("id") and not value.get("items")
    return value is None or value == ""
