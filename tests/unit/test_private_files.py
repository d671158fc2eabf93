"""Files of wbs-sync are readable by its own user alone, including those of an older version."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.inspect.checks.machine import FileChecks
from worker.runtime.private_files import keep_private
from worker.store import local_file


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_and_what_is_written_into_it_are_private(tmp_path: Path) -> None:
    data = tmp_path / "a" / "data"
    keep_private(data)
    (data / "logs").mkdir()
    (data / "logs" / "items.log").write_text("x")
    local_file.write(data / "store.json", {"wbs:": "1"})
    assert [oct(mode(data / name)) for name in ("", "logs", "logs/items.log", "store.json")] == [
        "0o700",
        "0o700",
        "0o600",
        "0o600",
    ]


def test_files_of_an_older_version_become_private_and_others_do_not(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for folder in ("logs", "flower", "valkey/appendonlydir", "shared"):
        (data / folder).mkdir(parents=True)
    ours = ["logs/items.log", "flower/state", "valkey/appendonlydir/a.aof", "adopted-items.json", "items.heartbeat"]
    theirs = ["shared/notes.txt", "notes.txt"]
    for name in (*ours, *theirs):
        (data / name).write_text("x")
        (data / name).chmod(0o644)
    outside = tmp_path / "outside.json"
    outside.write_text("x")
    outside.chmod(0o644)
    (data / "link.json").symlink_to(outside)
    keep_private(data)
    assert {name: oct(mode(data / name)) for name in ours} == dict.fromkeys(ours, "0o600")
    assert {name: oct(mode(data / name)) for name in theirs} == dict.fromkeys(theirs, "0o644")
    assert mode(outside) == 0o644
    assert (mode(data), mode(data / "logs"), mode(data / "valkey" / "appendonlydir")) == (0o700, 0o700, 0o700)


@pytest.mark.parametrize("how", ["working directory", "home", "sticky"])
def test_a_folder_that_others_use_keeps_its_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    data = tmp_path / "data"
    (data / "inner").mkdir(parents=True)
    data.chmod(0o1777 if how == "sticky" else 0o755)
    if how == "working directory":
        monkeypatch.chdir(data / "inner")
    if how == "home":
        monkeypatch.setenv("HOME", str(data / "inner"))
    before = mode(data)
    keep_private(data)
    assert mode(data) == before


def test_check_names_files_that_others_may_read(tmp_path: Path) -> None:
    private, readable = tmp_path / "private", tmp_path / "readable"
    for path, rights in ((private, 0o600), (readable, 0o640)):
        path.write_text("x")
        path.chmod(rights)
    ((_, check),) = FileChecks([private, readable, tmp_path / "no"]).checks()
    result = check()
    assert (result.ok, result.message) == (None, f"other users of this machine can read {readable}")
    assert result.fix == f"chmod 600 {readable}"
    readable.chmod(0o400)
    assert check().ok is True
