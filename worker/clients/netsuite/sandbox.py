"""What only the probe does in NetSuite: records with odd bodies, raw looks, and taking records away again.

Requests go the same way as all others: through the gate, with the same errors.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from worker.clients.netsuite import suiteql, wire
from worker.clients.netsuite.client import NetSuite
from worker.domain.errors import Blocked, Misconfigured, NotFound, SyncError, UnexpectedAnswer
from worker.domain.invoices import Bill, Document
from worker.domain.items import ItemNeed
from worker.domain.wbs_codes import ITEM_NAME_LIMIT

BILLS = "vendorBill"
_SUBTYPES = {"Purchase": "otherChargePurchaseItem", "Resale": "otherChargeResaleItem", "Sale": "otherChargeSaleItem"}


@dataclass(frozen=True, slots=True)
class Created:
    """A new record: its internal id, and whether the answer named it in `Location`."""

    id: str
    located: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A record of the probe's that stands."""

    record_type: str
    id: str
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class Partner:
    """A vendor or a project of the account, to be named on bills. `names` must not be told."""

    id: str
    names: tuple[str, ...]


class SandboxNetSuite(NetSuite):
    """NetSuite, for the probe alone."""

    @property
    def item_type(self) -> str:
        """The record type of Items, as the settings have it."""
        return self._defaults.item_type

    def item_body(self, need: ItemNeed) -> dict[str, Any]:
        """What would be sent for a new Item."""
        return wire.item_body(need, self._defaults, display_name_limit=ITEM_NAME_LIMIT)

    def bill_body(self, bill: Bill, project_field: str) -> dict[str, Any]:
        """What would be sent for a new bill, the project in that field of its lines; without one where `job_id` is empty."""
        body = wire.bill_body(bill, self._defaults, Document.BILL)
        for line in body["item"]["items"]:
            project = line.pop(self._defaults.project_field)
            if bill.job_id:
                line[project_field] = project
        return body

    def create(self, record_type: str, body: dict[str, Any], *, external_id: str) -> Created:
        """POST /{type}. Raises what `create_item` and `create_bill` raise, Blocked as the answer was classified."""
        answer = self._create(record_type, body, lambda: None)
        located = re.search(r"/[0-9]{1,19}/?$", answer.headers.get("Location", "")) is not None
        return Created(self._created_id(answer, record_type, external_id), located)

    def record(self, record_type: str, identity: str) -> dict[str, Any]:
        """GET /{type}/{id} or /{type}/eid:{external id}, whole. Raises NotFound."""
        url, params = f"{self._records}/{record_type}/{identity}", {"expandSubResources": "true"}
        body = self._send("GET", url, params=params).json()
        if not isinstance(body, dict):
            raise UnexpectedAnswer("NetSuite's record is not as published")
        return body

    def is_seen_by_id(self, record_type: str, external_id: str) -> bool:
        """Whether GET /{type}/eid:{external id} shows it."""
        try:
            self._send("GET", f"{self._records}/{record_type}/eid:{external_id}", params={"fields": "id"})
        except NotFound:
            return False
        return True

    def is_seen_by_query(self, record_type: str, external_id: str) -> bool:
        """Whether SuiteQL shows it."""
        if record_type == BILLS:
            return bool(self.bills_by_external_id([external_id]))
        return bool(self.find_items(external_ids=[external_id], names=[]))

    def schema(self, record_type: str) -> Any:
        """GET /metadata-catalog/{type} as JSON schema."""
        url = f"{self._records}/metadata-catalog/{record_type}"
        return self._send("GET", url, accept="application/schema+json").json()

    def standing(self, external_id_stem: str) -> list[Standing]:
        """All bills and Items whose external id begins so, bills first: an Item that stands on a bill cannot be deleted."""
        like = suiteql.literal(external_id_stem + "%")
        bills = f"SELECT id FROM transaction WHERE type = 'VendBill' AND externalid LIKE {like} ORDER BY id ASC"
        columns = "id, itemid, externalid, itemtype, subtype, isinactive"
        items = f"SELECT {columns} FROM item WHERE externalid LIKE {like} ORDER BY id ASC"
        found = [Standing(BILLS, row.id) for row in self._query(wire.IdRow, bills)]
        for row in self._query(wire.ItemRow, items):
            record_type = _SUBTYPES.get(row.subtype, self.item_type)
            found.append(Standing(record_type, row.id, row.isinactive == "T"))
        return found

    def delete(self, record: Standing) -> None:
        """DELETE /{type}/{id} (ohelp/section_1545142287); one that is gone already is no error. Raises Blocked, Misconfigured."""
        try:
            self._send("DELETE", f"{self._records}/{record.record_type}/{record.id}", writes=True)
        except (Blocked, Misconfigured):
            if self._stands(record):
                raise

    def inactivate(self, record: Standing) -> None:
        """PATCH of an Item's isInactive."""
        url = f"{self._records}/{record.record_type}/{record.id}"
        self._send("PATCH", url, body={"isInactive": True}, writes=True)

    def first_vendor(self) -> Partner | None:
        """The active vendor with the lowest id, of our subsidiary where there is one."""
        ours = self._defaults.subsidiary_id
        where = f" AND subsidiary = {suiteql.literal(ours)}" if ours else ""
        return self._first(
            f"SELECT id, companyname, entityid FROM vendor WHERE isinactive = 'F'{where} ORDER BY id ASC"
        )

    def vendor(self, vendor_id: str) -> Partner | None:
        """A vendor by its internal id."""
        where = f"id = {suiteql.literal(vendor_id)}"
        return self._first(f"SELECT id, companyname, entityid FROM vendor WHERE {where} ORDER BY id ASC")

    def first_job(self, ids: Collection[str]) -> Partner | None:
        """The project with the lowest id among these, or of all where none is named."""
        where = f" WHERE {suiteql.is_in('id', ids)}" if ids else ""
        return self._first(f"SELECT id, companyname, entityid FROM job{where} ORDER BY id ASC")

    def _first(self, query: str) -> Partner | None:
        rows, _ = self._counted(wire.PartnerRow, query, limit=1)
        return Partner(rows[0].id, (rows[0].companyname, rows[0].entityid)) if rows else None

    def _stands(self, record: Standing) -> bool:
        try:
            self._send("GET", f"{self._records}/{record.record_type}/{record.id}", params={"fields": "id"})
        except NotFound:
            return False
        except SyncError:
            return True
        return True
