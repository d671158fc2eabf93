"""When beat last ran each entry of its schedule, and how many messages wait in a queue."""

from __future__ import annotations

from worker.store.client import Redis
from worker.store.keys import Keys


class ScheduleRuns:
    """The last run of each entry, in unix seconds of beat's own clock, which its schedule uses."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)

    def note(self, entry: str, at: float) -> None:
        """Record a run of an entry."""
        self._client.hset(self._keys.schedule, entry, repr(at))

    def last(self) -> dict[str, float]:
        """Return the last run of each entry that has run. Unreadable times are left out: such an entry runs next when it is due."""
        noted = self._client.hgetall(self._keys.schedule)
        return {entry: float(at) for entry, at in noted.items() if at.replace(".", "", 1).isdigit()}

    def messages_in(self, queue: str) -> int:
        """Return how many messages wait in one of Celery's queues."""
        return int(self._client.llen(self._keys.queue(queue)))
