"""Settings: every fault is one sentence that names its setting, and no sentence ever shows a secret."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.loading import load_settings
from config.setting_faults import InvalidSettings
from config.setting_types import cron
from config.settings import Settings, setting_names
from tests.unit.config.conftest import SetEnvironment, faults_of


def test_settings_without_a_default_are_enough(set_environment: SetEnvironment) -> None:
    set_environment()
    settings = load_settings()
    assert (settings.procore_company_id, settings.netsuite_concurrency, settings.redis_url) == (4, 3, None)
    assert settings.export_statuses == ("approved",)
    assert settings.item_name_format == "{project_number}-{wbs_code}"
    assert settings.netsuite_adopted_items_get_external_id is False


def test_settings_cannot_be_changed_afterwards(set_environment: SetEnvironment) -> None:
    set_environment()
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.netsuite_concurrency = 9  # type: ignore[misc]


def test_each_missing_setting_is_reported_with_its_purpose(
    set_environment: SetEnvironment, needed: dict[str, str]
) -> None:
    faults = faults_of(set_environment, **dict.fromkeys(needed))
    assert len(faults) == len(needed)
    for name in needed:
        field = Settings.model_fields[name.lower()]
        assert f"{name} is not set: {field.description}." in faults


def test_an_empty_variable_counts_as_missing(set_environment: SetEnvironment) -> None:
    assert faults_of(set_environment, PROCORE_CLIENT_ID="") == (
        "PROCORE_CLIENT_ID is not set: Client id of the Procore app (client credentials).",
    )


@pytest.mark.parametrize(
    ("name", "value", "beginning"),
    [
        ("PROCORE_COMPANY_ID", "Acme", "PROCORE_COMPANY_ID: must be a whole number above 0."),
        ("PROCORE_COMPANY_ID", "0", "PROCORE_COMPANY_ID: must be a whole number above 0."),
        ("PROCORE_BASE_URL", "api.procore.com", "PROCORE_BASE_URL: must begin with https://."),
        ("NETSUITE_BASE_URL", "ftp://x", "NETSUITE_BASE_URL: must begin with https://."),
        ("NETSUITE_ACCOUNT_ID", "https://td1.app", "NETSUITE_ACCOUNT_ID: must be an account such as 1234567_SB1."),
        ("NETSUITE_PRIVATE_KEY_FILE", "/no/such.pem", "NETSUITE_PRIVATE_KEY_FILE: no such file: /no/such.pem."),
        ("NETSUITE_CONCURRENCY", "0", "NETSUITE_CONCURRENCY: must be a whole number from 1 to 500."),
        ("NETSUITE_CONCURRENCY", "many", "NETSUITE_CONCURRENCY: must be a whole number from 1 to 500."),
        ("NETSUITE_ITEM_TYPE", "serviceItem", "NETSUITE_ITEM_TYPE: must be otherChargePurchaseItem or otherChargeResaleItem."),
        ("NETSUITE_ITEM_TYPE", "otherChargeResaleItem", "NETSUITE_INCOME_ACCOUNT_ID is needed for Items of type"),
        ("NETSUITE_PROJECT_FIELD", "class", "NETSUITE_PROJECT_FIELD: must be customer, job or none."),
        ("NETSUITE_SETTLE_SECONDS", "-1", "NETSUITE_SETTLE_SECONDS: must be a whole number from 0 to 86,400."),
        ("EXPORT_STATUSES", "approved,paid", "EXPORT_STATUSES: takes one or more of draft, under_review,"),
        ("EXPORT_STATUSES", ",", "EXPORT_STATUSES: takes one or more of draft, under_review,"),
        ("PROJECT_IDS", "17,Harbor", "PROJECT_IDS: entry 2 must be the id of a Procore project, a whole number above 0."),
        ("ITEM_NAME_FORMAT", "{wbs_code}", "ITEM_NAME_FORMAT: must contain {project_number} and {wbs_code},"),
        ("ITEM_NAME_FORMAT", "{project_number}-{wbs_code}-{name}", "ITEM_NAME_FORMAT: must contain {project_number} and"),
        ("ITEM_NAME_FORMAT", "{project_number}-{wbs_code:.9}", "ITEM_NAME_FORMAT: must contain {project_number} and"),
        ("ITEM_NAME_FORMAT", "{project_number!r}-{wbs_code}", "ITEM_NAME_FORMAT: must contain {project_number} and"),
        ("ITEM_NAME_FORMAT", "{project_number}-{wbs_code", "ITEM_NAME_FORMAT: has an unbalanced brace;"),
        ("SCAN_CRON", "daily", "SCAN_CRON: must have five fields (minute, hour, day of month, month, day of week); it has 1."),
        ("SCAN_CRON", "99 * * * *", "SCAN_CRON: its minute must be * or 0 to 59, or a range, list or step of these."),
        ("EXPORT_CRON", "* * * *", "EXPORT_CRON: must have five fields (minute, hour, day of month, month, day of week); it has 4."),
        ("VERIFY_CRON", "0 5 * * fryday", "VERIFY_CRON: its day of the week must be * or 0 (Sunday) to 6, or mon to sun,"),
        ("EXPORT_CRON", "0 0 31 2 *", "EXPORT_CRON: matches no date."),
        ("PROCORE_COMPANY_ID", str(2**63), "PROCORE_COMPANY_ID: must be a whole number above 0."),
        ("PROJECT_IDS", "17,-5", "PROJECT_IDS: entry 2 must be the id of a Procore project, a whole number above 0."),
        ("PROCORE_READ_TIMEOUT_SECONDS", "inf", "PROCORE_READ_TIMEOUT_SECONDS: must be a number above 0 and at most 3,600."),
        ("NETSUITE_READ_TIMEOUT_SECONDS", "nan", "NETSUITE_READ_TIMEOUT_SECONDS: must be a number above 0 and at most 3,600."),
        ("NETSUITE_SETTLE_SECONDS", "99999999", "NETSUITE_SETTLE_SECONDS: must be a whole number from 0 to 86,400."),
        ("PROCORE_BASE_URL", "https://", "PROCORE_BASE_URL: must be scheme and host"),
        ("PROCORE_BASE_URL", "https://user:sesame@api.example", "PROCORE_BASE_URL: must be scheme and host (and port), such as https://api.procore.com, and nothing else."),
        ("PROCORE_AUTH_URL", "https://login.example/oauth/token", "PROCORE_AUTH_URL: must be scheme and host"),
        ("NETSUITE_BASE_URL", "https://a b", "NETSUITE_BASE_URL: must be scheme and host"),
        ("NETSUITE_BASE_URL", "https://[::1", "NETSUITE_BASE_URL: must be scheme and host"),
        ("NETSUITE_ACCOUNT_ID", "x" * 60, "NETSUITE_ACCOUNT_ID: must be an account such as 1234567_SB1."),
        ("NETSUITE_SUBSIDIARY_ID", "Main", "NETSUITE_SUBSIDIARY_ID: must be an internal id of NetSuite, digits only."),
        ("NETSUITE_RETAINAGE_ITEM_ID", "5' OR '1'='1", "NETSUITE_RETAINAGE_ITEM_ID: must be an internal id of NetSuite, digits only."),
        ("NETSUITE_PRIVATE_KEY_FILE", "x" * 5000, "NETSUITE_PRIVATE_KEY_FILE: must be the path of a file, not the key itself."),
        ("NETSUITE_PRIVATE_KEY_FILE", "-----BEGIN PRIVATE KEY-----", "NETSUITE_PRIVATE_KEY_FILE: must be the path of a file, not the key itself."),
        ("NETSUITE_PRIVATE_KEY_FILE", "/", "NETSUITE_PRIVATE_KEY_FILE: no such file: /."),
        ("ITEM_NAME_FORMAT", "{project_number} : {wbs_code}", "ITEM_NAME_FORMAT: must not contain ' : ',"),
        ("ITEM_NAME_FORMAT", "{project_number}\n{wbs_code}", "ITEM_NAME_FORMAT: must not contain ' : ',"),
        ("REDIS_KEY_PREFIX", "w b", "REDIS_KEY_PREFIX: must be 1 to 100 printable ASCII characters without spaces."),
        ("REDIS_KEY_PREFIX", "w\x06\x16b", "REDIS_KEY_PREFIX: must be 1 to 100 printable ASCII characters without spaces."),
        ("DATA_DIR", __file__, "DATA_DIR: is a file, not a folder."),
        ("DATA_DIR", f"{__file__}/data", f"DATA_DIR: cannot be a folder in {__file__}, which is a file."),
        ("REQUESTS_CA_BUNDLE", __file__, f"REQUESTS_CA_BUNDLE: must be a file with CA certificates in PEM format; it contains none: {__file__}."),
        ("SSL_CERT_FILE", __file__, f"SSL_CERT_FILE: must be a file with CA certificates in PEM format; it contains none: {__file__}."),
        ("FLOWER_ADDRESS", "127.0.0.1:80", "FLOWER_ADDRESS: must be an address or the name of this machine."),
        ("FLOWER_PORT", "70000", "FLOWER_PORT: must be a whole number from 0 to 65,535."),
        ("WEBHOOK_ADDRESS", "a b", "WEBHOOK_ADDRESS: must be an address or the name of this machine."),
        ("WEBHOOK_PORT", "0", "WEBHOOK_PORT: must be a whole number from 1 to 65,535."),
        ("WORKER_THREADS", "0", "WORKER_THREADS: must be a whole number from 1 to 256."),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL: must be DEBUG, INFO, WARNING or ERROR."),
        ("NETSUITE_CURRENCY", "usd", "NETSUITE_CURRENCY: must be a three-letter currency code in capitals, such as USD."),
        ("NETSUITE_CREATE_CREDITS", "maybe", "NETSUITE_CREATE_CREDITS: must be true or false."),
        ("PROCORE_BASE_URL", "http://api.procore.com", "PROCORE_BASE_URL: must begin with https://; http:// would send secrets unencrypted"),
        ("PROCORE_AUTH_URL", "http://10.0.0.4:9001", "PROCORE_AUTH_URL: must begin with https://; http:// would send secrets unencrypted"),
        ("NETSUITE_BASE_URL", "http://127.0.0.1.example", "NETSUITE_BASE_URL: must begin with https://; http:// would send"),
        ("HTTPS_PROXY", "socks5://user:canary@proxy:1080", "HTTPS_PROXY: must be the address of an HTTP proxy such as"),
        ("HTTP_PROXY", "http://:0", "HTTP_PROXY: must be the address of an HTTP proxy such as"),
        ("REQUESTS_CA_BUNDLE", "/no/such/ca.pem", "REQUESTS_CA_BUNDLE: must be a file that the user of this process can read: /no/such/ca.pem."),
        ("FLOWER_BASIC_AUTH", "engineer:canary", "FLOWER_BASIC_AUTH: must be user:password in printable ASCII characters, with a password of at least 12"),
        ("FLOWER_BASIC_AUTH", "a-canary-without-a-user", "FLOWER_BASIC_AUTH: must be user:password in printable ASCII"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT: must be json or text."),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence_that_names_its_setting(
    set_environment: SetEnvironment, name: str, value: str, beginning: str
) -> None:
    (fault,) = faults_of(set_environment, **{name: value})
    assert fault.startswith(beginning)
    assert fault.endswith(".")
    assert "\n" not in fault
    # Neither pydantic's message nor Python's, and no password.
    assert not [word for word in ("Input", "valid", "Error", "unpack", "canary") if word in fault]


def test_all_faults_are_reported_at_once(set_environment: SetEnvironment) -> None:
    faults = faults_of(set_environment, PROCORE_COMPANY_ID="x", SCAN_CRON="x", NETSUITE_CONCURENCY="5")
    assert len(faults) == 3


@pytest.mark.parametrize("host", ["127.0.0.1:9001", "127.8.0.1", "[::1]:9002", "localhost"])
def test_a_simulator_on_this_machine_may_speak_http(set_environment: SetEnvironment, host: str) -> None:
    set_environment(PROCORE_BASE_URL=f"http://{host}", PROCORE_AUTH_URL=f"http://{host}")
    assert load_settings().procore_base_url == f"http://{host}"


@pytest.mark.parametrize("proxy", ["http://proxy:3128", "proxy.example:3128", "https://user:p%40ss@proxy.example"])
def test_a_proxy_is_read_as_other_programs_read_it(set_environment: SetEnvironment, proxy: str) -> None:
    set_environment(HTTPS_PROXY=proxy)
    setting = load_settings().https_proxy
    assert setting is not None
    assert setting.get_secret_value() == proxy


# Secrets

SECRETS = {
    "PROCORE_CLIENT_SECRET": "open-sesame-1",
    "REDIS_URL": "redis://:open-sesame-2@host/0",
    "FLOWER_BASIC_AUTH": "admin:open-sesame-3",
    "WEBHOOK_AUTHORIZATION": "Bearer open-sesame-4",
}


def test_secrets_are_not_in_the_text_of_settings(set_environment: SetEnvironment) -> None:
    set_environment(**SECRETS)
    settings = load_settings()
    for text in (repr(settings), str(settings), settings.model_dump_json(), f"{settings.redis_url}"):
        assert "open-sesame" not in text


def test_secrets_are_not_in_the_faults_nor_in_the_errors_behind_them(set_environment: SetEnvironment) -> None:
    set_environment(**SECRETS, PROCORE_COMPANY_ID="x", NETSUITE_CONCURRENCY="0")
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    error: BaseException | None = caught.value
    while error is not None:
        assert "open-sesame" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "value", ["open-sesame", "Bearer open-sesame\n1234567", "Bearer öpen-sesame-12345", "open-sesame" * 100]
)
def test_a_weak_or_invalid_authorization_is_reported_without_its_value(
    set_environment: SetEnvironment, value: str
) -> None:
    """The sentence says which values are allowed."""
    (fault,) = faults_of(set_environment, WEBHOOK_AUTHORIZATION=value)
    assert fault.startswith("WEBHOOK_AUTHORIZATION: must be 16 to 1000 printable ASCII")
    assert "sesame" not in fault


# What is derived


@pytest.mark.parametrize(
    ("account", "url"),
    [
        ("1234567", "https://1234567.suitetalk.api.netsuite.com"),
        ("1234567_SB1", "https://1234567-sb1.suitetalk.api.netsuite.com"),
        ("TSTDRV123", "https://tstdrv123.suitetalk.api.netsuite.com"),
    ],
)
def test_netsuites_address_follows_from_the_account(set_environment: SetEnvironment, account: str, url: str) -> None:
    set_environment(NETSUITE_ACCOUNT_ID=account)
    assert load_settings().netsuite_url == url


def test_a_configured_address_overrides_it_without_its_trailing_slash(set_environment: SetEnvironment) -> None:
    set_environment(NETSUITE_BASE_URL="http://127.0.0.1:8000/")
    assert load_settings().netsuite_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("line", ["0 2 * * *", "*/15 6-18 * * 1-5", "0 0 1 1 0"])
def test_a_cron_line_of_five_fields_is_a_schedule(line: str) -> None:
    assert cron(line).remaining_estimate is not None


def test_the_example_file_names_every_setting_once() -> None:
    text = (Path(__file__).parents[3] / ".env.example").read_text()
    lines = [line.removeprefix("# ").split("=")[0] for line in text.splitlines() if "=" in line]
    named = [name for name in lines if name in setting_names()]
    assert named == setting_names()


@pytest.mark.parametrize(
    ("base", "login", "belongs"),
    [
        ("https://sandbox.procore.com", "https://login.procore.com", "login-sandbox.procore.com"),
        ("https://api.procore.com", "https://login-sandbox.procore.com", "login.procore.com"),
        ("https://api-monthly.procore.com", "https://login-sandbox.procore.com", "login-sandbox-monthly.procore.com"),
    ],
)
def test_addresses_of_two_environments_of_procore_are_refused(
    set_environment: SetEnvironment, base: str, login: str, belongs: str
) -> None:
    (fault,) = faults_of(set_environment, PROCORE_BASE_URL=base, PROCORE_AUTH_URL=login)
    assert "different Procore environments" in fault
    assert f"{belongs} belongs to" in fault


@pytest.mark.parametrize(
    ("base", "login"),
    [
        ("https://api.procore.com", "https://login.procore.com"),
        ("https://us02.procore.com", "https://login.procore.com"),
        ("https://sandbox.procore.com", "https://login-sandbox.procore.com"),
        ("https://sandbox.procore.com", "https://sandbox.procore.com"),
        ("https://api-monthly.procore.com", "https://login-sandbox-monthly.procore.com"),
        ("http://127.0.0.1:8001", "https://login.procore.com"),
    ],
)
def test_addresses_of_one_environment_are_accepted(set_environment: SetEnvironment, base: str, login: str) -> None:
    set_environment(PROCORE_BASE_URL=base, PROCORE_AUTH_URL=login)
    assert load_settings().procore_auth_url == login


def test_an_invalid_day_is_refused_with_a_sentence(set_environment: SetEnvironment) -> None:
    set_environment(NETSUITE_CERTIFICATE_EXPIRES="31.05.2027")
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    assert refused.value.faults == ("NETSUITE_CERTIFICATE_EXPIRES: must be a day such as 2027-05-31.",)
    set_environment(NETSUITE_CERTIFICATE_EXPIRES="2027-05-31")
    assert load_settings().netsuite_certificate_expires == date(2027, 5, 31)
