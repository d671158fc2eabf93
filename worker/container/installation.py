"""What parts are built from that comes from the settings alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from config.profile import Profile, settle_seconds
from config.schedule import next_due
from config.settings import Settings
from worker.clients.netsuite.pages import NetSuitePages
from worker.clients.procore.pages import ProcorePages
from worker.domain.bill_lines import FixedItems
from worker.domain.policy import Policy
from worker.domain.posting_periods import ClosedPeriod
from worker.inspect.pages import Pages
from worker.store.stores import Installation, Stores


def installation_of(settings: Settings) -> Installation:
    """Return the installation of the settings, for its stores."""
    return Installation(
        prefix=settings.redis_key_prefix,
        company_id=settings.procore_company_id,
        account_id=settings.netsuite_account_id,
        data_dir=settings.data_dir,
        slots=settings.netsuite_concurrency,
    )


def policy_of(settings: Settings, profile: Profile | None) -> Policy:
    """Return what the settings and the account's profile say about what is written."""
    return Policy(
        project_ids=settings.project_ids,
        name_format=settings.item_name_format,
        marks_adopted=settings.netsuite_adopted_items_get_external_id,
        export_statuses=settings.export_statuses,
        fixed_items=FixedItems(settings.netsuite_retainage_item_id, settings.netsuite_tax_item_id),
        makes_credits=settings.netsuite_create_credits,
        closed_period=ClosedPeriod(settings.netsuite_closed_period),
        currency=settings.netsuite_currency,
        settle_seconds=settle_seconds(settings, profile),
        billing_digest=_billing_digest(settings),
    )


def _billing_digest(settings: Settings) -> str:
    """Return a digest of the settings that decide whether an invoice is billed: after a change of one, no invoice counts as unchanged."""
    decisive = (
        settings.export_statuses,
        settings.netsuite_retainage_item_id,
        settings.netsuite_tax_item_id,
        settings.netsuite_create_credits,
        settings.netsuite_closed_period,
        settings.netsuite_project_field,
        settings.netsuite_subsidiary_id,
        settings.netsuite_currency,
        settings.item_name_format,
    )
    return hashlib.sha256(repr(decisive).encode()).hexdigest()[:8]


def pages_of(settings: Settings, stores: Stores) -> Pages:
    """Return the addresses of pages in both systems."""
    procore = ProcorePages(settings.procore_base_url, settings.procore_company_id)
    return Pages(stores, procore, NetSuitePages(settings.netsuite_url))


def schedule_of(settings: Settings) -> dict[str, Callable[[float], float]]:
    """Return the runs with a schedule, each with a function of a time that returns the next scheduled time (both unix seconds)."""
    lines = {"scan": settings.scan_cron, "export": settings.export_cron, "verify": settings.verify_cron}
    return {run: partial(next_due, line) for run, line in lines.items() if line}
