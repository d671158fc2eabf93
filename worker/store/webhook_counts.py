"""Counts the requests to the webhook receiver by response, for metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime

ANSWERS = ("accepted", "unauthorized", "unavailable")
"""204, 401 and 503 (docs/webhooks.md)."""
KEPT_SECONDS = 3 * 86_400
"""Seconds without a running receiver after which an installation counts as one without webhooks."""


class WebhookCounts:
    """Counts in this process. `save` adds them to those in Redis, so that many requests do not load Redis."""

    def __init__(self, client: Redis, prefix: str, *, runtime: Runtime = REAL) -> None:
        self._client = client
        self._key = Keys(prefix).webhook_answers
        self._unsaved: Counter[str] = Counter()
        self._lock = runtime.thread_lock()

    def add(self, answer: str) -> None:
        """Count one request by its response, one of `ANSWERS`."""
        with self._lock:
            self._unsaved[answer] += 1

    def save(self) -> None:
        """Add the counts since the last call to those in Redis, even if they are 0, which shows that a receiver is running. Raises
        RedisError; the counts are kept then.
        """
        with self._lock:
            counted = self._unsaved.copy()
        with self._client.pipeline(transaction=True) as together:
            for answer in ANSWERS:
                together.hincrby(self._key, answer, counted[answer])
            together.expire(self._key, KEPT_SECONDS)
            together.execute()
        with self._lock:
            self._unsaved -= counted

    def total(self) -> Mapping[str, int]:
        """Return the requests by response since the first receiver started; empty if none has run for `KEPT_SECONDS`."""
        return {answer: int(count) for answer, count in self._client.hgetall(self._key).items() if answer in ANSWERS}
