"""Sets the further fields of new Items and bills (`worker/domain/fields.py`), and reads what they are taken from.

Nothing is read for an installation without such fields, and otherwise only the records that its fields are taken from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from worker.clients.netsuite.wire import RECORD_TYPES
from worker.clients.procore.client import ProcorePages
from worker.clients.remotes import Remotes
from worker.domain.bills import Bill, BillLine, Document
from worker.domain.errors import Blocked, Misconfigured, NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.field_kinds import FieldKind, FieldValue, Place
from worker.domain.fields import AccountFields, FieldRule, field_values
from worker.domain.fields_file import BY_LABEL
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Record, State
from worker.domain.policy import Policy
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project, Segment, WbsCode
from worker.store.stores import Stores
from worker.sync.field_names import FieldNames
from worker.sync.links import Links

T = TypeVar("T")
RECORD_SECONDS = 60
"""Seconds for which fields of a vendor or project are cached, as for links to them."""
CATALOG_SECONDS = 86_400
SEGMENTS_SECONDS = 900
FIELDS, FIELDS_OF = "fields", "fields_of"
"""Facts of a waiting Item: its further fields as text, and the digest of the file that they are from."""
SEGMENT = "wbs.segment."
_SOURCE_OF_SEGMENT = {"cost_code": "wbs.cost_code", "line_item_type": "wbs.cost_type"}
_PLACES = {Document.BILL: (Place.BILL, Place.BILL_LINE), Document.CREDIT: (Place.CREDIT, Place.CREDIT_LINE)}


@dataclass(frozen=True, slots=True)
class FieldSources:
    """Sets the fields that the installation's file names."""

    stores: Stores
    remotes: Remotes
    policy: Policy
    links: Links
    pages: ProcorePages

    @property
    def names(self) -> FieldNames:
        """The names of the records that fields refer to."""
        return FieldNames(self.stores, self.remotes)

    @property
    def fields(self) -> AccountFields:
        """The fields of the file."""
        return self.policy.fields

    def of_items(self, project: Project, codes: Iterable[WbsCode]) -> Iterator[dict[str, FieldValue] | Blocked]:
        """Yield the fields of each code's new Item, or the problem of one without a value. What all codes share is read once."""
        try:
            kinds = self._kinds(self.remotes.netsuite.item_type, Place.ITEM)
            shared = self._of_project(project, Place.ITEM) | self._of_netsuite_project(project, "", Place.ITEM)
            names = self._names_of_segments(project.id, Place.ITEM)
        except Blocked as error:
            yield from (_named_as(_item(code), {"code": code.flat_code}, error) for code in codes)
            return
        for code in codes:
            found = shared | _of_code(code.flat_code, code.description, code.segments, names)
            try:
                yield field_values(self.fields.of(Place.ITEM), kinds, found)
            except Blocked as error:
                yield _named_as(_item(code), {"code": code.flat_code}, error)

    def of_bill(self, invoice: Invoice, project: Project, bill: Bill) -> Bill:
        """Return the bill of an invoice with its fields and those of its lines. Raises Blocked if one has no value."""
        place, of_lines = _PLACES[bill.document]
        if not (self.fields.of(place) or self.fields.of(of_lines)):
            return bill
        record_type = RECORD_TYPES[bill.document]
        try:
            found = self._of_project(project, place, of_lines) | self._of_invoice(invoice, place, of_lines)
            found |= self._of_netsuite_project(project, bill.job_id, place, of_lines)
            found |= self._of_vendor(bill.vendor_id, place, of_lines)
            names = self._names_of_segments(project.id, of_lines)
            fields = field_values(self.fields.of(place), self._kinds(record_type, place), found)
            kinds = self._kinds(record_type, of_lines)
            lines = tuple(
                replace(
                    line,
                    fields=field_values(self._rules_of(line, of_lines), kinds, found | _of_line(invoice, line, names)),
                )
                for line in bill.lines
            )
        except Blocked as error:
            record = f"the {bill.document} of invoice {invoice.label} ({invoice.vendor_name})"
            raise _named_as(record, invoice.facts, error) from error
        return replace(bill, fields=fields, lines=lines)

    def _rules_of(self, line: BillLine, place: Place) -> list[FieldRule]:
        """Return the rules of a line. One without a WBS code, such as retainage, has no values of a code: only a default applies to it."""
        has_code = line.of_line is not None
        return [rule for rule in self.fields.of(place) if has_code or rule.default is not None or not rule.reads("wbs")]

    def _of_project(self, project: Project, *places: Place) -> dict[str, str]:
        values = {"id": str(project.id), "number": project.number or "", "name": project.name}
        if self.fields.reads("project.custom_field", *places):
            values |= self._cached(
                f"project_custom_fields:{project.id}",
                lambda: self.remotes.procore.project_custom_fields(project.id),
                "project.custom_field",
                seconds=RECORD_SECONDS,
            )
        return self._with_labels("project", values, *places)

    def _with_labels(self, record: str, values: Mapping[str, str], *places: Place) -> dict[str, str]:
        """Return the values of a Procore record as sources, and its custom fields by label too where a rule names one so."""
        found = {f"{record}.{name}": value for name, value in values.items()}
        if labels := self.fields.names_below(f"{record}.{BY_LABEL}", *places):
            read = self.remotes.procore.custom_field_ids
            ids = self._cached("custom_fields", read, f"{record}.{BY_LABEL}", seconds=SEGMENTS_SECONDS)
            for label in labels:
                # Of two fields with one label, none is chosen.
                if len(ids.get(label, ())) == 1:
                    found[f"{record}.{BY_LABEL}{label}"] = values.get(f"custom_field_{ids[label][0]}", "")
        return found

    def _cached(self, key: str, read: Callable[[], T], sources: str, *, seconds: int) -> T:
        """Return a cached value, or read it. `sources`: the beginning of the sources that need it, for a problem. Raises Blocked if the app may
        not read it.
        """
        known: T | None = self.stores.cache.get(key)
        if known is None:
            try:
                known = read()
            except (NotFound, NotPermitted) as error:
                facts = {"sources": f"{sources}…", "answer": str(error)}
                raise Blocked(str(error), cause=Cause.FIELD_SOURCE_UNREADABLE, facts=facts) from error
            self.stores.cache.put(key, known, seconds=seconds)
        return known

    def _of_invoice(self, invoice: Invoice, *places: Place) -> dict[str, str]:
        values = {
            "id": str(invoice.id),
            "number": invoice.number,
            "document_number": invoice.document_number,
            "billing_date": invoice.billing_date.isoformat() if invoice.billing_date else "",
            "commitment_id": str(invoice.commitment_id),
            "url": self.pages.invoices(invoice.project_id),
            **invoice.further,
        }
        return self._with_labels("invoice", values, *places)

    def _names_of_segments(self, project_id: int, place: Place) -> dict[str, str]:
        """Return the names of the project's segments by id, if a rule names one; lists of codes have them, invoice lines do not."""
        if not self.fields.names_below(SEGMENT, place):
            return {}
        read = partial(self.remotes.procore.segment_names, project_id)
        return self._cached(f"segments:{project_id}", read, SEGMENT, seconds=SEGMENTS_SECONDS)

    def _of_netsuite_project(self, project: Project, job_id: str, *places: Place) -> dict[str, str]:
        """Return the fields of the project in NetSuite; `job_id`: its id, "" to look it up. Raises Blocked if it is not linked."""
        if not self.fields.reads("netsuite_project", *places):
            return {}
        return self._of_record("netsuite_project", "job", job_id or self.links.job(project).id)

    def _of_vendor(self, vendor_id: str, *places: Place) -> dict[str, str]:
        return self._of_record("vendor", "vendor", vendor_id) if self.fields.reads("vendor", *places) else {}

    def _of_record(self, source: str, record_type: str, record_id: str) -> dict[str, str]:
        """Return the fields of a NetSuite record that some rule reads."""
        key = f"record:{record_type}:{record_id}:{self.fields.digest}"
        read = partial(self._read_record, source, record_type, record_id)
        return self._cached(key, read, f"{source}.", seconds=RECORD_SECONDS)

    def _read_record(self, source: str, record_type: str, record_id: str) -> dict[str, str]:
        try:
            record = self.remotes.netsuite.record_fields(record_type, record_id)
        except NotFound:
            record = {}
        wanted = self.fields.names_below(f"{source}.", *Place)
        return {f"{source}.{name}": text for name, text in record.items() if name in wanted}

    def _kinds(self, record_type: str, place: Place) -> dict[str, FieldKind]:
        """Return the kinds of the custom fields whose kind the file does not say. Raises Blocked for one that the catalog does not show; one that a
        credit inherits is left out instead.
        """
        if all(rule.kind for rule in self.fields.of(place)):
            return {}
        known = self.custom_kinds(record_type, place)
        for rule in self.fields.of(place):
            if rule.kind is None and rule.name not in known and not rule.inherited:
                facts = {"field": rule.name, "place": f"[{place}]", "record_type": record_type}
                raise Blocked(cause=Cause.FIELD_UNKNOWN, facts=facts)
        return known

    def custom_kinds(self, record_type: str, place: Place) -> dict[str, FieldKind]:
        """Return the custom fields of a record type, or of its lines, by the account's catalog; none if the role may not read it."""
        sublist = "item" if place.is_line else ""
        key = f"custom_fields:{record_type}:{sublist}:{self.fields.digest}"
        known = self.stores.cache.get(key)
        if known is None:
            try:
                known = self.remotes.netsuite.custom_field_kinds(record_type, sublist=sublist)
            except (Blocked, Misconfigured, NotFound, UnexpectedAnswer):
                # The catalog needs a separate permission. The file can say the kind of a field.
                known = {}
            wanted = {rule.name for rule in self.fields.of(place) if rule.kind is None}
            # A field that is missing may be added to the account at any time.
            self.stores.cache.put(key, known, seconds=CATALOG_SECONDS if wanted <= known.keys() else RECORD_SECONDS)
        return {name: FieldKind(kind) for name, kind in known.items()}


def _of_line(invoice: Invoice, line: BillLine, names: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a line and of its WBS code. `names`: of the project's segments, by id."""
    found = {"line.description": line.description, "line.amount_kind": line.amount_kind}
    if line.of_line is None:
        return found
    billed = invoice.lines[line.of_line]
    code = _of_code(billed.flat_code, billed.code_description, billed.segments, names)
    return found | {"line.description": billed.description} | code


def _of_code(flat_code: str, description: str, segments: Iterable[Segment], names: Mapping[str, str]) -> dict[str, str]:
    found = {"wbs.flat_code": flat_code, "wbs.description": description}
    for segment in segments:
        if source := _SOURCE_OF_SEGMENT.get(segment.kind):
            found[source] = segment.code
        if name := segment.name or names.get(str(segment.segment_id), ""):
            found[f"{SEGMENT}{name}"] = segment.code
    return found


def _item(code: WbsCode) -> str:
    return f"the Item of code {code.flat_code}"


def _named_as(record: str, facts: Mapping[str, str], error: Blocked) -> Blocked:
    """Return a problem with one of a record's fields, with the record's name."""
    return Blocked(str(error), cause=error.cause, facts={**facts, **error.facts, "record": record})


def facts_of(fields: Mapping[str, FieldValue], file: AccountFields) -> dict[str, str]:
    """Return the further fields of an Item as facts of its record while it waits, so that any process sets what the plan showed."""
    if Place.ITEM not in file.rules:
        return {}
    text = json.dumps({name: [value.kind, value.text] for name, value in fields.items()})
    return {FIELDS: text, FIELDS_OF: file.digest}


def is_of_other_file(record: Record, file: AccountFields) -> bool:
    """Return whether a waiting code was looked up with another file of fields."""
    digest = file.digest if Place.ITEM in file.rules else ""
    return record.state is State.WAITING and record.facts.get(FIELDS_OF, "") != digest


def from_text(text: str) -> dict[str, FieldValue]:
    """Return the fields in the text of such a record."""
    return {name: FieldValue(FieldKind(kind), value) for name, (kind, value) in json.loads(text).items()}
