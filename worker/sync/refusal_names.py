"""Names in place of ids: completes the problem of a refused write with what its sentence shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.errors import Blocked, SyncError, Transient
from worker.domain.links import Entity
from worker.domain.problems import Cause
from worker.domain.refusals import LISTS, REFUSED, RecordKind, kind_of, line_for
from worker.domain.series import Series
from worker.store.stores import Stores

CACHED_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class RefusalNames:
    """Looks up the records that refusals name, each once a day."""

    stores: Stores
    remotes: Remotes

    def explained(self, error: Blocked, series: Series, record: str) -> Blocked:
        """Return a refusal with the facts of its sentence; any other problem unchanged. `record`: what was refused, for a sentence."""
        if error.cause not in REFUSED:
            return error
        facts = {**error.facts, "record": record, **self._named(error.cause, error.facts)}
        if error.cause is Cause.FIELD_REQUIRED:
            facts["line"] = line_for(series, facts["field"], facts.get("path", ""))
        return Blocked(str(error), cause=error.cause, facts=facts)

    def _named(self, cause: Cause, facts: Mapping[str, str]) -> dict[str, str]:
        """Return the facts that name a record, with its name."""
        of_currency = cause is Cause.CURRENCY_NOT_OF_VENDOR
        field = "currency" if of_currency else facts.get("field") or facts.get("path") or "without a name"
        named = {"field": field, "value": self._value(field, facts.get("value", ""))}
        if subsidiary := facts.get("subsidiary"):
            named["subsidiary"] = self._label(RecordKind.SUBSIDIARY, subsidiary)
        if entity := facts.get("entity"):
            named["entity"] = f"the vendor {self._label(RecordKind.VENDOR, entity)}"
        return named

    def _value(self, field: str, value: str) -> str:
        kind = kind_of(field)
        if kind and value.isdecimal():
            return f"the {kind} {self._label(kind, value)}"
        return f"{field} {value}" if value else "the value"

    def _label(self, kind: RecordKind, record_id: str) -> str:
        name = self._name(kind, record_id)
        return f"{name!r} (id {record_id})" if name else record_id

    def _name(self, kind: RecordKind, record_id: str) -> str:
        """Return the name of a record; "" if NetSuite does not show it."""
        key = f"name:{kind}:{record_id}"
        cached = self.stores.cache.get(key)
        if cached is None:
            try:
                cached = self._looked_up(kind, record_id)
            except Transient:
                return ""
            except SyncError:
                # The role does not see the table, which its next refusal would only repeat.
                cached = ""
            self.stores.cache.put(key, cached, seconds=CACHED_SECONDS)
        return str(cached)

    def _looked_up(self, kind: RecordKind, record_id: str) -> str:
        netsuite = self.remotes.netsuite
        look_ups: Mapping[RecordKind, Callable[[], str]] = {
            RecordKind.VENDOR: lambda: _first(netsuite.linked_vendors(internal_id=record_id, external_id="")),
            RecordKind.PROJECT: lambda: _first(netsuite.linked_jobs(internal_id=record_id, external_id="")),
            RecordKind.ITEM: lambda: item.name if (item := netsuite.item(record_id)) else "",
            RecordKind.ACCOUNT: lambda: account[0] if (account := netsuite.account(record_id)) else "",
        }
        return look_ups[kind]() if kind in look_ups else netsuite.entry_name(LISTS[kind], record_id) or ""


def _first(entities: Sequence[Entity]) -> str:
    return entities[0].name if entities else ""
