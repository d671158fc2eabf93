"""The base class of all tasks: after each task, waiting work is dispatched."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from celery import Celery, Task, signals
from celery.exceptions import Reject
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.names import CORRELATION_HEADER, DISPATCHED_HEADER
from worker.context import correlated, current_correlation, set_correlation, set_dispatched
from worker.domain.work import Lane, WorkKey
from worker.runtime.current import current
from worker.store.connection import why

log = logging.getLogger(__name__)


class WorkTask(Task):
    """Sends the messages of waiting work when a task has ended, whatever its outcome, so that a lane does not wait for beat."""

    abstract = True
    Request = "worker.runtime.pool:WorkRequest"
    lanes: tuple[Lane, ...] = tuple(Lane)
    """Lanes in which this task may have made room or queued work."""

    def before_start(self, task_id: str, *_: Any) -> None:
        """Called by Celery in the worker: set the correlation id and trigger of this thread."""
        set_correlation(self.request.correlation_id or task_id)
        set_dispatched(bool(self.request.get(DISPATCHED_HEADER)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Called by Celery in the worker. If Redis makes the task fail, the message returns to its queue: perhaps none of its work is recorded
        yet.
        """
        try:
            return self.run(*args, **kwargs)
        except (RedisError, OperationalError) as error:
            raise Reject(why(error), requeue=True) from None

    def after_return(self, *_: Any) -> None:
        """Called by Celery in the worker after success and failure."""
        try:
            dispatch_due(self.app, self.lanes)
        except (RedisError, OperationalError) as error:
            # The task itself has completed; the next one, or the next resume, dispatches the waiting work.
            log.warning("Could not dispatch waiting work: %s", type(error).__name__)


def dispatch_due(app: Celery, lanes: Iterable[Lane]) -> int:
    """Send the messages of due work in these lanes, and return how many were sent. Work whose message cannot be sent counts as claimed until it
    is overdue.
    """
    due = current().dispatch.next(lanes)
    for text, correlation_id in due.items():
        key = WorkKey.parse(text)
        # Callers that wait for such work read the ledger; a stored result would only cost memory.
        with correlated(correlation_id):
            headers = {DISPATCHED_HEADER: True}
            app.send_task(key.kind.task, kwargs=key.arguments, ignore_result=True, headers=headers)
    return len(due)


def resume_work(app: Celery) -> int:
    """Dispatch due work of all lanes, and work abandoned when a worker or Redis went down; return how many messages were sent."""
    try:
        current().recovery.look_through()
        current().adoptions.keep_up()
        current().stores.decisions.keep_up(current().ledger.state.opened_at())
        current().remote_failures.note_open_problems()
        current().dispatch.requeue_orphans()
    finally:
        # Waiting work is dispatched even if one of these fails; otherwise one fault would stop all work.
        sent = dispatch_due(app, tuple(Lane))
    return sent


@signals.before_task_publish.connect
def _add_correlation_id(headers: Any = None, **_: Any) -> None:
    """Add the correlation id of this thread to the headers of a message."""
    if headers is not None and current_correlation():
        headers.setdefault(CORRELATION_HEADER, current_correlation())
