"""Which processes are running: each announces itself every few seconds, and counts as running until shortly after its last announcement.

A process that stops without withdrawing hangs or was killed. It is reported as silent until a process of the same name replaces it, or for
some hours. Only this shows that work will be done: an open run or a short queue says nothing about processes. All times are of Redis' clock, so
that the clocks of machines need not agree; the offset of each process's clock is stored with it. Also when beat last ran each entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from worker.store.client import Redis, Value
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.runtime import certain_difference
from worker.store.scripts import Script, flag
from worker.store.server_state import accept_write

_TIME = re.compile(r"[0-9]{1,11}(\.[0-9]+)?")
"""A time in unix seconds that Python can show as a date."""
PRESENCE_SECONDS = 7.0
"""Seconds without an announcement after which a process is not running. Celery's heartbeat is sent every two seconds."""
SILENT_KEPT_SECONDS = 6 * 3600.0
"""Seconds after which a silent process is forgotten: its machine may have been removed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that is running or silent. `queues`: the queues it takes work from, none for beat; `clock_ahead`: seconds ahead of Redis'
    clock; `threads`: maximum tasks at once; `seen`: its last announcement (unix seconds, Redis' clock); `settings`: a digest of each setting
    that decides what is written, by name.
    """

    process: str
    queues: frozenset[str]
    clock_ahead: float
    threads: int
    seen: float
    is_silent: bool = False
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """Return kind and host without the process id, such as items@host."""
        return self.process.partition(" (")[0]


class Presence:
    """Running and silent processes of an installation on all machines."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key, self._probe = Keys(prefix).presence, Keys(prefix).write_probe
        self._announce = Script(client, "presence/announce", flag)

    def announce(
        self,
        process: str,
        *,
        queues: Collection[str],
        clock_ahead: float,
        threads: int = 0,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Record that a process is running. `process`: a unique name, such as items@host (17); `clock_ahead`: seconds that its
        clock is ahead of Redis' (the method of this name); `settings`: digests of the settings that decide what it writes.
        """
        name = process.partition(" (")[0]
        args: list[Value] = [
            process, json.dumps(sorted(queues)), repr(clock_ahead), PRESENCE_SECONDS, threads, name, SILENT_KEPT_SECONDS,
            json.dumps(dict(settings)),
        ]  # fmt: skip
        self._announce(keys=[self._key], args=args)

    def clock_ahead(self, clock: Callable[[], float]) -> float:
        """Return how many seconds `clock` (unix seconds) is ahead of Redis' for certain."""
        before, of_redis, after = clock(), seconds(self._client), clock()
        return certain_difference(before - of_redis, after - of_redis)

    def require_announcements(self) -> None:
        """Raise RedisError if no process can announce itself now, because the server rejects writes: then silence proves nothing."""
        accept_write(self._client, self._probe)

    def withdraw(self, process: str) -> None:
        """Remove a process that ends."""
        self._client.hdel(self._key, process)

    def all(self) -> list[Running]:
        """Return the running and the silent processes, by name. Reads only."""
        now, found = seconds(self._client), []
        for process, text in self._client.hgetall(self._key).items():
            entry = json.loads(text)
            seen = float(entry.get("seen", entry["until_"] - PRESENCE_SECONDS))
            queues = frozenset(json.loads(entry["queues"]))
            threads, silent = int(entry.get("threads", 0)), entry["until_"] < now
            settings = json.loads(entry.get("settings", "{}"))
            found.append(Running(process, queues, float(entry["off"]), threads, seen, silent, settings))
        return sorted(found, key=lambda one: one.process)

    def running(self) -> list[Running]:
        """Return the running processes, by name."""
        return [one for one in self.all() if not one.is_silent]


class ScheduleRuns:
    """The last run of each entry, in unix seconds of beat's own clock, which its schedule uses."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)

    def note(self, entry: str, at: float) -> None:
        """Record that an entry ran at `at`."""
        self._client.hset(self._keys.schedule, entry, repr(at))

    def last(self) -> dict[str, float]:
        """Return the last run of each entry, without those whose time is unreadable: such an entry runs when it is next due."""
        noted = self._client.hgetall(self._keys.schedule)
        return {entry: float(at) for entry, at in noted.items() if _TIME.fullmatch(at)}

    def messages_in(self, queue: str) -> int:
        """Return how many messages wait in one of Celery's queues."""
        return int(self._client.llen(self._keys.queue(queue)))
