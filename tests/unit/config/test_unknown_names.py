"""A name that is no setting is refused in every source, with the nearest valid name, unless it belongs to another program."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.loading import load_settings
from config.setting_faults import InvalidSettings
from tests.unit.config.conftest import SetEnvironment

OWN = "If {} belongs to another program, also set {}; it may be empty."


def faults() -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    return caught.value.faults


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("PROJECT_ID", f"PROJECT_ID (in the environment) is not a setting of wbs-sync. Did you mean PROJECT_IDS? {OWN.format('PROJECT_ID', 'PROJECT_IDS')}"),
        ("EXPORT_STATUS", f"EXPORT_STATUS (in the environment) is not a setting of wbs-sync. Did you mean EXPORT_STATUSES? {OWN.format('EXPORT_STATUS', 'EXPORT_STATUSES')}"),
        ("EXPORT_CORN", f"EXPORT_CORN (in the environment) is not a setting of wbs-sync. Did you mean EXPORT_CRON? {OWN.format('EXPORT_CORN', 'EXPORT_CRON')}"),
        ("FORMAT_ITEM_NAME", f"FORMAT_ITEM_NAME (in the environment) is not a setting of wbs-sync. Did you mean ITEM_NAME_FORMAT? {OWN.format('FORMAT_ITEM_NAME', 'ITEM_NAME_FORMAT')}"),
        ("REDIS_KEYPREFIX", f"REDIS_KEYPREFIX (in the environment) is not a setting of wbs-sync. Did you mean REDIS_KEY_PREFIX? {OWN.format('REDIS_KEYPREFIX', 'REDIS_KEY_PREFIX')}"),
        ("RETAINAGE_ITEM_ID", f"RETAINAGE_ITEM_ID (in the environment) is not a setting of wbs-sync. Did you mean NETSUITE_RETAINAGE_ITEM_ID? {OWN.format('RETAINAGE_ITEM_ID', 'NETSUITE_RETAINAGE_ITEM_ID')}"),
        ("WEBHOOK_AUTH", f"WEBHOOK_AUTH (in the environment) is not a setting of wbs-sync. Did you mean WEBHOOK_AUTHORIZATION? {OWN.format('WEBHOOK_AUTH', 'WEBHOOK_AUTHORIZATION')}"),
        ("procore_client_secrt", "procore_client_secrt (in the environment) is not a setting of wbs-sync. Did you mean PROCORE_CLIENT_SECRET?"),
        ("WBS_PROJECT_IDS", "WBS_PROJECT_IDS (in the environment) is not a setting of wbs-sync. Did you mean PROJECT_IDS?"),
        ("NETSUITE_CONCURENCY", "NETSUITE_CONCURENCY (in the environment) is not a setting of wbs-sync. Did you mean NETSUITE_CONCURRENCY?"),
        ("FLOWER_DEBUG", "FLOWER_DEBUG (in the environment) is not a setting of wbs-sync. Did you mean FLOWER_ADDRESS?"),
        ("FLOWER_UNAUTHENTICATED_API", "FLOWER_UNAUTHENTICATED_API (in the environment) is not a setting of wbs-sync."),
        ("PROCORE_ZZZZZZZZZZZZ", "PROCORE_ZZZZZZZZZZZZ (in the environment) is not a setting of wbs-sync."),
    ],
)  # fmt: skip
def test_an_unknown_name_in_the_environment_is_refused(
    set_environment: SetEnvironment, name: str, sentence: str
) -> None:
    set_environment(**{name: "open sesame"})
    assert faults() == (sentence,)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("PROJECT_ID", "PROJECT_ID (in .env) is not a setting of wbs-sync. Did you mean PROJECT_IDS?"),
        ("EXPORT_STATUS", "EXPORT_STATUS (in .env) is not a setting of wbs-sync. Did you mean EXPORT_STATUSES?"),
        ("EXPORT_CORN", "EXPORT_CORN (in .env) is not a setting of wbs-sync. Did you mean EXPORT_CRON?"),
        ("CRON_SCAN", "CRON_SCAN (in .env) is not a setting of wbs-sync. Did you mean SCAN_CRON?"),
        ("NETSUITE_CONCURENCY", "NETSUITE_CONCURENCY (in .env) is not a setting of wbs-sync. Did you mean NETSUITE_CONCURRENCY?"),
        ("CREATE_CREDITS", "CREATE_CREDITS (in .env) is not a setting of wbs-sync. Did you mean NETSUITE_CREATE_CREDITS?"),
        ("REDIS_URI", "REDIS_URI (in .env) is not a setting of wbs-sync. Did you mean REDIS_URL?"),
        ("LOGLEVEL", "LOGLEVEL (in .env) is not a setting of wbs-sync. Did you mean LOG_LEVEL?"),
        ("COLOUR", "COLOUR (in .env) is not a setting of wbs-sync."),
        ("SECRETS_DIR", "SECRETS_DIR (in .env) must be an environment variable."),
        ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDcanarycanarycanary", "Something (in .env) is not a setting of wbs-sync."),
    ],
)  # fmt: skip
def test_an_unknown_name_in_a_file_of_settings_is_refused(
    set_environment: SetEnvironment, tmp_path: Path, name: str, sentence: str
) -> None:
    (tmp_path / ".env").write_text(f"{name}=open sesame\n")
    set_environment()
    assert faults() == (sentence,)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("procore_secret", "procore_secret (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean PROCORE_CLIENT_SECRET?"),
        ("procore-client-secret", "procore-client-secret (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean PROCORE_CLIENT_SECRET?"),
        ("procore_client_secret.txt", "procore_client_secret.txt (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean procore_client_secret?"),
        ("PROCORE_CLIENT_SECRET.bak", "PROCORE_CLIENT_SECRET.bak (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean procore_client_secret?"),
        ("redis_uri", "redis_uri (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean REDIS_URL?"),
        ("flower_basic_aut", "flower_basic_aut (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean FLOWER_BASIC_AUTH?"),
        ("webhook_auth", "webhook_auth (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean WEBHOOK_AUTHORIZATION?"),
        ("sentry_dns", "sentry_dns (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean SENTRY_DSN?"),
        ("project_id", "project_id (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean PROJECT_IDS?"),
        ("password", "password (a file in SECRETS_DIR) is not a setting of wbs-sync."),
        ("export_corn", "export_corn (a file in SECRETS_DIR) is not a setting of wbs-sync. Did you mean EXPORT_CRON?"),
    ],
)  # fmt: skip
def test_an_unknown_name_in_the_folder_of_secrets_is_refused(
    set_environment: SetEnvironment, tmp_path: Path, name: str, sentence: str
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / name).write_text("open sesame")
    set_environment(SECRETS_DIR=str(folder))
    assert faults() == (sentence,)


COMMON = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "PWD",
    "TERM",
    "TMPDIR",
    "HOSTNAME",
    "XDG_DATA_DIRS",
    "XDG_RUNTIME_DIR",
    "DATABASE_URL",
    "DB_HOST",
    "POSTGRES_URL",
    "PGDATA",
    "MONGO_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_PASSWORD",
    "REDIS_DB",
    "REDIS_TLS_URL",
    "REDIS_SERVICE_HOST",
    "REDIS_PORT_6379_TCP",
    "CELERY_BROKER_URL",
    "BROKER_URL",
    "FTP_PROXY",
    "ALL_PROXY",
    "RSYNC_PROXY",
    "CURL_CA_BUNDLE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "GOOGLE_CLOUD_PROJECT",
    "GCP_PROJECT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "CI",
    "CI_PROJECT_ID",
    "CI_PROJECT_NAME",
    "GITHUB_ACTIONS",
    "GITHUB_TOKEN",
    "BUILD_ID",
    "JOB_NAME",
    "WORKSPACE",
    "KUBERNETES_SERVICE_HOST",
    "DOCKER_HOST",
    "COMPOSE_PROJECT_NAME",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "VIRTUAL_ENV",
    "UV_CACHE_DIR",
    "SENTRY_ENVIRONMENT",
    "SENTRY_RELEASE",
    "SENTRY_ORG",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "LOG_FILE",
    "LOG_DIR",
    "LOG_PATH",
    "LOGLEVEL",
    "LOGGING_LEVEL",
    "DEBUG",
    "PORT",
    "HOST",
    "TZ",
    "ENVIRONMENT",
    "APP_NAME",
    "SECRET_KEY",
    "API_KEY",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "ACCOUNT_ID",
    "COMPANY_ID",
    "BASE_URL",
    "AUTH_URL",
    "CURRENCY",
    "PROJECT",
    "PROJECT_NAME",
    "PROJECT_ROOT",
    "PROJECT_DIR",
    "WEBHOOK_URL",
    "WEBHOOK_SECRET",
    "SLACK_WEBHOOK_URL",
    "DATA_PATH",
    "EXPORT_DIR",
    "EXPORT_FORMAT",
    "VERIFY_SSL",
    "HTTP_HOST",
    "HTTP_PORT",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "CREDENTIALS_DIRECTORY",
    "STATE_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "SSH_AUTH_SOCK",
    "WEB_CONCURRENCY",
    "WORKERS",
    "WORKER_ID",
    "THREADS",
    "FLOWER_SERVICE_HOST",
    "FLOWER_PORT_5555_TCP_ADDR",
    "NETSUITE_SERVICE_PORT",
]


def test_common_variables_of_other_programs_are_accepted(set_environment: SetEnvironment) -> None:
    set_environment(**dict.fromkeys(COMMON, "x"))
    assert load_settings().procore_company_id == 4


@pytest.mark.parametrize("name", ["netsuite.pem", "ca-bundle.crt", ".gitkeep", "..2026_11_29", "notes.txt"])
def test_a_file_next_to_the_secrets_that_is_no_setting_is_ignored(
    set_environment: SetEnvironment, tmp_path: Path, name: str
) -> None:
    """Such a name cannot be meant as a setting, and a folder is ignored too."""
    folder = tmp_path / "secrets"
    (folder / "a-folder").mkdir(parents=True)
    (folder / name).write_text("x")
    set_environment(SECRETS_DIR=str(folder))
    assert load_settings().procore_company_id == 4


@pytest.mark.parametrize("place", ["environment", ".env", "secrets"])
def test_a_similar_name_is_accepted_once_the_right_one_is_set(
    set_environment: SetEnvironment, tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    changes = {"PROJECT_ID": "gcp-42", "SECRETS_DIR": str(folder)}
    if place == "environment":
        changes["PROJECT_IDS"] = ""
    elif place == ".env":
        (tmp_path / ".env").write_text("PROJECT_IDS=17\n")
    else:
        (folder / "project_ids").write_text("17")
    set_environment(**changes)
    assert load_settings().project_ids == (() if place == "environment" else (17,))
