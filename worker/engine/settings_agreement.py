"""Stops all writes while running workers have different values of a setting that determines what is written.

Only a user can say which value is right: the newest may be a typo, and the oldest may have been corrected on the other machine. So none of
the workers writes while live workers differ, and writing resumes when they agree: after the others were restarted with the new value, or
the new one with the old value. A worker that stopped, died or hangs does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from worker.domain.errors import Misconfigured
from worker.domain.problems import Cause
from worker.domain.scopes import WRITING
from worker.store.presence import Running
from worker.store.stores import Stores

RECHECK_SECONDS = 2.0
"""Seconds for which a worker that found agreement writes without checking again. A worker that starts in the meantime with other settings
finds the difference and does not write, so no two of them ever do.
"""


@dataclass(slots=True)
class SettingsAgreement:
    """Compares the digests that all live workers announce."""

    stores: Stores
    _process: str = field(default="", init=False)
    _announce: Callable[[], None] = field(default=lambda: None, init=False)
    _agreed_at: float = field(default=float("-inf"), init=False)

    def join(self, process: str, announce: Callable[[], None]) -> None:
        """Register this process as a worker. `process`: its name among the running ones; `announce`: announces it to the others now."""
        self._process, self._announce = process, announce

    def require(self) -> None:
        """Raise Misconfigured while the live workers differ. In a process that is not a worker, nothing is checked.

        A worker checks after it was announced itself: of two that start at the same time, the later one sees the other.
        """
        clock = self.stores.runtime.monotonic
        if not self._process or clock() - self._agreed_at < RECHECK_SECONDS:
            return
        running = self.stores.presence.running()
        if self._process not in {one.process for one in running}:
            self._announce()
            running = self.stores.presence.running()
        if found := differences(running):
            clauses = "; ".join(found)
            raise Misconfigured(clauses, cause=Cause.SETTINGS_MISMATCH, facts={"answer": clauses}, scope=WRITING)
        self._agreed_at = clock()

    def now(self) -> list[str]:
        """Return the differences between live workers, a clause for each setting. Raises RedisError."""
        return differences(self.stores.presence.running())


def differences(running: list[Running]) -> list[str]:
    """Return a clause for each setting that is not the same in all workers, with their digests: `PROJECT_IDS is 1f3a on items@a, 77b0 on
    items@b`.

    A worker whose version does not have a setting is not compared in it.
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
