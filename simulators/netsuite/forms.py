"""What the form that the integration's role uses demands and hides.

A setting names a field as "vendorBill:department", or "vendorBill:item.location" for each line of a sublist. "item" stands for all
types of Items; without a record type, the field is one of bills and credits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from simulators.netsuite.bodies import Body, lines
from simulators.netsuite.properties import LABELS
from simulators.netsuite.records import ITEM_TYPES
from simulators.netsuite.settings import NetSuiteSettings
from simulators.netsuite.wire import NetSuiteError, missing_value


def check_hidden(settings: NetSuiteSettings, record_type: str, body: Body) -> None:
    """Raise a 400 with the code of a missing permission for a property that the role's form hides (NetSweet/netsuite#124).

    The code is that of a missing permission although the refusal is about one field of one record.
    """
    for name in _fields_of(settings.hidden_on_form, record_type):
        path = next((path for path, line, field in _places(body, name) if field in line), None)
        if path is not None:
            raise NetSuiteError(
                f"You do not have permissions to set a value for element {name.lower()} due to one of the following reasons: "
                "1) The field is read-only; 2) An associated feature is disabled; 3) The field is available either when a "
                "record is created or updated, but not in both cases.",
                code="INSUFFICIENT_PERMISSION",
                path=path,
            )


def check_mandatory(settings: NetSuiteSettings, record_type: str, shown: Body) -> None:
    """Refuse a record without a value in a field that the form makes mandatory. `shown`: the record as a GET with its sublists has it.

    The text is that of real accounts; that an update checks the whole record too is seen in public code ("PATCH re-validates the whole
    record"). Whether one refusal names one missing field or all is not documented: setting `missing_fields_at_once`.
    """
    missing = [
        (label_of(settings, name), path)
        for name in _fields_of(settings.mandatory_fields, record_type)
        for path, line, field in _places(shown, name)
        if _is_empty(line.get(field))
    ]
    if missing:
        labels = list(dict.fromkeys(label for label, _ in missing))
        raise missing_value(", ".join(labels) if settings.missing_fields_at_once else labels[0], missing[0][1])


def label_of(settings: NetSuiteSettings, name: str) -> str:
    """Return the name of a field in the user interface: the account's own, else the published one, else words made from its property."""
    name = name.rpartition(".")[2]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    custom = str(settings.custom_field_types.get(name, {}).get("label", ""))
    return settings.field_labels.get(name) or custom or LABELS.get(name) or words[:1].upper() + words[1:]


def _fields_of(entries: Iterable[str], record_type: str) -> Iterator[str]:
    groups = {record_type, "item" if record_type in ITEM_TYPES else ""}
    for entry in entries:
        group, _, name = entry.rpartition(":")
        if group in groups:
            yield name


def _places(body: Body, name: str) -> Iterator[tuple[str, Body, str]]:
    """Yield the JSON path of a field, the body or line that may have it, and its name there: once, or for each line of a sublist."""
    sublist, _, field = name.rpartition(".")
    if not sublist:
        yield name, body, name
        return
    for place, line in enumerate(lines(body, sublist)):
        yield f"{sublist}.items[{place}].{field}", line, field


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return not value.get("id") and not value.get("items")
    return value is None or value == ""
