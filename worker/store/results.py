"""The result of a task, which Celery stores for a day as one JSON object: `{prefix}celery-task-meta-{task id}`. Other apps read the same key."""

from __future__ import annotations

import json
from typing import Any

from worker.store.client import Redis
from worker.store.keys import Keys


def kept(client: Redis, prefix: str, task_id: str) -> dict[str, Any] | None:
    """Return status, result, name and arguments of a task that a worker has begun; None if there are none or they have expired.

    `result` of a failure is `{"exc_type": ..., "exc_message": [...]}`.
    """
    text = client.get(Keys(prefix).task_result(task_id))
    return json.loads(text) if text else None
