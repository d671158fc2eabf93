"""NetSuite, method by method. Every request holds a slot at the gate; writes that got no answer raise OutcomeUnknown."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.clients.fields import RowT, read, read_list
from worker.clients.http import Answer, Transport
from worker.clients.netsuite import suiteql, wire
from worker.clients.netsuite.auth import NetSuiteAddress
from worker.clients.netsuite.errors import Unauthorized, error_of
from worker.domain.errors import (
    Blocked,
    Misconfigured,
    NoRoom,
    NotFound,
    OutcomeUnknown,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.identities import OUR_ITEMS, same_external_id
from worker.domain.invoices import Bill, Document, FoundBill, NumberKey, number_key
from worker.domain.items import OTHER_CHARGE, USABLE_SUBTYPES, FoundItem, ItemNeed
from worker.domain.links import Entity, search_pattern, words_of
from worker.domain.posting_periods import PostingPeriod
from worker.domain.problems import Cause
from worker.domain.responses import no_response, response_seen
from worker.domain.scopes import QUERY, Remote, doing, permission, scope_of
from worker.domain.wbs_codes import ITEM_NAME_LIMIT
from worker.store.cache import Cache
from worker.store.gate import Gate, Precedence
from worker.store.tokens import Tokens

ROWS_PER_PAGE = 1000
MOST_ROWS = 100_000
"""What a query gives in all (ohelp/section_156414087576)."""
BACK_OFF_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Waits after 429 and 401, each spread by chance; after the last, or where NetSuite names a longer one, the work itself waits."""
SENT_WITHIN_SECONDS = 30.0
"""How long after the check before a create its first byte may leave. Connecting takes 10 s at most; a process that stood still for
longer may have lost its lock, and another one may be writing the same record. The ledger's own limit ends before the connection is made.
"""
NAME_LIMIT_REMEMBERED_SECONDS = 86_400
_OF_ANY_BILL = suiteql.is_in("type", list(wire.SUITEQL_TYPES.values()))
_BILL_COLUMNS = (
    "SELECT id, type, externalid, tranid, entity, TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS modified "
    "FROM transaction"
)
_DOCUMENTS = {name: document for document, name in wire.SUITEQL_TYPES.items()}
_ITEM_COLUMNS = "SELECT id, itemid, externalid, displayname, itemtype, subtype, isinactive FROM item WHERE"


@dataclass(frozen=True, slots=True)
class Page:
    """Items by ascending internal id, and how many there are from the first of them on."""

    items: Sequence[FoundItem]
    in_all: int

    @property
    def last(self) -> bool:
        """Whether nothing comes after it."""
        return len(self.items) < ROWS_PER_PAGE


@dataclass(frozen=True, slots=True)
class BillHead:
    """What a list of bills tells of one. `modified`: when it was last changed, in the account's own time zone; serves to see what changed."""

    id: str
    external_id: str | None
    vendor_id: str
    document_number: str
    document: Document
    modified: str = ""

    @property
    def number_key(self) -> NumberKey:
        """Under which the vendor has at most one document."""
        return number_key(self.vendor_id, self.document, self.document_number)


class NetSuite:
    """One account, for one precedence at the gate."""

    def __init__(
        self,
        address: NetSuiteAddress,
        defaults: wire.AccountDefaults,
        *,
        transport: Transport,
        tokens: Tokens,
        gate: Gate,
        cache: Cache,
        precedence: Precedence,
    ) -> None:
        self._records = f"{address.base_url}/services/rest/record/v1"
        self._suiteql = f"{address.base_url}/services/rest/query/v1/suiteql"
        self._defaults = defaults
        self._transport = transport
        self._tokens = tokens
        self._gate = gate
        self._cache = cache
        self._precedence = precedence

    @property
    def subsidiary_id(self) -> str:
        """The subsidiary that records are written to; "" where the account has none."""
        return self._defaults.subsidiary_id

    def log_in(self) -> None:
        """Get a new token, whatever token is at hand: shows whether key and certificate are taken. Raises Misconfigured when not."""
        self._tokens.renew()

    # Items

    def find_items(
        self, *, external_ids: Sequence[str], names: Sequence[str], ignoring_case: bool = False
    ) -> list[FoundItem]:
        """Items with one of these external ids or names, of whatever type, inactive ones too.

        One query per 1,000 codes. `ignoring_case`: also names that differ in case only; slower, asked after NetSuite said
        that a name is taken which the exact look-up does not show.
        """
        found: dict[str, FoundItem] = {}
        for ids, some in zip(*_aligned(external_ids, names), strict=True):
            by_id = suiteql.is_in("externalid", ids) if ids else ""
            by_name = suiteql.is_in("itemid", some) if some else ""
            if ignoring_case and some:
                by_name = suiteql.any_of(by_name, suiteql.is_in("UPPER(itemid)", [name.upper() for name in some]))
            for row in self._query(wire.ItemRow, f"{_ITEM_COLUMNS} {suiteql.any_of(by_id, by_name)} ORDER BY id ASC"):
                found[row.id] = row.item()
        return list(found.values())

    def item_by_external_id(self, external_id: str) -> FoundItem | None:
        """GET /{type}/eid:{external id}: sees a record the moment it is committed, which SuiteQL may not."""
        item_type = self._defaults.item_type
        try:
            body = self._send(
                "GET",
                f"{self._records}/{item_type}/eid:{external_id}",
                params={"fields": "id,itemId,externalId,displayName,isInactive"},
            ).json()
        except NotFound:
            return None
        row = read(wire.ItemRecordRow, body)
        _require_asked_for(row.external_id, external_id)
        subtype = "Resale" if item_type == "otherChargeResaleItem" else "Purchase"
        # The record type in the path is the proof of type and subtype.
        return FoundItem(row.id, row.name, external_id, "OthCharge", subtype, row.inactive, row.display_name)

    def items_made_by_us(self, external_id_stem: str, *, after: int) -> Page:
        """Items whose external id begins so, at most 1,000 of them: those that come after an internal id, by ascending id.

        A query may give no more than 100,000 rows in all (ohelp/section_156414087576), so who wants the next page asks for
        what comes after the last row of this one.
        """
        like = suiteql.literal(external_id_stem + "%")
        query = f"{_ITEM_COLUMNS} externalid LIKE {like} AND id > {after} ORDER BY id ASC"
        rows, in_all = self._counted(wire.ItemRow, query, limit=ROWS_PER_PAGE)
        if any(int(row.id) <= after for row in rows):
            raise UnexpectedAnswer("NetSuite's SuiteQL response repeats itself")
        return Page([row.item() for row in rows], in_all)

    def bills_made_by_us(self, external_id_stem: str) -> int:
        """How many external ids of bills and vendor credits begin so; beyond 100,000 NetSuite may count no further."""
        like = suiteql.literal(external_id_stem + "%")
        query = f"SELECT id FROM transaction WHERE {_OF_ANY_BILL} AND externalid LIKE {like} ORDER BY id ASC"
        _, in_all = self._counted(wire.IdRow, query, limit=1)
        return in_all

    def item(self, item_id: str) -> FoundItem | None:
        """One Item by its internal id, of whatever type."""
        rows = self._query(wire.ItemRow, f"{_ITEM_COLUMNS} id = {suiteql.literal(item_id)} ORDER BY id ASC")
        return next((row.item() for row in rows), None)

    def items(self, item_ids: Sequence[str]) -> dict[str, FoundItem]:
        """Items by their internal ids, of whatever type, for those that exist; one query per 1,000."""
        found: dict[str, FoundItem] = {}
        for some in suiteql.batches(item_ids):
            for row in self._query(wire.ItemRow, f"{_ITEM_COLUMNS} {suiteql.is_in('id', some)} ORDER BY id ASC"):
                found[row.id] = row.item()
        return found

    def names_of_other_items(self, *, only_other_charges: bool = False) -> Iterator[tuple[str, str]]:
        """Internal id and name of every active Item that was not made by us, of whatever type or only Other Charges that a bill may name; 1,000 a query."""
        ours = suiteql.literal(OUR_ITEMS + "%")
        others = f"isinactive = 'F' AND (externalid IS NULL OR externalid NOT LIKE {ours})"
        if only_other_charges:
            others += f" AND itemtype = {suiteql.literal(OTHER_CHARGE)} AND {suiteql.is_in('subtype', USABLE_SUBTYPES)}"
        after, more = 0, True
        while more:
            query = f"SELECT id, itemid FROM item WHERE {others} AND id > {after} ORDER BY id ASC"
            rows, _ = self._counted(wire.ItemNameRow, query, limit=ROWS_PER_PAGE)
            if any(int(row.id) <= after for row in rows):
                raise UnexpectedAnswer("NetSuite's SuiteQL response repeats itself")
            yield from ((row.id, row.itemid) for row in rows)
            more = len(rows) == ROWS_PER_PAGE
            after = int(rows[-1].id) if rows else after

    def create_item(self, need: ItemNeed, *, before_sending: Callable[[], None]) -> str:
        """POST /{type}: the internal id of the new Item. `before_sending` is called with the slot in hand, just before the
        request leaves, again if NetSuite had no room for it; what it raises stops the request.

        Raises AlreadyExists, Blocked (ITEM_REFUSED, with NetSuite's words), OutcomeUnknown, Transient (not sent), Misconfigured.
        """
        body = wire.item_body(need, self._defaults, display_name_limit=ITEM_NAME_LIMIT)
        try:
            answer = self._create(self._defaults.item_type, body, before_sending)
        except Blocked as error:
            raise Blocked(str(error), cause=Cause.ITEM_REJECTED, facts=error.facts | {"name": need.name}) from error
        return self._created_id(answer, self._defaults.item_type, need.external_id)

    def set_item_external_id(self, item: FoundItem, external_id: str) -> None:
        """PATCH /{type}/{id}: marks an adopted Item as ours, whichever of the usable types it has. Setting the same value again changes nothing."""
        path = f"{self._records}/otherCharge{item.subtype}Item/{item.id}"
        self._send("PATCH", path, body={"externalId": external_id}, writes=True)

    def item_name_limit(self) -> int:
        """The account's length of `itemId`: by its profile, else by its metadata catalog (remembered for a day), else 60."""
        if self._defaults.item_name_limit:
            return self._defaults.item_name_limit
        known = self._cache.get("item_name_limit")
        if known is None:
            known = self._asked_name_limit()
            self._cache.put("item_name_limit", known, seconds=NAME_LIMIT_REMEMBERED_SECONDS)
        return int(known)

    # Bills

    def find_bill_ids(
        self,
        *,
        external_id: str,
        vendor_id: str,
        document_number: str,
        document: Document,
    ) -> list[str]:
        """Internal ids of bills and vendor credits with our external id, or `document`s of this vendor with this number.

        A number that differs in case only is the same: whoever typed it by hand billed the same paper, and not every account refuses
        the second one.
        """
        number = _in_any_case([document_number])
        kind = suiteql.literal(wire.SUITEQL_TYPES[document])
        same_number = f"(({number}) AND entity = {suiteql.literal(vendor_id)} AND type = {kind})"
        query = (
            f"SELECT id, externalid, tranid, entity FROM transaction WHERE {_OF_ANY_BILL} AND "
            f"(externalid = {suiteql.literal(external_id)} OR {same_number}) ORDER BY id ASC"
        )
        return [row.id for row in self._query(wire.IdRow, query)]

    def bills_by_external_id(self, external_ids: Sequence[str]) -> dict[str, list[BillHead]]:
        """Bills and vendor credits by our external ids (lower case), for those that exist; one query per 1,000."""
        heads: dict[str, list[BillHead]] = {}
        for some in suiteql.batches(external_ids):
            for head in self._bill_heads(suiteql.is_in("externalid", some)):
                heads.setdefault(str(head.external_id).lower(), []).append(head)
        return heads

    def bills_by_id(self, bill_ids: Sequence[str]) -> dict[str, BillHead]:
        """Bills and vendor credits by their internal ids, for those that exist; one query per 1,000."""
        return {
            head.id: head for some in suiteql.batches(bill_ids) for head in self._bill_heads(suiteql.is_in("id", some))
        }

    def bills_of_ours(self, external_id_stem: str, *, after: int) -> list[BillHead]:
        """Bills and vendor credits whose external id begins so, at most 1,000 of them: those that come after an internal id, by ascending id."""
        where = f"externalid LIKE {suiteql.literal(external_id_stem + '%')} AND id > {after}"
        query = f"{_BILL_COLUMNS} WHERE {_OF_ANY_BILL} AND {where} ORDER BY id ASC"
        rows, _ = self._counted(wire.BillNumberRow, query, limit=ROWS_PER_PAGE)
        if any(int(row.id) <= after for row in rows):
            raise UnexpectedAnswer("NetSuite's SuiteQL response repeats itself")
        return [_bill_head(row) for row in rows]

    def bills_numbered(self, vendor_ids: Sequence[str], document_numbers: Sequence[str]) -> list[BillHead]:
        """Bills and vendor credits of one of these vendors with one of these numbers in any case, whatever their external ids; one query per 1,000
        of either.
        """
        heads: list[BillHead] = []
        for vendors in suiteql.batches(vendor_ids):
            for numbers in suiteql.batches(document_numbers):
                heads += self._bill_heads(f"{suiteql.is_in('entity', vendors)} AND ({_in_any_case(numbers)})")
        return heads

    def bill(self, bill_id: str) -> FoundBill | None:
        """GET /vendorBill/{id} with its lines, or else /vendorCredit/{id}; None when there is neither."""
        found = self._bill(bill_id)
        if found:
            _require_asked_for(found.id, bill_id)
        return found

    def bill_by_external_id(self, external_id: str) -> FoundBill | None:
        """The same by /vendorBill/eid:{external id}: sees a record the moment it is committed, which SuiteQL may not."""
        found = self._bill(f"eid:{external_id}")
        if found:
            _require_asked_for(found.external_id, external_id)
        return found

    def create_bill(self, bill: Bill, *, before_sending: Callable[[], None]) -> str:
        """POST /vendorBill or /vendorCredit: the internal id of the new bill; `before_sending` as for Items. Never an upsert: a
        repeated PUT appends lines (ohelp/section_1545295601).

        Raises AlreadyExists, Blocked (BILL_REFUSED or PERIOD_CLOSED), OutcomeUnknown, Transient (not sent), Misconfigured.
        """
        body, record_type = wire.bill_body(bill, self._defaults, bill.document), wire.RECORD_TYPES[bill.document]
        try:
            answer = self._create(record_type, body, before_sending)
        except Blocked as error:
            closed = error.cause is Cause.PERIOD_CLOSED
            # With a period of our choice it says that the account lets no date lie outside of its period.
            not_allowed = bill.posting_period is not None and "not within the date range" in str(error)
            cause = Cause.PERIOD_CLOSED if closed and not not_allowed else Cause.BILL_REJECTED
            raise Blocked(str(error), cause=cause, facts=error.facts) from error
        return self._created_id(answer, record_type, bill.external_id)

    def posting_periods(self) -> list[PostingPeriod]:
        """The account's base periods; a quarter, a year and an adjustment take no bills (docs/remotes.md, posting periods). Raises
        UnexpectedAnswer where NetSuite shows none.
        """
        days = "TO_CHAR(startdate, 'YYYY-MM-DD') AS firstday, TO_CHAR(enddate, 'YYYY-MM-DD') AS lastday"
        query = (
            f"SELECT id, periodname, {days}, closed, aplocked, alllocked FROM accountingperiod "
            "WHERE isyear = 'F' AND isquarter = 'F' AND isadjust = 'F' ORDER BY id ASC"
        )
        periods = [row.period() for row in self._query(wire.PostingPeriodRow, query)]
        if not periods:
            # Every account has some, so an empty answer says what the role sees and nothing about the periods.
            raise UnexpectedAnswer("NetSuite's SuiteQL returned no posting period")
        return periods

    # What the settings name

    def account(self, account_id: str) -> tuple[str, bool] | None:
        """Name of a general ledger account, and whether it is inactive; None when the role sees none with this id.

        Table and columns are used by public code against real accounts (docs/remotes.md); no page of Oracle lists them.
        """
        where = f"id = {suiteql.literal(account_id)}"
        rows = self._query(
            wire.AccountRow, f"SELECT id, fullname, isinactive FROM account WHERE {where} ORDER BY id ASC"
        )
        return next(((row.fullname, row.isinactive == "T") for row in rows), None)

    def tax_schedule(self, schedule_id: str) -> str | None:
        """Name of a tax schedule; None when the role sees none with this id. Not every account shows the table to queries."""
        where = f"id = {suiteql.literal(schedule_id)}"
        rows = self._query(wire.TaxScheduleRow, f"SELECT id, name FROM taxschedule WHERE {where} ORDER BY id ASC")
        return next((row.name for row in rows), None)

    # Vendors and projects

    def linked_vendors(self, *, internal_id: str, external_id: str) -> list[Entity]:
        """Vendors with this internal id or this external id, inactive ones too; an empty id is no id."""
        return self._with_persons(self._entities("vendor", _by_ids(internal_id, external_id)))

    def vendors_named(self, name: str) -> list[Entity]:
        """Vendors that may go by this name, inactive ones too: more than have it, so whoever asks compares the names."""
        pattern, words = search_pattern(name), words_of(name)
        if not pattern:
            return []
        like = suiteql.literal(pattern)
        found = self._entities("vendor", f"UPPER(companyname) LIKE {like} OR UPPER(entityid) LIKE {like}")
        first, last = search_pattern(words[0]), search_pattern(words[-1])
        people = f"UPPER(firstname) LIKE {suiteql.literal(first)} AND UPPER(lastname) LIKE {suiteql.literal(last)}"
        if len(words) > 1 and (ids := [row.id for row in self._persons(people)]):
            found += self._entities("vendor", suiteql.is_in("id", ids[: suiteql.MOST_VALUES]))
        return self._with_persons({one.id: one for one in found}.values())

    def has_vendor(self, subsidiary_id: str) -> bool | None:
        """Whether there is an active vendor, with a subsidiary whether one belongs to it: as its primary one, or shared with it by a
        vendor-subsidiary relationship (docs/remotes.md). None where no primary one does and the role does not see relationships.
        """
        where = f" AND subsidiary = {suiteql.literal(subsidiary_id)}" if subsidiary_id else ""
        query = f"SELECT id FROM vendor WHERE isinactive = 'F'{where} ORDER BY id ASC"
        rows, _ = self._counted(wire.IdRow, query, limit=1)
        if rows or not subsidiary_id:
            return bool(rows)
        shared = f"subsidiary = {suiteql.literal(subsidiary_id)} ORDER BY id ASC"
        query = f"SELECT id FROM vendorsubsidiaryrelationship WHERE {shared}"
        try:
            rows, _ = self._counted(wire.IdRow, query, limit=1)
        except (Blocked, Misconfigured, UnexpectedAnswer):
            return None
        return bool(rows)

    def linked_jobs(self, *, internal_id: str, external_id: str) -> list[Entity]:
        """Projects (jobs) with this internal id or this external id, inactive ones too; an empty id is no id."""
        return self._entities("job", _by_ids(internal_id, external_id))

    def jobs_named(self, number: str, name: str) -> list[Entity]:
        """Projects (jobs) that may go by this number or name, inactive ones too; whoever asks compares them."""
        by_number, by_name = (pattern and suiteql.literal(pattern) for pattern in map(search_pattern, (number, name)))
        where = suiteql.any_of(
            by_number and f"UPPER(entityid) LIKE {by_number}",
            by_name and f"UPPER(entityid) LIKE {by_name}",
            by_name and f"UPPER(companyname) LIKE {by_name}",
        )
        return self._entities("job", where) if where else []

    def _entities(self, table: str, where: str) -> list[Entity]:
        query = f"SELECT id, entityid, companyname, externalid, isinactive FROM {table} WHERE {where} ORDER BY id ASC"
        return [row.entity() for row in self._query(wire.EntityRow, query)]

    def _with_persons(self, vendors: Iterable[Entity]) -> list[Entity]:
        """With first and last names where a vendor has no company name, as people have none."""
        found = list(vendors)
        if people := [one.id for one in found if not one.company_name]:
            rows = {row.id: row for row in self._persons(suiteql.is_in("id", people[: suiteql.MOST_VALUES]))}
            found = [rows[one.id].named(one) if one.id in rows else one for one in found]
        return found

    def _persons(self, where: str) -> list[wire.PersonRow]:
        """Names of people among the vendors. A query of their own: where an account does not show these columns, it is refused as a whole,
        and vendors go by the names that are shown.
        """
        query = f"SELECT id, firstname, lastname FROM vendor WHERE {where} ORDER BY id ASC"
        try:
            return list(self._query(wire.PersonRow, query))
        except (Blocked, Misconfigured, UnexpectedAnswer):
            return []

    # The way of one request

    def _bill_heads(self, where: str) -> Iterator[BillHead]:
        query = f"{_BILL_COLUMNS} WHERE {_OF_ANY_BILL} AND {where} ORDER BY id ASC"
        return (_bill_head(row) for row in self._query(wire.BillNumberRow, query))

    def _create(self, record_type: str, body: Any, before_sending: Callable[[], None]) -> Answer:
        return self._send(
            "POST", f"{self._records}/{record_type}", body=body, writes=True, before_sending=before_sending
        )

    def _bill(self, identity: str) -> FoundBill | None:
        for document, record_type in wire.RECORD_TYPES.items():
            url = f"{self._records}/{record_type}/{identity}"
            try:
                answer = self._send("GET", url, params={"expandSubResources": "true"})
            except NotFound:
                continue
            except (Blocked, Misconfigured, UnexpectedAnswer):
                if document is Document.BILL or self._defaults.makes_credits:
                    raise
                # Credits that stand are seen, also when no more are made; an account that lets us see none has none of ours.
                continue
            return read(wire.VendorBillRow, answer.json()).bill(document)
        return None

    def _created_id(self, answer: Answer, record_type: str, external_id: str) -> str:
        """The id of what was just created: the last part of `Location` (ohelp/section_1545141395), but not every answer has been
        seen to carry one. It stands, so whatever fails here is no failed write.
        """
        told = re.search(rf"/{record_type}/([0-9]{{1,19}})/?$", answer.headers.get("Location", ""), re.IGNORECASE)
        if told:
            return told[1]
        try:
            found = self._send("GET", f"{self._records}/{record_type}/eid:{external_id}", params={"fields": "id"})
            return read(wire.IdRow, found.json()).id
        except SyncError as error:
            raise OutcomeUnknown(f"created, but its id could not be read: {error}") from error

    def _asked_name_limit(self) -> int:
        url = f"{self._records}/metadata-catalog/{self._defaults.item_type}"
        try:
            schema = self._send("GET", url, accept="application/schema+json").json()
        except (NotFound, Blocked, Misconfigured, UnexpectedAnswer):
            # The catalog needs a permission of its own; without it the usual length holds.
            return ITEM_NAME_LIMIT
        return wire.name_limit(schema) or ITEM_NAME_LIMIT

    def _query(self, model: type[RowT], query: str) -> Iterator[RowT]:
        """All rows of a SuiteQL query (ohelp/section_157909186990); it must have a unique ORDER BY."""
        for offset in range(0, MOST_ROWS, ROWS_PER_PAGE):
            rows, more = self._rows(model, query, offset=offset)
            yield from rows
            if not more:
                return
        raise UnexpectedAnswer(f"NetSuite's SuiteQL response continues after {MOST_ROWS} rows")

    def _rows(self, model: type[RowT], query: str, *, offset: int) -> tuple[Sequence[RowT], bool]:
        """One page of a query, and whether another one follows."""
        body = self._answer(query, offset=offset, limit=ROWS_PER_PAGE)
        return read_list(model, body.get("items")), body.get("hasMore", False)

    def _counted(self, model: type[RowT], query: str, *, limit: int) -> tuple[Sequence[RowT], int]:
        """The first page of a query, and how many rows there are in all: the page's own where NetSuite does not say."""
        body = self._answer(query, offset=0, limit=limit)
        rows, told = read_list(model, body.get("items")), body.get("totalResults")
        return rows, max(told, len(rows)) if isinstance(told, int) and not isinstance(told, bool) else len(rows)

    def _answer(self, query: str, *, offset: int, limit: int) -> Mapping[str, Any]:
        params = {"limit": limit, "offset": offset}
        table = query.partition(" FROM ")[2].partition(" ")[0]
        scope = scope_of(Remote.NETSUITE, table, QUERY)
        try:
            answer = self._send(
                "POST", self._suiteql, params=params, body={"q": query}, prefer="transient", scope=scope
            )
            body = answer.json()
        except NotFound as error:
            # A query that finds nothing has no rows: it is the address or the feature that is not there.
            raise UnexpectedAnswer(f"NetSuite answered a SuiteQL query with {error}") from error
        if not isinstance(body, dict) or not isinstance(body.get("hasMore", False), bool):
            raise UnexpectedAnswer("NetSuite's SuiteQL response is not in the documented format")
        # Nothing may be taken for "not there" that NetSuite itself counts.
        counted = body.get("totalResults")
        if not body.get("items") and (body.get("hasMore") or (isinstance(counted, int) and counted > offset)):
            raise UnexpectedAnswer(
                f"NetSuite counts rows of the table {table} in its SuiteQL response but returns none"
            )
        return body

    def _send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        writes: bool = False,
        prefer: str = "",
        accept: str = "application/json",
        before_sending: Callable[[], None] | None = None,
        scope: str = "",
    ) -> Answer:
        """One request, again after 401 and where NetSuite has no room: both say that nothing was done. `scope`: the permission that
        it needs, by default that of the record type in the address.
        """
        scope = scope or self._scope(method, url)
        headers = {
            "Accept": accept,
            # A misspelt property must be refused, not dropped in silence.
            "X-NetSuite-PropertyNameValidation": "Error",
            "X-NetSuite-PropertyValueValidation": "Error",
        }
        if prefer:
            headers["Prefer"] = prefer
        refusal: SyncError | None = None
        for wait in (*BACK_OFF_SECONDS, None):
            token = self._tokens.get()
            with self._gate.slot(self._precedence):
                leaves_by = time.monotonic() + SENT_WITHIN_SECONDS if before_sending else None
                if before_sending:
                    before_sending()
                answer = self._answered(
                    method,
                    url,
                    headers=headers | {"Authorization": f"Bearer {token}"},
                    params=params,
                    body=body,
                    writes=writes,
                    leaves_by=leaves_by,
                )
            refusal = error_of(answer, writes=writes, known=self._defaults.refusals)
            if isinstance(refusal, OutcomeUnknown) or (
                isinstance(refusal, Transient) and not isinstance(refusal, NoRoom)
            ):
                no_response(Remote.NETSUITE)
            elif not isinstance(refusal, Unauthorized | NoRoom):
                response_seen(Remote.NETSUITE)
            if refusal is None:
                response_seen(scope)
                return answer
            if isinstance(refusal, Misconfigured):
                raise _not_permitted(scope, refusal) from None
            if isinstance(refusal, Unauthorized):
                self._tokens.forget(token)
            elif not isinstance(refusal, NoRoom):
                raise refusal
            asked = getattr(refusal, "retry_after", None) or 0.0
            if wait is None or asked > BACK_OFF_SECONDS[-1]:
                break
            time.sleep(asked or random.uniform(wait / 2, wait))
        if isinstance(refusal, Unauthorized):
            words = str(refusal)
            raise Misconfigured(words, cause=Cause.NETSUITE_LOGIN, facts={"answer": words}) from refusal
        raise NoRoom(str(refusal), retry_after=max(5.0, asked), down=Remote.NETSUITE) from refusal

    def _answered(self, method: str, url: str, *, writes: bool, **options: Any) -> Answer:
        try:
            return self._transport.send(method, url, writes=writes, **options)
        except NoRoom:
            # It did not leave this process, which says nothing about NetSuite.
            raise
        except (Transient, OutcomeUnknown):
            no_response(Remote.NETSUITE)
            raise

    def _scope(self, method: str, url: str) -> str:
        record = url.removeprefix(f"{self._records}/").partition("/")[0]
        actions = {"POST": "create", "PATCH": "edit", "DELETE": "delete"}
        return scope_of(Remote.NETSUITE, record, actions.get(method, "view"))


def _not_permitted(scope: str, refusal: Misconfigured) -> Misconfigured:
    """The refusal with the permission that it is about, by name where that is known."""
    named = permission(scope)
    words = f"{doing(scope)}{f' (permission {named})' if named else ''}. NetSuite's response: {refusal}"
    return Misconfigured(words, cause=refusal.cause, facts={"answer": words}, scope=scope)


def _bill_head(row: wire.BillNumberRow) -> BillHead:
    return BillHead(row.id, row.externalid, row.entity, row.tranid, _DOCUMENTS[row.type], row.modified)


def _require_asked_for(found: str | None, asked: str) -> None:
    if not same_external_id(found, asked):
        raise UnexpectedAnswer(f"NetSuite returned the record {found!r} instead of {asked!r}")


def _in_any_case(numbers: Sequence[str]) -> str:
    """As they are, too: what a capital is may be another thing to NetSuite than to us (ß)."""
    as_written = suiteql.is_in("tranid", numbers)
    return suiteql.any_of(as_written, suiteql.is_in("UPPER(tranid)", sorted({number.upper() for number in numbers})))


def _by_ids(internal_id: str, external_id: str) -> str:
    by_id = f"id = {suiteql.literal(internal_id)}" if internal_id else ""
    return suiteql.any_of(by_id, f"externalid = {suiteql.literal(external_id)}")


def _aligned(external_ids: Sequence[str], names: Collection[str]) -> tuple[list[Sequence[str]], list[Sequence[str]]]:
    """Both lists in as many batches, so that each query asks for up to 1,000 of either."""
    one, other = list(suiteql.batches(external_ids)), list(suiteql.batches(list(names)))
    length = max(len(one), len(other))
    return one + [()] * (length - len(one)), other + [()] * (length - len(other))
