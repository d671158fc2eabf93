"""What parts are built from that comes from the settings alone."""

from __future__ import annotations

from config.profile import NO_PROJECTS, Profile, contradictions, project_field, settle_seconds
from config.setting_faults import InvalidSettings
from config.settings import Settings
from config.written_settings import billing_digest
from worker.domain.bill_lines import FixedItems
from worker.domain.fields import AccountFields
from worker.domain.policy import Policy
from worker.domain.posting_periods import ClosedPeriod
from worker.inspect.checks.netsuite import Chosen
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


def policy_of(settings: Settings, profile: Profile | None, fields: AccountFields) -> Policy:
    """Return what the settings, the account's profile and the file with NetSuite's fields say about what is written. Raises
    InvalidSettings if the file takes values from projects that the company does not have.
    """
    names_projects = project_field(settings, profile) != NO_PROJECTS
    if fields.reads("netsuite_project") and not names_projects:
        fault = "NETSUITE_PROJECT_FIELD is none, but netsuite-fields.toml takes values from netsuite_project."
        raise InvalidSettings(faults=(fault,))
    return Policy(
        project_ids=frozenset(settings.project_ids),
        name_format=settings.item_name_format,
        marks_adopted=settings.netsuite_adopted_items_get_external_id,
        export_statuses=settings.export_statuses,
        fixed_items=FixedItems(settings.netsuite_retainage_item_id, settings.netsuite_tax_item_id),
        makes_credits=settings.netsuite_create_credits,
        closed_period=ClosedPeriod(settings.netsuite_closed_period),
        currency=settings.netsuite_currency,
        settle_seconds=settle_seconds(settings, profile),
        billing_digest=billing_digest(settings, fields.digest),
        fields=fields,
        names_projects=names_projects,
    )


def chosen_of(settings: Settings, policy: Policy, profile: Profile | None) -> Chosen:
    """Return the records of the account that the settings name, for its checks."""
    accounts = {"NETSUITE_EXPENSE_ACCOUNT_ID": settings.netsuite_expense_account_id}
    if settings.netsuite_income_account_id:
        accounts["NETSUITE_INCOME_ACCOUNT_ID"] = settings.netsuite_income_account_id
    return Chosen(
        subsidiary_id=settings.netsuite_subsidiary_id,
        accounts=accounts,
        tax_schedule_id=settings.netsuite_tax_schedule_id,
        fixed_items=policy.fixed_items,
        makes_credits=policy.makes_credits,
        closed_period=policy.closed_period,
        profile_of=profile.account if profile else "",
        contradictions=contradictions(settings, profile),
        names_projects=policy.names_projects,
    )
