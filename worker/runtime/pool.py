"""How a worker runs the message of a task in a thread, how it stops, and when it acknowledges the message.

Celery's own pool waits on shutdown for all tasks, and thus for NetSuite; with this one, TERM ends a worker within half a minute. Celery
acknowledges a failed task. By then its work is in the ledger, with a time or a problem, unless Redis rejected the task's first write, or
Celery's record that the task has started: the message of such a task returns to its queue.
"""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Future, wait
from typing import Any, ClassVar, NoReturn

from celery import signals
from celery.concurrency import thread
from celery.exceptions import Reject
from celery.worker import request
from celery.worker.state import task_ready
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from worker.runtime.current import current
from worker.store.connection import why

log = logging.getLogger(__name__)

TASK_SECONDS = 15.0
"""Seconds from TERM until tasks that have not ended are abandoned."""
RELEASE_SECONDS = 5.0
"""Maximum seconds for releasing work; anything that could not be released is free when its lease ends."""
RETURN_SECONDS = 5.0
"""Seconds that a message whose task failed because of Redis stays here before it returns to its queue."""


class TaskPool(thread.TaskPool):  # type: ignore[misc]  # Celery is untyped
    """Celery's pool of threads, with a time limit for its shutdown."""

    running: ClassVar[TaskPool | None] = None
    """This process's pool, while it takes tasks."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._given: set[Future[Any]] = set()
        self._ending = threading.Event()
        TaskPool.running = self

    def on_apply(self, *args: Any, **options: Any) -> thread.ApplyResult:
        """Pass one task to a thread."""
        result = super().on_apply(*args, **options)
        self._given.add(result.f)
        result.f.add_done_callback(self._given.discard)
        return result

    def on_stop(self) -> None:
        """Stop: tasks not started yet return to their queues; running tasks get their time and are then abandoned."""
        TaskPool.running = None
        self._ending.set()
        self.executor.shutdown(wait=False, cancel_futures=True)
        _, late = wait(set(self._given), TASK_SECONDS)
        if late:
            self._abandon(len(late))

    def pause(self, seconds: float) -> None:
        """Block the calling thread for so many seconds, or until the worker stops."""
        self._ending.wait(seconds)

    def has_idle_thread(self) -> bool:
        """Return whether no task is waiting for a thread."""
        return len(self._given) <= int(self.limit)

    def _abandon(self, tasks: int) -> None:
        """Release the work of the running tasks, so that other workers continue immediately; a write in progress is unconfirmed in the ledger,
        as after a crash.
        """
        log.warning("%d tasks have not ended %.0f s after TERM; their work is released", tasks, TASK_SECONDS)
        # In a separate thread, because Redis may not respond.
        release = threading.Thread(target=current().give_back, name="release", daemon=True)
        release.start()
        release.join(RELEASE_SECONDS)
        # At that signal, Celery has closed its connections; a normal exit would wait for the threads.
        signals.worker_shutdown.connect(_end, weak=False)


class WorkRequest(request.Request):  # type: ignore[misc]  # Celery is untyped
    """One message that this worker has fetched."""

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> Any:
        """Called by Celery in the task's thread."""
        error = exc_info.exception
        # Celery packs some errors so that they could be sent to another process.
        error = getattr(error, "exc", None) or error
        if not isinstance(error, (RedisError, OperationalError, Reject)):
            return super().on_failure(exc_info, *args, **options)
        reason = error.reason if isinstance(error, Reject) else why(error)
        log.warning("%s returns to its queue. %s", self.humaninfo(), reason)
        if TaskPool.running:
            TaskPool.running.pause(RETURN_SECONDS)
        self.reject(requeue=True)
        task_ready(self)
        return None


def has_spare_thread() -> bool:
    """Return whether a task may continue with more work in its thread: no task is waiting, and the worker is not stopping."""
    pool = TaskPool.running
    return pool is not None and pool.has_idle_thread()


def _end(**_: Any) -> NoReturn:
    logging.shutdown()
    os._exit(0)
