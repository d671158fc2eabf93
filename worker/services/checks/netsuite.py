"""NetSuite: the login, what the role may look up, and the records and choices that the settings name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from worker.clients.netsuite.client import NetSuite
from worker.domain.errors import Blocked, Misconfigured, NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.invoices import FixedItems
from worker.domain.items import USABLE_SUBTYPES
from worker.domain.posting_periods import ClosedPeriod
from worker.services.checks.check import Check, Look, doubt, fault, well

NOBODY = "pcr-check"
"""An external id that nothing has."""
NOT_READABLE = (Blocked, Misconfigured, NotFound, NotPermitted, UnexpectedAnswer)
"""How NetSuite refuses a table, or a role may not view it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the settings say of the account. `accounts`: ids of general ledger accounts by the settings that name them; `profile_of`: the account of its profile, "" for none; `contradictions` to that, in words."""

    subsidiary_id: str
    accounts: Mapping[str, str]
    tax_schedule_id: str
    fixed_items: FixedItems
    makes_credits: bool
    closed_period: ClosedPeriod
    profile_of: str
    contradictions: Sequence[str]


class NetSuiteChecks:
    """Looks up a little, mostly what does not exist."""

    def __init__(self, *, netsuite: NetSuite, chosen: Chosen) -> None:
        self._netsuite = netsuite
        self._chosen = chosen

    def looks(self) -> Iterator[Look]:
        """All of them."""
        yield "NetSuite login and SuiteQL", self._login
        yield "NetSuite Items", self._items
        yield "NetSuite vendors", self._vendors
        yield "NetSuite bills", self._bills
        for setting, account_id in self._chosen.accounts.items():
            yield setting, partial(self._account, setting, account_id)
        yield "NETSUITE_TAX_SCHEDULE_ID", self._tax_schedule
        yield "Retainage Item", self._retainage_item
        yield "Tax Item", self._tax_item
        yield "Posting periods", self._posting_periods
        yield "Account profile", self._account_profile

    def _login(self) -> Check:
        # A token at hand may be of the key before this one, and hide for an hour that this one is wrong.
        self._netsuite.log_in()
        self._netsuite.linked_jobs(internal_id="", external_id=NOBODY)
        return well("NetSuite login and SuiteQL", "works; projects can be looked up")

    def _items(self) -> Check:
        limit = self._netsuite.item_name_limit()
        self._netsuite.find_items(external_ids=[NOBODY], names=[])
        self._netsuite.item_by_external_id(NOBODY)
        return well("NetSuite Items", f"can be looked up; their names may have {limit} characters")

    def _vendors(self) -> Check:
        """Also whether the subsidiary of the settings is one that any vendor belongs to: no bill could be made for another."""
        name, subsidiary = "NetSuite vendors", self._chosen.subsidiary_id
        belongs = self._netsuite.has_vendor(subsidiary)
        if belongs:
            return well(name, f"can be looked up{f'; some belong to subsidiary {subsidiary}' if subsidiary else ''}")
        if subsidiary and self._netsuite.has_vendor(""):
            cure = "Check NETSUITE_SUBSIDIARY_ID against Setup > Company > Subsidiaries. Vendors that are shared with it are fine."
            # No fault: what SuiteQL shows of relationships is not documented, and the role may not see them.
            shared = "" if belongs is None else ", and none is shown as shared with it"
            return doubt(name, f"no active vendor has subsidiary {subsidiary} as its primary one{shared}", cure)
        cure = "Give the role the permission to view vendors, or make the vendors: no bill can be made without."
        return fault(name, "the role sees no active vendor", cure)

    def _bills(self) -> Check:
        self._netsuite.bills_by_external_id([NOBODY])
        self._netsuite.bill_by_external_id(NOBODY)
        return well("NetSuite bills", f"can be looked up{', vendor credits too' if self._chosen.makes_credits else ''}")

    def _account(self, setting: str, account_id: str) -> Check:
        """Whether the account that new Items get exists: NetSuite says no only when the first Item is created."""
        if not account_id:
            return well(setting, "not set: Items get the default of the Accounting Preferences")
        try:
            account = self._netsuite.account(account_id)
        except NOT_READABLE as error:
            return doubt(
                setting, f"{account_id} cannot be read ({error})", "Give the role the permission to view accounts."
            )
        if account is None:
            cure = f"Set {setting} to the internal id of an account of this NetSuite account; ids of a sandbox and of production differ."
            return fault(setting, f"the role sees no account with the id {account_id}", cure)
        name, inactive = account
        if inactive:
            return fault(setting, f"{name} is inactive", "Make it active in NetSuite, or choose another account.")
        return well(setting, name)

    def _tax_schedule(self) -> Check:
        setting, schedule_id = "NETSUITE_TAX_SCHEDULE_ID", self._chosen.tax_schedule_id
        if not schedule_id:
            return well(setting, "not set: Items are created without one")
        try:
            name = self._netsuite.tax_schedule(schedule_id)
        except NOT_READABLE as error:
            cure = "Give the role the permission to view tax schedules; some accounts show them to no query. `wbs-sync probe` in a sandbox tries it."
            return doubt(setting, f"{schedule_id} cannot be read ({error})", cure)
        if name is None:
            cure = f"Set {setting} to the internal id of a tax schedule of this account; ids of a sandbox and of production differ."
            return fault(setting, f"the role sees no tax schedule with the id {schedule_id}", cure)
        return well(setting, name)

    def _retainage_item(self) -> Check:
        if not self._chosen.fixed_items.retainage:
            cure = "Set NETSUITE_RETAINAGE_ITEM_ID to the Item of your retainage payable account."
            return doubt("Retainage Item", "not set: invoices with retainage are blocked", cure)
        return self._fixed_item("Retainage Item", "NETSUITE_RETAINAGE_ITEM_ID", self._chosen.fixed_items.retainage)

    def _tax_item(self) -> Check:
        if not self._chosen.fixed_items.tax:
            return well("Tax Item", "not set: an invoice with tax would be blocked")
        return self._fixed_item("Tax Item", "NETSUITE_TAX_ITEM_ID", self._chosen.fixed_items.tax)

    def _fixed_item(self, name: str, setting: str, item_id: str) -> Check:
        item = self._netsuite.item(item_id)
        if item is None:
            cure = f"Set {setting} to the internal id of an Item of this account; ids of a sandbox and of production differ."
            return fault(name, f"NetSuite has no Item with the id {item_id}", cure)
        if item.inactive:
            return fault(name, f"{item.name} is inactive", "Make it active in NetSuite.")
        if item.subtype not in USABLE_SUBTYPES:
            cure = f"Set {setting} to an Other Charge Item for purchase or resale."
            return fault(name, f"{item.name} is not for purchase ({item.subtype}), so no bill can name it", cure)
        return well(name, item.name)

    def _posting_periods(self) -> Check:
        """Whether closed posting periods can be told before a bill is sent, which all policies but `block` need."""
        name, policy = "Posting periods", self._chosen.closed_period
        try:
            periods = self._netsuite.posting_periods()
        except NOT_READABLE as error:
            words, cure = f"cannot be read ({error})", "Give the role the permission to view accounting periods."
            if policy is ClosedPeriod.BLOCK:
                return doubt(name, f"{words}: a closed one is only known when NetSuite refuses the bill", cure)
            return fault(name, f"{words}, and NETSUITE_CLOSED_PERIOD={policy} needs them", cure)
        closed = sum(not period.open for period in periods)
        return well(name, f"{len(periods)} base periods, {closed} closed or locked; NETSUITE_CLOSED_PERIOD={policy}")

    def _account_profile(self) -> Check:
        name = "Account profile"
        if not self._chosen.profile_of:
            return doubt(name, "none", "`wbs-sync probe` in a sandbox finds out what nobody documents of this account.")
        if self._chosen.contradictions:
            cure = "Follow the profile, or probe again: docs/probe.md."
            return fault(name, "; ".join(self._chosen.contradictions), cure)
        return well(name, f"of {self._chosen.profile_of}, and the settings fit it")
