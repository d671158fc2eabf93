"""The account's lists that Items refer to: general ledger accounts and tax schedules, as SuiteQL shows them."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.books import NetSuiteBooks
from simulators.netsuite.records import Shelf


@dataclass
class Listed:
    """An account or a tax schedule."""

    id: str
    name: str
    accttype: str = ""
    isinactive: bool = False
    externalid: str | None = None


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
