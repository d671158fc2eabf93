"""Items in NetSuite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from worker.clients.fields import read
from worker.clients.netsuite import suiteql, wire
from worker.clients.netsuite.records import NetSuiteRecords, require_requested
from worker.domain.errors import Blocked, NotFound
from worker.domain.identities import OUR_ITEMS
from worker.domain.problems import Cause
from worker.domain.wbs_codes import ITEM_NAME_LIMIT, OTHER_CHARGE, USABLE_SUBTYPES, FoundItem, ItemNeed

_ITEMS = "SELECT id, itemid, externalid, displayname, itemtype, subtype, isinactive FROM item WHERE"


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of Items by ascending internal id. `in_all`: number of Items from the first one of this page on. `last`: whether it is the last page."""

    items: Sequence[FoundItem]
    in_all: int
    last: bool


class ItemRequests(NetSuiteRecords):
    """Sends the requests that query and create Items."""

    def find_items(
        self, *, external_ids: Sequence[str], names: Sequence[str], ignoring_case: bool = False
    ) -> list[FoundItem]:
        """Return Items with one of these external ids or names, of any type, inactive ones too; one query per 1,000 codes.

        `ignoring_case`: also names that differ only in case. This is slower; use it if NetSuite reports that a name is taken and the exact
        query does not find it.
        """
        by_internal_id: dict[str, FoundItem] = {}
        for ids, batch_names in zip(*_aligned(external_ids, names), strict=True):
            by_id = suiteql.is_in("externalid", ids) if ids else ""
            by_name = suiteql.is_in("itemid", batch_names) if batch_names else ""
            if ignoring_case and batch_names:
                upper = [name.upper() for name in batch_names]
                by_name = suiteql.any_of(by_name, suiteql.is_in("UPPER(itemid)", upper))
            by_internal_id |= self._items(suiteql.any_of(by_id, by_name))
        return list(by_internal_id.values())

    def item(self, item_id: str) -> FoundItem | None:
        """Return one Item by its internal id, of any type."""
        return next(iter(self._items(f"id = {suiteql.literal(item_id)}").values()), None)

    def items(self, item_ids: Sequence[str]) -> dict[str, FoundItem]:
        """Return the Items that exist by their internal ids, of any type; one query per 1,000."""
        by_internal_id: dict[str, FoundItem] = {}
        for batch in suiteql.batches(item_ids):
            by_internal_id |= self._items(suiteql.is_in("id", batch))
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
        page = self._page_after(wire.ItemRow, f"{_ITEMS} {suiteql.begins_with('externalid', external_id_stem)}", after)
        return ItemPage([row.item() for row in page.rows], page.in_all, page.last)

    def names_of_other_items(self, *, only_other_charges: bool = False) -> Iterator[tuple[str, str]]:
        """Return internal id and name of every active Item that wbs-sync did not create, of any type or only Other Charges that a bill may name;
        1,000 per query.
        """
        ours = suiteql.literal(OUR_ITEMS + "%")
        others = f"isinactive = 'F' AND (externalid IS NULL OR externalid NOT LIKE {ours})"
        if only_other_charges:
            others += f" AND itemtype = {suiteql.literal(OTHER_CHARGE)} AND {suiteql.is_in('subtype', USABLE_SUBTYPES)}"
        after, last = 0, False
        while not last:
            page = self._page_after(wire.ItemNameRow, f"SELECT id, itemid FROM item WHERE {others}", after)
            yield from ((row.id, row.itemid) for row in page.rows)
            after, last = int(page.rows[-1].id) if page.rows else after, page.last

    def create_item(self, need: ItemNeed, *, before_sending: Callable[[], None]) -> str:
        """POST /{type}: create an Item and return its internal id. `before_sending` is called with the slot, just before each request leaves,
        and prevents it by raising.

        Raises AlreadyExists, Blocked (ITEM_REJECTED, with NetSuite's message), OutcomeUnknown, Transient (not sent), Misconfigured.
        """
        item_type = self._defaults.item_type
        body = wire.item_body(need, self._defaults, display_name_limit=ITEM_NAME_LIMIT)
        try:
            answer = self._api.create(item_type, body, before_sending=before_sending)
        except Blocked as error:
            raise Blocked(str(error), cause=Cause.ITEM_REJECTED, facts=error.facts | {"name": need.name}) from error
        return self._created_id(answer, item_type, need.external_id)

    def set_item_external_id(self, item: FoundItem, external_id: str) -> None:
        """PATCH /{type}/{id}: mark an adopted Item of any usable type as ours. Setting the same value again changes nothing."""
        self._api.change("PATCH", f"otherCharge{item.subtype}Item/{item.id}", {"externalId": external_id})

    def _items(self, where: str) -> dict[str, FoundItem]:
        return {row.id: row.item() for row in self._query(wire.ItemRow, f"{_ITEMS} {where} ORDER BY id ASC")}


def _aligned(external_ids: Sequence[str], names: Collection[str]) -> tuple[list[Sequence[str]], list[Sequence[str]]]:
    """Return both lists in the same number of batches, so that each query has up to 1,000 of either."""
    by_id, by_name = list(suiteql.batches(external_ids)), list(suiteql.batches(list(names)))
    length = max(len(by_id), len(by_name))
    return by_id + [()] * (length - len(by_id)), by_name + [()] * (length - len(by_name))
