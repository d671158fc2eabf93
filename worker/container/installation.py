"""The parameter objects that come from the settings alone."""

from __future__ import annotations

from config.profile import Profile, settle_seconds
from config.settings import Settings
from worker.domain.invoices import FixedItems
from worker.domain.policy import Policy
from worker.domain.posting_periods import ClosedPeriod
from worker.store.stores import Installation


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
        export_statuses=settings.export_statuses,
        fixed_items=FixedItems(settings.netsuite_retainage_item_id, settings.netsuite_tax_item_id),
        makes_credits=settings.netsuite_create_credits,
        closed_period=ClosedPeriod(settings.netsuite_closed_period),
        currency=settings.netsuite_currency,
        settle_seconds=settle_seconds(settings, profile),
    )
