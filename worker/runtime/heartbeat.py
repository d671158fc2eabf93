"""Heartbeats of a process: one in Redis for the other processes, and one on this machine for the supervisor, Compose or systemd, which
restart the process when the heartbeat stops.

The main loop only requests each heartbeat; threads send it. So a Redis that hangs blocks neither the main loop nor the heartbeat on this
machine, and a main loop that hangs is detected because it no longer requests heartbeats.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import MappingProxyType

from redis.exceptions import RedisError

from config.processes import HEARTBEAT_VARIABLE
from worker.store.presence import Presence

BEAT_SECONDS = 2.0
"""Seconds between the heartbeats of a main loop that does not run at fixed intervals itself."""
SYSTEMD_VARIABLE = "NOTIFY_SOCKET"
"""The environment variable with the socket of systemd's watchdog."""


@dataclass(eq=False)
class Heartbeat:
    """Sends the heartbeat of one process to Redis. `name`: its kind and host, such as items@host; `queues` and `threads`: the queues from which
    it takes work, and with how many threads; `settings`: digests of the settings that decide what it writes; `announce_more`: called after each
    heartbeat. `process`: its unique name among the running processes.
    """

    presence: Presence
    name: str
    queues: Collection[str]
    threads: int
    settings: Mapping[str, str]
    announce_more: Callable[[], None]

    def __post_init__(self) -> None:
        self.process = f"{self.name} ({os.getpid()})"
        self._has_ended = False
        self._thread = _Repeating(self._announce, "heartbeat", at_end=self._withdraw)

    def beat(self) -> None:
        """Request a heartbeat. Called by the main loop every few seconds."""
        self._thread.request()

    def announce(self) -> None:
        """Send the heartbeat now, unless the process is ending. Raises RedisError."""
        if not self._has_ended:
            self.presence.announce(
                self.process,
                queues=self.queues,
                clock_ahead=self.presence.clock_ahead(time.time),
                threads=self.threads,
                settings=self.settings,
            )
            self.announce_more()

    def end(self, wait: float) -> None:
        """Withdraw the process from Redis, so that others need not wait until its heartbeat expires. Returns within `wait` seconds."""
        self._has_ended = True
        self._thread.end(wait)

    def _announce(self) -> None:
        # Until Redis accepts heartbeats again, nobody knows whether this process runs (`worker.inspect.liveness`).
        with contextlib.suppress(RedisError):
            self.announce()

    def _withdraw(self) -> None:
        with contextlib.suppress(RedisError):
            self.presence.withdraw(self.process)


class _Repeating:
    """A thread that runs `action` once for each request, and once for all requests that arrive in the meantime. `request` may be called in a signal
    handler, which can interrupt the main thread anywhere: `SimpleQueue.put` is reentrant.
    """

    def __init__(self, action: Callable[[], None], name: str, *, at_end: Callable[[], None] = lambda: None) -> None:
        self._action, self._at_end = action, at_end
        self._requests: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def request(self) -> None:
        self._requests.put(True)

    def end(self, wait: float) -> None:
        self._requests.put(False)
        if wait:
            self._thread.join(wait)

    def _run(self) -> None:
        while self._requests.get():
            with contextlib.suppress(Empty):
                while self._requests.get_nowait():
                    pass
                break
            self._action()
        self._at_end()


_heartbeat: Heartbeat | None = None
_sign: _Repeating | None = None


def start(
    presence: Presence,
    name: str,
    queues: Collection[str] = (),
    *,
    threads: int = 0,
    settings: Mapping[str, str] = MappingProxyType({}),
    announce_more: Callable[[], None] = lambda: None,
) -> Heartbeat:
    """Start the heartbeats of this process when it begins to take work. Parameters: see Heartbeat."""
    global _heartbeat
    _heartbeat = started = Heartbeat(presence, name, queues, threads, settings, announce_more)
    beat()
    return started


def beat() -> None:
    """Request both heartbeats. Called only by the main thread: in each round of its loop, and before each wait for a Redis that does not
    respond.
    """
    global _sign
    if _sign is None and any(os.environ.get(name) for name in (HEARTBEAT_VARIABLE, SYSTEMD_VARIABLE)):
        _sign = _Repeating(_show_on_this_machine, "sign-of-life")
    if _sign:
        _sign.request()
    if _heartbeat:
        _heartbeat.beat()


def end(*, wait: float = 0) -> None:
    """Withdraw this process from Redis, because it takes no more work. Returns within `wait` seconds; with 0 it may be called in a signal
    handler.
    """
    global _heartbeat
    ended, _heartbeat = _heartbeat, None
    if ended:
        ended.end(wait)


def beat_name() -> str:
    """Return the name of this beat process. It contains the host name, to distinguish two of them."""
    return f"beat@{socket.gethostname()}"


def _show_on_this_machine() -> None:
    """Touch the heartbeat file, which contains the process id, and notify systemd's watchdog, if the environment names them."""
    if file := os.environ.get(HEARTBEAT_VARIABLE):
        with contextlib.suppress(OSError):  # a full or missing disk is no reason to stop working
            _touch(Path(file))
    if address := os.environ.get(SYSTEMD_VARIABLE):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            # As sd_notify(3) does it; "@" stands for the zero byte of an abstract address.
            notified.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
            notified.send(b"WATCHDOG=1")


def _touch(file: Path) -> None:
    pid = str(os.getpid())
    with contextlib.suppress(FileNotFoundError):
        if file.read_text() == pid:
            file.touch()
            return
    file.write_text(pid)
