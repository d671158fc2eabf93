"""SuiteQL's tables of lists, and of the subsidiaries of their entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.netsuite.accounts import Listed, full_name
from simulators.netsuite.currencies import currencies_of
from simulators.netsuite.records import Shelf
from simulators.netsuite.state import NetSuiteState

Getter = Callable[[Any], str | None]
_MAP = "subsidiarymap"  # AccountSubsidiaryMap and the like: columns as in queries of public code
_MAPPED = frozenset({"account", "department", "classification", "location"})
_TREES = frozenset({"department", "classification", "location", "subsidiary"})


@dataclass
class Share:
    """A subsidiary that a record was given to."""

    id: str
    owner: str
    subsidiary: str
    externalid: str | None = None


@dataclass
class VendorCurrency:
    """A currency that a vendor takes."""

    id: str
    vendor: str
    currency: str
    externalid: str | None = None


def list_table(state: NetSuiteState, name: str) -> tuple[Shelf[Any], dict[str, Getter]] | None:
    """Return the rows and columns of a list; None if the account has no such list, or the role may not see it.

    Maps have the subsidiaries that were chosen; whether an account's map also has those below them (includeChildren) is not documented.
    """
    if name in state.settings.missing_permissions:
        return None
    if name == "account":
        return state.listed(name) or Shelf(), _ACCOUNT
    if name == "taxschedule":
        return state.listed(name) or Shelf(), _TAX_SCHEDULE
    owner = name.removesuffix(_MAP)
    if owner != name and state.settings.subsidiaries and owner in {"item", *_MAPPED}:
        return _shares(state, owner), {
            owner: lambda share: str(share.owner),
            "subsidiary": lambda share: str(share.subsidiary),
        }
    if name == "currency" and state.settings.currencies:
        return state.listed(name) or Shelf(), _CURRENCY
    if name == "vendorcurrencybalance" and state.settings.currencies:
        return _currencies_of_vendors(state), _VENDOR_CURRENCY
    if name in state.settings.lists or (name == "subsidiary" and state.settings.subsidiaries):
        shelf: Shelf[Listed] = state.listed(name) or Shelf()
        return shelf, _columns(name, shelf)
    return None


def _columns(name: str, shelf: Shelf[Listed]) -> dict[str, Getter]:
    if name not in _TREES:
        return _LIST
    tree: dict[str, Getter] = {**_LIST, "fullname": lambda entry: full_name(shelf, entry)}
    return {**tree, **_SUBSIDIARY} if name == "subsidiary" else tree


def _shares(state: NetSuiteState, owner: str) -> Shelf[Share]:
    shelf: Shelf[Share] = Shelf()
    for record in state.items if owner == "item" else state.listed(owner) or Shelf[Listed]():
        for subsidiary in record.subsidiaries or [str(each["id"]) for each in state.settings.subsidiaries]:
            shelf.put(Share(shelf.next_id(), record.id, subsidiary))
    return shelf


def _currencies_of_vendors(state: NetSuiteState) -> Shelf[VendorCurrency]:
    shelf: Shelf[VendorCurrency] = Shelf()
    for vendor in state.vendors:
        for currency in currencies_of(state, vendor):
            shelf.put(VendorCurrency(shelf.next_id(), vendor.id, currency))
    return shelf


def _flag(value: bool) -> str:
    return "T" if value else "F"


_ACCOUNT: dict[str, Getter] = {
    "id": lambda account: str(account.id),
    "fullname": lambda account: str(account.name),
    "accttype": lambda account: str(account.accttype),
    "isinactive": lambda account: _flag(account.isinactive),
}
_TAX_SCHEDULE: dict[str, Getter] = {
    "id": lambda schedule: str(schedule.id),
    "name": lambda schedule: str(schedule.name),
}
_LIST: dict[str, Getter] = {
    "id": lambda entry: str(entry.id),
    "name": lambda entry: str(entry.name),
    "externalid": lambda entry: entry.externalid or None,
    "isinactive": lambda entry: _flag(entry.isinactive),
}
# Columns of both as in SuiteQL queries of public code.
_CURRENCY: dict[str, Getter] = {
    "id": lambda currency: str(currency.id),
    "name": lambda currency: str(currency.name),
    "symbol": lambda currency: str(currency.symbol),
    "exchangerate": lambda currency: str(currency.rate),
    "isinactive": lambda currency: _flag(currency.isinactive),
}
_VENDOR_CURRENCY: dict[str, Getter] = {
    "vendor": lambda one: str(one.vendor),
    "currency": lambda one: str(one.currency),
}
_SUBSIDIARY: dict[str, Getter] = {
    "parent": lambda entry: entry.parent or None,
    "currency": lambda entry: entry.currency or None,
}
