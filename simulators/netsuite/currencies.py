"""The currencies of vendors and bills, in an account whose setting `currencies` has a list of them (the feature Multiple Currencies).

A bill is in a currency of its vendor. The text of the refusal of any other was seen in real accounts: "Invalid currency reference key 2 for
entity 712." (fylein/fyle-netsuite-api).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from simulators.books import NsVendor
from simulators.netsuite import bodies
from simulators.netsuite.bodies import Body
from simulators.netsuite.field_types import FieldType
from simulators.netsuite.fields import shown_value
from simulators.netsuite.records import Bill
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import NetSuiteError, invalid_value

Getter = Callable[[Any], str | None]
_CURRENCY = FieldType("reference", "currency")
_RATE_PLACES = Decimal("0.00000001")


def currencies_of(state: NetSuiteState, vendor: NsVendor) -> tuple[str, ...]:
    """Return the ids of the currencies that a vendor takes, the primary one first: its own, else that of its primary subsidiary."""
    return tuple(vendor.currencies) or (_home_currency(state, vendor.subsidiary),)


def take_currency(state: NetSuiteState, bill: Bill, sent: Body) -> None:
    """Give a bill its currency and its exchange rate: those that were sent, else its vendor's and the account's. Refuses any other currency."""
    if not state.settings.currencies:
        return
    if not bill.fields.get("currency") or not sent.keys().isdisjoint({"currency", "entity"}):
        _choose(state, bill)
    rate = bodies.number(sent, "exchangeRate")
    if rate is not None:
        bill.fields["exchangeRate"] = rate


def shown_currency(state: NetSuiteState, bill: Bill) -> Body:
    """Return the properties of a bill that an account with several currencies has."""
    if not state.settings.currencies:
        return {}
    rate = bill.fields.get("exchangeRate") or _rate(state, bill)
    currency = shown_value(state, _CURRENCY, {"id": _currency(state, bill)}, expand=True)
    return {"currency": currency, "exchangeRate": float(rate)}


def vendor_columns(state: NetSuiteState) -> dict[str, Getter]:
    """Return the columns of SuiteQL's `vendor` that an account with several currencies has."""
    return {"currency": lambda vendor: currencies_of(state, vendor)[0]} if state.settings.currencies else {}


def transaction_columns(state: NetSuiteState) -> dict[str, Getter]:
    """Return the columns of SuiteQL's `transaction` that an account with several currencies has."""
    return {"currency": lambda bill: _currency(state, bill)} if state.settings.currencies else {}


def _choose(state: NetSuiteState, bill: Bill) -> None:
    chosen = _currency(state, bill)
    shelf = state.listed("currency")
    entry = shelf.get(chosen) if shelf is not None else None
    if entry is None or entry.isinactive:
        raise invalid_value(chosen, "currency", "currency")
    vendor = state.vendors.get(bill.entity)
    if vendor is not None and chosen not in currencies_of(state, vendor):
        raise NetSuiteError(
            f"Error while accessing a resource. Invalid currency reference key {chosen} for entity {bill.entity}.",
            path="currency",
        )
    bill.fields["currency"] = {"id": chosen}
    bill.fields["exchangeRate"] = _rate(state, bill)


def _currency(state: NetSuiteState, bill: Bill) -> str:
    chosen = bodies.reference(bill.fields, "currency")
    vendor = state.vendors.get(bill.entity)
    if chosen is None and vendor is not None:
        return currencies_of(state, vendor)[0]
    return chosen or _home_currency(state, bill.subsidiary)


def _home_currency(state: NetSuiteState, subsidiary: str) -> str:
    """Return the currency of a subsidiary's books: that of its record, else the account's first."""
    shelf = state.listed("subsidiary")
    entry = shelf.get(subsidiary) if shelf is not None else None
    return str(entry.currency) if entry is not None and entry.currency else str(state.settings.currencies[0]["id"])


def _rate(state: NetSuiteState, bill: Bill) -> Decimal:
    """Return what one unit of the bill's currency is worth in the currency of its subsidiary."""
    rates = {str(each["id"]): Decimal(str(each.get("rate", 1))) for each in state.settings.currencies}
    one = Decimal(1)
    rate = rates.get(_currency(state, bill), one) / rates.get(_home_currency(state, bill.subsidiary), one)
    return rate.quantize(_RATE_PLACES)
