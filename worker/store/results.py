"""What Celery keeps of a task for a day: `{prefix}celery-task-meta-{task id}`, one JSON object. Other apps read the same key."""

from __future__ import annotations

import json
from typing import Any

from worker.store.client import Redis
from worker.store.keys import Keys


def kept(client: Redis, prefix: str, task_id: str) -> dict[str, Any] | None:
    """Status, result, name and arguments of a task that a worker has begun; None when nothing is kept of it (any more).

    `result` of a failure is `{"exc_type": ..., "exc_message": [...]}`.
    """
    text = client.get(Keys(prefix).task_result(task_id))
    return json.loads(text) if text else None
