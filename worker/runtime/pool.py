"""Celery's thread pool with a bounded shutdown: TERM ends a worker within half a minute. Celery's own pool waits for all tasks, and thus for
NetSuite.
"""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Future, wait
from typing import Any, ClassVar, NoReturn

from celery import signals
from celery.concurrency import thread

from worker.runtime.current import current

log = logging.getLogger(__name__)

TASK_SECONDS = 15.0
"""Seconds from TERM until tasks that have not ended are abandoned."""
RELEASE_SECONDS = 5.0
"""Maximum seconds for releasing work; anything that could not be released is free when its lease ends."""


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


def has_spare_thread() -> bool:
    """Return whether a task may continue with more work in its thread: no task is waiting, and the worker is not stopping."""
    pool = TaskPool.running
    return pool is not None and pool.has_idle_thread()


def _end(**_: Any) -> NoReturn:
    logging.shutdown()
    os._exit(0)
