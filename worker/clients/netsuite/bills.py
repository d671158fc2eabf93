"""Vendor bills and vendor credits in NetSuite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from worker.clients.fields import read
from worker.clients.netsuite import wire
from worker.clients.netsuite.api import (
    NetSuiteRecords,
    any_of,
    begins_with,
    in_batches,
    is_in,
    literal,
    require_requested,
)
from worker.domain.bills import Bill, Document, FoundBill, NumberKey, number_key
from worker.domain.errors import Blocked, Misconfigured, NotFound, UnexpectedAnswer
from worker.domain.problems import Cause
from worker.domain.refusals import REFUSED

_BILLS_AND_CREDITS = is_in("type", list(wire.SUITEQL_TYPES.values()))
_BILL_HEADS = (
    "SELECT id, type, externalid, tranid, entity, TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS modified "
    f"FROM transaction WHERE {_BILLS_AND_CREDITS} AND"
)
_DOCUMENTS = {name: document for document, name in wire.SUITEQL_TYPES.items()}


@dataclass(frozen=True, slots=True)
class BillHead:
    """A bill or credit as lists show it. `modified`: when it was last changed, in the account's time zone; shows only that it changed."""

    id: str
    external_id: str | None
    vendor_id: str
    document_number: str
    document: Document
    modified: str = ""

    @property
    def number_key(self) -> NumberKey:
        """The key under which the vendor has at most one document."""
        return number_key(self.vendor_id, self.document, self.document_number)


class BillRequests(NetSuiteRecords):
    """Requests for vendor bills and vendor credits."""

    def find_bill_ids(self, *, external_id: str, vendor_id: str, document_number: str, document: Document) -> list[str]:
        """Return the internal ids of bills and credits with our external id, and of this vendor's `document`s with this number.

        Case is ignored in numbers: a bill that a user typed in another case is for the same invoice, and not every account refuses a second
        bill.
        """
        kind = literal(wire.SUITEQL_TYPES[document])
        same_number = f"(({_in_any_case([document_number])}) AND entity = {literal(vendor_id)} AND type = {kind})"
        query = (
            f"SELECT id, externalid, tranid, entity FROM transaction WHERE {_BILLS_AND_CREDITS} AND "
            f"(externalid = {literal(external_id)} OR {same_number}) ORDER BY id ASC"
        )
        return [row.id for row in self._query(wire.IdRow, query)]

    def bills_by_external_id(self, external_ids: Sequence[str]) -> dict[str, list[BillHead]]:
        """Return the bills and credits that exist by their external ids (lower case); one query per 1,000."""
        heads: dict[str, list[BillHead]] = {}
        for batch in in_batches(external_ids):
            for head in self._bill_heads(is_in("externalid", batch)):
                heads.setdefault(str(head.external_id).lower(), []).append(head)
        return heads

    def bills_by_id(self, bill_ids: Sequence[str]) -> dict[str, BillHead]:
        """Return the bills and credits that exist by their internal ids; one query per 1,000."""
        batches = in_batches(bill_ids)
        return {head.id: head for batch in batches for head in self._bill_heads(is_in("id", batch))}

    def bills_of_ours(self, external_id_stem: str, *, after: int) -> list[BillHead]:
        """Return up to 1,000 bills and credits whose external id begins with the stem, by ascending internal id, beginning above `after`."""
        query = f"{_BILL_HEADS} {begins_with('externalid', external_id_stem)}"
        return [_bill_head(row) for row in self._page_after(wire.BillNumberRow, query, after).rows]

    def bills_made_by_us(self, external_id_stem: str) -> int:
        """Return how many bills and credits have an external id that begins with the stem; NetSuite may not count beyond 100,000."""
        ours = begins_with("externalid", external_id_stem)
        query = f"SELECT id FROM transaction WHERE {_BILLS_AND_CREDITS} AND {ours} ORDER BY id ASC"
        _, count = self._first_rows(wire.IdRow, query, limit=1)
        return count

    def bills_numbered(self, vendor_ids: Sequence[str], document_numbers: Sequence[str]) -> list[BillHead]:
        """Return bills and credits of these vendors with these numbers in any case, with any external id; one query per 1,000 of either."""
        return [
            head
            for vendors in in_batches(vendor_ids)
            for numbers in in_batches(document_numbers)
            for head in self._bill_heads(f"{is_in('entity', vendors)} AND ({_in_any_case(numbers)})")
        ]

    def bill(self, bill_id: str) -> FoundBill | None:
        """GET /vendorBill/{id} with its lines, or else /vendorCredit/{id}; None if there is neither."""
        bill = self._bill(bill_id)
        if bill:
            require_requested(bill.id, bill_id)
        return bill

    def bill_by_external_id(self, external_id: str) -> FoundBill | None:
        """GET /vendorBill/eid:{external id}, or else the credit: finds a record as soon as it is committed, which SuiteQL may not."""
        bill = self._bill(f"eid:{external_id}")
        if bill:
            require_requested(bill.external_id, external_id)
        return bill

    def create_bill(self, bill: Bill, *, before_sending: Callable[[], None]) -> str:
        """POST /vendorBill or /vendorCredit: create it and return its internal id; `before_sending` as for Items. Never an upsert: a repeated
        PUT appends lines (ohelp/section_1545295601).

        Raises AlreadyExists, Blocked (PERIOD_CLOSED, a cause of refusals.toml, or BILL_REJECTED), OutcomeUnknown, Transient (not sent),
        Misconfigured.
        """
        body, record_type = wire.bill_body(bill, self._defaults, bill.document), wire.RECORD_TYPES[bill.document]
        try:
            answer = self._api.create(record_type, body, before_sending=before_sending)
        except Blocked as error:
            closed = error.cause is Cause.PERIOD_CLOSED
            # If wbs-sync chose the period, the refusal means that the account allows no date outside of the period.
            not_allowed = bill.posting_period is not None and "not within the date range" in str(error)
            known = error.cause in REFUSED or (closed and not not_allowed)
            cause = error.cause if known else Cause.BILL_REJECTED
            raise Blocked(str(error), cause=cause, facts=error.facts) from error
        return self._created_id(answer, record_type, bill.external_id)

    def _bill_heads(self, where: str) -> Iterator[BillHead]:
        return map(_bill_head, self._query(wire.BillNumberRow, f"{_BILL_HEADS} {where} ORDER BY id ASC"))

    def _bill(self, identity: str) -> FoundBill | None:
        for document, record_type in wire.RECORD_TYPES.items():
            try:
                answer = self._api.get(f"{record_type}/{identity}", params={"expandSubResources": "true"})
            except NotFound:
                continue
            except (Blocked, Misconfigured, UnexpectedAnswer):
                if document is Document.BILL or self._defaults.makes_credits:
                    raise
                # Credits are read even if none are created now. An account that does not show them has none from wbs-sync.
                continue
            return read(wire.VendorBillRow, answer.json()).bill(document)
        return None


def _bill_head(row: wire.BillNumberRow) -> BillHead:
    return BillHead(row.id, row.externalid, row.entity, row.tranid, _DOCUMENTS[row.type], row.modified)


def _in_any_case(numbers: Sequence[str]) -> str:
    """Return a condition for these numbers in any case; also as written, since NetSuite's upper case may differ from Python's (ß)."""
    as_written = is_in("tranid", numbers)
    return any_of(as_written, is_in("UPPER(tranid)", sorted({number.upper() for number in numbers})))
