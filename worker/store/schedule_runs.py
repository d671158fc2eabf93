"""When beat last started each entry of its schedule, and how many messages wait in a queue."""

from __future__ import annotations

from worker.store.client import Redis
from worker.store.keys import Keys


class ScheduleRuns:
    """The last run of each entry, in unix seconds of beat's own clock, which is the one that its schedule goes by."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)

    def note(self, entry: str, at: float) -> None:
        """Note that an entry ran."""
        self._client.hset(self._keys.schedule, entry, repr(at))

    def last(self) -> dict[str, float]:
        """The last run of each entry that ever ran. An unreadable time is left out: the entry counts as one that runs next when due."""
        noted = self._client.hgetall(self._keys.schedule)
        return {entry: float(at) for entry, at in noted.items() if at.replace(".", "", 1).isdigit()}

    def messages_in(self, queue: str) -> int:
        """How many messages wait in one of Celery's queues."""
        return int(self._client.llen(self._keys.queue(queue)))
