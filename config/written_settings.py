"""The settings that decide what is written: they must be the same on every machine with workers.

Two workers that name Items differently, or bill different statuses, would each be correct alone and wrong together.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from config.profile import Profile, project_field, settle_seconds
from config.settings import Settings

WRITTEN = (
    "procore_base_url",
    "procore_company_id",
    "netsuite_account_id",
    "netsuite_base_url",
    "netsuite_subsidiary_id",
    "netsuite_expense_account_id",
    "netsuite_income_account_id",
    "netsuite_tax_schedule_id",
    "netsuite_item_type",
    "netsuite_retainage_item_id",
    "netsuite_tax_item_id",
    "netsuite_project_field",
    "netsuite_currency",
    "netsuite_create_credits",
    "netsuite_closed_period",
    "netsuite_adopted_items_get_external_id",
    "netsuite_settle_seconds",
    "export_statuses",
    "item_name_format",
    "project_ids",
)
PROFILE = "NETSUITE_PROFILE_FILE"
FIELDS = "NETSUITE_FIELDS_FILE"
DIGEST_LETTERS = 8


def written_settings(settings: Settings, profile: Profile | None, fields: str) -> dict[str, str]:
    """Return a digest of each setting's value, by setting name, and of the account profile. The values are not included. `fields`: the digest of
    the file with NetSuite's fields, "" without one.
    """
    values: dict[str, Any] = {name: getattr(settings, name) for name in WRITTEN}
    values |= {
        "netsuite_base_url": settings.netsuite_url,
        "netsuite_account_id": settings.netsuite_account_id.lower().replace("-", "_"),
        "netsuite_project_field": project_field(settings, profile),
        "netsuite_settle_seconds": settle_seconds(settings, profile),
        "export_statuses": sorted(settings.export_statuses),
        "project_ids": sorted(settings.project_ids),
    }
    digests = {name.upper(): _digest(value) for name, value in values.items()}
    probed = _digest(profile.effects.model_dump(mode="json") if profile else None)
    return digests | {PROFILE: probed, FIELDS: fields or "none"}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:DIGEST_LETTERS]


def billing_digest(settings: Settings, fields: str) -> str:
    """Return a digest of the settings that decide whether an invoice is billed: after a change of one, no invoice counts as unchanged. `fields`:
    the digest of the file with NetSuite's fields, "" without one.
    """
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
        *filter(None, [fields]),
    )
    return hashlib.sha256(repr(decisive).encode()).hexdigest()[:DIGEST_LETTERS]
