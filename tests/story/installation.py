"""Where the month end is played: both simulators, and everything that `wbs-sync up` starts."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from simulators.stage import Stage
from tests.kit import browser
from tests.kit.container import settings_of
from tests.kit.ended import Ended
from tests.kit.programs import READY, START_SECONDS, Program, environment, run, script
from tests.kit.waiting import eventually
from worker.container import Container
from worker.local.embedded import find_running

WIDTH = 118
"""Of what commands print: what a page on the web shows without scrolling."""
SLOTS = 15
SETTINGS = {
    "NETSUITE_CONCURRENCY": str(SLOTS),
    "FLOWER_PORT": "0",
    "LOG_LEVEL": "INFO",
    "COLUMNS": str(WIDTH),
}
REMOTES: dict[str, Any] = {"spike_limit": None, "hourly_limit": None, "concurrency_limit": SLOTS}
COMMAND_SECONDS = 120


class Installation:
    """A running installation for the company of the profile `month`; it ends with its block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stage = Stage.start(folder / "remotes", profile="month", **REMOTES)
        self._env = environment(folder) | self.stage.env | SETTINGS
        self._up = Program("up", [script(), "up"], self._env, folder, fresh=True)

    def run(self, *arguments: str) -> Ended:
        """Run the console script to its end, in a separate directory, and log the call on standard error."""
        began = time.monotonic()
        ended = run(*arguments, env=self._env, folder=self.folder, timeout=COMMAND_SECONDS)
        sys.stderr.write(f"{time.monotonic() - began:5.1f} s  wbs-sync {' '.join(arguments)}\n")
        return ended

    @cached_property
    def container(self) -> Container:
        """Return the product's container in this process, to read what the page does not show."""
        url = find_running(self.folder / "data")
        assert url, "no server runs"
        return Container(settings_of(self._env), redis_url=url)

    def picture(self, page: Path, to: Path) -> None:
        """Take a picture of an HTML page as a browser shows it on a computer."""
        if browser.PROGRAM is None:
            raise FileNotFoundError("chromium is not installed (apt-get install chromium)")
        profile = f"--user-data-dir={self.folder / 'chromium'}"
        options = (f"--screenshot={to}", "--window-size=1280,1100", page.as_uri())
        subprocess.run(
            [browser.PROGRAM, *browser.QUIET, profile, *options], capture_output=True, timeout=90, check=True
        )

    def __enter__(self) -> Installation:
        logs = [self.folder / "data" / "logs" / f"{name}.log" for name in ("items", "invoices")]
        try:
            self._up.says("Running.")
            eventually(lambda: all(log.exists() and READY in log.read_text() for log in logs), START_SECONDS)
            # Beat and a worker have met: `check` says so.
            eventually(self.container.stores.gate.use, START_SECONDS)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._up.end()
        self.stage.stop()
