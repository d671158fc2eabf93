"""When the message of a task is acknowledged: never because Redis failed the task.

Celery acknowledges a task that fails. With us its work is in the ledger by then, with a time or a problem; but not when Redis refused the
task's first write, or Celery's own note that the task has begun.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.exceptions import Reject
from celery.worker import request
from celery.worker.state import task_ready
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from worker.pool import TaskPool
from worker.store.connection import why

log = logging.getLogger(__name__)

RETURN_SECONDS = 5.0
"""How long a message that Redis failed stays here before it goes back to its queue."""


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
