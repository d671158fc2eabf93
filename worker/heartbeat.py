"""A process shows that it runs: in Redis for everybody, and in a file for whoever watches this machine.

The main loop of the process only sets an event; a thread does the announcing, so that a Redis that hangs holds up nothing,
and a main loop that hangs is seen, since nothing sets the event any more.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from redis.exceptions import RedisError

from config.processes import HEARTBEAT_VARIABLE
from worker.store.presence import Presence


class Heartbeat:
    """Announces one process. `name`: what it is, such as items@host; `queues`: the queues it takes work from, with how many threads;
    `settings`: digests of those that decide what it writes. `process`: what it is called among the running ones.
    """

    def __init__(
        self, presence: Presence, name: str, queues: Collection[str], threads: int, settings: Mapping[str, str]
    ) -> None:
        self.process = f"{name} ({os.getpid()})"
        self._presence = presence
        self._queues = frozenset(queues)
        self._threads = threads
        self._settings = settings
        self._due = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._announce_when_due, name="heartbeat", daemon=True).start()

    def beat(self) -> None:
        """Called by the main loop every few seconds."""
        self._due.set()

    def announce(self) -> None:
        """Show this process to the others now, unless it ends. Raises RedisError."""
        if not self._ended.is_set():
            self._presence.announce(
                self.process, queues=self._queues, clock=time.time(), threads=self._threads, settings=self._settings
            )

    def end(self) -> None:
        """The process ends in order: nobody has to wait until it is forgotten."""
        self._ended.set()
        self._due.set()
        with contextlib.suppress(RedisError):
            self._presence.withdraw(self.process)

    def _announce_when_due(self) -> None:
        while self._due.wait() and not self._ended.is_set():
            self._due.clear()
            if file := os.environ.get(HEARTBEAT_VARIABLE):
                Path(file).touch()
            # Redis away: this process counts as gone until it answers again, and so it is.
            with contextlib.suppress(RedisError):
                self.announce()


_heartbeat: Heartbeat | None = None


def start(
    presence: Presence,
    name: str,
    queues: Collection[str] = (),
    *,
    threads: int = 0,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Heartbeat:
    """This process takes up its work: it shows that it runs from now on."""
    global _heartbeat
    _heartbeat = Heartbeat(presence, name, queues, threads, settings)
    _heartbeat.beat()
    return _heartbeat


def beat() -> None:
    """The main loop came round. Nothing before `start`."""
    if _heartbeat:
        _heartbeat.beat()


def end() -> None:
    """This process takes no more work."""
    global _heartbeat
    if _heartbeat:
        _heartbeat.end()
    _heartbeat = None


def beat_name() -> str:
    """What beat is called: the name of its machine tells two of them apart."""
    return f"beat@{socket.gethostname()}"
