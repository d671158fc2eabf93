"""Checks typed values as they are written, and returns them as a record that is read has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulators.netsuite import bodies
from simulators.netsuite.accounts import full_name
from simulators.netsuite.bodies import Body
from simulators.netsuite.field_types import FieldType, types_of
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import RECORD_PATH, NetSuiteError, invalid_value


def typed(state: NetSuiteState, record_type: str, part: str, body: Body, path: str = "") -> Body:
    """Return `body` with checked values. Raises NetSuiteError for a value of another type, and for an id that its list does not have.

    An entry that is inactive is refused like one that does not exist ("You have entered an Invalid Field Value N for the following field").
    """
    types = types_of(state.settings, record_type, part)
    if not types:
        return body
    return {
        name: _value(state, types[name], body, name, path) if name in types and value is not None else value
        for name, value in body.items()
    }


def shown_fields(
    state: NetSuiteState, record_type: str, part: str, fields: Body, *, expand: bool = True
) -> dict[str, Any]:
    """Return stored values as the response to a GET: references with their names, multi-select fields complete with `expand` only."""
    types = types_of(state.settings, record_type, part)
    if not types:
        return fields
    return {name: shown_value(state, types.get(name), value, expand) for name, value in fields.items()}


def shown_value(state: NetSuiteState, known: FieldType | None, value: Any, expand: bool) -> Any:
    """Return a stored value as the response to a GET. `known`: its type; None for a value that is shown as it is stored."""
    if known is None or value is None:
        return value
    if known.kind == "reference":
        return _named(state, known, value)
    if known.kind == "multi":
        items = [_named(state, known, each) for each in value["items"]]
        return {"links": [], "items": items, "totalResults": len(items)} if expand else {"links": []}
    if isinstance(value, Decimal):
        return float(value)  # the number that was sent, not rounded to cents
    return value


def _value(state: NetSuiteState, known: FieldType, body: Body, name: str, path: str) -> Any:
    value = body[name]
    if known.kind == "reference":
        return _reference(state, known, body, name, path)
    if known.kind == "multi":
        chosen = bodies.lines(body, name)
        return {"items": [_reference(state, known, {name: each}, name, path) for each in chosen]}
    if known.kind == "date":
        return bodies.date({f"{path}{name}": value}, f"{path}{name}", name.lower())
    fits = {
        "text": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "number": isinstance(value, int | Decimal) and not isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
    }
    if not fits[known.kind]:
        raise NetSuiteError(
            f"Invalid value for the resource or sub-resource field '{path}{name}'. Provide a valid value.",
            code="INVALID_CONTENT",
            path=f"{path}{name}",
        )
    return bodies.within(value, name, known.length, "refuse") if known.length else value


def _reference(state: NetSuiteState, known: FieldType, body: Body, name: str, path: str) -> Body:
    chosen = bodies.reference(body, name, path)
    if known.list:
        shelf = state.listed(known.list)
        entry = shelf.get(str(chosen)) if shelf is not None else None
        if entry is None or entry.isinactive:
            raise invalid_value(chosen, name.lower(), f"{path}{name}")
    return {"id": chosen}


def _named(state: NetSuiteState, known: FieldType, value: Any) -> Any:
    """Return a reference with the name of its entry and the address of the entry's record, as seen in responses of real accounts.

    A class below another one was seen with its full name; how a subsidiary below another one is shown is not known.
    """
    shelf = state.listed(known.list) if known.list else None
    if not isinstance(value, dict):
        return value
    entry = shelf.get(str(value.get("id"))) if shelf is not None else None
    if shelf is None or entry is None:
        return {"links": [], **value}
    name = entry.name if known.list == "subsidiary" else full_name(shelf, entry)
    address = f"{RECORD_PATH}/{known.list}/{entry.id}"
    return {"links": [{"rel": "self", "href": address}], "id": entry.id, "refName": name}
