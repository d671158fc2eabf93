"""Files that decide settings are not read if another user of this machine could have written them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.loading import load_settings
from config.profile import read_profile
from config.setting_faults import InvalidSettings
from tests.unit.config.conftest import SetEnvironment

OTHER_USER = 4711


@pytest.fixture
def change_owner(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Give a file to another user; without root rights, this process counts as another user from here on."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, OTHER_USER, -1, follow_symlinks=False)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: OTHER_USER)

    return give


def faults() -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as error:
        load_settings()
    return error.value.faults


def env_file(folder: Path, mode: int = 0o600) -> Path:
    file = folder / ".env"
    file.write_text("NETSUITE_CONCURRENCY=7\n")
    file.chmod(mode)
    return file


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644])
def test_a_file_of_the_user_is_read(set_environment: SetEnvironment, tmp_path: Path, mode: int) -> None:
    env_file(tmp_path, mode)
    set_environment()
    assert load_settings().netsuite_concurrency == 7


def test_a_file_of_root_is_read_by_every_user(
    set_environment: SetEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is mounted into a container whose user may not write it."""
    env_file(tmp_path)
    set_environment()
    monkeypatch.setattr("config.setting_sources.ROOT", tmp_path.stat().st_uid)
    monkeypatch.setattr(os, "geteuid", lambda: OTHER_USER)
    assert load_settings().netsuite_concurrency == 7


def test_a_file_of_another_user_is_refused_with_what_to_do(
    set_environment: SetEnvironment, tmp_path: Path, change_owner: Callable[[Path], None]
) -> None:
    file = env_file(tmp_path)
    set_environment()
    change_owner(file)
    (fault,) = faults()
    assert fault.startswith(f"{file} belongs to ")
    assert "Run wbs-sync in another folder, or, if the content of the file is correct, run `chown " in fault
    assert fault.endswith("` on it.")


def test_a_link_of_another_user_to_a_file_of_ours_is_refused(
    set_environment: SetEnvironment, tmp_path: Path, change_owner: Callable[[Path], None]
) -> None:
    env_file(tmp_path).rename(tmp_path / "mine")
    (tmp_path / ".env").symlink_to("mine")
    set_environment()
    assert load_settings().netsuite_concurrency == 7
    change_owner(tmp_path / ".env")
    assert faults()[0].startswith(f"{tmp_path / '.env'} belongs to ")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(set_environment: SetEnvironment, tmp_path: Path, mode: int) -> None:
    file = env_file(tmp_path, mode)
    set_environment()
    (fault,) = faults()
    assert fault.startswith(f"{file} is writable for other users, and it determines where credentials are sent:")
    assert fault.endswith("run `chmod 600` on it.")


def test_a_link_to_nothing_sets_nothing(set_environment: SetEnvironment, tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(os.devnull)
    set_environment()
    assert load_settings().netsuite_concurrency == 3


def test_secrets_that_everybody_may_write_are_refused(
    set_environment: SetEnvironment, tmp_path: Path, change_owner: Callable[[Path], None]
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    secret = folder / "redis_url"
    secret.write_text("redis://elsewhere:6379/0")
    set_environment(SECRETS_DIR=str(folder))
    secret.chmod(0o666)
    assert faults()[0].startswith(f"{secret} (SECRETS_DIR) is writable for every user of this machine:")
    secret.chmod(0o444)
    folder.chmod(0o777)
    assert faults()[0].startswith(f"{folder} (SECRETS_DIR) is writable for every user of this machine:")
    folder.chmod(0o755)
    change_owner(secret)
    address = load_settings().redis_url
    assert address, "a mounted file keeps the owner that it has on the host"


@pytest.mark.parametrize(
    "name", ["NETSUITE_PRIVATE_KEY_FILE", "NETSUITE_PROFILE_FILE", "NETSUITE_FIELDS_FILE", "REQUESTS_CA_BUNDLE"]
)
def test_a_file_that_a_setting_names_is_refused_if_everybody_may_write_it(
    set_environment: SetEnvironment, tmp_path: Path, name: str
) -> None:
    """The sentence names the setting and the file."""
    file = tmp_path / "file"
    file.write_text("{}")
    file.chmod(0o666)
    set_environment(**{name: str(file)})
    assert faults()[0].startswith(f"{name}: {file} is writable for every user of this machine:")


def test_the_profile_in_its_usual_place_is_refused_too(tmp_path: Path) -> None:
    file = tmp_path / "netsuite-profile.json"
    file.write_text("{}")
    file.chmod(0o666)
    with pytest.raises(InvalidSettings, match="is writable for every user of this machine"):
        read_profile(file)
