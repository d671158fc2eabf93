"""Checks of the file with NetSuite's fields: each field exists, each record that it names exists and is active."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from worker.domain.errors import Blocked, Misconfigured, UnexpectedAnswer
from worker.domain.field_kinds import LISTS, FieldKind, Place, convert
from worker.domain.fields import FieldRule
from worker.inspect.account_fields import FieldViews, described
from worker.inspect.checks import Check, NamedCheck, failed, passed, warning

CHECK = "Fields of [{place}]"


@dataclass(frozen=True, slots=True)
class FieldChecks:
    """One check for each table of the file. `makes_credits`: whether vendor credits are created."""

    views: FieldViews
    makes_credits: bool

    def checks(self) -> Iterator[NamedCheck]:
        """Return the checks in order, with their names; none without a file."""
        for place in self.views.sources.fields.rules:
            if self.makes_credits or place not in (Place.CREDIT, Place.CREDIT_LINE):
                yield CHECK.format(place=place), partial(self._place, place)

    def _place(self, place: Place) -> Check:
        record_type = self.views.record_type(place)
        catalog = self.views.sources.custom_kinds(record_type, place)
        # A credit leaves out the fields of bills that it does not have.
        rules = [
            rule
            for rule in self.views.sources.fields.of(place)
            if rule.kind or rule.name in catalog or not rule.inherited
        ]
        unknown = [rule.name for rule in rules if rule.kind is None and rule.name not in catalog]
        if unknown:
            fix = "Correct the name in netsuite-fields.toml, or add its `kind` if the role cannot read the catalog."
            return failed(f"the metadata catalog shows no field {', '.join(unknown)} of {record_type}", fix)
        shown, missing, unread = [], [], []
        for rule in rules:
            kind = rule.kind or catalog[rule.name]
            try:
                values = [(text, *self._named(rule, kind, text)) for text in rule.constants]
            except ValueError as error:
                fix = "Correct the value in netsuite-fields.toml."
                return failed(f"{rule.name} {error}", fix)
            except (Blocked, Misconfigured, UnexpectedAnswer) as error:
                unread.append(f"{rule.name} ({error})")
                values = []
            missing += [f"{rule.name} {text}: {why}" for text, _, why in values if why]
            names = ", ".join(f"{text} = {name}" for text, name, _ in values if name)
            shown.append(f"{rule.name}: {described(rule)}{f' ({names})' if names else ''}")
        if missing:
            fix = "Choose other records in netsuite-fields.toml, or reactivate them in NetSuite. Ids differ between sandbox and production."
            return failed("; ".join(missing), fix)
        if unread:
            fix = "Grant the role permission to view these lists."
            return warning(f"could not be read: {'; '.join(unread)}", fix)
        return passed("; ".join(shown))

    def _named(self, rule: FieldRule, kind: FieldKind, text: str) -> tuple[str, str]:
        """Return the name of the records that a value of the file refers to, and what is wrong with it; both "" if that cannot be known."""
        value = convert(text, kind)
        table = LISTS.get(rule.name)
        if not table or not value.ids:
            return "", ""
        found = self.views.remotes.netsuite.names_in(table, value.ids)
        for entry_id in value.ids:
            if entry_id not in found:
                return "", f"NetSuite has no {table} with this id"
            if found[entry_id][1]:
                return "", f"{found[entry_id][0]} is inactive"
        return ", ".join(found[entry_id][0] for entry_id in value.ids), ""
