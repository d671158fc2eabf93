"""The simulated account: its records and settings, and direct changes by a test or an accountant."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import random
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from simulators.books import NetSuiteBooks, NsJob, NsVendor
from simulators.common.app import Exchange
from simulators.common.faults import FaultPlan
from simulators.common.journal import Entry, Journal
from simulators.common.meter import Meter
from simulators.common.settings import change_settings
from simulators.company import build_company
from simulators.netsuite.accounts import Listed, accounts, listed, tax_schedules
from simulators.netsuite.auth import TOKEN_PATH, Doorkeeper
from simulators.netsuite.periods import Period, months
from simulators.netsuite.records import ITEM_TYPES, Bill, Item, Shelf
from simulators.netsuite.settings import NetSuiteSettings
from simulators.netsuite.wire import usual_error

CLIENT_ID = "wbs-sync-simulated-integration"
PERSON = "person"
FIRST_BILL = 88_001  # far from the ids of items, so that they are not confused


class NetSuiteState:
    """One account. Handlers change it in their event loop, tests from any thread: every change takes `lock`."""

    name = "netsuite"

    def __init__(
        self,
        books: NetSuiteBooks,
        *,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
        **settings: Any,
    ) -> None:
        self.now = now
        self.journal = Journal()
        self.faults = FaultPlan()
        self.meter = Meter()
        self.settings = NetSuiteSettings()
        self.doorkeeper = Doorkeeper(CLIENT_ID)
        self.lock = threading.RLock()
        self.dice = random.Random(1)  # spreads latencies
        self._open(books)
        change_settings(self.settings, settings)

    def _open(self, books: NetSuiteBooks) -> None:
        self.books = books
        self._generated = itertools.count(1)
        self.subsidiaries = {books.subsidiary_id, *(each.subsidiary for each in books.vendors)}
        self.subsidiaries.update(each.subsidiary for each in books.jobs)
        self.subsidiaries.update(each.subsidiary for each in books.items)
        self.vendors: Shelf[NsVendor] = Shelf(entityid=lambda vendor: vendor.entityid.casefold())
        self.jobs: Shelf[NsJob] = Shelf(entityid=lambda job: job.entityid.casefold())
        self.items: Shelf[Item] = Shelf(itemid=lambda item: item.itemid.casefold())
        self.bills: Shelf[Bill] = Shelf(
            first_id=FIRST_BILL,
            entity=lambda bill: bill.entity,
            tranid=lambda bill: bill.tranid.casefold(),
            number=lambda bill: (bill.entity, bill.tranid.casefold()) if bill.tranid else None,
        )
        for vendor in books.vendors:
            self.vendors.put(dataclasses.replace(vendor))
        for job in books.jobs:
            self.jobs.put(dataclasses.replace(job))
        for item in books.items:
            self.items.put(Item.of(item))
        for bill in books.bills:
            self.bills.put(Bill.of(bill, books.subsidiary_id))
        self.periods = months()
        self.accounts, self.tax_schedules = accounts(books), tax_schedules(books)
        self.settings.closed_before = books.closed_before.isoformat()

    # For the shell and the admin endpoints (common.app.Remote)

    def takes_slot(self, path: str) -> bool:
        """Return whether a request counts against the account's concurrency limit: all but those for a token."""
        return path != TOKEN_PATH

    def refuse(self, exchange: Exchange) -> Response | None:
        """Return a 429 above the account's limit (ohelp/subsect_1559222360), or the 401 that some accounts send instead."""
        if not self.takes_slot(exchange.path) or self.meter.in_flight < self.settings.concurrency_limit:
            return None
        return usual_error(401 if self.settings.disguise_429_as_401 else 429).response()

    def error_response(self, status: int) -> Response:
        """Return the response for a fault with this status."""
        return usual_error(status).response()

    def reset(self, seed: int, profile: str) -> None:
        """Load the books of another company, or the initial books of this one. Also resets the journal and the counters."""
        with self.lock:
            self._open(build_company(seed, profile).netsuite)
            self.journal.clear()
            self.meter.reset()

    def generated_number(self, stem: str) -> str:
        """Return the next of the account's auto-generated names or numbers."""
        return f"{stem}{next(self._generated):05d}"

    # Lists

    def listed(self, name: str) -> Shelf[Listed] | None:
        """Return a list by SuiteQL's name of it; None if the account has no such list."""
        own = {"account": self.accounts, "taxschedule": self.tax_schedules}.get(name)
        settings = {"subsidiary": self.settings.subsidiaries, "currency": self.settings.currencies}
        entries = settings[name] if name in settings else self.settings.lists.get(name)
        return own if entries is None else listed(own, entries)

    def has_subsidiary(self, subsidiary: str) -> bool:
        """Return whether records can be given to the subsidiary."""
        listed = self.listed("subsidiary")
        if not listed:
            return subsidiary in self.subsidiaries
        entry = listed.get(subsidiary)
        return entry is not None and not entry.isinactive

    def edit_listed(self, name: str, entry_id: str, /, **changes: Any) -> None:
        """Change an entry of a list in the settings (name, isinactive ...), as an administrator does."""
        with self.lock:
            if not any(str(each["id"]) == entry_id for each in self.settings.lists.get(name, ())):
                raise KeyError(entry_id)
            edited = [
                {**each, **(changes if str(each["id"]) == entry_id else {})} for each in self.settings.lists[name]
            ]
            self.settings.lists = {**self.settings.lists, name: edited}

    # Posting periods

    def closed(self, period: Period) -> bool:
        """Return whether the period is closed to postings: it ended before the date in the settings."""
        return period.end.isoformat() < self.settings.closed_before

    def ap_locked(self, period: Period) -> bool:
        """Return whether the period is locked for payables."""
        return period.end.isoformat() < self.settings.ap_locked_before

    def accepts_bills(self, period: Period) -> bool:
        """Return whether bills may be posted to the period."""
        return not (self.closed(period) or self.ap_locked(period))

    # For tests

    def items_named(self, name: str) -> list[Item]:
        """Return all items with this name, of any type; names are compared without case."""
        return self.items.find("itemid", name.casefold())

    def item_by_external_id(self, external_id: str) -> Item | None:
        """Return the oldest item with this external id, else None."""
        return next(iter(self.items.find("externalid", external_id.casefold())), None)

    def bill_by_external_id(self, external_id: str) -> Bill | None:
        """Return the oldest bill or credit with this external id, else None."""
        return next(iter(self.bills.find("externalid", external_id.casefold())), None)

    def bills_of_vendor(self, vendor_id: str) -> list[Bill]:
        """Return all bills of a vendor (internal id)."""
        return self.bills.find("entity", vendor_id)

    def duplicates(self) -> list[tuple[str, str, list[str]]]:
        """Return (kind, key, internal ids) of everything that should exist only once and exists several times.

        Kinds: item_name, item_external_id, bill_external_id, bill_number (key "vendor id/number"; equal numbers of a vendor are correct if
        `duplicate_numbers` is "allow").
        """
        with self.lock:
            names = [("item_name", str(key), ids) for key, ids in self.items.repeated("itemid")]
            items = [("item_external_id", str(key), ids) for key, ids in self.items.repeated("externalid")]
            bills = [("bill_external_id", str(key), ids) for key, ids in self.bills.repeated("externalid")]
            numbers = [
                ("bill_number", "/".join(key), ids)
                for key, ids in self.bills.repeated("number")
                if isinstance(key, tuple)
            ]
        return names + items + bills + numbers

    def writes(self, record_type: str | None = None, external_id: str | None = None) -> list[Entry]:
        """Return the journal's entries of written records. The record type "item" means all types of items."""
        wanted = set(ITEM_TYPES) if record_type == "item" else {record_type}
        return [
            entry
            for entry in self.journal.writes()
            if (record_type is None or entry["type"] in wanted)
            and (external_id is None or (entry["external_id"] or "").casefold() == external_id.casefold())
        ]

    # Changes by handlers and people

    def record_write(self, write: str, record: Item | Bill, by: str = "client", request_id: int | None = None) -> None:
        """Journal a record's creation, update or deletion."""
        self.journal.add(
            write=write,
            type=record.record_type,
            id=record.id,
            external_id=record.externalid,
            name=record.itemid if isinstance(record, Item) else record.tranid,
            by=by,
            request_id=request_id,
        )

    def edit_item(self, item_id: str, **changes: Any) -> Item:
        """Change attributes of an item (displayname, isinactive, itemid ...), as an accountant does."""
        with self.lock:
            item = self.items.get(item_id)
            if item is None:
                raise KeyError(item_id)
            edited = dataclasses.replace(item, **changes, modified_at=self.now())
            self.items.put(edited)
            self.record_write("update", edited, by=PERSON)
        return edited

    def edit_bill(self, bill_id: str, **changes: Any) -> Bill:
        """Change attributes of a bill (memo, trandate, externalid, lines ...), as an accountant does."""
        with self.lock:
            bill = self.bills.get(bill_id)
            if bill is None:
                raise KeyError(bill_id)
            edited = dataclasses.replace(bill, **changes, modified_at=self.now())
            self.bills.put(edited)
            self.record_write("update", edited, by=PERSON)
        return edited

    def edit_entity(self, record_type: str, entity_id: str, **changes: Any) -> NsVendor | NsJob:
        """Change attributes of a vendor (subsidiary, shared_with ...) or job, as an administrator does."""
        shelf: Shelf[Any] = self.vendors if record_type == "vendor" else self.jobs
        with self.lock:
            entity: NsVendor | NsJob | None = shelf.get(entity_id)
            if entity is None:
                raise KeyError(entity_id)
            edited = dataclasses.replace(entity, **changes)
            shelf.put(edited)
            self.journal.add(
                write="update",
                type=record_type,
                id=entity_id,
                external_id=edited.externalid,
                name=edited.entityid,
                by=PERSON,
                request_id=None,
            )
        return edited

    def edit_bill_line(self, bill_id: str, line: int, amount: Decimal) -> Bill:
        """Change the amount of one line, as an accountant does."""
        bill = self.bills.get(bill_id)
        if bill is None:
            raise KeyError(bill_id)
        lines = [
            dataclasses.replace(each, amount=amount, rate=amount, quantity=Decimal(1)) if each.line == line else each
            for each in bill.lines
        ]
        return self.edit_bill(bill_id, lines=lines)

    def make_item(self, name: str, record_type: str = "otherChargePurchaseItem", **attributes: Any) -> Item:
        """Create an item as a person does. `attributes`: of `Item`."""
        itemtype, subtype = ITEM_TYPES[record_type]
        now = self.now()
        with self.lock:
            item = Item(
                id=self.items.next_id(),
                record_type=record_type,
                itemtype=itemtype,
                subtype=subtype,
                itemid=name,
                displayname=name,
                externalid=None,
                isinactive=False,
                subsidiaries=(self.books.subsidiary_id,),
                expense_account=self.books.expense_account_id,
                created_at=now,
                modified_at=now,
            )
            item = dataclasses.replace(item, **attributes)
            self.items.put(item)
            self.record_write("create", item, by=PERSON)
        return item

    def make_bill(self, bill: Bill) -> Bill:
        """Enter a bill as a person does; its id is set here."""
        with self.lock:
            made = dataclasses.replace(bill, id=self.bills.next_id(), modified_at=self.now())
            self.bills.put(made)
            self.record_write("create", made, by=PERSON)
        return made

    def void_bill(self, bill_id: str) -> Bill:
        """Void a bill as a person does: its total and all its lines are zero, and the record is kept (ohelp/section_4413162576)."""
        bill = self.bills.get(bill_id)
        if bill is None:
            raise KeyError(bill_id)
        zero = Decimal(0)
        lines = [dataclasses.replace(line, rate=zero, amount=zero) for line in bill.lines]
        expenses = [dataclasses.replace(line, amount=zero) for line in bill.expenses]
        return self.edit_bill(bill_id, lines=lines, expenses=expenses, tax=zero)

    def approve_bill(self, bill_id: str) -> Bill:
        """Approve a bill that waits for approval, as a person does."""
        bill = self.bills.get(bill_id)
        if bill is None:
            raise KeyError(bill_id)
        return self.edit_bill(bill_id, fields={**bill.fields, "approvalStatus": {"id": "2"}})

    def delete_bill(self, bill_id: str) -> None:
        """Delete a bill as a person does."""
        with self.lock:
            bill = self.bills.get(bill_id)
            if bill is None:
                raise KeyError(bill_id)
            self.bills.remove(bill_id)
            self.record_write("delete", bill, by=PERSON)
