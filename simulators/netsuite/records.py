"""The records that clients write (items, vendor bills, vendor credits), and record types with different names in REST and SuiteQL."""

from __future__ import annotations

import bisect
import datetime
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from simulators.books import NsBill, NsItem
from simulators.netsuite.wire import money

START = datetime.datetime(2026, 1, 2, 9, 0, tzinfo=datetime.UTC)  # when the initial records were created
ZERO = Decimal("0")

# REST record type -> SuiteQL's (itemtype, subtype), ohelp/article_63201856891 and SuiteQL's item table.
ITEM_TYPES: dict[str, tuple[str, str]] = {
    "otherChargePurchaseItem": ("OthCharge", "Purchase"),
    "otherChargeResaleItem": ("OthCharge", "Resale"),
    "otherChargeSaleItem": ("OthCharge", "Sale"),
    "serviceSaleItem": ("Service", "Sale"),
    "inventoryItem": ("InvtPart", ""),
}
BILL_TYPES = {"vendorBill": "VendBill", "vendorCredit": "VendCred"}  # REST record type -> SuiteQL's transaction type
WRITABLE_ITEM_TYPES = frozenset({"otherChargePurchaseItem", "otherChargeResaleItem", "otherChargeSaleItem"})


class Record(Protocol):
    """The fields of every record."""

    id: str
    externalid: str | None


@dataclass
class Item:
    """An item. `fields`: properties that were sent and that the simulator does not use."""

    id: str
    record_type: str
    itemtype: str
    subtype: str
    itemid: str
    displayname: str
    externalid: str | None
    isinactive: bool
    subsidiaries: tuple[str, ...]
    expense_account: str
    fields: dict[str, Any] = field(default_factory=dict)
    created_at: datetime.datetime = START
    modified_at: datetime.datetime = START

    @classmethod
    def of(cls, kept: NsItem) -> Item:
        """Return the Item for an entry of the initial content."""
        return cls(
            id=kept.id,
            record_type=kept.record_type,
            itemtype=kept.itemtype,
            subtype=kept.subtype,
            itemid=kept.itemid,
            displayname=kept.displayname,
            externalid=kept.externalid,
            isinactive=kept.isinactive,
            subsidiaries=(kept.subsidiary,),
            expense_account=kept.expense_account,
        )


@dataclass
class BillLine:
    """A line of a bill's item sublist; `line` is its key."""

    line: int
    item: str  # internal id
    quantity: Decimal
    rate: Decimal
    amount: Decimal
    description: str
    customer: str | None  # internal id of the project
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class ExpenseLine:
    """A line of a bill's expense sublist."""

    line: int
    account: str
    amount: Decimal
    memo: str
    customer: str | None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Bill:
    """A vendor bill, or a vendor credit with what it takes off. Its total is the sum of its lines and the account's tax.

    `period` is the internal id of its posting period; "" stands for that of its date.
    """

    id: str
    externalid: str | None
    entity: str
    subsidiary: str
    tranid: str
    trandate: str  # YYYY-MM-DD
    memo: str
    lines: list[BillLine] = field(default_factory=list)
    expenses: list[ExpenseLine] = field(default_factory=list)
    tax: Decimal = ZERO
    record_type: str = "vendorBill"
    period: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    created_at: datetime.datetime = START
    modified_at: datetime.datetime = START

    @property
    def total(self) -> Decimal:
        """Return the total in the bill's currency, to the cent."""
        net = sum((line.amount for line in self.lines), ZERO) + sum((line.amount for line in self.expenses), ZERO)
        return money(net + self.tax)

    @classmethod
    def of(cls, kept: NsBill, subsidiary: str) -> Bill:
        """Return the bill for an entry of the initial content."""
        lines = [
            BillLine(place, each.item, Decimal(1), each.amount, each.amount, each.description, each.customer)
            for place, each in enumerate(kept.lines, start=1)
        ]
        return cls(
            id=kept.id,
            externalid=kept.externalid,
            entity=kept.entity,
            subsidiary=subsidiary,
            tranid=kept.tranid,
            trandate=kept.trandate,
            memo=kept.memo,
            lines=lines,
        )


R = TypeVar("R", bound=Record)


class Shelf(Generic[R]):
    """All records of one group, found by internal id or by an index without a search.

    An index has all records of a key, because a test may look for duplicates of what should be unique. The index `externalid` always exists;
    its keys are in lower case, because NetSuite compares external ids without case (ohelp/section_N3432681). They are unique within the group
    (ohelp/section_N3436356).
    """

    def __init__(self, first_id: int = 1, **indexes: Callable[[R], Hashable]) -> None:
        self._records: dict[str, R] = {}
        self._numbers: list[int] = []  # the internal ids, ascending
        self._keys: dict[str, Callable[[R], Hashable]] = {"externalid": _folded_external_id, **indexes}
        self._found: dict[str, dict[Hashable, dict[str, R]]] = {name: {} for name in self._keys}
        self._last_id = first_id - 1

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._records.values()))

    def next_id(self) -> str:
        """Return a new internal id, above all that were ever used."""
        return str(self._last_id + 1)

    def get(self, record_id: str) -> R | None:
        """Return the record with an internal id, else None."""
        return self._records.get(record_id)

    def find(self, index: str, key: Hashable) -> list[R]:
        """Return the records of an index key, in the order of their creation. Texts have to be in lower case (`str.casefold`)."""
        return list(self._found[index].get(key, {}).values())

    def above(self, number: int) -> list[R]:
        """Return the records with an internal id above `number`, ascending."""
        numbers = self._numbers[bisect.bisect_right(self._numbers, number) :]
        return [self._records[str(each)] for each in numbers]

    def put(self, record: R) -> None:
        """Add the record, or replace the one with its id."""
        self.remove(record.id)
        self._records[record.id] = record
        number = int(record.id)
        bisect.insort(self._numbers, number)
        self._last_id = max(self._last_id, number)
        for name, key_of in self._keys.items():
            key = key_of(record)
            if key is not None:
                self._found[name].setdefault(key, {})[record.id] = record

    def remove(self, record_id: str) -> None:
        """Remove a record, if it exists."""
        record = self._records.pop(record_id, None)
        if record is None:
            return
        del self._numbers[bisect.bisect_left(self._numbers, int(record_id))]
        for name, key_of in self._keys.items():
            same = self._found[name].get(key_of(record), {})
            same.pop(record_id, None)

    def repeated(self, index: str) -> list[tuple[Hashable, list[str]]]:
        """Return the keys of an index with more than one record, each with the records' ids."""
        found = list(self._found[index].items())
        return [(key, sorted(same, key=int)) for key, same in found if len(same) > 1]


def _folded_external_id(record: Record) -> str | None:
    return record.externalid.casefold() if record.externalid else None
