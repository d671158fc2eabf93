"""Checks of the processes of the installation, of paused work, and of all clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from worker.engine.settings_agreement import differences
from worker.inspect.checks import Check, NamedCheck, failed, passed, warning
from worker.inspect.liveness import CLOCK_LIMIT_SECONDS, Alive, Liveness
from worker.inspect.pauses import Pauses
from worker.store.stores import Stores

BUSY_QUEUES = ("items", "exports")
"""Queues whose work writes to NetSuite."""
RESTART = "Check its log and restart it: a process with the same name replaces it. A process that is not restarted is removed from this list after 6 hours."
SYNCHRONIZE = "Synchronize the clock of that machine (NTP): NetSuite logins, schedules and log times use it. Work in progress does not depend on it."


@dataclass(frozen=True, slots=True)
class ProcessChecks:
    """Checks the processes that announced themselves, and the pauses of their work. `remote_clocks`: seconds that this machine is ahead of each
    system that responded in this process, by name; `settings`: digests of this command's settings that determine what is written.
    """

    stores: Stores
    liveness: Liveness
    pauses: Pauses
    remote_clocks: Callable[[], Mapping[str, float]]
    settings: Mapping[str, str]

    def running(self) -> Iterator[NamedCheck]:
        """Check that workers and beat run with the same settings, and that their work is not paused."""
        yield "Workers", self._workers
        yield "Same settings", self._same_settings
        yield "Pauses", self._pauses

    def clocks(self) -> Iterator[NamedCheck]:
        """Check that all clocks agree; run last, after both systems have responded."""
        yield "Clocks", self._clocks

    def _alive(self) -> Alive:
        """Raises RedisError if it is not known which processes run: an earlier check has reported that error with its remedy."""
        alive = self.liveness.now()
        if alive.rejection:
            raise alive.rejection
        return alive

    def _workers(self) -> Check:
        alive = self._alive()
        if alive.faults:
            return failed(" ".join(alive.faults + alive.warnings), alive.remedy)
        if alive.warnings:
            return warning(" ".join(alive.warnings), RESTART)
        slots = self.stores.gate.caps()[0]
        few = {queue: threads for queue in BUSY_QUEUES if (threads := alive.threads_for(queue)) < slots}
        if few:
            counts = " and ".join(f"{threads} threads for {queue}" for queue, threads in few.items())
            message = f"{counts} in all workers, fewer than NETSUITE_CONCURRENCY={slots}: some slots remain unused"
            return warning(message, "Leave WORKER_THREADS empty, raise it, or start another worker.")
        return passed(f"{len(alive.workers)} running, and beat")

    def _same_settings(self) -> Check:
        """Compare the settings that determine what is written, in all workers and in this command."""
        workers = self._alive().workers
        if differing := differences(workers):
            message = f"nothing is written while the workers' settings differ. Digests: {'; '.join(differing)}"
            return failed(message, "Give all machines the same settings and restart their workers.")
        theirs = {setting: digest for one in workers for setting, digest in one.settings.items()}
        others = sorted(setting for setting, own in self.settings.items() if theirs.get(setting, own) != own)
        if others:
            message = f"this command and the workers have different values of {' and '.join(others)}; the workers' values apply"
            return warning(
                message, "Run this command with the workers' settings, or restart the workers with these settings."
            )
        lowest, *higher = self.stores.gate.caps()
        if higher:
            message = f"NETSUITE_CONCURRENCY is {lowest} in one process and {' and '.join(map(str, higher))} in others; the lowest applies to all"
            return warning(message, "Set the same NETSUITE_CONCURRENCY on all machines and restart their workers.")
        return passed(f"{len(workers)} workers and this command have the same settings for writing")

    def _pauses(self) -> Check:
        """Check that no work is paused: a system is down, a login or permission was refused, or a rate limit is used up."""
        paused = self.pauses.all()
        if not paused:
            return passed("no work is paused")
        fix = "Paused work resumes automatically. `wbs-sync problems` lists what needs attention."
        return warning(" ".join(one.sentence for one in paused), fix)

    def _clocks(self) -> Check:
        ahead = {"Redis": self.stores.presence.clock_ahead(self.stores.runtime.time), **self.remote_clocks()}
        wrong = [
            f"this machine's is {_difference(off)} {name}'s"
            for name, off in ahead.items()
            if abs(off) > CLOCK_LIMIT_SECONDS
        ]
        alive = self.liveness.now()
        wrong += [f"{one.process}'s is {_difference(one.clock_ahead)} Redis'" for one in alive.wrong_clocks]
        if wrong:
            return warning("; ".join(wrong), SYNCHRONIZE)
        return passed(f"this machine, {', '.join(ahead)} and {len(alive.processes)} processes agree")


def _difference(off: float) -> str:
    return f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'}"
