"""Which processes are running now: each announces itself every few seconds, and counts as gone soon after it stops doing so.

One that stopped without saying so hangs or was killed. It is known as silent until a process of the same name takes its place, or for some hours.
Nothing else proves that work will be done: a run that is open, or a queue that is short, says nothing about the processes.
All times are Redis', so no two machines' clocks need to agree; how far a process's clock is off is kept with it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from worker.store.client import Redis, Value
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.scripts import Script, flag

PRESENCE_SECONDS = 7.0
"""A process that has not announced itself for this long is not running. Celery's heartbeat comes every two seconds."""
SILENT_KEPT_SECONDS = 6 * 3600.0
"""A process that does not run any more and did not say that it ends is forgotten after this: its machine may be gone for good."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that runs now, or is silent. `queues`: the queues it takes work from, none for beat; `clock_ahead`: seconds, to Redis'
    clock; `threads`: how many tasks it works on at once; `seen`: when it announced itself last (unix seconds, Redis' clock);
    `settings`: a digest of each setting that decides what is written, by its name.
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
        """What it is and where, without its process id: items@host."""
        return self.process.partition(" (")[0]


class Presence:
    """The processes of an installation that run now, on all machines, and those that fell silent."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key = Keys(prefix).presence
        self._announce = Script(client, "presence/announce", flag)

    def announce(
        self,
        process: str,
        *,
        queues: Collection[str],
        clock: float,
        threads: int = 0,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Say that a process runs. `process` is unique, such as items@host (17); `clock`: what its own clock shows, unix seconds;
        `settings`: digests of those that decide what it writes.
        """
        name = process.partition(" (")[0]
        args: list[Value] = [
            process, json.dumps(sorted(queues)), repr(clock), PRESENCE_SECONDS, threads, name, SILENT_KEPT_SECONDS,
            json.dumps(dict(settings)),
        ]  # fmt: skip
        self._announce(keys=[self._key], args=args)

    def withdraw(self, process: str) -> None:
        """Say that a process ends."""
        self._client.hdel(self._key, process)

    def all(self) -> list[Running]:
        """The processes that run now and those that are silent, by name. Reads only."""
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
        """The processes that run now, by name."""
        return [one for one in self.all() if not one.is_silent]
