"""The simulated account: its records, its settings, and what a test or an accountant does with them directly."""

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
from simulators.netsuite.accounts import accounts, tax_schedules
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

    # What the shell and the admin endpoints ask (common.app.Remote).

    def takes_slot(self, path: str) -> bool:
        """Every request but those for a token counts against the account's concurrency limit."""
        return path != TOKEN_PATH

    def refuse(self, exchange: Exchange) -> Response | None:
        """429 above the account's limit (ohelp/subsect_1559222360), or the 401 that is seen in its place."""
        if not self.takes_slot(exchange.path) or self.meter.in_flight < self.settings.concurrency_limit:
            return None
        return usual_error(401 if self.settings.disguise_429_as_401 else 429).response()

    def error_response(self, status: int) -> Response:
        """A fault's answer."""
        return usual_error(status).response()

    def reset(self, seed: int, profile: str) -> None:
        """The books of another company, or of this one as it was; the journal and the counters are reset."""
        with self.lock:
            self._open(build_company(seed, profile).netsuite)
            self.journal.clear()
            self.meter.reset()

    def generated_number(self, stem: str) -> str:
        """The next of the account's auto-generated names or numbers."""
        return f"{stem}{next(self._generated):05d}"

    # The account's periods.

    def closed(self, period: Period) -> bool:
        """Return whether the period is closed to postings: it ended before the date in the settings."""
        return period.end.isoformat() < self.settings.closed_before

    def ap_locked(self, period: Period) -> bool:
        """Whether payables are locked in it."""
        return period.end.isoformat() < self.settings.ap_locked_before

    def accepts_bills(self, period: Period) -> bool:
        """Whether bills may be posted to it."""
        return not (self.closed(period) or self.ap_locked(period))

    # What tests ask.

    def items_named(self, name: str) -> list[Item]:
        """All items with this name, whatever their type; names are compared without case."""
        return self.items.find("itemid", name.casefold())

    def item_by_external_id(self, external_id: str) -> Item | None:
        """The oldest item with this external id."""
        return next(iter(self.items.find("externalid", external_id.casefold())), None)

    def bill_by_external_id(self, external_id: str) -> Bill | None:
        """The oldest bill or credit with this external id."""
        return next(iter(self.bills.find("externalid", external_id.casefold())), None)

    def bills_of_vendor(self, vendor_id: str) -> list[Bill]:
        """All bills of a vendor (internal id)."""
        return self.bills.find("entity", vendor_id)

    def duplicates(self) -> list[tuple[str, str, list[str]]]:
        """(kind, key, internal ids) of everything that should be there once and is there more often.

        Kinds: item_name, item_external_id, bill_external_id, bill_number (key "vendor id/number"; one vendor's equal
        numbers are legitimate where `duplicate_numbers` is "allow").
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
        """The journal's entries of records written; "item" stands for every type of item."""
        wanted = set(ITEM_TYPES) if record_type == "item" else {record_type}
        return [
            entry
            for entry in self.journal.writes()
            if (record_type is None or entry["type"] in wanted)
            and (external_id is None or (entry["external_id"] or "").casefold() == external_id.casefold())
        ]

    # What handlers and people do.

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
        """An accountant changes attributes of an item (`Item`'s names: displayname, isinactive, itemid ...)."""
        with self.lock:
            item = self.items.get(item_id)
            if item is None:
                raise KeyError(item_id)
            edited = dataclasses.replace(item, **changes, modified_at=self.now())
            self.items.put(edited)
            self.record_write("update", edited, by=PERSON)
        return edited

    def edit_bill(self, bill_id: str, **changes: Any) -> Bill:
        """An accountant changes attributes of a bill (`Bill`'s names: memo, trandate, externalid, lines ...)."""
        with self.lock:
            bill = self.bills.get(bill_id)
            if bill is None:
                raise KeyError(bill_id)
            edited = dataclasses.replace(bill, **changes, modified_at=self.now())
            self.bills.put(edited)
            self.record_write("update", edited, by=PERSON)
        return edited

    def edit_bill_line(self, bill_id: str, line: int, amount: Decimal) -> Bill:
        """An accountant changes one line's amount."""
        bill = self.bills.get(bill_id)
        if bill is None:
            raise KeyError(bill_id)
        lines = [
            dataclasses.replace(each, amount=amount, rate=amount, quantity=Decimal(1)) if each.line == line else each
            for each in bill.lines
        ]
        return self.edit_bill(bill_id, lines=lines)

    def make_item(self, name: str, record_type: str = "otherChargePurchaseItem", **attributes: Any) -> Item:
        """A person makes an item by hand; `attributes` are `Item`'s."""
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
        """A person enters a bill by hand; its id is set here."""
        with self.lock:
            made = dataclasses.replace(bill, id=self.bills.next_id(), modified_at=self.now())
            self.bills.put(made)
            self.record_write("create", made, by=PERSON)
        return made

    def void_bill(self, bill_id: str) -> Bill:
        """A person voids a bill: its total and all its lines are zero, the record stays (ohelp/section_4413162576)."""
        bill = self.bills.get(bill_id)
        if bill is None:
            raise KeyError(bill_id)
        zero = Decimal(0)
        lines = [dataclasses.replace(line, rate=zero, amount=zero) for line in bill.lines]
        expenses = [dataclasses.replace(line, amount=zero) for line in bill.expenses]
        return self.edit_bill(bill_id, lines=lines, expenses=expenses, tax=zero)

    def delete_bill(self, bill_id: str) -> None:
        """A person deletes a bill."""
        with self.lock:
            bill = self.bills.get(bill_id)
            if bill is None:
                raise KeyError(bill_id)
            self.bills.remove(bill_id)
            self.record_write("delete", bill, by=PERSON)
