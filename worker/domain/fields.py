"""What the fields of a new Item, bill or line are set to: a value of the file, or one taken from Procore or NetSuite.

Only new records get these values. They are no part of the comparison of both systems: an accountant may change them afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType

from worker.domain.errors import Blocked
from worker.domain.field_kinds import FieldKind, FieldValue, Place, convert
from worker.domain.problems import Cause

NO_VALUES: Mapping[str, FieldValue] = MappingProxyType({})
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""A source in a text, such as {invoice.number}."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What one field is set to. `kind`: None for a custom field whose kind the account's catalog knows.

    `source`: where the value comes from, such as "vendor.terms"; "" for a fixed value. `text`: a text with sources in braces. `values`: the
    value for each value of the source; empty to use the source as it is. `default`: the fixed value, or the value where the source has none; ""
    to leave the field out there, None to open a problem instead. `add_days`: days to add to a date of the source. `inherited`: of a
    credit without its own table: the field of a bill, left out if credits do not have it.
    """

    place: Place
    name: str
    kind: FieldKind | None
    source: str = ""
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    add_days: int = 0
    inherited: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that it reads."""
        return tuple(PLACEHOLDER.findall(self.text)) if self.text else (self.source,) if self.source else ()

    @property
    def constants(self) -> tuple[str, ...]:
        """The values that the file itself contains."""
        return (*self.values.values(), *([self.default] if self.default else []))

    def reads(self, record: str) -> bool:
        """Return whether it reads fields of a record such as `vendor`, or some of them, such as `project.custom_field`."""
        return any(source.startswith(record) for source in self.sources)

    def value(self, kind: FieldKind, found: Mapping[str, str]) -> FieldValue | None:
        """Return the value for a record, or None to leave the field out. `found`: the values of its sources.

        Raises Blocked if it has no value, or one of another kind.
        """
        taken = self._taken(found)
        text = self.default if taken is None else taken
        if text is None:
            raise Blocked(cause=Cause.FIELD_SOURCE_EMPTY, facts=self._facts(found))
        if not text:
            return None
        try:
            value = convert(text, kind)
            return value if taken is None else self._later(value)
        except (ValueError, OverflowError) as error:
            facts = self._facts(found) | {
                "difference": "is too far in the future" if isinstance(error, OverflowError) else str(error)
            }
            raise Blocked(cause=Cause.FIELD_SOURCE_UNUSABLE, facts=facts) from error

    def _taken(self, found: Mapping[str, str]) -> str | None:
        """Return the value by its sources as text; None if one that it needs is empty, or is not in the map."""
        if self.text:
            values = [found.get(source, "") for source in self.sources]
            return PLACEHOLDER.sub(lambda match: found[match[1]], self.text) if all(values) else None
        taken = found.get(self.source, "") if self.source else ""
        return self.values.get(taken) if self.values else taken or None

    def _later(self, value: FieldValue) -> FieldValue:
        if not self.add_days:
            return value
        if value.kind is not FieldKind.DATE:
            raise ValueError("is not a date, so `add_days` cannot be applied")
        return FieldValue(value.kind, (date.fromisoformat(value.text) + timedelta(days=self.add_days)).isoformat())

    def _facts(self, found: Mapping[str, str]) -> dict[str, str]:
        shown = ", ".join(f"{source} is {found.get(source) or 'empty'}" for source in self.sources)
        return {"field": self.name, "place": f"[{self.place}]", "sources": shown}


Rules = tuple[FieldRule, ...]


@dataclass(frozen=True, slots=True)
class AccountFields:
    """The fields of new records, by place; a place without fields is left out. `digest`: of the file, "" without one."""

    rules: Mapping[Place, Rules] = field(default_factory=dict)
    digest: str = ""

    def of(self, place: Place) -> Rules:
        """Return the rules of a place."""
        return self.rules.get(place, ())

    def __bool__(self) -> bool:
        return bool(self.rules)

    def names_below(self, beginning: str, *places: Place) -> frozenset[str]:
        """Return the rest of each source with this beginning, such as the fields after `vendor.`, that the rules of these places read."""
        sources = (source for place in places for rule in self.of(place) for source in rule.sources)
        return frozenset(source.removeprefix(beginning) for source in sources if source.startswith(beginning))

    def reads(self, record: str, *places: Place) -> bool:
        """Return whether the rules of these places, or of all, read fields of a record such as `vendor`."""
        return any(rule.reads(record) for place in places or self.rules for rule in self.of(place))


def field_values(
    rules: Iterable[FieldRule], kinds: Mapping[str, FieldKind], found: Mapping[str, str]
) -> dict[str, FieldValue]:
    """Return the fields of one record, by name. `kinds`: of custom fields, by name. `found`: the values of the sources that have one.

    Raises Blocked for the first field that has no value, or one of another kind.
    """
    used = [(rule, rule.kind or kinds.get(rule.name)) for rule in rules]
    values = {rule.name: rule.value(kind, found) for rule, kind in used if kind}
    return {name: value for name, value in values.items() if value}
