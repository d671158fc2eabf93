"""Shows the further fields of new records: what the account knows, what the file sets, and what records of one project would get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.clients.netsuite.wire import RECORD_TYPES
from worker.clients.remotes import Remotes
from worker.domain.bills import Document
from worker.domain.errors import Blocked
from worker.domain.field_kinds import STANDARD, FieldKind, Place
from worker.domain.fields import FieldRule
from worker.domain.identities import InvoiceKey
from worker.domain.problems import describe
from worker.domain.wbs_codes import Project
from worker.sync.billables import Billable
from worker.sync.export_preview import ExportPreview
from worker.sync.field_sources import FieldSources

Rows = tuple[tuple[str, str], ...]
PLACEHOLDER_ITEM = "0"
"""The Item's id on the lines of a bill that is only shown."""


@dataclass(frozen=True, slots=True)
class KnownField:
    """A field that the file can set. `set_to`: what the file sets it to, "" if nothing; `custom`: whether it is a field of this account alone."""

    place: Place
    name: str
    kind: FieldKind
    custom: bool
    set_to: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """The fields that one record would get, with names. `problem`: why it cannot be written, "" if it can."""

    record: str
    fields: Rows
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FieldViews:
    """Answers for `wbs-sync fields`. Reads only."""

    remotes: Remotes
    sources: FieldSources
    preview: ExportPreview

    def known(self) -> list[KnownField]:
        """Return the standard fields, and the account's custom fields by its metadata catalog."""
        return [one for place in Place for one in self._known(place)]

    def _known(self, place: Place) -> Iterator[KnownField]:
        rules = {rule.name: rule for rule in self.sources.fields.of(place)}
        for name, kind in STANDARD[place].items():
            yield KnownField(place, name, kind, custom=False, set_to=described(rules.get(name)))
        for name, kind in sorted(self.sources.custom_kinds(self.record_type(place), place).items()):
            yield KnownField(place, name, kind, custom=True, set_to=described(rules.get(name)))

    def record_type(self, place: Place) -> str:
        """Return the record type that has the fields of a place."""
        if place is Place.ITEM:
            return self.remotes.netsuite.item_type
        is_bill = place in (Place.BILL, Place.BILL_LINE)
        return RECORD_TYPES[Document.BILL if is_bill else Document.CREDIT]

    def tried(self, project: Project, export_statuses: tuple[str, ...]) -> list[Tried]:
        """Return what an Item of the project's first active code and a bill of its newest invoice would get."""
        results = []
        if codes := self.remotes.procore.list_active_codes(project.id):
            record = f"Item of code {codes[0].flat_code}"
            try:
                results.append(Tried(record, self.sources.names.shown(self.sources.of_item(project, codes[0]))))
            except Blocked as error:
                results.append(Tried(record, (), describe(error.cause, error.facts).sentence))
        heads = self.remotes.procore.list_invoices(project.id, export_statuses)
        if heads:
            results.append(self._tried_bill(project, heads[-1].id, heads[-1].label))
        return results

    def _tried_bill(self, project: Project, invoice_id: int, label: str) -> Tried:
        record = f"bill of invoice {label}"
        try:
            ready = self.preview.of(InvoiceKey(project.id, invoice_id))
            if not isinstance(ready, Billable):
                return Tried(record, (), f"it would not be billed: {ready.reason or ready.kind}")
            items = dict.fromkeys(ready.invoice.wbs_code_ids, PLACEHOLDER_ITEM)
            bill = self.sources.of_bill(ready.invoice, project, self.preview.drafts.draft(ready, items))
        except Blocked as error:
            return Tried(record, (), describe(error.cause, error.facts).sentence)
        rows = list(self.sources.names.shown(bill.fields))
        for number, line in enumerate(bill.lines, 1):
            rows += [(f"line {number} {name}", value) for name, value in self.sources.names.shown(line.fields)]
        return Tried(record, tuple(rows))


def described(rule: FieldRule | None) -> str:
    """Describe what a rule sets a field to; "" without a rule."""
    if rule is None:
        return ""
    if not rule.sources:
        return rule.default or ""
    taken = rule.text or rule.source
    days = f", {rule.add_days:+} days" if rule.add_days else ""
    otherwise = "" if rule.default is None else f", else {rule.default or 'left out'}"
    return f"{taken}{' by a map' if rule.values else ''}{days}{otherwise}"
