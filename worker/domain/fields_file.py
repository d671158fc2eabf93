"""Reads the tables of the file with an account's fields, and reports each fault in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from worker.domain.field_kinds import CUSTOM, OURS, STANDARD, FieldKind, Place, convert
from worker.domain.fields import AccountFields, FieldRule, Rules

KEYS = ("from", "text", "value", "map", "default", "add_days", "kind")
SOURCES: Mapping[str, frozenset[str]] = {
    "invoice": frozenset(
        (
            "id",
            "number",
            "document_number",
            "url",
            "billing_date",
            "period_start",
            "period_end",
            "commitment_id",
            "commitment_title",
        )
    ),
    "line": frozenset(("description", "amount_kind")),
    "wbs": frozenset(("flat_code", "cost_code", "cost_type", "description")),
    "project": frozenset(("id", "number", "name")),
}
"""The values of Procore's records that fields can be set from."""
CUSTOMIZED = ("invoice", "project")
"""Records of Procore with custom fields, by label (`invoice.custom_field.Region`) or id (`invoice.custom_field_598`)."""
FORM = "customForm"
"""A form belongs to one type of transactions, so credits do not take that of bills."""
BY_LABEL = "custom_field."
ANY_FIELD = ("netsuite_project", "vendor")
"""Records of NetSuite of which any field can be used."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CUSTOM_FIELD = re.compile(r"custom_field_[0-9]{1,19}")
_OF_PLACE: Mapping[str, tuple[Place, ...]] = {
    "invoice": (Place.BILL, Place.BILL_LINE, Place.CREDIT, Place.CREDIT_LINE),
    "vendor": (Place.BILL, Place.BILL_LINE, Place.CREDIT, Place.CREDIT_LINE),
    "line": (Place.BILL_LINE, Place.CREDIT_LINE),
    "wbs": (Place.ITEM, Place.BILL_LINE, Place.CREDIT_LINE),
}
"""The places that have a source; all places have the others."""
_PREFIXES = {
    "custitem": (Place.ITEM,),
    "custbody": (Place.BILL, Place.CREDIT),
    "custcol": (Place.BILL_LINE, Place.CREDIT_LINE),
}


class InvalidFields(Exception):
    """The file cannot be used. `faults`: one sentence each, which begins with the place of the fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def account_fields(tables: Mapping[str, Any], digest: str) -> AccountFields:
    """Return the rules of a file's tables. Raises InvalidFields with all faults."""
    faults: list[str] = []
    rules: dict[Place, Rules] = {}
    given: set[Place] = set()
    for name, table in tables.items():
        if name == "refusals":
            # The account's own texts of refusals: clients/netsuite/refusals.py.
            continue
        if name not in ("item", "bill", "credit"):
            faults.append(
                f"[{name}]: is not a table of this file; there are [item], [bill], [bill.line], [credit] and [credit.line]."
            )
            continue
        for place, fields in _parts(name, table, faults):
            if fields:
                given.add(place)
            rules[place] = tuple(_rules(place, fields, faults))
    if faults:
        raise InvalidFields(faults)
    return AccountFields(_with_credits(rules, given), digest)


def _parts(name: str, table: Any, faults: list[str]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Yield a table, and the one of its lines."""
    if not isinstance(table, dict):
        faults.append(f"[{name}]: must be a table with a line for each field.")
        return
    lines = table.get("line", {}) if name != "item" else {}
    if not isinstance(lines, dict):
        faults.append(f"[{name}.line]: must be a table with a line for each field.")
        lines = {}
    yield Place(name), {key: value for key, value in table.items() if key != "line" or name == "item"}
    if "line" in table and name != "item":
        yield Place(f"{name}.line"), lines


def _with_credits(rules: dict[Place, Rules], given: set[Place]) -> dict[Place, Rules]:
    """Use the fields of bills for credits where the file has none for them, except fields that credits do not have."""
    for credit, bill in ((Place.CREDIT, Place.BILL), (Place.CREDIT_LINE, Place.BILL_LINE)):
        if credit not in given:
            rules[credit] = tuple(
                replace(rule, place=credit, inherited=True)
                for rule in rules.get(bill, ())
                if _is_custom(rule.name) or (rule.name in STANDARD[credit] and rule.name != FORM)
            )
    return {place: fields for place, fields in rules.items() if fields}


def _rules(place: Place, fields: Mapping[str, Any], faults: list[str]) -> Iterator[FieldRule]:
    for name, given in fields.items():
        try:
            yield _rule(place, name, given)
        except ValueError as error:
            faults.append(f"[{place}] {name}: {error}.")


def _rule(place: Place, name: str, given: Any) -> FieldRule:
    """Return the rule of one line of the file. Raises ValueError with the end of a sentence."""
    kind = _standard_kind(place, name)
    if not isinstance(given, dict):
        return _checked(FieldRule(place, name, kind, default=_constant(given)))
    if unknown := sorted(set(given) - set(KEYS)):
        raise ValueError(f"has the unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
    if "kind" in given:
        kind = _given_kind(given["kind"], kind)
    if "value" in given:
        if others := sorted(set(given) - {"value", "kind"}):
            raise ValueError(f"has a fixed `value`, so it cannot have `{others[0]}`")
        return _checked(FieldRule(place, name, kind, default=_constant(given["value"])))
    source, text = given.get("from", ""), given.get("text", "")
    if not isinstance(source, str) or not isinstance(text, str):
        raise ValueError("has a `from` or `text` that is not text")
    if bool(source) == bool(text):
        raise ValueError("needs either `from` with a source, `text` with sources in braces, or a fixed `value`")
    values = given.get("map", {})
    if not isinstance(values, dict) or (text and values) or ("map" in given and not values):
        raise ValueError("has a `map` that is not a table of values of its source")
    days = given.get("add_days", 0)
    if not isinstance(days, int) or isinstance(days, bool) or abs(days) > 3650:
        raise ValueError("has `add_days` that is not a number of days up to 3650")
    if days and kind not in (FieldKind.DATE, None):
        raise ValueError("has `add_days`, but is not a date")
    mapped = {str(key): _constant(value) for key, value in values.items()}
    default = given.get("default")
    default = default if default in (None, "") else _constant(default)
    return _checked(FieldRule(place, name, kind, source, text, mapped, default, days))


def _checked(rule: FieldRule) -> FieldRule:
    """Return a rule whose sources exist at its place and whose values are of its kind. Raises ValueError otherwise."""
    for source in rule.sources:
        _require_source(rule.place, source)
    if rule.text and not rule.sources:
        raise ValueError("has no sources in `text`; give a fixed value without `text`")
    if rule.kind is not None:
        for text in rule.constants:
            convert(text, rule.kind)
    return rule


def _standard_kind(place: Place, name: str) -> FieldKind | None:
    """Return the kind of a standard field; None for a custom one. Raises ValueError if the file may not set it here."""
    known = STANDARD[place].get(name)
    if known:
        return known
    if name in OURS:
        raise ValueError(f"cannot be set here: {OURS[name]}")
    if not _is_custom(name):
        near = [other for other in STANDARD if name in STANDARD[other] and other is not place]
        hint = (
            f"; it is a field of [{near[0]}]"
            if near
            else "; names are those of NetSuite's REST API, such as dueDate or custbody_region"
        )
        raise ValueError(f"is not a field that can be set here{hint}")
    places = next((places for prefix, places in _PREFIXES.items() if name.startswith(prefix)), tuple(Place))
    if place not in places:
        raise ValueError(f"is a field of [{places[0]}]")
    return None


def _given_kind(given: Any, standard: FieldKind | None) -> FieldKind:
    if not isinstance(given, str) or given not in set(FieldKind):
        raise ValueError(f"has an unknown `kind`; the kinds are {', '.join(FieldKind)}")
    if standard not in (None, FieldKind(given)):
        raise ValueError(f"is of the kind {standard}")
    return FieldKind(given)


def _require_source(place: Place, source: str) -> None:
    record, _, name = source.partition(".")
    if record not in SOURCES and record not in ANY_FIELD:
        raise ValueError(f"has the unknown source {source!r}; sources begin with {', '.join((*SOURCES, *ANY_FIELD))}")
    if place not in _OF_PLACE.get(record, tuple(Place)):
        raise ValueError(f"has the source {source!r}, which [{place}] does not have")
    if not _is_field_of(record, name):
        names = ", ".join(f"{record}.{each}" for each in sorted(SOURCES.get(record, ())))
        raise ValueError(
            f"has the unknown source {source!r}; there are {names or f'the fields of the {record} record'}{_further(record)}"
        )


def _is_field_of(record: str, name: str) -> bool:
    if record in ANY_FIELD:
        return _NAME.fullmatch(name) is not None
    if record == "wbs" and name.startswith("segment."):
        return bool(name.removeprefix("segment.").strip())
    if record in CUSTOMIZED and (_CUSTOM_FIELD.fullmatch(name) or name.removeprefix(BY_LABEL).strip() != name.strip()):
        return bool(name.removeprefix(BY_LABEL).strip())
    return name in SOURCES[record]


def _further(record: str) -> str:
    if record == "wbs":
        return " and wbs.segment.NAME"
    return f" and {record}.custom_field.LABEL" if record in CUSTOMIZED else ""


def _constant(value: Any) -> str:
    """Return a value of the file as text: TOML has texts, numbers, booleans, dates and lists of texts."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and value:
        return ",".join(_constant(each) for each in value)
    if isinstance(value, str | int | float) or hasattr(value, "isoformat"):
        text = value.isoformat() if hasattr(value, "isoformat") else str(value)
        if text.strip():
            return text
    raise ValueError("has no value; leave the field out, or give an internal id or text")


def _is_custom(name: str) -> bool:
    return CUSTOM.fullmatch(name) is not None
