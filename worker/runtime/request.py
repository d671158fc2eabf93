"""Decides when the message of a task is acknowledged: never if the task failed because of Redis.

Celery acknowledges a failed task. By then its work is in the ledger, with a time or a problem, unless Redis rejected the task's first
write, or Celery's record that the task has started.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.exceptions import Reject
from celery.worker import request
from celery.worker.state import task_ready
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from worker.runtime.pool import TaskPool
from worker.store.connection import why

log = logging.getLogger(__name__)

RETURN_SECONDS = 5.0
"""Seconds that a message whose task failed because of Redis stays here before it returns to its queue."""


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
