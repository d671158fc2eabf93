"""NetSuite: one account. Items, look-ups, and links for people; `bills.py` has the requests for bills, `api.py` sends each request."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from worker.clients.fields import read
from worker.clients.netsuite import catalog, wire
from worker.clients.netsuite.api import (
    MAX_VALUES,
    any_of,
    begins_with,
    in_batches,
    is_in,
    literal,
    require_requested,
)
from worker.clients.netsuite.bills import BillRequests
from worker.domain.errors import Blocked, Misconfigured, NotFound, UnexpectedAnswer
from worker.domain.field_kinds import FieldKind
from worker.domain.identities import OUR_ITEMS
from worker.domain.items import OTHER_CHARGE, USABLE_SUBTYPES, FoundItem, ItemNeed
from worker.domain.links import Entity, search_pattern, words_of
from worker.domain.posting_periods import PostingPeriod
from worker.domain.problems import Cause
from worker.domain.refusals import REFUSED
from worker.domain.wbs_codes import ITEM_NAME_LIMIT

NAME_LIMIT_CACHE_SECONDS = 86_400
_ITEMS = "SELECT id, itemid, externalid, displayname, itemtype, subtype, isinactive FROM item WHERE"
_SUITETALK = re.compile(r"https://([a-z0-9-]+)\.suitetalk\.api\.netsuite\.com", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of Items by ascending internal id. `in_all`: number of Items from the first one of this page on. `last`: whether it is the last page."""

    items: Sequence[FoundItem]
    in_all: int
    last: bool


class NetSuite(BillRequests):
    """One account, for one precedence at the gate. One object with the methods for all kinds of records, since most services use several."""

    @property
    def subsidiary_id(self) -> str:
        """The subsidiary of new records; "" if the account has none."""
        return self._defaults.subsidiary_id

    def log_in(self) -> None:
        """Get a new token even if the current one is valid, to test key and certificate. Raises Misconfigured if they are refused."""
        self._api.log_in()

    # Items

    def find_items(
        self, *, external_ids: Sequence[str], names: Sequence[str], ignoring_case: bool = False
    ) -> list[FoundItem]:
        """Return Items with one of these external ids or names, of any type, inactive ones too; one query per 1,000 codes.

        `ignoring_case`: also names that differ only in case. This is slower; use it if NetSuite reports that a name is taken and the exact
        query does not find it.
        """
        by_internal_id: dict[str, FoundItem] = {}
        for ids, batch_names in zip(*_aligned(external_ids, names), strict=True):
            by_id = is_in("externalid", ids) if ids else ""
            by_name = is_in("itemid", batch_names) if batch_names else ""
            if ignoring_case and batch_names:
                upper = [name.upper() for name in batch_names]
                by_name = any_of(by_name, is_in("UPPER(itemid)", upper))
            by_internal_id |= self._items(any_of(by_id, by_name))
        return list(by_internal_id.values())

    def item(self, item_id: str) -> FoundItem | None:
        """Return one Item by its internal id, of any type."""
        return next(iter(self._items(f"id = {literal(item_id)}").values()), None)

    def items(self, item_ids: Sequence[str]) -> dict[str, FoundItem]:
        """Return the Items that exist by their internal ids, of any type; one query per 1,000."""
        by_internal_id: dict[str, FoundItem] = {}
        for batch in in_batches(item_ids):
            by_internal_id |= self._items(is_in("id", batch))
        return by_internal_id

    def item_by_external_id(self, external_id: str) -> FoundItem | None:
        """GET /{type}/eid:{external id}: finds a record as soon as it is committed, which SuiteQL may not."""
        item_type = self._defaults.item_type
        fields = {"fields": "id,itemId,externalId,displayName,isInactive"}
        try:
            body = self._api.get(f"{item_type}/eid:{external_id}", params=fields).json()
        except NotFound:
            return None
        row = read(wire.ItemRecordRow, body)
        require_requested(row.external_id, external_id)
        subtype = "Resale" if item_type == "otherChargeResaleItem" else "Purchase"
        # The record type in the path determines type and subtype.
        return FoundItem(row.id, row.name, external_id, OTHER_CHARGE, subtype, row.inactive, row.display_name)

    def items_made_by_us(self, external_id_stem: str, *, after: int) -> ItemPage:
        """Return up to 1,000 Items whose external id begins with the stem, by ascending internal id, beginning above `after`."""
        page = self._page_after(wire.ItemRow, f"{_ITEMS} {begins_with('externalid', external_id_stem)}", after)
        return ItemPage([row.item() for row in page.rows], page.in_all, page.last)

    def names_of_other_items(self, *, only_other_charges: bool = False) -> Iterator[tuple[str, str]]:
        """Return internal id and name of every active Item that wbs-sync did not create, of any type or only Other Charges that a bill may name;
        1,000 per query.
        """
        ours = literal(OUR_ITEMS + "%")
        others = f"isinactive = 'F' AND (externalid IS NULL OR externalid NOT LIKE {ours})"
        if only_other_charges:
            others += f" AND itemtype = {literal(OTHER_CHARGE)} AND {is_in('subtype', USABLE_SUBTYPES)}"
        after, last = 0, False
        while not last:
            page = self._page_after(wire.ItemNameRow, f"SELECT id, itemid FROM item WHERE {others}", after)
            yield from ((row.id, row.itemid) for row in page.rows)
            after, last = int(page.rows[-1].id) if page.rows else after, page.last

    def create_item(self, need: ItemNeed, *, before_sending: Callable[[], None]) -> str:
        """POST /{type}: create an Item and return its internal id. `before_sending` is called with the slot, just before each request leaves,
        and prevents it by raising.

        Raises AlreadyExists, Blocked (a cause of refusals.toml, else ITEM_REJECTED, with NetSuite's message), OutcomeUnknown, Transient (not
        sent), Misconfigured.
        """
        item_type = self._defaults.item_type
        body = wire.item_body(need, self._defaults, display_name_limit=ITEM_NAME_LIMIT)
        try:
            answer = self._api.create(item_type, body, before_sending=before_sending)
        except Blocked as error:
            cause = error.cause if error.cause in REFUSED else Cause.ITEM_REJECTED
            raise Blocked(str(error), cause=cause, facts=error.facts | {"name": need.name}) from error
        return self._created_id(answer, item_type, need.external_id)

    def set_item_external_id(self, item: FoundItem, external_id: str) -> None:
        """PATCH /{type}/{id}: mark an adopted Item of any usable type as ours. Setting the same value again changes nothing."""
        self._api.change("PATCH", f"otherCharge{item.subtype}Item/{item.id}", {"externalId": external_id})

    # Look-ups

    def account(self, account_id: str) -> tuple[str, bool] | None:
        """Return the name of a general ledger account, and whether it is inactive; None if the role sees none with this id.

        Public code uses this table and these columns against real accounts (docs/remotes.md); no page of Oracle lists them.
        """
        query = f"SELECT id, fullname, isinactive FROM account WHERE id = {literal(account_id)} ORDER BY id ASC"
        return next(((row.fullname, row.isinactive == "T") for row in self._query(wire.AccountRow, query)), None)

    def tax_schedule(self, schedule_id: str) -> str | None:
        """Return the name of a tax schedule; None if the role sees none with this id. Not every account shows the table to queries."""
        return self.entry_name("taxschedule", schedule_id)

    def entry_name(self, table: str, entry_id: str) -> str | None:
        """Return the name of an entry of one of the account's lists, such as `department`; None if the role sees none with this id."""
        query = f"SELECT id, name FROM {table} WHERE id = {literal(entry_id)} ORDER BY id ASC"
        return next((row.name for row in self._query(wire.NamedRow, query)), None)

    def record_fields(self, record_type: str, record_id: str) -> dict[str, str]:
        """GET /{type}/{id}: return the fields of a `vendor` or `job` (project) as text, by the names of NetSuite's REST API. Raises NotFound."""
        return catalog.text_fields(self._api.get(f"{record_type}/{record_id}").json())

    def custom_field_kinds(self, record_type: str, *, sublist: str = "") -> dict[str, FieldKind]:
        """GET /metadata-catalog/{type}: return the custom fields of a record type, or of a sublist's lines, with their kinds.

        Raises an error of the client if the role may not read the catalog.
        """
        schema = self._api.get(f"metadata-catalog/{record_type}", accept="application/schema+json").json()
        return catalog.custom_kinds(schema, sublist)

    def names_in(self, table: str, ids: Sequence[str]) -> dict[str, tuple[str, bool]]:
        """Return names of the entries of a list such as `department`, and whether they are inactive, by their ids; none for an id without entry.

        The columns are those of public code against real accounts (docs/remotes.md, fields).
        """
        column = "fullname" if table == "account" else "name"
        query = f"SELECT id, {column}, isinactive FROM {table} WHERE {is_in('id', ids)} ORDER BY id ASC"
        rows = self._query(wire.EntryRow, query)
        return {row.id: (row.fullname or row.name, row.isinactive == "T") for row in rows}

    @property
    def item_type(self) -> str:
        """The record type of new Items."""
        return self._defaults.item_type

    def posting_periods(self) -> list[PostingPeriod]:
        """Return the account's base periods; quarters, years and adjustments take no bills (docs/remotes.md, posting periods). Raises
        UnexpectedAnswer if NetSuite returns none.
        """
        days = "TO_CHAR(startdate, 'YYYY-MM-DD') AS firstday, TO_CHAR(enddate, 'YYYY-MM-DD') AS lastday"
        query = (
            f"SELECT id, periodname, {days}, closed, aplocked, alllocked FROM accountingperiod "
            "WHERE isyear = 'F' AND isquarter = 'F' AND isadjust = 'F' ORDER BY id ASC"
        )
        periods = [row.period() for row in self._query(wire.PostingPeriodRow, query)]
        if not periods:
            # Every account has some, so an empty response means that the role may not see them.
            raise UnexpectedAnswer("NetSuite's SuiteQL returned no posting period")
        return periods

    def item_name_limit(self) -> int:
        """Return the account's length of `itemId`: from its profile, else from its metadata catalog (cached for a day), else 60."""
        if self._defaults.item_name_limit:
            return self._defaults.item_name_limit
        limit = self._cache.get("item_name_limit")
        if limit is None:
            limit = self._catalog_name_limit()
            self._cache.put("item_name_limit", limit, seconds=NAME_LIMIT_CACHE_SECONDS)
        return int(limit)

    def linked_vendors(self, *, internal_id: str, external_id: str) -> list[Entity]:
        """Return vendors with this internal id or this external id, inactive ones too; an empty id matches none."""
        return self._with_persons(self._entities("vendor", _by_ids(internal_id, external_id)))

    def vendors_named(self, name: str) -> list[Entity]:
        """Return vendors that may have this name, inactive ones too. The result may contain others, so the caller compares the names."""
        pattern, words = search_pattern(name), words_of(name)
        if not pattern:
            return []
        like = literal(pattern)
        vendors = self._entities("vendor", f"UPPER(companyname) LIKE {like} OR UPPER(entityid) LIKE {like}")
        first, last = (literal(search_pattern(word)) for word in (words[0], words[-1]))
        people = f"UPPER(firstname) LIKE {first} AND UPPER(lastname) LIKE {last}"
        if len(words) > 1 and (ids := [row.id for row in self._persons(people)]):
            vendors += self._entities("vendor", is_in("id", ids[:MAX_VALUES]))
        return self._with_persons({vendor.id: vendor for vendor in vendors}.values())

    def has_vendor(self, subsidiary_id: str) -> bool | None:
        """Return whether there is an active vendor. With a subsidiary: one that has it as its primary subsidiary, or is shared with it by a
        vendor-subsidiary relationship (docs/remotes.md); None if no vendor has it as primary and the role does not see relationships.
        """
        where = f" AND subsidiary = {literal(subsidiary_id)}" if subsidiary_id else ""
        query = f"SELECT id FROM vendor WHERE isinactive = 'F'{where} ORDER BY id ASC"
        rows, _ = self._first_rows(wire.IdRow, query, limit=1)
        if rows or not subsidiary_id:
            return bool(rows)
        shared = f"subsidiary = {literal(subsidiary_id)} ORDER BY id ASC"
        query = f"SELECT id FROM vendorsubsidiaryrelationship WHERE {shared}"
        try:
            rows, _ = self._first_rows(wire.IdRow, query, limit=1)
        except (Blocked, Misconfigured, UnexpectedAnswer):
            return None
        return bool(rows)

    def linked_jobs(self, *, internal_id: str, external_id: str) -> list[Entity]:
        """Return projects (jobs) with this internal id or this external id, inactive ones too; an empty id matches none."""
        return self._entities("job", _by_ids(internal_id, external_id))

    def jobs_named(self, number: str, name: str) -> list[Entity]:
        """Return projects (jobs) that may have this number or name, inactive ones too; the caller compares them."""
        by_number, by_name = (pattern and literal(pattern) for pattern in map(search_pattern, (number, name)))
        where = any_of(
            by_number and f"UPPER(entityid) LIKE {by_number}",
            by_name and f"UPPER(entityid) LIKE {by_name}",
            by_name and f"UPPER(companyname) LIKE {by_name}",
        )
        return self._entities("job", where) if where else []

    def _catalog_name_limit(self) -> int:
        path = f"metadata-catalog/{self._defaults.item_type}"
        try:
            schema = self._api.get(path, accept="application/schema+json").json()
        except (NotFound, Blocked, Misconfigured, UnexpectedAnswer):
            # The catalog needs a separate permission; without it, the usual length is used.
            return ITEM_NAME_LIMIT
        return wire.name_limit(schema) or ITEM_NAME_LIMIT

    def _entities(self, table: str, where: str) -> list[Entity]:
        query = f"SELECT id, entityid, companyname, externalid, isinactive FROM {table} WHERE {where} ORDER BY id ASC"
        return [row.entity() for row in self._query(wire.EntityRow, query)]

    def _with_persons(self, vendors: Iterable[Entity]) -> list[Entity]:
        """Add first and last names to vendors without a company name, which are people."""
        named = list(vendors)
        if people := [vendor.id for vendor in named if not vendor.company_name]:
            rows = {row.id: row for row in self._persons(is_in("id", people[:MAX_VALUES]))}
            named = [rows[vendor.id].named(vendor) if vendor.id in rows else vendor for vendor in named]
        return named

    def _persons(self, where: str) -> list[wire.PersonRow]:
        """Return the names of people among the vendors. A separate query, because an account that does not show these columns refuses the
        whole query; vendors then have only the other names.
        """
        query = f"SELECT id, firstname, lastname FROM vendor WHERE {where} ORDER BY id ASC"
        try:
            return list(self._query(wire.PersonRow, query))
        except (Blocked, Misconfigured, UnexpectedAnswer):
            return []

    def _items(self, where: str) -> dict[str, FoundItem]:
        return {row.id: row.item() for row in self._query(wire.ItemRow, f"{_ITEMS} {where} ORDER BY id ASC")}


def _aligned(external_ids: Sequence[str], names: Collection[str]) -> tuple[list[Sequence[str]], list[Sequence[str]]]:
    """Return both lists in the same number of batches, so that each query has up to 1,000 of either."""
    by_id, by_name = list(in_batches(external_ids)), list(in_batches(list(names)))
    length = max(len(by_id), len(by_name))
    return by_id + [()] * (length - len(by_id)), by_name + [()] * (length - len(by_name))


def _by_ids(internal_id: str, external_id: str) -> str:
    by_id = f"id = {literal(internal_id)}" if internal_id else ""
    return any_of(by_id, f"externalid = {literal(external_id)}")


class NetSuitePages:
    """Links to records in NetSuite's user interface, by internal ids; none if NetSuite is not at its usual address, such as a simulated one.

    Its domain is `<account>.app.netsuite.com`, that of the API `<account>.suitetalk.api.netsuite.com` (ohelp/section_4834765371,
    ohelp/section_4697322330). No help page has the paths of records; the public code of many integrations uses these (docs/remotes.md).
    """

    def __init__(self, base_url: str) -> None:
        match = _SUITETALK.fullmatch(base_url)
        self._site = f"https://{match.group(1).lower()}.app.netsuite.com" if match else ""

    def item(self, item_id: str) -> str:
        """Return the link to an Item of any type; "" if there is none."""
        return self._page(f"/app/common/item/item.nl?id={item_id}")

    def bill(self, bill_id: str, *, credit: bool = False) -> str:
        """Return the link to a vendor bill or vendor credit; "" if there is none."""
        return self._page(f"/app/accounting/transactions/{'vendcred' if credit else 'vendbill'}.nl?id={bill_id}")

    def _page(self, path: str) -> str:
        return self._site and self._site + path
