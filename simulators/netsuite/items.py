"""The rules of Other Charge items (ohelp/article_63201856891, ohelp/article_43203909591, ohelp/section_N276948)."""

from __future__ import annotations

import dataclasses
from typing import Any

from simulators.netsuite import bodies
from simulators.netsuite.bodies import Body, NameCheck
from simulators.netsuite.field_types import BODY, known_names
from simulators.netsuite.fields import shown_fields, typed
from simulators.netsuite.forms import check_hidden, check_mandatory
from simulators.netsuite.kind import Kind
from simulators.netsuite.records import ITEM_TYPES, Item, Shelf
from simulators.netsuite.subsidiaries import check_item
from simulators.netsuite.wire import NetSuiteError, invalid_value, missing_value

_OWN = frozenset({"id", "externalId", "itemId", "displayName", "isInactive", "subsidiary", "expenseAccount"})
_TYPE_NAMES = {"OthCharge": "Other Charge", "Service": "Service", "InvtPart": "Inventory Item"}


class ItemKind(Kind[Item]):
    """Items of one record type; all types share names and external ids."""

    permission = "item"

    @property
    def shelf(self) -> Shelf[Item]:
        """Return the items of all types."""
        return self.state.items

    def draft(self, body: Body, names: NameCheck) -> Item:
        """Return a new item. Whether itemId, subsidiary and expenseAccount are required depends on the account's preferences."""
        itemtype, subtype = ITEM_TYPES[self.record_type]
        empty = Item(
            id="",
            record_type=self.record_type,
            itemtype=itemtype,
            subtype=subtype,
            itemid="",
            displayname="",
            externalid=None,
            isinactive=False,
            subsidiaries=(),
            expense_account=self.state.settings.default_expense_account,
            created_at=self.state.now(),
        )
        item = self.changed(empty, body, names, frozenset())
        if self.permission in self.state.settings.auto_generated_numbers:
            item.itemid = self.state.generated_number("ITEM")
        return item

    def changed(self, record: Item, body: Body, names: NameCheck, replace: frozenset[str]) -> Item:
        """Return a copy with the properties of `body`. `subsidiary` is a multi-select field, so it is replaced as a whole."""
        body = names.keep_known(body, known_names(self.state.settings, self.record_type, BODY))
        settings = self.state.settings
        check_hidden(settings, self.record_type, body)
        body = typed(self.state, self.record_type, BODY, body)
        item = dataclasses.replace(record, fields=dict(record.fields), modified_at=self.state.now())
        if "itemId" in body:
            item.itemid = bodies.text(body, "itemId", settings.item_name_max_length, too_long=settings.long_item_names)
        if "displayName" in body:
            item.displayname = bodies.text(body, "displayName", settings.display_name_max_length)
        if "externalId" in body:
            given = bodies.text(body, "externalId")
            item.externalid = bodies.external_id_of(given) if given else None
            if item.externalid and (limit := settings.external_id_max_length):
                item.externalid = bodies.within(item.externalid, "externalId", limit, settings.long_external_ids)
        if "isInactive" in body:
            item.isinactive = body["isInactive"] is True
        if "expenseAccount" in body:
            item.expense_account = bodies.reference(body, "expenseAccount") or settings.default_expense_account
        if "subsidiary" in body:
            item.subsidiaries = self._subsidiaries(body)
        if "taxSchedule" in body and settings.tax_schedule_over_rest == "refuse":
            raise invalid_value(bodies.reference(body, "taxSchedule"), "taxschedule", "taxSchedule")
        item.fields.update({name: value for name, value in body.items() if name not in _OWN})
        if settings.tax_schedule_over_rest == "drop":
            item.fields.pop("taxSchedule", None)
        self._check_complete(item)
        if settings.one_world and settings.subsidiaries:
            check_item(self.state, item)
        if settings.mandatory_fields:
            check_mandatory(settings, self.record_type, self.shown(item, expand=True))
        return item

    def _subsidiaries(self, body: Body) -> tuple[str, ...]:
        chosen = [bodies.reference(each, "id", "subsidiary.") or "" for each in bodies.lines(body, "subsidiary")]
        for each in chosen:
            if not self.state.has_subsidiary(each):
                raise invalid_value(each, "subsidiary", "subsidiary")
        return tuple(chosen)

    def _check_complete(self, item: Item) -> None:
        settings = self.state.settings
        if not item.itemid.strip():
            raise missing_value("Item Name/Number", "itemId")
        if not item.expense_account:
            raise missing_value("Expense Account", "expenseAccount")
        if settings.one_world and not item.subsidiaries:
            raise missing_value("Subsidiary", "subsidiary")
        if settings.tax_schedule_required and not item.fields.get("taxSchedule"):
            raise missing_value("Tax Schedule", "taxSchedule")

    def check_unique(self, record: Item) -> None:
        """Refuse a name or external id in use. Both are unique over all types, including inactive items, ignoring case."""
        settings = self.state.settings
        namesakes = self.shelf.find("itemid", record.itemid.casefold())
        if not settings.item_names_ignore_case:
            namesakes = [other for other in namesakes if other.itemid == record.itemid]
        if any(other.id != record.id for other in namesakes):
            raise NetSuiteError(
                "Error while accessing a resource. Uniqueness error - there is already an item with that name or "
                "name/parent combination.",
                code=settings.duplicate_item_code,
                path="itemId",
            ).with_text(settings.duplicate_words)
        self.check_external_id(record)

    def check_deletable(self, record: Item) -> None:
        """Refuse the deletion of an item that a bill names. Reads every bill, because deletions are rare."""
        if any(line.item == record.id for bill in self.state.bills for line in bill.lines):
            raise NetSuiteError("This record cannot be deleted because it has dependent records.")

    def missing(self, key: str) -> NetSuiteError:
        """Return a 404, for any key."""
        return NetSuiteError(
            "The record instance does not exist. Provide a valid record instance ID.", status=404, code="NONEXISTENT_ID"
        )

    def belongs(self, record: Item) -> bool:
        """Return whether the item has this type: it is not found under another one."""
        return record.record_type == self.record_type

    def shown(self, record: Item, expand: bool) -> dict[str, Any]:
        """Return the item with NetSuite's property names."""
        body: dict[str, Any] = {
            "links": [],
            "id": record.id,
            "itemId": record.itemid,
            "displayName": record.displayname,
        }
        if record.externalid:
            body["externalId"] = record.externalid
        body["isInactive"] = record.isinactive
        body["itemType"] = {"id": record.itemtype, "refName": _TYPE_NAMES.get(record.itemtype, record.itemtype)}
        if record.subtype:
            body["subtype"] = {"id": record.subtype, "refName": record.subtype}
        if record.expense_account:
            body["expenseAccount"] = {"links": [], "id": record.expense_account}
        chosen = [{"links": [], "id": each} for each in record.subsidiaries]
        body["subsidiary"] = {"links": [], "items": chosen, "totalResults": len(chosen)} if expand else {"links": []}
        body["createdDate"] = record.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        body["lastModifiedDate"] = record.modified_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {**body, **shown_fields(self.state, self.record_type, BODY, record.fields, expand=expand)}
