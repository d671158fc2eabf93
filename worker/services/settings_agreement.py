"""Nothing is written while the workers that run now disagree about a setting that decides what is written.

Which of two settings is right nobody but a person can say: the newest may be a typo, and the oldest may have been corrected on the
other machine. So as soon as live workers differ none of them writes, and it goes on by itself once they agree: when the others were
started again with the new setting, or the new one with the old setting. A worker that ends, dies or hangs is not asked any more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from worker.domain.errors import Misconfigured
from worker.domain.problems import Cause
from worker.domain.scopes import WRITING
from worker.store.presence import Presence, Running

RECHECK_SECONDS = 2.0
"""A worker that saw agreement writes for so long without looking again. One that starts meanwhile with other settings sees it and does
not write, so no two of them ever do.
"""


class SettingsAgreement:
    """Compares the digests that all live workers announce."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._process = ""
        self._announce: Callable[[], None] = lambda: None
        self._agreed_at = -math.inf

    def join(self, process: str, announce: Callable[[], None]) -> None:
        """This process is a worker from here on. `process`: its name among the running ones; `announce`: show it to the others now."""
        self._process, self._announce = process, announce

    def require(self) -> None:
        """Raise Misconfigured while the live workers differ. In a process that is no worker nothing is asked.

        A worker compares after it was announced itself: of two that start at once the later one sees the other.
        """
        if not self._process or time.monotonic() - self._agreed_at < RECHECK_SECONDS:
            return
        running = self._presence.running()
        if self._process not in {one.process for one in running}:
            self._announce()
            running = self._presence.running()
        if found := differences(running):
            told = "; ".join(found)
            raise Misconfigured(told, cause=Cause.SETTINGS_DIFFER, facts={"answer": told}, scope=WRITING)
        self._agreed_at = time.monotonic()

    def now(self) -> list[str]:
        """What the live workers disagree about, a clause for each setting. Raises RedisError."""
        return differences(self._presence.running())


def differences(running: list[Running]) -> list[str]:
    """For each setting that is not the same in all workers the digest that each has: `PROJECT_IDS is 1f3a on items@a, 77b0 on items@b`.

    A worker of a version that does not know a setting is not compared in it.
    """
    workers = {one.process: one.settings for one in running if one.queues}
    found = []
    for name in sorted({name for settings in workers.values() for name in settings}):
        by_digest: dict[str, list[str]] = {}
        for process, settings in sorted(workers.items()):
            if name in settings:
                by_digest.setdefault(settings[name], []).append(process)
        if len(by_digest) > 1:
            found.append(f"{name} is {_listed(by_digest)}")
    return found


def _listed(by_digest: Mapping[str, list[str]]) -> str:
    return ", ".join(f"{digest} on {' and '.join(processes)}" for digest, processes in by_digest.items())
