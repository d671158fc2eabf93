"""Settings: every fault is one sentence that names its setting, and no sentence or text ever shows a secret."""

from __future__ import annotations

import errno
from datetime import date
from pathlib import Path

import pytest
from celery import Celery
from pydantic import ValidationError

from config.celery_options import celery_options
from config.cron import cron
from config.loading import load_settings
from config.setting_faults import InvalidSettings
from config.settings import Settings, setting_names
from tests.unit.config.conftest import SetEnvironment
from worker.store.connection import connect


def faults_of(set_environment: SetEnvironment, **changes: str | None) -> tuple[str, ...]:
    set_environment(**changes)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    return caught.value.faults


def test_what_has_no_default_is_enough(set_environment: SetEnvironment) -> None:
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


def test_each_missing_setting_is_told_with_its_purpose(set_environment: SetEnvironment, needed: dict[str, str]) -> None:
    faults = faults_of(set_environment, **dict.fromkeys(needed))
    assert len(faults) == len(needed)
    for name in needed:
        field = Settings.model_fields[name.lower()]
        assert f"{name} is not set: {field.description}." in faults


def test_an_empty_variable_is_a_missing_one(set_environment: SetEnvironment) -> None:
    assert faults_of(set_environment, PROCORE_CLIENT_ID="") == (
        "PROCORE_CLIENT_ID is not set: Client id of the Procore app (client credentials).",
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
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
        ("NETSUITE_PROJECT_FIELD", "class", "NETSUITE_PROJECT_FIELD: must be customer or job."),
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
    set_environment: SetEnvironment, name: str, value: str, told: str
) -> None:
    (fault,) = faults_of(set_environment, **{name: value})
    assert fault.startswith(told)
    assert fault.endswith(".")
    assert "\n" not in fault
    # Neither pydantic's words nor Python's, and no password.
    assert not [word for word in ("Input", "valid", "Error", "unpack", "canary") if word in fault]


def test_all_faults_are_told_at_once(set_environment: SetEnvironment) -> None:
    faults = faults_of(set_environment, PROCORE_COMPANY_ID="x", SCAN_CRON="x", NETSUITE_CONCURENCY="5")
    assert len(faults) == 3


@pytest.mark.parametrize("host", ["127.0.0.1:9001", "127.8.0.1", "[::1]:9002", "localhost"])
def test_a_simulator_on_this_machine_may_speak_http(set_environment: SetEnvironment, host: str) -> None:
    set_environment(PROCORE_BASE_URL=f"http://{host}", PROCORE_AUTH_URL=f"http://{host}")
    assert load_settings().procore_base_url == f"http://{host}"


@pytest.mark.parametrize("proxy", ["http://proxy:3128", "proxy.example:3128", "https://user:p%40ss@proxy.example"])
def test_a_proxy_is_taken_as_other_programs_take_it(set_environment: SetEnvironment, proxy: str) -> None:
    set_environment(HTTPS_PROXY=proxy)
    told = load_settings().https_proxy
    assert told is not None
    assert told.get_secret_value() == proxy


# Where values come from


def test_values_may_stand_in_env_file_and_the_environment_goes_before_it(
    set_environment: SetEnvironment, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("NETSUITE_CONCURRENCY=7\nWORKER_THREADS=9\n")
    set_environment(NETSUITE_CONCURRENCY="5")
    settings = load_settings()
    assert (settings.netsuite_concurrency, settings.worker_threads) == (5, 9)


@pytest.mark.parametrize(
    ("chosen", "threads"),
    [
        ({}, 16),
        ({"NETSUITE_CONCURRENCY": "15"}, 21),
        ({"NETSUITE_CONCURRENCY": "65"}, 78),
        ({"NETSUITE_CONCURRENCY": "65", "WORKER_THREADS": "9"}, 9),
    ],
)
def test_the_threads_follow_the_slots_unless_they_are_set(
    set_environment: SetEnvironment, chosen: dict[str, str], threads: int
) -> None:
    set_environment(**chosen)
    assert load_settings().threads == threads


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("'pa${ss}w$ord#1'", "pa${ss}w$ord#1"),
        ("'pa \"ss\" #1'", 'pa "ss" #1'),
        ("pa$ss#1", "pa$ss#1"),
        ('"pa ss\\"1"', 'pa ss"1'),
        ("plain # a comment", "plain"),
    ],
)
def test_a_secret_in_env_file_is_what_stands_there(
    set_environment: SetEnvironment, tmp_path: Path, line: str, secret: str
) -> None:
    (tmp_path / ".env").write_text(f"PROCORE_CLIENT_SECRET={line}\n")
    set_environment(PROCORE_CLIENT_SECRET=None, ss="replaced")
    assert load_settings().procore_client_secret.get_secret_value() == secret


@pytest.mark.parametrize("value", ["pa${ss}word", '"pa${ss}word"'])
def test_what_another_reader_of_the_file_would_replace_is_refused(
    set_environment: SetEnvironment, tmp_path: Path, value: str
) -> None:
    (tmp_path / ".env").write_text(f"PROCORE_CLIENT_SECRET={value}\n")
    (fault,) = faults_of(set_environment, PROCORE_CLIENT_SECRET=None)
    assert fault.startswith(
        "PROCORE_CLIENT_SECRET (in .env) contains ${...}, which other programs that read the file replace:"
    )
    assert "word" not in fault


def test_secrets_may_stand_in_files_of_a_folder(set_environment: SetEnvironment, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "procore_client_secret").write_text("from a file\n")
    set_environment(PROCORE_CLIENT_SECRET=None, SECRETS_DIR=str(folder))
    assert load_settings().procore_client_secret.get_secret_value() == "from a file"


def test_a_folder_of_secrets_that_is_not_there_is_a_fault(set_environment: SetEnvironment, tmp_path: Path) -> None:
    assert faults_of(set_environment, SECRETS_DIR=str(tmp_path / "no")) == (
        f"SECRETS_DIR is not a folder: {tmp_path / 'no'}.",
    )


def test_lists_are_separated_by_commas(set_environment: SetEnvironment) -> None:
    set_environment(PROJECT_IDS=" 17, 18 ,", EXPORT_STATUSES="approved, approved_as_noted")
    settings = load_settings()
    assert settings.project_ids == (17, 18)
    assert settings.export_statuses == ("approved", "approved_as_noted")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            b"NETSUITE_CONCURRENCY 5\n",
            "Line 1 of .env: NETSUITE_CONCURRENCY has no = after its name. Write NETSUITE_CONCURRENCY=value.",
        ),
        (
            b"WORKER_THREADS=3\n{]\n",
            "Line 2 of .env is not NAME=value. Correct it, or start it with # if it is a comment.",
        ),
        (
            b"PROCORE_CLIENT_SECRET='open sesame\n",
            "Line 1 of .env: PROCORE_CLIENT_SECRET has an unbalanced quotation mark, or text after it. Write PROCORE_CLIENT_SECRET='value'.",
        ),
        (
            b"export_statuses: approved\n",
            "Line 1 of .env: export_statuses has no = after its name. Write export_statuses=value.",
        ),
        (b"PROCORE_CLIENT_ID=caf\xe9\n", ".env could not be read: it is not UTF-8; save it as UTF-8 text."),
    ],
)
def test_a_line_that_is_not_understood_is_told_and_not_passed_over(
    set_environment: SetEnvironment, tmp_path: Path, text: bytes, told: str
) -> None:
    (tmp_path / ".env").write_bytes(text)
    assert faults_of(set_environment) == (told,)


def test_a_key_that_was_pasted_into_the_file_is_not_repeated(set_environment: SetEnvironment, tmp_path: Path) -> None:
    line = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPASTEDpastedPASTED"
    (tmp_path / ".env").write_text(f"NETSUITE_PRIVATE_KEY_FILE=-----BEGIN PRIVATE KEY-----\n{line}=pasted\n")
    told = " ".join(faults_of(set_environment, NETSUITE_PRIVATE_KEY_FILE=None))
    assert "must be the path of a file, not the key itself" in told
    assert "Something (in .env) is not a setting" in told
    assert "pasted" not in told.lower()


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"caf\xe9", "it is not UTF-8; save it as UTF-8 text"), (None, "it is not a file")],
)
def test_a_file_of_secrets_that_cannot_be_read_is_a_fault(
    set_environment: SetEnvironment, tmp_path: Path, content: bytes | None, told: str
) -> None:
    secret = tmp_path / "secrets" / "procore_client_secret"
    secret.parent.mkdir()
    secret.mkdir() if content is None else secret.write_bytes(content)
    faults = faults_of(set_environment, PROCORE_CLIENT_SECRET=None, SECRETS_DIR=str(secret.parent))
    assert faults == (f"PROCORE_CLIENT_SECRET (a file in SECRETS_DIR) could not be read: {told}.",)


def test_an_unreadable_folder_of_secrets_is_named_and_no_setting_in_it(
    set_environment: SetEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is simulated, because file permissions do not apply to root, and tests may run as root."""

    def refused(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refused)
    told = f"SECRETS_DIR could not be read: the user of this process cannot read {tmp_path}; change its owner or its permissions."
    assert faults_of(set_environment, SECRETS_DIR=str(tmp_path)) == (told,)


@pytest.mark.parametrize(
    "name", ["PROCORE_COMPANY_ID", "NETSUITE_CLIENT_ID", "PROCORE_CLIENT_SECRET", "NETSUITE_BASE_URL"]
)
@pytest.mark.parametrize("mark", ["'", '"'])
def test_quotation_marks_that_no_reader_removes_are_a_fault(
    set_environment: SetEnvironment, tmp_path: Path, name: str, mark: str
) -> None:
    """As `docker run --env-file` passes them on. Taken as a part of the value they would be a refused login."""
    value = f"{mark}https://sesame{mark}"
    told = "begins and ends with a quotation mark, which is part of the value there: remove both marks."
    assert faults_of(set_environment, **{name: value}) == (f"{name} (in the environment) {told}",)
    secret = tmp_path / "secrets" / name.lower()
    secret.parent.mkdir()
    secret.write_text(f"{value}\n")
    faults = faults_of(set_environment, **{name: None}, SECRETS_DIR=str(secret.parent))
    assert faults == (f"{name.lower()} (a file in SECRETS_DIR) {told}",)


def test_quotation_marks_that_belong_to_a_value_are_kept_in_env_file(
    set_environment: SetEnvironment, tmp_path: Path
) -> None:
    """Another pair of quotation marks around the value protects them."""
    (tmp_path / ".env").write_text("PROCORE_CLIENT_SECRET='\"sesame\"'\n")
    set_environment(PROCORE_CLIENT_SECRET=None)
    assert load_settings().procore_client_secret.get_secret_value() == '"sesame"'


def test_a_fault_of_a_value_that_was_cut_by_a_comment_says_so(set_environment: SetEnvironment, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://:open #sesame@host:6379/0\nNETSUITE_CONCURRENCY=x\n")
    _, _, told = faults_of(set_environment, NETSUITE_CONCURRENCY=None)
    assert told.startswith("REDIS_URL (in .env) contains a space and #, which begin a comment:")
    assert "sesame" not in told
    assert len(faults_of(set_environment, REDIS_URL="http://:sesame@host", NETSUITE_CONCURRENCY="3")) == 1


@pytest.mark.parametrize("name", ["x" * 5000, "a\nb"])
def test_a_folder_that_no_folder_can_be_called_is_a_fault(set_environment: SetEnvironment, name: str) -> None:
    (fault,) = faults_of(set_environment, SECRETS_DIR=name)
    assert fault.startswith("SECRETS_DIR is not a folder: ")
    assert len(fault) < 400
    assert fault.isprintable()


# Redis


@pytest.mark.parametrize(
    "url",
    [
        "redis://:open/sesame@host:6379/0", "redis://:open#sesame@host/0", "redis://:open?sesame@host/0", "redis://:sesame@host:port/0",
        "redis://:sesame@host:99999/0", "redis://:sesame@host:0/0", "redis://:sesame@host/ledger", "redis://:sesame@[::1/0", "redis://:sesame@",
        "http://:sesame@host", "unix:///sesame", "sesame", "redis:sesame", "redis://:ses ame@host/0", "redis://:sesame@host/0\n", "redis://:s\u00e9same@host/0",
        "redis://:sesame@host/0?sesame=1", "rediss://:sesame@host/0?sesame=1", "rediss://:sesame@host/0?ssl_cert_reqs=sesame", "redis://:sesame@host/0?ssl_cert_reqs=none",
        "rediss://:sesame@host/0?sesame", "redis+sentinel://:sesame@host", "redis+sentinel://:sesame@host/m/0?sesame=1",
    ],
)  # fmt: skip
def test_an_unusable_redis_address_is_reported_without_any_part_of_it(
    set_environment: SetEnvironment, url: str
) -> None:
    """The address may contain a password anywhere."""
    (fault,) = faults_of(set_environment, REDIS_URL=url)
    assert fault.startswith(
        ("REDIS_URL: must be redis://", "REDIS_URL: allows only ssl_ca_certs", "REDIS_URL: ssl_cert_reqs must be")
    )
    assert "sesame" not in fault


@pytest.mark.parametrize(
    "url", ["redis://host", "redis://:sesame@host:6379/3", "redis://user:p%2Fw@10.0.0.1/", "redis://[::1]:6379/0"]
)
def test_an_address_of_redis_is_taken_as_it_is(set_environment: SetEnvironment, url: str) -> None:
    set_environment(REDIS_URL=url)
    settings = load_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == url
    assert_everybody_takes(url)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("rediss://:sesame@host/0", "rediss://:sesame@host/0?ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_ca_certs=/ca.pem", "rediss://host/0?ssl_ca_certs=%2Fca.pem&ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host/0?ssl_cert_reqs=none"),
    ],
)
def test_certificates_of_redis_are_checked_unless_somebody_says_otherwise(
    set_environment: SetEnvironment, url: str, taken: str
) -> None:
    """Without it Celery does not start: `A rediss:// URL must have parameter ssl_cert_reqs`."""
    set_environment(REDIS_URL=url)
    settings = load_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == taken
    assert_everybody_takes(taken)


def assert_everybody_takes(url: str) -> None:
    """Celery's results, kombu and redis-py, none of which connects here."""
    app = Celery(set_as_current=False)
    app.conf.update(celery_options(redis_url=url, key_prefix="x:"))
    assert app.backend.connparams["host"]
    assert app.connection_for_read().info()["hostname"]
    assert connect(url).connection_pool.connection_kwargs["host"]


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


def test_an_address_of_ones_own_goes_before_it_without_its_last_slash(set_environment: SetEnvironment) -> None:
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
def test_addresses_of_one_environment_are_taken(set_environment: SetEnvironment, base: str, login: str) -> None:
    set_environment(PROCORE_BASE_URL=base, PROCORE_AUTH_URL=login)
    assert load_settings().procore_auth_url == login


def test_a_day_that_is_none_is_refused_in_words(set_environment: SetEnvironment) -> None:
    set_environment(NETSUITE_CERTIFICATE_EXPIRES="31.05.2027")
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    assert refused.value.faults == ("NETSUITE_CERTIFICATE_EXPIRES: must be a day such as 2027-05-31.",)
    set_environment(NETSUITE_CERTIFICATE_EXPIRES="2027-05-31")
    assert load_settings().netsuite_certificate_expires == date(2027, 5, 31)
