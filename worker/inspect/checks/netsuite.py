"""Checks of NetSuite: the login, the role's read permissions, and the records that the settings refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from worker.clients.netsuite.client import NetSuite
from worker.domain.bill_lines import FixedItems
from worker.domain.errors import Blocked, Misconfigured, NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.items import USABLE_SUBTYPES
from worker.domain.posting_periods import ClosedPeriod
from worker.inspect.checks import Check, NamedCheck, failed, passed, warning

UNUSED_EXTERNAL_ID = "pcr-check"
"""An external id that no record has."""
NOT_READABLE = (Blocked, Misconfigured, NotFound, NotPermitted, UnexpectedAnswer)
"""Errors for a table that does not exist or that the role may not view."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings to check against the account. `accounts`: general ledger account ids by setting; `profile_of`: the account of the profile, "" for
    none; `contradictions`: differences from that profile; `names_projects`: whether bill lines name a project.
    """

    subsidiary_id: str
    accounts: Mapping[str, str]
    tax_schedule_id: str
    fixed_items: FixedItems
    makes_credits: bool
    closed_period: ClosedPeriod
    profile_of: str
    contradictions: Sequence[str]
    names_projects: bool


@dataclass(frozen=True, slots=True)
class NetSuiteChecks:
    """Runs a few queries, mostly for records that do not exist."""

    netsuite: NetSuite
    chosen: Chosen

    def checks(self) -> Iterator[NamedCheck]:
        """Return the checks in order, with their names."""
        yield "NetSuite login and SuiteQL", self._login
        yield "NetSuite Items", self._items
        yield "NetSuite vendors", self._vendors
        yield "NetSuite bills", self._bills
        for setting, account_id in self.chosen.accounts.items():
            yield setting, partial(self._account, setting, account_id)
        yield "NETSUITE_TAX_SCHEDULE_ID", self._tax_schedule
        yield "Retainage Item", self._retainage_item
        yield "Tax Item", self._tax_item
        yield "Posting periods", self._posting_periods
        yield "Account profile", self._account_profile

    def _login(self) -> Check:
        # A cached token may come from the previous key and hide for an hour that the current one is wrong.
        self.netsuite.log_in()
        if not self.chosen.names_projects:
            self.netsuite.linked_vendors(internal_id="", external_id=UNUSED_EXTERNAL_ID)
            return passed("works; bills name no project")
        self.netsuite.linked_jobs(internal_id="", external_id=UNUSED_EXTERNAL_ID)
        return passed("works; projects can be queried")

    def _items(self) -> Check:
        limit = self.netsuite.item_name_limit()
        self.netsuite.find_items(external_ids=[UNUSED_EXTERNAL_ID], names=[])
        self.netsuite.item_by_external_id(UNUSED_EXTERNAL_ID)
        return passed(f"can be queried; names may have up to {limit} characters")

    def _vendors(self) -> Check:
        """Check vendors, and that some vendor belongs to the subsidiary of the settings: no bill can be created for another subsidiary."""
        subsidiary = self.chosen.subsidiary_id
        belongs = self.netsuite.has_vendor(subsidiary)
        if belongs:
            return passed(f"can be queried{f'; some belong to subsidiary {subsidiary}' if subsidiary else ''}")
        if subsidiary and self.netsuite.has_vendor(""):
            fix = "Check NETSUITE_SUBSIDIARY_ID against Setup > Company > Subsidiaries. Vendors shared with the subsidiary are fine."
            # Not a failure: which relationships SuiteQL returns is not documented, and the role may not see them.
            shared = "" if belongs is None else ", and no vendor is shared with it"
            return warning(f"no active vendor has {subsidiary} as its primary subsidiary{shared}", fix)
        fix = "Grant the role permission to view vendors, or create the vendors: no bill can be created without them."
        return failed("the role sees no active vendor", fix)

    def _bills(self) -> Check:
        self.netsuite.bills_by_external_id([UNUSED_EXTERNAL_ID])
        self.netsuite.bill_by_external_id(UNUSED_EXTERNAL_ID)
        return passed(f"can be queried{', including vendor credits' if self.chosen.makes_credits else ''}")

    def _account(self, setting: str, account_id: str) -> Check:
        """Check that the account of new Items exists: NetSuite reports an error only when the first Item is created."""
        if not account_id:
            return passed("not set: Items get the default of the Accounting Preferences")
        try:
            account = self.netsuite.account(account_id)
        except NOT_READABLE as error:
            return warning(f"{account_id} could not be read ({error})", "Grant the role permission to view accounts.")
        if account is None:
            fix = f"Set {setting} to the internal id of an account in this NetSuite account; ids differ between sandbox and production."
            return failed(f"the role sees no account with the id {account_id}", fix)
        name, inactive = account
        if inactive:
            return failed(f"{name} is inactive", "Reactivate it in NetSuite, or choose another account.")
        return passed(name)

    def _tax_schedule(self) -> Check:
        setting, schedule_id = "NETSUITE_TAX_SCHEDULE_ID", self.chosen.tax_schedule_id
        if not schedule_id:
            return passed("not set: Items are created without one")
        try:
            name = self.netsuite.tax_schedule(schedule_id)
        except NOT_READABLE as error:
            fix = "Grant the role permission to view tax schedules. Some accounts do not return them in queries; `wbs-sync probe` tests this in a sandbox."
            return warning(f"{schedule_id} could not be read ({error})", fix)
        if name is None:
            fix = f"Set {setting} to the internal id of a tax schedule in this account; ids differ between sandbox and production."
            return failed(f"the role sees no tax schedule with the id {schedule_id}", fix)
        return passed(name)

    def _retainage_item(self) -> Check:
        if not self.chosen.fixed_items.retainage:
            fix = "Set NETSUITE_RETAINAGE_ITEM_ID to the Item of your retainage payable account."
            return warning("not set: invoices with retainage are blocked", fix)
        return self._fixed_item("NETSUITE_RETAINAGE_ITEM_ID", self.chosen.fixed_items.retainage)

    def _tax_item(self) -> Check:
        if not self.chosen.fixed_items.tax:
            return passed("not set: invoices with tax are blocked")
        return self._fixed_item("NETSUITE_TAX_ITEM_ID", self.chosen.fixed_items.tax)

    def _fixed_item(self, setting: str, item_id: str) -> Check:
        item = self.netsuite.item(item_id)
        if item is None:
            fix = f"Set {setting} to the internal id of an Item in this account; ids differ between sandbox and production."
            return failed(f"NetSuite has no Item with the id {item_id}", fix)
        if item.inactive:
            return failed(f"{item.name} is inactive", "Reactivate it in NetSuite.")
        if item.subtype not in USABLE_SUBTYPES:
            fix = f"Set {setting} to an Other Charge Item for purchase or resale."
            return failed(f"{item.name} is not for purchase ({item.subtype}), so it cannot be used on a bill", fix)
        return passed(item.name)

    def _posting_periods(self) -> Check:
        """Check that closed posting periods can be read before a bill is sent; required by all policies except `block`."""
        policy = self.chosen.closed_period
        try:
            periods = self.netsuite.posting_periods()
        except NOT_READABLE as error:
            message, fix = f"could not be read ({error})", "Grant the role permission to view accounting periods."
            if policy is ClosedPeriod.BLOCK:
                return warning(f"{message}: a closed period is detected only when NetSuite rejects the bill", fix)
            return failed(f"{message}, and NETSUITE_CLOSED_PERIOD={policy} requires them", fix)
        closed = sum(not period.open for period in periods)
        return passed(f"{len(periods)} base periods, {closed} closed or locked; NETSUITE_CLOSED_PERIOD={policy}")

    def _account_profile(self) -> Check:
        if not self.chosen.profile_of:
            return warning(
                "none", "Run `wbs-sync probe` in a sandbox to test the undocumented behavior of this account."
            )
        if self.chosen.contradictions:
            fix = "Change the settings to match the profile, or run the probe again (docs/probe.md)."
            return failed("; ".join(self.chosen.contradictions), fix)
        return passed(f"of {self.chosen.profile_of}; the settings match it")
