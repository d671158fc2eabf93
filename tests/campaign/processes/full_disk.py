"""`python -m tests.campaign full-disk`: the file system of DATA_DIR is full for a while, for real, under `wbs-sync up`.

Each round mounts a small file system for DATA_DIR, starts `up` with its embedded server there, and fills it while Items and bills are made: the
server cannot save, logs cannot be written, and a worker is killed meanwhile. Mounting needs root; without it the command says so and ends
well.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulators.stage import Stage
from tests.kit.books import (
    assert_one_bill_per_invoice,
    assert_one_item_per_code,
    invoices,
    item_identities,
    items_made,
)
from tests.kit.ended import Ended
from tests.kit.ports import unused_port
from tests.kit.programs import Program, environment, run, script
from tests.kit.waiting import eventually
from tests.real.test_commands import first_json

SIZE_MB = 192
FULL_SECONDS = 20.0
REST_SECONDS = 120.0
LAST_CHARACTERS = 3000


def add_to(commands: Any) -> None:
    """The command `full-disk`."""
    command = commands.add_parser("full-disk", help="the file system of DATA_DIR is full for a while; needs root")
    command.set_defaults(job=play_all)
    command.add_argument("--rounds", type=int, default=3)


def play_all(options: argparse.Namespace) -> int:
    """Play the rounds; 1 when one fails."""
    if os.geteuid() or sys.platform != "linux":
        _say("skipped: needs root on Linux, to mount a small file system")
        return 0
    failing = 0
    for number in range(1, options.rounds + 1):
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wbs-sync-full-disk-")))
            data = stack.enter_context(mounted(folder / "data"))
            stage = stack.enter_context(
                Stage.start(folder / "remotes", profile="large:2x60:30", spike_limit=None, write_latency=0.5)
            )
            try:
                _say(f"round {number}: {Round(folder, data, stage).play()}")
            except Exception as error:
                failing += 1
                _say(f"round {number}: FAILED: {type(error).__name__}: {error}")
                for log in (folder / "up.log", *sorted((data / "logs").glob("*.log"))):
                    _say(f"{log.name}:\n{log.read_text(errors='replace')[-LAST_CHARACTERS:]}")
    _say(f"{options.rounds} rounds, {failing} failing")
    return int(bool(failing))


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """Mount a separate file system at a folder, for the block."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "wbs-sync-test", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """No byte is free on its file system for the block."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1 << 20)):
            pass
    try:
        yield
    finally:
        ballast.unlink()


class Round:
    """One installation under `up`, from its start to its end."""

    def __init__(self, folder: Path, data: Path, stage: Stage) -> None:
        self._folder = folder
        self._data = data
        self._stage = stage
        self._env = environment(folder) | stage.env
        self._env |= {"FLOWER_PORT": str(unused_port()), "NETSUITE_CONCURRENCY": "4", "NETSUITE_SETTLE_SECONDS": "3"}

    def play(self) -> str:
        """Everything, in its order; what was seen, in a line. AssertionError when something is lost, doubled or not said."""
        up = Program("up", [script(), "up", "--json"], self._env, self._folder, fresh=True)
        try:
            first_json(up)
            eventually(lambda: all(" ready." in self._log(name) for name in ("items", "invoices")), 90, every=0.2)
            for command in (["scan"], ["export", "--approved"]):
                asked = self._run(*command)
                assert asked.code == 0, asked
            eventually(lambda: items_made(self._stage) >= 6, 60)
            with full(self._data):
                seen = self._while_full()
            began = time.monotonic()
            eventually(self._is_done, REST_SECONDS, every=0.3)
            seconds = time.monotonic() - began
            assert_one_item_per_code(self._stage)
            assert_one_bill_per_invoice(self._stage)
            assert up.alive, "`up` has ended"
            # A worker that was started while the disk was full asks for Redis again within half a minute.
            eventually(lambda: not self._checks(), 60, every=2)
            assert self._run("verify").code == 0
            up.ask_to_end()
            assert up.wait(40) == 0
        finally:
            up.kill()
        return f"{seen}; done {seconds:.1f} s after space was free: 0 lost, 0 doubled"

    def _while_full(self) -> str:
        pid = int((self._data / "items.heartbeat").read_text())
        time.sleep(2)
        os.kill(pid, signal.SIGKILL)
        before, until = items_made(self._stage), time.monotonic() + FULL_SECONDS
        failed = self._checks()
        assert failed.keys() == {"Disk", "Redis saves", "Redis connection"}, failed
        assert "its disk is full or not writable" in failed["Redis connection"], failed
        refused = self._run("export", "--approved")
        assert refused.code, "an export cannot be asked for"
        assert "Traceback" not in refused.out + refused.err, refused.err
        time.sleep(max(0.0, until - time.monotonic()))
        said = f"check: {failed}; export: {refused.err.strip()}"
        return f"{before} Items before, {items_made(self._stage) - before} made while it was full; {said}"

    def _checks(self) -> dict[str, str]:
        """The checks that failed, with their words."""
        return {one["check"]: str(one["message"]) for one in self._run("check", "--json").json() if one["ok"] is False}

    def _is_done(self) -> bool:
        wanted = invoices(self._stage)
        all_items = items_made(self._stage) >= len(item_identities(self._stage))
        return all_items and all(invoice.origin_id is not None for invoice in wanted)

    def _run(self, *arguments: str) -> Ended:
        return run(*arguments, env=self._env, folder=self._folder, timeout=120)

    def _log(self, name: str) -> str:
        file = self._data / "logs" / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
