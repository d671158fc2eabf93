"""Checks whether the processes that do the work are running: a worker for each queue, and beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError, ResponseError

from worker.domain.audit_trail import clock
from worker.store.connection import is_permission, why
from worker.store.presence import Running
from worker.store.stores import Stores

CLOCK_LIMIT_SECONDS = 2.0
"""Seconds of clock difference above which a process is reported: schedules, tokens and logs use the clock."""
RESUMED_WITHIN_SECONDS = 30.0
"""Another scheduler (docs/operations.md describes a standby) does not announce itself, but its `ledger.resume` arrives."""
RECEIVES = frozenset({"webhooks"})
"""What the webhook receiver announces instead of queues: a process without any counts as beat."""
HOW_TO_START = "Start `wbs-sync up`, or every process of the Procfile, with the same REDIS_URL and REDIS_KEY_PREFIX as this command."

CHECK_REDIS = "Check REDIS_URL and the server's log. Nothing is lost in the meantime; docs/redis.md lists the steps for each case."


@dataclass(frozen=True, slots=True)
class Alive:
    """The running processes. `missing_queues`: queues without a worker; `silent`: processes that stopped without notice: they hang or were killed;
    `rejection`: the error with which Redis rejects announcements, so that what is missing or silent may be running.
    """

    processes: tuple[Running, ...]
    missing_queues: tuple[str, ...]
    has_beat: bool
    silent: tuple[Running, ...] = ()
    rejection: RedisError | None = None

    @property
    def faults(self) -> list[str]:
        """Return sentences on what is not running, or on why that is not known."""
        if self.rejection:
            return [
                f"It is not known which workers are running, because Redis rejects their announcements. {why(self.rejection)}"
            ]
        sentences = []
        if self.missing_queues:
            sentences.append(f"No worker is running for: {', '.join(self.missing_queues)}.")
        if not self.has_beat:
            sentences.append("Beat is not running: nothing starts by schedule, and waiting work is not resumed.")
        return sentences

    @property
    def warnings(self) -> list[str]:
        """Return sentences on the silent processes."""
        if self.rejection:
            return []
        return [
            f"{one.process} has not been seen since {clock(one.seen)}: it hangs, or it was killed and not restarted."
            for one in self.silent
        ]

    @property
    def remedy(self) -> str:
        """Return what to do about the faults."""
        return CHECK_REDIS if self.rejection else HOW_TO_START

    @property
    def workers(self) -> list[Running]:
        """Return the workers among the processes."""
        return [one for one in self.processes if one.queues and one.queues != RECEIVES]

    @property
    def receivers(self) -> list[Running]:
        """Return the webhook receivers among the processes."""
        return [one for one in self.processes if one.queues == RECEIVES]

    def threads_for(self, queue: str) -> int:
        """Return the number of threads for a queue, over all workers."""
        return sum(one.threads for one in self.processes if queue in one.queues)

    @property
    def wrong_clocks(self) -> list[Running]:
        """Return the processes whose clock differs from Redis' by more than `CLOCK_LIMIT_SECONDS`."""
        return [one for one in self.processes if abs(one.clock_ahead) > CLOCK_LIMIT_SECONDS]


@dataclass(frozen=True, slots=True)
class Liveness:
    """Reads which processes announced themselves in the last seconds. `queues`: all queues of the installation, without the prefix."""

    stores: Stores
    queues: Sequence[str]

    def now(self) -> Alive:
        """Return the running processes. If some seem to be missing, it is tested whether Redis accepts announcements. Raises RedisError."""
        announced = self.stores.presence.all()
        processes = [one for one in announced if not one.is_silent]
        served = frozenset[str]().union(*(one.queues for one in processes))
        missing = tuple(queue for queue in self.queues if queue not in served)
        has_beat = any(not one.queues for one in processes) or self._was_resumed_just_now()
        silent = tuple(one for one in announced if one.is_silent)
        rejection = self._rejection() if missing or silent or not has_beat else None
        return Alive(tuple(processes), missing, has_beat, silent, rejection)

    def _rejection(self) -> RedisError | None:
        try:
            self.stores.presence.require_announcements()
        except ResponseError as error:
            # A permission that the user of this command is missing says nothing about the workers, which may have another user.
            return None if is_permission(error) else error
        return None

    def _was_resumed_just_now(self) -> bool:
        last = self.stores.gate.last_noted()
        return last is not None and self.stores.now() - last < RESUMED_WITHIN_SECONDS
