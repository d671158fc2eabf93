"""Celery as the installation starts it, with constants of the product changed and, if asked, its claims and locks open to everyone.

    python -m tests.real.launcher [--set module.NAME=number]... [--open-locks] [--processes N] [--cron-seconds S] [--trace STEM]
        -- celery's arguments
    python -m tests.real.launcher [--set module.NAME=number]... --command -- arguments of wbs-sync

The product has no setting for these: what a dead worker leaves is free after 20 to 40 seconds, and a test that waited for
that each time would be run by nobody. One test marked `slow` waits for the real ones.
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
from collections.abc import Iterator
from pathlib import Path

from celery.__main__ import main as celery

import config.schedule
import worker.app  # noqa: F401 - once for all forks
from tests.real import trace
from tests.support import claim_for_everybody
from worker.cli import main as wbs_sync
from worker.store import work_scripts
from worker.store.locks import Lock, Locks

NUMBER = "{number}"
"""Stands in celery's arguments for the number of the fork."""
MEETING_SECONDS = 0.3
_hold = Locks.hold


def main() -> None:
    """Change what is to be changed, fork if asked, and become celery."""
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
        vars(work_scripts)["CLAIM"] = claim_for_everybody()
    if asked.trace:
        trace.begin(asked.trace)
    if asked.cron_seconds:
        vars(config.schedule)["cron"] = lambda _line: asked.cron_seconds
    if asked.command:
        sys.argv = ["wbs-sync", *arguments]
        wbs_sync()
        sys.exit(0)
    number = _fork(asked.processes) if asked.processes > 1 else 1
    sys.argv = ["celery", *(argument.replace(NUMBER, str(number)) for argument in arguments)]
    sys.exit(celery())


def _split(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    place = arguments.index("--")
    return arguments[:place], ["--"], arguments[place + 1 :]


def _set(change: str) -> None:
    path, _, value = change.partition("=")
    module, _, name = path.rpartition(".")
    owner = importlib.import_module(module)
    kind = type(getattr(owner, name))  # AttributeError when there is none
    if kind not in (int, float):
        raise TypeError(f"{path} is no number")
    setattr(owner, name, kind(float(value)) if float(value).is_integer() else float(value))


@contextlib.contextmanager
def _one_for_everybody(self: Locks, name: str) -> Iterator[Lock | None]:
    """A lock that holds nobody off: who comes for the same thing within a moment gets one too, together with the first."""
    met = f"test:met:{name}"
    together = int(self._client.incr(met))
    self._client.pexpire(met, int(MEETING_SECONDS * 1000))
    until = time.monotonic() + MEETING_SECONDS
    while together < 2 and time.monotonic() < until:
        time.sleep(0.005)
        together = int(self._client.get(met) or 0)
    with _hold(self, f"{name}:{secrets.token_hex(4)}") as lock:
        yield lock


def _fork(processes: int) -> int:
    """Fork before anything is connected; the number of this fork. The parent only waits for the others."""
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
