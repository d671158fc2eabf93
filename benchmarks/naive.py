"""Celery as in the first example of its documentation: one task per code, which checks and then writes. For comparison only."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import redis
from celery import Celery

from benchmarks import baselines

app = Celery("naive", broker=os.environ.get("NAIVE_REDIS_URL"), backend=os.environ.get("NAIVE_REDIS_URL"))
_token: list[str] = []
_guard = threading.Lock()


@app.task  # type: ignore[untyped-decorator]
def create(body: dict[str, Any]) -> None:
    """Create the Item unless it exists."""
    with _guard:
        if not _token:
            _token.append(baselines.netsuite_token(os.environ))
    if not baselines.exists(os.environ, _token[0], body["externalId"]):
        baselines.post(os.environ, _token[0], body)


def wait_until_ready() -> None:
    """Wait until a worker answers."""
    while not app.control.ping(timeout=0.5):
        pass


def wait_for(tasks: int) -> None:
    """Wait until this many results exist."""
    with redis.Redis.from_url(os.environ["NAIVE_REDIS_URL"]) as client:
        while sum(1 for _ in client.scan_iter("celery-task-meta-*", count=1000)) < tasks:
            time.sleep(0.2)
