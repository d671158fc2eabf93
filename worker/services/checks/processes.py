"""The processes of the installation, and the clocks of everything that takes part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from worker.services.checks.check import Check, Look, doubt, fault, well
from worker.services.liveness import CLOCK_LIMIT_SECONDS, HOW_TO_START, Liveness
from worker.services.settings_agreement import differences
from worker.store.gate import Gate

BUSY_QUEUES = ("items", "exports")
"""The queues whose work writes to NetSuite."""
RESTART = "Look at its log, and start it again: a process of the same name takes its place. One that is gone for good is forgotten in 6 hours."
SYNCHRONIZE = (
    "Synchronize the clock of that machine (NTP): logins to NetSuite, schedules and log times go by it. "
    "Work in progress does not depend on it."
)


class ProcessChecks:
    """Looks at who announced itself. `redis_clock`: unix seconds; `remote_clocks`: how many seconds this machine is ahead of each
    remote that answered in this process, by its name; `settings`: digests of this
    command's settings that decide what is written.
    """

    def __init__(
        self,
        *,
        liveness: Liveness,
        redis_clock: Callable[[], float],
        remote_clocks: Callable[[], Mapping[str, float]],
        gate: Gate,
        settings: Mapping[str, str],
    ) -> None:
        self._liveness = liveness
        self._redis_clock = redis_clock
        self._remote_clocks = remote_clocks
        self._gate = gate
        self._settings = settings

    def running(self) -> Iterator[Look]:
        """Whether workers and beat run, and whether all have the same settings."""
        yield "Workers", self._workers
        yield "Same settings", self._same_settings

    def clocks(self) -> Iterator[Look]:
        """Whether all clocks agree; asked last, when both remotes have answered."""
        yield "Clocks", self._clocks

    def _workers(self) -> Check:
        alive = self._liveness.now()
        if alive.faults:
            return fault("Workers", " ".join(alive.faults + alive.warnings), HOW_TO_START)
        if alive.warnings:
            return doubt("Workers", " ".join(alive.warnings), RESTART)
        slots = self._gate.caps()[0]
        few = {queue: threads for queue in BUSY_QUEUES if (threads := alive.threads_for(queue)) < slots}
        if few:
            counts = " and ".join(f"{threads} threads for {queue}" for queue, threads in few.items())
            words = f"{counts} in all workers, fewer than NETSUITE_CONCURRENCY={slots}: some slots stay idle"
            return doubt("Workers", words, "Leave WORKER_THREADS empty, raise it, or start another worker.")
        return well("Workers", f"{len(alive.workers)} running, and beat")

    def _same_settings(self) -> Check:
        """Of those that decide what is written, in all workers and in this command."""
        name, workers = "Same settings", self._liveness.now().workers
        if found := differences(workers):
            words = f"nothing is written while the workers differ. By digest: {'; '.join(found)}"
            return fault(name, words, "Give all machines the same settings and restart their workers.")
        theirs = {setting: digest for one in workers for setting, digest in one.settings.items()}
        others = sorted(setting for setting, own in self._settings.items() if theirs.get(setting, own) != own)
        if others:
            words = f"this command has another {' and '.join(others)} than the workers, whose settings decide"
            return doubt(name, words, "Run it with the workers' settings, or restart the workers with these.")
        lowest, *higher = self._gate.caps()
        if higher:
            words = f"NETSUITE_CONCURRENCY is {lowest} in one process and {' and '.join(map(str, higher))} in others; the lowest applies to all"
            return doubt(name, words, "Set the same NETSUITE_CONCURRENCY on all machines and restart their workers.")
        return well(name, f"{len(workers)} workers and this command agree in what decides what is written")

    def _clocks(self) -> Check:
        ahead = {"Redis": time.time() - self._redis_clock(), **self._remote_clocks()}
        wrong = [f"this machine's is {_difference(off)} {name}'s" for name, off in ahead.items() if _is_wrong(off)]
        alive = self._liveness.now()
        wrong += [f"{one.process}'s is {_difference(one.clock_ahead)} Redis'" for one in alive.wrong_clocks]
        if wrong:
            return doubt("Clocks", "; ".join(wrong), SYNCHRONIZE)
        return well("Clocks", f"this machine, {', '.join(ahead)} and {len(alive.processes)} processes agree")


def _is_wrong(off: float) -> bool:
    return abs(off) > CLOCK_LIMIT_SECONDS


def _difference(off: float) -> str:
    return f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'}"
