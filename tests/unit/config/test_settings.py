"""Settings: every fault is one sentence that names its setting, and no sentence or text ever shows a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import InvalidSettings, Settings, cron, load_settings, setting_names
from tests.unit.config.conftest import SetEnvironment


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
        ("PROCORE_COMPANY_ID", "Acme", "PROCORE_COMPANY_ID: Input should be a valid integer"),
        ("PROCORE_COMPANY_ID", "0", "PROCORE_COMPANY_ID: Input should be greater than 0."),
        ("PROCORE_BASE_URL", "api.procore.com", "PROCORE_BASE_URL: must begin with https:// (http:// for a simulator)."),
        ("NETSUITE_BASE_URL", "ftp://x", "NETSUITE_BASE_URL: must begin with https:// (http:// for a simulator)."),
        ("NETSUITE_ACCOUNT_ID", "https://td1.app", "NETSUITE_ACCOUNT_ID: String should match pattern"),
        ("NETSUITE_PRIVATE_KEY_FILE", "/no/such.pem", "NETSUITE_PRIVATE_KEY_FILE: no such file: /no/such.pem."),
        ("NETSUITE_CONCURRENCY", "0", "NETSUITE_CONCURRENCY: Input should be greater than or equal to 1."),
        ("NETSUITE_CONCURRENCY", "many", "NETSUITE_CONCURRENCY: Input should be a valid integer"),
        ("NETSUITE_ITEM_TYPE", "serviceItem", "NETSUITE_ITEM_TYPE: Input should be 'otherChargePurchaseItem' or"),
        ("NETSUITE_ITEM_TYPE", "otherChargeResaleItem", "NETSUITE_INCOME_ACCOUNT_ID is needed for Items of type"),
        ("NETSUITE_PROJECT_FIELD", "class", "NETSUITE_PROJECT_FIELD: Input should be 'customer' or 'job'."),
        ("NETSUITE_SETTLE_SECONDS", "-1", "NETSUITE_SETTLE_SECONDS: Input should be greater than or equal to 0."),
        ("EXPORT_STATUSES", "approved,paid", "EXPORT_STATUSES: takes some of draft, under_review,"),
        ("EXPORT_STATUSES", ",", "EXPORT_STATUSES: takes some of draft, under_review,"),
        ("PROJECT_IDS", "17,Harbor", "PROJECT_IDS.1: Input should be a valid integer"),
        ("ITEM_NAME_FORMAT", "{wbs_code}", "ITEM_NAME_FORMAT: must name {project_number} and {wbs_code},"),
        ("ITEM_NAME_FORMAT", "{project_number}-{wbs_code}-{name}", "ITEM_NAME_FORMAT: must name {project_number} and"),
        ("ITEM_NAME_FORMAT", "{project_number}-{wbs_code:.9}", "ITEM_NAME_FORMAT: must name {project_number} and"),
        ("ITEM_NAME_FORMAT", "{project_number!r}-{wbs_code}", "ITEM_NAME_FORMAT: must name {project_number} and"),
        ("ITEM_NAME_FORMAT", "{project_number}-{wbs_code", "ITEM_NAME_FORMAT: "),
        ("SCAN_CRON", "daily", "SCAN_CRON: is not a five-field cron line"),
        ("SCAN_CRON", "99 * * * *", "SCAN_CRON: is not a five-field cron line"),
        ("EXPORT_CRON", "* * * *", "EXPORT_CRON: is not a five-field cron line"),
        ("WORKER_THREADS", "0", "WORKER_THREADS: Input should be greater than or equal to 1."),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'."),
        ("LOG_FORMAT", "xml", "LOG_FORMAT: Input should be 'json' or 'text'."),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence_that_names_its_setting(
    set_environment: SetEnvironment, name: str, value: str, told: str
) -> None:
    (fault,) = faults_of(set_environment, **{name: value})
    assert fault.startswith(told)
    assert fault.endswith(".")
    assert "\n" not in fault


def test_all_faults_are_told_at_once(set_environment: SetEnvironment) -> None:
    faults = faults_of(set_environment, PROCORE_COMPANY_ID="x", SCAN_CRON="x", NETSUITE_CONCURENCY="5")
    assert len(faults) == 3


@pytest.mark.parametrize(
    ("misspelt", "told"),
    [
        ("NETSUITE_CONCURENCY", "NETSUITE_CONCURENCY is not a setting of wbs-sync. Did you mean NETSUITE_CONCURRENCY?"),
        ("procore_client_secrt", "procore_client_secrt is not a setting of wbs-sync. Did you mean PROCORE_CLIENT_SECRET?"),
        ("PROCORE_ZZZZZZZZZZZZ", "PROCORE_ZZZZZZZZZZZZ is not a setting of wbs-sync."),
    ],
)  # fmt: skip
def test_a_misspelt_name_is_refused_and_the_right_one_is_suggested(
    set_environment: SetEnvironment, misspelt: str, told: str
) -> None:
    assert faults_of(set_environment, **{misspelt: "open sesame"}) == (told,)


def test_other_programs_variables_are_none_of_our_business(
    set_environment: SetEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT_NAME", "x")
    set_environment()
    assert load_settings().procore_company_id == 4


# Where values come from


def test_values_may_stand_in_env_file_and_the_environment_goes_before_it(
    set_environment: SetEnvironment, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("NETSUITE_CONCURRENCY=7\nWORKER_THREADS=9\n")
    set_environment(NETSUITE_CONCURRENCY="5")
    settings = load_settings()
    assert (settings.netsuite_concurrency, settings.worker_threads) == (5, 9)


@pytest.mark.parametrize("name", ["NETSUITE_CONCURENCY", "COLOUR"])
def test_an_unknown_name_in_env_file_is_refused_without_its_value(
    set_environment: SetEnvironment, tmp_path: Path, name: str
) -> None:
    (tmp_path / ".env").write_text(f"{name}=open sesame\n")
    assert faults_of(set_environment) == (f"{name} (in .env) is not a setting of wbs-sync.",)


def test_secrets_may_stand_in_files_of_a_folder(set_environment: SetEnvironment, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "procore_client_secret").write_text("from a file\n")
    set_environment(PROCORE_CLIENT_SECRET=None, SECRETS_DIR=str(folder))
    assert load_settings().procore_client_secret.get_secret_value() == "from a file"


def test_a_folder_of_secrets_that_is_not_there_is_a_fault(set_environment: SetEnvironment, tmp_path: Path) -> None:
    assert faults_of(set_environment, SECRETS_DIR=str(tmp_path / "no")) == (
        f"SECRETS_DIR names no folder: {tmp_path / 'no'}.",
    )


def test_lists_are_separated_by_commas(set_environment: SetEnvironment) -> None:
    set_environment(PROJECT_IDS=" 17, 18 ,", EXPORT_STATUSES="approved, approved_as_noted")
    settings = load_settings()
    assert settings.project_ids == (17, 18)
    assert settings.export_statuses == ("approved", "approved_as_noted")


# Secrets

SECRETS = {
    "PROCORE_CLIENT_SECRET": "open-sesame-1",
    "REDIS_URL": "redis://:open-sesame-2@host/0",
    "FLOWER_BASIC_AUTH": "admin:open-sesame-3",
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
