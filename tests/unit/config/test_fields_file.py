"""The file with NetSuite's fields: where it is, when it may be missing, and why it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.fields_file import read_fields_file
from config.loading import load_settings
from config.setting_faults import InvalidSettings
from tests.unit.config.conftest import SetEnvironment

CONTENT = '[bill]\ndepartment = "5"\n'


def test_the_file_in_the_data_directory_is_optional(set_environment: SetEnvironment, tmp_path: Path) -> None:
    set_environment(DATA_DIR=str(tmp_path))
    settings = load_settings()
    assert (read_fields_file(settings).tables, read_fields_file(settings).digest) == ({}, "")
    (tmp_path / "netsuite-fields.toml").write_text(CONTENT)
    assert read_fields_file(settings).tables == {"bill": {"department": "5"}}
    assert read_fields_file(settings).digest


def test_a_comment_does_not_change_the_digest_and_a_value_does(set_environment: SetEnvironment, tmp_path: Path) -> None:
    file = tmp_path / "fields.toml"
    file.write_text(CONTENT)
    set_environment(NETSUITE_FIELDS_FILE=str(file))
    settings = load_settings()
    digest = read_fields_file(settings).digest
    file.write_text(f"# Field Operations\n{CONTENT}")
    assert read_fields_file(settings).digest == digest
    file.write_text(CONTENT.replace("5", "6"))
    assert read_fields_file(settings).digest != digest


def fault(settings_file: Path, content: bytes | None) -> str:
    if content is not None:
        settings_file.write_bytes(content)
    with pytest.raises(InvalidSettings) as caught:
        read_fields_file(load_settings())
    assert len(caught.value.faults) == 1
    return caught.value.faults[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "NETSUITE_FIELDS_FILE is not a file"),
        (b"[bill\n", "is not valid TOML"),
        (b'[bill]\nmemo = "\xff"\n', "could not be read: it is not UTF-8"),
    ],
)
def test_an_unusable_file_is_one_sentence(
    set_environment: SetEnvironment, tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "fields.toml"
    set_environment(NETSUITE_FIELDS_FILE=str(file))
    sentence = fault(file, content)
    assert words in sentence
    assert str(file) in sentence


def test_a_file_that_everybody_may_write_is_refused(set_environment: SetEnvironment, tmp_path: Path) -> None:
    file = tmp_path / "netsuite-fields.toml"
    file.write_text(CONTENT)
    file.chmod(0o666)
    set_environment(DATA_DIR=str(tmp_path))
    assert "is writable for every user of this machine" in fault(file, None)
