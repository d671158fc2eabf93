"""A worker or beat as the installation starts it, with constants of the product changed and, if asked, its claims and locks open to everyone.

    python -m tests.kit.launcher [--set module.NAME=number]... [--open-locks] [--processes N] [--cron-seconds S] [--trace STEM]
        -- arguments of worker.process
    python -m tests.kit.launcher [--set module.NAME=number]... --command -- arguments of wbs-sync

The product has no setting for these: what a dead worker leaves is free after 20 to 40 seconds, too long for each test to wait.
One test marked `slow` waits for the real times.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import config.schedule
from tests.kit import trace
from tests.kit.container import Redis
from tests.kit.open_claims import claim_for_everybody
from worker.cli import main as wbs_sync
from worker.clients.netsuite.client import NetSuite
from worker.process import main as process
from worker.runtime.current import current
from worker.store.locks import Lock, Locks
from worker.store.scripts import SOURCES

NUMBER = "{number}"
"""Is replaced in the arguments by the number of the fork."""
MEETING_SECONDS = 150.0
"""How long a worker waits for another one that writes the same, where locks are open: longer than a test waits for both."""
_hold = Locks.hold


def main() -> None:
    """Apply the options, fork if requested, and become a worker or beat."""
    own, _, arguments = (list(part) for part in _split(sys.argv[1:]))
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", action="append", default=[], metavar="module.NAME=number")
    parser.add_argument("--open-locks", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--cron-seconds", type=float)
    parser.add_argument("--trace", type=Path, metavar="STEM")
    parser.add_argument("--command", action="store_true", help="become the console script instead")
    asked = parser.parse_args(own)
    for change in asked.set:
        _set(change)
    if asked.open_locks:
        Locks.hold = _one_for_everybody  # type: ignore[method-assign]
        SOURCES["lanes/claim"] = claim_for_everybody()
        NetSuite.create_item = _by_two(NetSuite.create_item)  # type: ignore[method-assign]
        NetSuite.create_bill = _by_two(NetSuite.create_bill)  # type: ignore[method-assign]
    if asked.trace:
        trace.begin(asked.trace)
    if asked.cron_seconds:
        vars(config.schedule)["cron"] = lambda _line: asked.cron_seconds
    if asked.command:
        sys.argv = ["wbs-sync", *arguments]
        wbs_sync()
        sys.exit(0)
    number = _fork(asked.processes) if asked.processes > 1 else 1
    sys.exit(process([argument.replace(NUMBER, str(number)) for argument in arguments]))


def _split(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    separator = arguments.index("--")
    return arguments[:separator], ["--"], arguments[separator + 1 :]


def _set(change: str) -> None:
    path, _, value = change.partition("=")
    module, _, name = path.rpartition(".")
    owner = importlib.import_module(module)
    before = getattr(owner, name)  # AttributeError when there is none
    kind = type(before)
    if kind not in (int, float):
        raise TypeError(f"{path} is no number")
    changed = kind(float(value)) if float(value).is_integer() else float(value)
    # Modules that imported the constant by name need the change too.
    for loaded in list(sys.modules.values()):
        if getattr(loaded, "__dict__", {}).get(name) is before:
            setattr(loaded, name, changed)


@contextlib.contextmanager
def _one_for_everybody(self: Locks, name: str, *, reads: tuple[str, int] | None = None) -> Iterator[Lock | None]:
    """Replace a lock by one that excludes no holder; all holders have the same fence."""
    with _hold(self, f"{name}:{secrets.token_hex(4)}", reads=reads) as lock:
        yield replace(lock, fence=1) if lock else None


def _by_two(create: Callable[..., str]) -> Callable[..., str]:
    """Delay a write after its last check until a second worker is about to write the same record; then both send it."""

    def created(self: NetSuite, record: Any, **options: Any) -> str:
        redis: Redis = current().redis
        waiting = f"test:writes:{record.external_id}"
        came = int(redis.incr(waiting))
        complete, until = came + came % 2, time.monotonic() + MEETING_SECONDS
        while int(redis.get(waiting) or 0) < complete and time.monotonic() < until:
            time.sleep(0.01)
        return create(self, record, **options)

    return created


def _fork(processes: int) -> int:
    """Fork before any connection is opened, and return the number of this fork. The parent only waits for the others."""
    for number in range(1, processes + 1):
        if os.fork() == 0:
            return number
    # The test signals the whole group.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    sys.exit(0)


if __name__ == "__main__":
    main()
