"""Celery's pool of threads, which also ends: TERM ends a worker within half a minute, whatever its tasks wait for.

Celery's own waits for as long as NetSuite lets its tasks wait.
"""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Future, wait
from typing import Any, ClassVar, NoReturn

from celery import signals
from celery.concurrency import thread

from worker.current import current

log = logging.getLogger(__name__)

LEAVE_SECONDS = 15.0
"""Tasks that have not ended so long after TERM are left behind."""
GIVE_BACK_SECONDS = 5.0
"""How long giving back may take; what Redis did not hear of is free when its lease ends."""


class TaskPool(thread.TaskPool):  # type: ignore[misc]  # Celery is untyped
    """Threads that work until they are asked to end, and then not for ever."""

    running: ClassVar[TaskPool | None] = None
    """This process's, while it takes tasks."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._given: set[Future[Any]] = set()
        self._ending = threading.Event()
        TaskPool.running = self

    def on_apply(self, *args: Any, **options: Any) -> thread.ApplyResult:
        """Hand one task to a thread."""
        result = super().on_apply(*args, **options)
        self._given.add(result.f)
        result.f.add_done_callback(self._given.discard)
        return result

    def on_stop(self) -> None:
        """What no thread has begun is left: its messages go back into their queues. What runs has its time, and is then left too."""
        TaskPool.running = None
        self._ending.set()
        self.executor.shutdown(wait=False, cancel_futures=True)
        _, late = wait(set(self._given), LEAVE_SECONDS)
        if late:
            self._leave(len(late))

    def pause(self, seconds: float) -> None:
        """Let the calling thread wait; less long when the worker ends."""
        self._ending.wait(seconds)

    def to_spare(self) -> bool:
        """Whether no task waits for a thread."""
        return len(self._given) <= int(self.limit)

    def _leave(self, tasks: int) -> None:
        """Give back what the tasks hold, so that others go on at once; a write under way is in doubt in the ledger, as after a crash."""
        log.warning("%d tasks have not ended %.0f s after TERM; their work is released", tasks, LEAVE_SECONDS)
        # Of its own, since Redis may not answer.
        giving = threading.Thread(target=current().give_back, name="give-back", daemon=True)
        giving.start()
        giving.join(GIVE_BACK_SECONDS)
        # By then Celery has closed its connections; Python alone would wait for the threads.
        signals.worker_shutdown.connect(_end, weak=False)


def thread_to_spare() -> bool:
    """Whether a task may go on with more work in its thread: nobody waits for it, and the worker does not end."""
    pool = TaskPool.running
    return pool is not None and pool.to_spare()


def _end(**_: Any) -> NoReturn:
    logging.shutdown()
    os._exit(0)
