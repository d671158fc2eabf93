"""The digests of the settings that determine what is written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.loading import load_settings
from config.profile import Effects, Profile
from config.settings import Settings
from config.written_settings import FIELDS, PROFILE, WRITTEN, billing_digest, written_settings
from tests.unit.config.conftest import SetEnvironment

CHANGES = {
    "PROCORE_BASE_URL": "https://procore.example",
    "PROCORE_COMPANY_ID": "5",
    "NETSUITE_ACCOUNT_ID": "1234567",
    "NETSUITE_BASE_URL": "https://elsewhere.example",
    "NETSUITE_SUBSIDIARY_ID": "2",
    "NETSUITE_EXPENSE_ACCOUNT_ID": "58",
    "NETSUITE_INCOME_ACCOUNT_ID": "54",
    "NETSUITE_TAX_SCHEDULE_ID": "1",
    "NETSUITE_ITEM_TYPE": "otherChargeResaleItem",
    "NETSUITE_RETAINAGE_ITEM_ID": "4001",
    "NETSUITE_TAX_ITEM_ID": "4002",
    "NETSUITE_PROJECT_FIELD": "job",
    "NETSUITE_CURRENCY": "USD",
    "NETSUITE_CREATE_CREDITS": "true",
    "NETSUITE_CLOSED_PERIOD": "keep",
    "NETSUITE_ADOPTED_ITEMS_GET_EXTERNAL_ID": "true",
    "NETSUITE_SETTLE_SECONDS": "60",
    "EXPORT_STATUSES": "approved,approved_as_noted",
    "ITEM_NAME_FORMAT": "{wbs_code}-{project_number}",
    "PROJECT_IDS": "17",
}
NOT_WRITTEN = (
    "redis_url", "redis_key_prefix", "data_dir", "procore_auth_url", "procore_client_id", "procore_client_secret",
    "procore_read_timeout_seconds", "netsuite_client_id", "netsuite_certificate_id", "netsuite_private_key_file",
    "netsuite_certificate_expires", "netsuite_concurrency", "netsuite_read_timeout_seconds", "netsuite_profile_file", "netsuite_fields_file", "scan_cron", "export_cron", "verify_cron",
    "worker_threads", "flower_port", "flower_address", "flower_basic_auth", "webhook_authorization", "webhook_address",
    "webhook_port", "webhook_invoice_resources", "log_level", "log_format", "sentry_dsn", "https_proxy", "http_proxy", "no_proxy",
    "requests_ca_bundle", "ssl_cert_file",
)  # fmt: skip
"""The other settings, listed so that each new setting is assigned to one of the two lists. The content of the files with the profile and with NetSuite's
fields is compared, not their paths.
"""
ALONGSIDE = {"NETSUITE_ITEM_TYPE": {"NETSUITE_INCOME_ACCOUNT_ID": "54"}}
"""What a change needs to be a setting at all."""


def digests(set_environment: SetEnvironment, **changes: str) -> dict[str, str]:
    set_environment(**changes)
    return written_settings(load_settings(), None, "")


def test_each_setting_is_classified_by_whether_it_affects_writes() -> None:
    assert sorted((*WRITTEN, *NOT_WRITTEN)) == sorted(Settings.model_fields)
    assert {name.lower() for name in CHANGES} == set(WRITTEN)


@pytest.mark.parametrize("name", CHANGES)
def test_another_value_has_another_digest_which_does_not_contain_it(set_environment: SetEnvironment, name: str) -> None:
    before = digests(set_environment, **ALONGSIDE.get(name, {}))
    after = digests(set_environment, **ALONGSIDE.get(name, {}), **{name: CHANGES[name]})
    changed = {each for each in before if before[each] != after[each]}
    # Another account is also another address.
    assert changed - {"NETSUITE_BASE_URL"} == {name} - {"NETSUITE_BASE_URL"}
    assert CHANGES[name] not in after.values()


@pytest.mark.parametrize(
    "same",
    [
        {"EXPORT_STATUSES": "approved"},
        {"NETSUITE_SETTLE_SECONDS": "900"},
        {"NETSUITE_ACCOUNT_ID": "1234567_sb1"},
        {"NETSUITE_BASE_URL": "https://1234567-sb1.suitetalk.api.netsuite.com/"},
        {"LOG_LEVEL": "DEBUG", "WORKER_THREADS": "40", "SCAN_CRON": "0 2 * * *"},
    ],
)
def test_equivalent_settings_have_the_same_digests(set_environment: SetEnvironment, same: dict[str, str]) -> None:
    assert digests(set_environment, **same) == digests(set_environment)


def test_the_order_of_a_list_does_not_matter(set_environment: SetEnvironment) -> None:
    in_order = digests(set_environment, PROJECT_IDS="17,18", EXPORT_STATUSES="approved,approved_as_noted")
    assert in_order == digests(set_environment, PROJECT_IDS="18,17", EXPORT_STATUSES="approved_as_noted,approved")


def test_the_content_of_a_profile_counts_and_not_its_date(set_environment: SetEnvironment) -> None:
    set_environment()
    settings = load_settings()

    def of(day: int, limit: int) -> str:
        made = datetime(2026, 11, day, tzinfo=UTC)
        profile = Profile(account="1234567_SB1", probed_at=made, effects=Effects(item_name_limit=limit))
        return written_settings(settings, profile, "")[PROFILE]

    assert of(1, 60) == of(2, 60) != of(1, 40)
    assert of(1, 60) != written_settings(settings, None, "")[PROFILE]


def test_the_content_of_the_file_with_fields_counts(set_environment: SetEnvironment) -> None:
    set_environment()
    settings = load_settings()
    assert written_settings(settings, None, "1f3a")[FIELDS] != written_settings(settings, None, "77b0")[FIELDS]
    assert billing_digest(settings, "1f3a") != billing_digest(settings, "77b0")
    assert billing_digest(settings, "") == billing_digest(settings, ""), "no file is no difference"
