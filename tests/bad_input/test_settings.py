"""Settings with hostile values: one sentence for each fault, exit code 2, no traceback, and never the value of a secret."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.loading import load_settings
from config.setting_faults import InvalidSettings
from config.settings import Settings, setting_names
from tests.bad_input import strategies as hostile
from tests.bad_input.examples import in_the_suite

SECRETS = ("REDIS_URL", "PROCORE_CLIENT_SECRET", "FLOWER_BASIC_AUTH")
CANARY = "canary-of-a-secret"

# What an environment can carry: no NUL, and bytes that are no UTF-8 as half characters.
environment_values = (hostile.texts | hostile.numbers.map(str) | st.sampled_from(hostile.NASTY_DAYS)).map(
    lambda text: text.replace("\x00", "").encode("utf-8", "surrogateescape" if text.isascii() else "replace").decode()
) | st.just("caf\udce9")


@pytest.fixture(scope="module")
def needed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    key = tmp_path_factory.mktemp("settings") / "key.pem"
    key.write_text("not looked into here")
    return {
        "PROCORE_CLIENT_ID": "a", "PROCORE_CLIENT_SECRET": "b", "PROCORE_COMPANY_ID": "4", "NETSUITE_ACCOUNT_ID": "TD1",
        "NETSUITE_CLIENT_ID": "c", "NETSUITE_CERTIFICATE_ID": "d", "NETSUITE_PRIVATE_KEY_FILE": str(key),
    }  # fmt: skip


def faults_with(environment: dict[str, str], env_file: Path | None = None) -> tuple[str, ...]:
    """Return the faults of settings in this environment; none if they are valid."""
    kept = {name: value for name, value in os.environ.items() if name not in (*setting_names(), "SECRETS_DIR")}
    with mock.patch.dict(os.environ, kept | environment, clear=True):
        try:
            load_settings(_env_file=env_file)
        except InvalidSettings as error:
            return error.faults
    return ()


def assert_sentences(faults: tuple[str, ...]) -> None:
    for fault in faults:
        assert fault.isprintable(), fault
        assert fault.endswith((".", "…", "?")), fault
        assert len(fault) <= 301, fault


@given(values=st.dictionaries(st.sampled_from(setting_names()), environment_values, min_size=1, max_size=4))
@example(values={"NETSUITE_PRIVATE_KEY_FILE": "x" * 5000})
@example(values={"SCAN_CRON": "0 0 31 2 *"})
@example(values={"ITEM_NAME_FORMAT": "{project_number.__class__}-{wbs_code}"})
def test_each_fault_is_one_sentence_that_names_its_setting(needed: dict[str, str], values: dict[str, str]) -> None:
    faults = faults_with(needed | values)
    assert_sentences(faults)
    assert all(any(name in fault for name in (*values, "NETSUITE_INCOME_ACCOUNT_ID")) for fault in faults)


@given(
    name=st.sampled_from(SECRETS),
    value=st.sampled_from(("redis://:{}@host:port", "redis://:{}/x@host", "http://{}", "{}\n", "\x1b{}", "{}\udcff", "redis://h/{}", "{}")),
    other_settings=st.dictionaries(st.sampled_from([name for name in setting_names() if name not in SECRETS]), environment_values, max_size=2),
)  # fmt: skip
def test_no_fault_repeats_a_secret(
    needed: dict[str, str], name: str, value: str, other_settings: dict[str, str]
) -> None:
    faults = faults_with(needed | other_settings | {name: value.format(CANARY)})
    assert_sentences(faults)
    assert CANARY not in " ".join(faults)


@in_the_suite(50)
@given(content=st.binary(max_size=300) | hostile.texts.map(lambda text: text.encode("utf-8", "replace")) | st.lists(st.tuples(st.sampled_from(setting_names()) | hostile.texts, hostile.texts), max_size=4).map(lambda rows: "\n".join(f"{name}={value}" for name, value in rows).encode("utf-8", "replace")))  # fmt: skip
@example(content=b"\xff\xfe")
@example(content=b"PROCORE_COMPANY_ID='")
def test_any_content_of_the_file_results_in_sentences(
    needed: dict[str, str], tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "hostile.env"
    file.write_bytes(content)
    assert_sentences(faults_with(needed, file))


@in_the_suite(50)
@given(
    files=st.dictionaries(
        st.sampled_from([name.lower() for name in setting_names()]), st.binary(max_size=100), min_size=1, max_size=3
    )
)
def test_any_content_of_secret_files_results_in_sentences(
    needed: dict[str, str], tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "hostile-secrets"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    assert_sentences(faults_with(needed | {"SECRETS_DIR": str(folder)}))
    with contextlib.suppress(FileNotFoundError):
        for name in files:
            (folder / name).unlink()


def test_every_setting_is_tried_with_hostile_values() -> None:
    assert {name.upper() for name in Settings.model_fields} == set(setting_names())
