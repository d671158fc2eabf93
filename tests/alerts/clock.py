"""A server whose clock a test sets."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from worker.local.embedded import EmbeddedServer

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """The wall clock of a server, in unix seconds: it runs at the usual speed, and jumps where a test sets it."""

    def __init__(self, file: Path, now: float) -> None:
        file.write_bytes(bytes(16))
        with file.open("r+b") as opened:
            self._mapped = mmap.mmap(opened.fileno(), 16)
        self.set(now)

    @property
    def now(self) -> float:
        """Return the time that the clock shows."""
        wall, set_at = struct.unpack("qq", self._mapped[:])
        return float(wall / 1e6 + time.monotonic() - set_at / 1e6)

    def set(self, now: float) -> None:
        """Set the clock; it never goes back."""
        self._mapped[:] = struct.pack("qq", round(now * 1e6), time.monotonic_ns() // 1000)


def compiler() -> str | None:
    """Return the C compiler, where a server can get a separate clock; else None."""
    return (shutil.which("cc") or shutil.which("gcc")) if sys.platform == "linux" else None


@contextmanager
def played_clock(folder: Path, now: float) -> Iterator[Clock]:
    """Give every server that is started within the block a clock that a test sets."""
    library, file = folder / "clock.so", folder / "clock"
    command = [str(compiler()), "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    clock = Clock(file, now)
    with mock.patch.dict(os.environ, {"PLAYED_CLOCK": str(file)}):
        yield clock


def start_server(folder: Path) -> EmbeddedServer:
    """Start the embedded server of a folder, with its clock."""
    with mock.patch.dict(os.environ, {"LD_PRELOAD": str(folder / "clock.so")}):
        return EmbeddedServer.start(folder)
