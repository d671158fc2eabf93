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
from worker.domain.wbs_codes import Project, WbsCode
from worker.sync.billables import Billable
from worker.sync.export_preview import ExportPreview
from worker.sync.field_sources import FieldSources

Rows = tuple[tuple[str, str], ...]
NO_INVOICE = "the project has no invoice that is to be billed"
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
    """The fields that one record would get, with names. `note`: why none is shown; `problem`: why it cannot be written, "" if it can."""

    record: str
    fields: Rows
    note: str = ""
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
        """Return what an Item of the project's first active code, and the bill of an invoice that is not billed yet, would get."""
        tried = [self._tried_item(project, code) for code in self.remotes.procore.list_active_codes(project.id)[:1]]
        heads = [one for one in self.remotes.procore.list_invoices(project.id, export_statuses) if not one.origin_id]
        if not heads:
            return [*tried, Tried("bill", (), NO_INVOICE)]
        newest = max(heads, key=lambda head: head.id)
        return [*tried, self._tried_bill(project, newest.id, newest.label)]

    def _tried_item(self, project: Project, code: WbsCode) -> Tried:
        record = f"Item of code {code.flat_code}"
        (fields,) = self.sources.of_items(project, [code])
        if isinstance(fields, Blocked):
            return Tried(record, (), problem=describe(fields.cause, fields.facts).sentence)
        return Tried(record, self.sources.names.shown(fields))

    def _tried_bill(self, project: Project, invoice_id: int, label: str) -> Tried:
        record = f"bill of invoice {label}"
        try:
            ready = self.preview.of(InvoiceKey(project.id, invoice_id))
            if not isinstance(ready, Billable):
                return Tried(record, (), note=f"it would not be billed: {ready.reason or ready.kind}")
            items = dict.fromkeys(ready.invoice.wbs_code_ids, PLACEHOLDER_ITEM)
            bill = self.preview.billables.completed(ready, self.preview.drafts.draft(ready, items))
        except Blocked as error:
            return Tried(record, (), problem=describe(error.cause, error.facts).sentence)
        return Tried(record, self.sources.names.of_bill(bill))


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
