"""Requests to NetSuite that only the probe sends: creates with unusual bodies, raw reads, and deletes.

They use the same gate as all other requests, and raise the same errors.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from worker.clients.fields import Text
from worker.clients.netsuite import wire
from worker.clients.netsuite.api import begins_with, is_in, literal
from worker.clients.netsuite.client import NetSuite
from worker.domain.bills import Bill, Document
from worker.domain.errors import Blocked, Misconfigured, NotFound, SyncError, UnexpectedAnswer
from worker.domain.items import ItemNeed
from worker.domain.wbs_codes import ITEM_NAME_LIMIT

BILLS = "vendorBill"
_SUBTYPES = {"Purchase": "otherChargePurchaseItem", "Resale": "otherChargeResaleItem", "Sale": "otherChargeSaleItem"}


@dataclass(frozen=True, slots=True)
class Created:
    """A new record: its internal id, and whether the response named it in `Location`."""

    id: str
    located: bool


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """A record of the probe that exists in NetSuite."""

    record_type: str
    id: str
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class VendorOrJob:
    """A vendor or project of the account, for trial bills. `names` must not be shown."""

    id: str
    names: tuple[str, ...]


class PartnerRow(wire.IdRow):
    """A row of SuiteQL's `vendor` or `job` with both of its names."""

    companyname: Text = ""
    entityid: Text = ""


class SandboxNetSuite(NetSuite):
    """The NetSuite client with the requests of the probe."""

    @property
    def item_type(self) -> str:
        """Return the record type of Items, from the settings."""
        return self._defaults.item_type

    def item_body(self, need: ItemNeed) -> dict[str, Any]:
        """Return the body that wbs-sync would send for a new Item."""
        return wire.item_body(need, self._defaults, display_name_limit=ITEM_NAME_LIMIT)

    def bill_body(self, bill: Bill, project_field: str) -> dict[str, Any]:
        """Return the body that wbs-sync would send for a new bill, with the project in `project_field` of its lines unless `job_id` is empty."""
        body = wire.bill_body(bill, self._defaults, Document.BILL)
        for line in body["item"]["items"]:
            line.pop(self._defaults.project_field, None)
            if bill.job_id:
                line[project_field] = {"id": bill.job_id}
        return body

    def create(self, record_type: str, body: dict[str, Any], *, external_id: str) -> Created:
        """POST /{type}. Raises the errors of `create_item` and `create_bill`, but a refusal only as Blocked."""
        response = self._api.create(record_type, body, before_sending=lambda: None)
        located = re.search(r"/[0-9]{1,19}/?$", response.headers.get("Location", "")) is not None
        return Created(self._created_id(response, record_type, external_id), located)

    def record(self, record_type: str, identity: str) -> dict[str, Any]:
        """GET /{type}/{id} or /{type}/eid:{external id}, with sublists. Raises NotFound."""
        body = self._api.get(f"{record_type}/{identity}", params={"expandSubResources": "true"}).json()
        if not isinstance(body, dict):
            raise UnexpectedAnswer("NetSuite's record is not as published")
        return body

    def is_seen_by_id(self, record_type: str, external_id: str) -> bool:
        """Return whether GET /{type}/eid:{external id} finds the record."""
        try:
            self._api.get(f"{record_type}/eid:{external_id}", params={"fields": "id"})
        except NotFound:
            return False
        return True

    def is_seen_by_query(self, record_type: str, external_id: str) -> bool:
        """Return whether SuiteQL finds the record."""
        if record_type == BILLS:
            return bool(self.bills_by_external_id([external_id]))
        return bool(self.find_items(external_ids=[external_id], names=[]))

    def schema(self, record_type: str) -> Any:
        """GET /metadata-catalog/{type} as JSON schema."""
        return self._api.get(f"metadata-catalog/{record_type}", accept="application/schema+json").json()

    def probe_records(self, external_id_prefix: str) -> list[ProbeRecord]:
        """Return all bills and Items whose external id begins with this prefix, bills first: an Item on a bill cannot be deleted."""
        named = begins_with("externalid", external_id_prefix)
        bills = f"SELECT id FROM transaction WHERE type = 'VendBill' AND {named} ORDER BY id ASC"
        columns = "id, itemid, externalid, itemtype, subtype, isinactive"
        items = f"SELECT {columns} FROM item WHERE {named} ORDER BY id ASC"
        found = [ProbeRecord(BILLS, row.id) for row in self._query(wire.IdRow, bills)]
        for row in self._query(wire.ItemRow, items):
            record_type = _SUBTYPES.get(row.subtype, self.item_type)
            found.append(ProbeRecord(record_type, row.id, row.isinactive == "T"))
        return found

    def delete(self, record: ProbeRecord) -> None:
        """DELETE /{type}/{id} (ohelp/section_1545142287). A record that no longer exists is no error. Raises Blocked, Misconfigured."""
        try:
            self._api.change("DELETE", f"{record.record_type}/{record.id}")
        except (Blocked, Misconfigured):
            if self._exists(record):
                raise

    def inactivate(self, record: ProbeRecord) -> None:
        """Set an Item's isInactive (PATCH /{type}/{id})."""
        self._api.change("PATCH", f"{record.record_type}/{record.id}", {"isInactive": True})

    def first_vendor(self) -> VendorOrJob | None:
        """Return the active vendor with the lowest id, of the subsidiary in the settings if there is one."""
        ours = self._defaults.subsidiary_id
        where = f" AND subsidiary = {literal(ours)}" if ours else ""
        return self._first(
            f"SELECT id, companyname, entityid FROM vendor WHERE isinactive = 'F'{where} ORDER BY id ASC"
        )

    def vendor(self, vendor_id: str) -> VendorOrJob | None:
        """Return the vendor with this internal id; None if there is none."""
        where = f"id = {literal(vendor_id)}"
        return self._first(f"SELECT id, companyname, entityid FROM vendor WHERE {where} ORDER BY id ASC")

    def first_job(self, ids: Collection[str]) -> VendorOrJob | None:
        """Return the project with the lowest id of these, or of all without `ids`."""
        where = f" WHERE {is_in('id', ids)}" if ids else ""
        return self._first(f"SELECT id, companyname, entityid FROM job{where} ORDER BY id ASC")

    def _first(self, query: str) -> VendorOrJob | None:
        rows, _ = self._first_rows(PartnerRow, query, limit=1)
        return VendorOrJob(rows[0].id, (rows[0].companyname, rows[0].entityid)) if rows else None

    def _exists(self, record: ProbeRecord) -> bool:
        try:
            self._api.get(f"{record.record_type}/{record.id}", params={"fields": "id"})
        except NotFound:
            return False
        except SyncError:
            return True
        return True
