"""The scheduler of beat. It stores the times of the last runs in Redis, so that there is no file that a power loss could damage."""

from __future__ import annotations

import logging
import signal
from typing import Any

from celery.apps import beat
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from celery.utils.time import maybe_make_aware
from redis.exceptions import RedisError

from config.loading import load_settings
from config.names import QueueName, TaskName
from worker.redis_access import one_server_or_exit, redis_at
from worker.runtime import ending, heartbeat
from worker.store.connection import why
from worker.store.presence import Presence, ScheduleRuns

log = logging.getLogger(__name__)

MAX_WAITING_RESUMES = 2
"""Messages in the upkeep queue above which another `resume` adds nothing. A message expiry is not used, because another machine would compare
it with its own clock.
"""

RESPONSE_TIMEOUT_SECONDS = 3.0
"""Seconds to wait for a response from Redis: no single request matters, and the supervisor treats a silent process as hung."""
UNSENT_SECONDS = 2.0
"""Seconds until a message that could not be sent is retried."""
END_SECONDS = 1.0
"""Seconds to wait for Redis on shutdown."""


class Beat(beat.Beat):  # type: ignore[misc]  # Celery is published without types
    """Celery's beat, with a clean shutdown on signals."""

    def install_sync_handler(self, service: Any) -> None:
        """Called by Celery. Celery's own handlers take locks and wait for Redis, whatever code they interrupt."""
        ending.watch()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.begin())


class Schedule(Scheduler):  # type: ignore[misc]  # Celery is published without types
    """Celery's in-memory scheduler. Last run times are restored on start, so that a run that became due while beat was down is caught up."""

    def __init__(self, *arguments: Any, lazy: bool = False, **options: Any) -> None:
        self._restored = lazy
        self._unsent = False
        if not lazy:
            settings = load_settings()
            client = redis_at(settings.redis_address, timeout=RESPONSE_TIMEOUT_SECONDS)
            one_server_or_exit(client)
            self._runs = ScheduleRuns(client, settings.redis_key_prefix)
            heartbeat.start(Presence(client, settings.redis_key_prefix), heartbeat.beat_name())
        super().__init__(*arguments, lazy=lazy, **options)

    def setup_schedule(self) -> None:
        """Called once by Celery: load the entries of config/schedule.py."""
        super().setup_schedule()
        self.merge_inplace(self.app.conf.beat_schedule)
        self._restore()

    def tick(self, **options: Any) -> Any:
        """Run one round of Celery's loop: send what is due, and return the seconds until the next round."""
        if ending.has_begun():
            raise SystemExit
        heartbeat.beat()
        if not self._restored:
            self._restore()
        wait = super().tick(**options)
        if not self._unsent:
            return wait
        # Celery has moved the entry to its next time. Build its heap again from the schedule, where the entry is still due.
        self._unsent, self._heap = False, None
        return UNSENT_SECONDS

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send the message of a due entry, unless it is a `resume` and enough of them are waiting already. An entry that cannot be sent stays due."""
        is_resume = entry.task == TaskName.RESUME
        if is_resume and self._has_enough_resumes():
            return
        log.log(logging.DEBUG if is_resume else logging.INFO, "Sending due task %s (%s)", entry.name, entry.task)
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            log.warning("Could not send %s: %s", entry.name, why(error))
            # The next `resume` is due in seconds anyway.
            if not is_resume:
                self.schedule[entry.name] = entry
                self._unsent = True
            return
        self._note(entry.name)

    def close(self) -> None:
        """Called by Celery on shutdown: withdraw this process from Redis."""
        super().close()
        heartbeat.end(wait=END_SECONDS)

    def _note(self, name: str) -> None:
        """Record when an entry ran. If beat stops before this is written, the run is repeated and finds its work done."""
        entry = self.schedule[name]
        if entry.task == TaskName.RESUME:
            return
        try:
            self._runs.note(name, entry.last_run_at.timestamp())
        except RedisError as error:
            log.warning("Could not record the run of %s: %s", name, type(error).__name__)

    def _restore(self) -> None:
        """Restore the last run times from Redis, if it responds."""
        try:
            runs = self._runs.last()
        except RedisError as error:
            log.warning("Redis does not respond yet: %s", type(error).__name__)
            return
        for name, last_run in runs.items():
            if entry := self.schedule.get(name):
                now = maybe_make_aware(entry.default_now())
                # A time in the future comes from a wrong clock; it must not delay the next run.
                entry.last_run_at = min(now, now.fromtimestamp(last_run, now.tzinfo))
        self._heap = None
        self._restored = True

    def _has_enough_resumes(self) -> bool:
        try:
            return self._runs.messages_in(QueueName.UPKEEP) >= MAX_WAITING_RESUMES
        except RedisError:
            return False
