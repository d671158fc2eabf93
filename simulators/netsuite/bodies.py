"""Reads request bodies: JSON, property names, references, numbers and dates."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from simulators.netsuite.wire import NetSuiteError, invalid_value, missing_value

Body = dict[str, Any]
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]+")  # ohelp/section_156334828635


@dataclass
class NameCheck:
    """Handles property names that the record does not have (header X-NetSuite-PropertyNameValidation).

    "Error" refuses the request; "Warning", the default, and "Ignore" drop the property without informing the client.
    """

    strict: bool
    error_code: str
    custom_fields: Collection[str]
    dropped: list[str] = field(default_factory=list)

    def keep_known(self, body: Body, known: frozenset[str], place: str = "") -> Body:
        """Return `body` without the properties that are not `known`. `place`: JSON path of the object."""
        unknown = [name for name in body if name not in known and name not in self.custom_fields]
        if not unknown:
            return body
        if self.strict:
            raise NetSuiteError(
                f"Error while accessing a resource. Unknown reference or property name '{unknown[0]}'.",
                code=self.error_code,
                path=f"{place}{unknown[0]}",
            )
        self.dropped.extend(f"{place}{name}" for name in unknown)
        return {name: value for name, value in body.items() if name not in unknown}


def read_body(raw: bytes) -> Body:
    """Return the JSON object of a request; numbers with a decimal point are Decimals, never floats."""
    try:
        body = json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise NetSuiteError("Error while parsing the request body: it is not JSON.", code="INVALID_CONTENT") from error
    if not isinstance(body, dict):
        raise NetSuiteError("The request body has to be a JSON object.", code="INVALID_CONTENT")
    return body


def external_id_of(value: str) -> str:
    """Return `value` if it can be an external id: only letters, digits, _ and -."""
    if not EXTERNAL_ID.fullmatch(value):
        raise NetSuiteError(
            f"Invalid external ID '{value}'. Use letters, numbers, underscores and hyphens.", code="INVALID_ID"
        )
    return value


def reference(body: Body, name: str, place: str = "") -> str | None:
    """Return the internal id of a reference, or None if it is absent or null.

    Only {"id": "…"} is documented for bodies (ohelp/section_1545142037); other references are refused.
    """
    value = body.get(name)
    if value is None:
        return None
    given = value.get("id") if isinstance(value, dict) else value
    if isinstance(given, bool) or not isinstance(given, int | str) or not str(given).isdecimal():
        raise NetSuiteError(
            f"Invalid value for the resource or sub-resource field '{place}{name}'. Provide a valid value.",
            code="INVALID_CONTENT",
            path=f"{place}{name}",
        )
    return str(given)


def text(body: Body, name: str, limit: int | None = None, *, too_long: str = "refuse") -> str:
    """Return a text property, "" if it is absent or null. `too_long`: "refuse", "cut" or "take" a text of more than `limit` characters."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NetSuiteError(
            f"Invalid value for the resource or sub-resource field '{name}'.", code="INVALID_CONTENT", path=name
        )
    return value if limit is None else within(value, name, limit, too_long)


def within(value: str, name: str, limit: int, too_long: str) -> str:
    """Return `value`. If it is longer than `limit`, it is refused, cut or taken, as `too_long` says."""
    if len(value) <= limit or too_long == "take":
        return value
    if too_long == "cut":
        return value[:limit]
    raise NetSuiteError(
        f"Error while accessing a resource. The field {name} contained more than the maximum number ( {limit} ) of "
        "characters allowed.",
        path=name,
    )


def number(body: Body, name: str, place: str = "") -> Decimal | None:
    """Return an exact number; None if it is absent or null."""
    value = body.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        exact = Decimal(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise invalid_value(value, name, f"{place}{name}") from error
    if not exact.is_finite():
        raise invalid_value(value, name, f"{place}{name}")
    return exact


def date(body: Body, name: str, label: str) -> str | None:
    """Return a date as YYYY-MM-DD; None if it is absent or null."""
    value = body.get(name)
    if value is None:
        return None
    try:
        return datetime.date.fromisoformat(value).isoformat()
    except (TypeError, ValueError) as error:
        raise invalid_value(value, label, name) from error


def lines(body: Body, sublist: str) -> list[Body]:
    """Return the elements of a sublist: {"items": [...]}."""
    value = body.get(sublist)
    if value is None:
        return []
    elements = value.get("items") if isinstance(value, dict) else None
    if not isinstance(elements, list) or not all(isinstance(each, dict) for each in elements):
        raise NetSuiteError(
            f"Invalid value for the resource or sub-resource field '{sublist}'.", code="INVALID_CONTENT", path=sublist
        )
    return elements


def required(value: str | None, label: str, path: str) -> str:
    """Return `value`. Refuses the request if there is none."""
    if not value:
        raise missing_value(label, path)
    return value
