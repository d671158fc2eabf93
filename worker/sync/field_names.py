"""Shows fields with the names of the records they refer to, for plans and `wbs-sync fields`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.bills import Bill
from worker.domain.errors import Blocked, Misconfigured, UnexpectedAnswer
from worker.domain.field_kinds import LISTS, FieldValue
from worker.store.stores import Stores

NAMES_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Looks up names of list entries, such as departments; cached for an hour."""

    stores: Stores
    remotes: Remotes

    def shown(self, fields: Mapping[str, FieldValue]) -> tuple[tuple[str, str], ...]:
        """Return each field with its value for people: `department`, `Field Operations (id 5)`."""
        return tuple((name, self._shown(name, value)) for name, value in fields.items())

    def of_bill(self, bill: Bill) -> tuple[tuple[str, str], ...]:
        """Return the further fields of a bill, and of its lines as `line 1 location`."""
        rows = list(self.shown(bill.fields))
        for number, line in enumerate(bill.lines, 1):
            rows += [(f"line {number} {name}", value) for name, value in self.shown(line.fields)]
        return tuple(rows)

    def _shown(self, name: str, value: FieldValue) -> str:
        if not value.ids:
            return value.text
        return ", ".join(self._named(LISTS.get(name, ""), entry_id) for entry_id in value.ids)

    def _named(self, table: str, entry_id: str) -> str:
        name = self._name(table, entry_id) if table else ""
        return f"{name} (id {entry_id})" if name else f"id {entry_id}"

    def _name(self, table: str, entry_id: str) -> str:
        key = f"entry:{table}:{entry_id}"
        known = self.stores.cache.get(key)
        if known is None:
            try:
                known = self.remotes.netsuite.names_in(table, [entry_id]).get(entry_id, ("", False))[0]
            except (Blocked, Misconfigured, UnexpectedAnswer):
                # The role may not see this list; the id is shown.
                known = ""
            self.stores.cache.put(key, known, seconds=NAMES_SECONDS)
        return str(known)
