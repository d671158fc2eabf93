"""The sources of settings: the environment, `.env` and the folder of secrets."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from config.loading import load_settings
from tests.unit.config.conftest import SetEnvironment, faults_of


def test_values_may_be_in_the_env_file_and_the_environment_overrides_it(
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
def test_a_secret_in_the_env_file_is_read_literally(
    set_environment: SetEnvironment, tmp_path: Path, line: str, secret: str
) -> None:
    (tmp_path / ".env").write_text(f"PROCORE_CLIENT_SECRET={line}\n")
    set_environment(PROCORE_CLIENT_SECRET=None, ss="replaced")
    assert load_settings().procore_client_secret.get_secret_value() == secret


@pytest.mark.parametrize("value", ["pa${ss}word", '"pa${ss}word"'])
def test_text_that_another_reader_of_the_file_would_replace_is_refused(
    set_environment: SetEnvironment, tmp_path: Path, value: str
) -> None:
    (tmp_path / ".env").write_text(f"PROCORE_CLIENT_SECRET={value}\n")
    (fault,) = faults_of(set_environment, PROCORE_CLIENT_SECRET=None)
    assert fault.startswith(
        "PROCORE_CLIENT_SECRET (in .env) contains ${...}, which other programs that read the file replace:"
    )
    assert "word" not in fault


def test_secrets_may_be_in_files_of_a_folder(set_environment: SetEnvironment, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "procore_client_secret").write_text("from a file\n")
    set_environment(PROCORE_CLIENT_SECRET=None, SECRETS_DIR=str(folder))
    assert load_settings().procore_client_secret.get_secret_value() == "from a file"


def test_a_missing_folder_of_secrets_is_a_fault(set_environment: SetEnvironment, tmp_path: Path) -> None:
    assert faults_of(set_environment, SECRETS_DIR=str(tmp_path / "no")) == (
        f"SECRETS_DIR is not a folder: {tmp_path / 'no'}.",
    )


def test_lists_are_separated_by_commas(set_environment: SetEnvironment) -> None:
    set_environment(PROJECT_IDS=" 17, 18 ,", EXPORT_STATUSES="approved, approved_as_noted")
    settings = load_settings()
    assert settings.project_ids == (17, 18)
    assert settings.export_statuses == ("approved", "approved_as_noted")


@pytest.mark.parametrize(
    ("text", "fault"),
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
def test_a_malformed_line_is_an_error_and_not_ignored(
    set_environment: SetEnvironment, tmp_path: Path, text: bytes, fault: str
) -> None:
    (tmp_path / ".env").write_bytes(text)
    assert faults_of(set_environment) == (fault,)


def test_a_key_that_was_pasted_into_the_file_is_not_repeated(set_environment: SetEnvironment, tmp_path: Path) -> None:
    line = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPASTEDpastedPASTED"
    (tmp_path / ".env").write_text(f"NETSUITE_PRIVATE_KEY_FILE=-----BEGIN PRIVATE KEY-----\n{line}=pasted\n")
    faults = " ".join(faults_of(set_environment, NETSUITE_PRIVATE_KEY_FILE=None))
    assert "must be the path of a file, not the key itself" in faults
    assert "Something (in .env) is not a setting" in faults
    assert "pasted" not in faults.lower()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"caf\xe9", "it is not UTF-8; save it as UTF-8 text"), (None, "it is not a file")],
)
def test_a_file_of_secrets_that_cannot_be_read_is_a_fault(
    set_environment: SetEnvironment, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    secret = tmp_path / "secrets" / "procore_client_secret"
    secret.parent.mkdir()
    secret.mkdir() if content is None else secret.write_bytes(content)
    faults = faults_of(set_environment, PROCORE_CLIENT_SECRET=None, SECRETS_DIR=str(secret.parent))
    assert faults == (f"PROCORE_CLIENT_SECRET (a file in SECRETS_DIR) could not be read: {reason}.",)


def test_an_unreadable_folder_of_secrets_is_named_and_no_setting_in_it(
    set_environment: SetEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is simulated, because file permissions do not apply to root, and tests may run as root."""

    def refused(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refused)
    fault = f"SECRETS_DIR could not be read: the user of this process cannot read {tmp_path}; change its owner or its permissions."
    assert faults_of(set_environment, SECRETS_DIR=str(tmp_path)) == (fault,)


@pytest.mark.parametrize(
    "name", ["PROCORE_COMPANY_ID", "NETSUITE_CLIENT_ID", "PROCORE_CLIENT_SECRET", "NETSUITE_BASE_URL"]
)
@pytest.mark.parametrize("mark", ["'", '"'])
def test_quotation_marks_that_no_reader_removes_are_a_fault(
    set_environment: SetEnvironment, tmp_path: Path, name: str, mark: str
) -> None:
    """`docker run --env-file` passes them on. As part of the value they would cause a refused login."""
    value = f"{mark}https://sesame{mark}"
    fault = "begins and ends with a quotation mark, which is part of the value there: remove both marks."
    assert faults_of(set_environment, **{name: value}) == (f"{name} (in the environment) {fault}",)
    secret = tmp_path / "secrets" / name.lower()
    secret.parent.mkdir()
    secret.write_text(f"{value}\n")
    faults = faults_of(set_environment, **{name: None}, SECRETS_DIR=str(secret.parent))
    assert faults == (f"{name.lower()} (a file in SECRETS_DIR) {fault}",)


def test_quotation_marks_that_belong_to_a_value_are_kept_in_env_file(
    set_environment: SetEnvironment, tmp_path: Path
) -> None:
    """Another pair of quotation marks around the value protects them."""
    (tmp_path / ".env").write_text("PROCORE_CLIENT_SECRET='\"sesame\"'\n")
    set_environment(PROCORE_CLIENT_SECRET=None)
    assert load_settings().procore_client_secret.get_secret_value() == '"sesame"'


def test_a_fault_of_a_value_that_was_cut_by_a_comment_says_so(set_environment: SetEnvironment, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://:open #sesame@host:6379/0\nNETSUITE_CONCURRENCY=x\n")
    _, _, fault = faults_of(set_environment, NETSUITE_CONCURRENCY=None)
    assert fault.startswith("REDIS_URL (in .env) contains a space and #, which begin a comment:")
    assert "sesame" not in fault
    assert len(faults_of(set_environment, REDIS_URL="http://:sesame@host", NETSUITE_CONCURRENCY="3")) == 1


@pytest.mark.parametrize("name", ["x" * 5000, "a\nb"])
def test_an_impossible_folder_name_is_a_fault(set_environment: SetEnvironment, name: str) -> None:
    (fault,) = faults_of(set_environment, SECRETS_DIR=name)
    assert fault.startswith("SECRETS_DIR is not a folder: ")
    assert len(fault) < 400
    assert fault.isprintable()
