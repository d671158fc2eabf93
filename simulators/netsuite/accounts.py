"""The account's lists that records refer to, as SuiteQL shows them: general ledger accounts, tax schedules, and those of the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulators.books import NetSuiteBooks
from simulators.netsuite.records import Shelf


@dataclass
class Listed:
    """An entry of a list: an account, a tax schedule, a department ..."""

    id: str
    name: str
    accttype: str = ""
    isinactive: bool = False
    externalid: str | None = None
    subsidiaries: Sequence[str] = ()  # that may use it; empty: all
    includechildren: bool = False  # whether those below them may use it too
    parent: str = ""  # the entry above it, in a list that is a tree
    currency: str = ""  # of a subsidiary
    symbol: str = ""  # of a currency: USD
    rate: Decimal | str = "1"  # of a currency


def accounts(books: NetSuiteBooks) -> Shelf[Listed]:
    """Return a short chart of accounts, including the one that Items use."""
    shelf: Shelf[Listed] = Shelf()
    shelf.put(Listed("54", "Sales", "Income"))
    shelf.put(Listed("111", "Accounts Payable", "AcctPay"))
    if books.expense_account_id:
        shelf.put(Listed(books.expense_account_id, "Job Costs : Subcontracts", "COGS"))
    return shelf


def tax_schedules(books: NetSuiteBooks) -> Shelf[Listed]:
    """Return two tax schedules, including the one that Items use."""
    shelf: Shelf[Listed] = Shelf()
    shelf.put(Listed("9", "Taxable"))
    if books.tax_schedule_id:
        shelf.put(Listed(books.tax_schedule_id, "Non-taxable"))
    return shelf


def listed(own: Shelf[Listed] | None, entries: Iterable[Mapping[str, Any]]) -> Shelf[Listed]:
    """Return the entries of a list in the settings, with those that the books have. Raises TypeError for an unknown attribute."""
    shelf: Shelf[Listed] = Shelf()
    for entry in own or ():
        shelf.put(entry)
    for each in entries:
        shelf.put(Listed(**{**each, "id": str(each["id"])}))
    return shelf


def full_name(shelf: Shelf[Listed], entry: Listed) -> str:
    """Return the names from the top of the tree down to the entry: "Civil : Roads", as public code reads `fullname` of classes."""
    names = [entry.name]
    above = shelf.get(str(entry.parent)) if entry.parent else None
    while above is not None and len(names) <= len(shelf):
        names.append(above.name)
        above = shelf.get(str(above.parent)) if above.parent else None
    return " : ".join(reversed(names))
