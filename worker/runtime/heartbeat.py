"""A process shows that it runs: in Redis for everybody, and on this machine for the supervisor, Compose or systemd, which restart it
when it does not.

The main loop of the process only asks for it; threads do the rest, so that a Redis that hangs holds up nothing and silences nothing
but the sign in Redis, and a main loop that hangs is noticed, since nothing asks any more.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from types import MappingProxyType

from redis.exceptions import RedisError

from config.processes import HEARTBEAT_VARIABLE
from worker.store.presence import Presence

BEAT_SECONDS = 2.0
"""How often a main loop that has no rhythm of its own beats."""


SYSTEMD_VARIABLE = "NOTIFY_SOCKET"
"""Names the socket of systemd's watchdog."""


class Heartbeat:
    """Announces one process. `name`: what it is, such as items@host; `queues`: the queues it takes work from, with how many threads;
    `settings`: digests of those that decide what it writes; `announce_more`: what else it announces each time. `process`: what it is
    called among the running ones.
    """

    def __init__(
        self,
        presence: Presence,
        name: str,
        queues: Collection[str],
        threads: int,
        settings: Mapping[str, str],
        announce_more: Callable[[], None],
    ) -> None:
        self.process = f"{name} ({os.getpid()})"
        self._presence = presence
        self._queues = frozenset(queues)
        self._threads = threads
        self._settings = settings
        self._announce_more = announce_more
        self._has_ended = False
        self._thread = _Repeating(self._announce, "heartbeat", at_end=self._withdraw)

    def beat(self) -> None:
        """Called by the main loop every few seconds."""
        self._thread.ask()

    def announce(self) -> None:
        """Show this process to the others now, unless it ends. Raises RedisError."""
        if not self._has_ended:
            self._presence.announce(
                self.process, queues=self._queues, clock=time.time(), threads=self._threads, settings=self._settings
            )
            self._announce_more()

    def end(self, wait: float) -> None:
        """The process ends in order: nobody has to wait until it is forgotten. Returns after `wait` seconds at most."""
        self._has_ended = True
        self._thread.end(wait)

    def _announce(self) -> None:
        # Redis away: this process counts as gone until it answers again, and so it is.
        with contextlib.suppress(RedisError):
            self.announce()

    def _withdraw(self) -> None:
        with contextlib.suppress(RedisError):
            self._presence.withdraw(self.process)


class _Repeating:
    """A thread that does something each time that it is asked to, and once for what was asked meanwhile. It may be asked in a handler of
    signals, which interrupts the main thread anywhere: a SimpleQueue can be put into even within its own `put`.
    """

    def __init__(self, action: Callable[[], None], name: str, *, at_end: Callable[[], None] = lambda: None) -> None:
        self._action, self._at_end = action, at_end
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ask(self) -> None:
        self._asked.put(True)

    def end(self, wait: float) -> None:
        self._asked.put(False)
        if wait:
            self._thread.join(wait)

    def _run(self) -> None:
        while self._asked.get():
            with contextlib.suppress(Empty):
                while self._asked.get_nowait():
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
    """This process takes up its work: Redis shows that it runs from now on."""
    global _heartbeat
    _heartbeat = started = Heartbeat(presence, name, queues, threads, settings, announce_more)
    beat()
    return started


def beat() -> None:
    """The main loop came round, or is about to wait once more for a Redis that does not answer. Called by the main thread alone."""
    global _sign
    if _sign is None and any(os.environ.get(name) for name in (HEARTBEAT_VARIABLE, SYSTEMD_VARIABLE)):
        _sign = _Repeating(_show_on_this_machine, "sign-of-life")
    if _sign:
        _sign.ask()
    if _heartbeat:
        _heartbeat.beat()


def end(*, wait: float = 0) -> None:
    """This process takes no more work. Returns after `wait` seconds at most; without them it may be called in a handler of signals."""
    global _heartbeat
    ended, _heartbeat = _heartbeat, None
    if ended:
        ended.end(wait)


def beat_name() -> str:
    """What beat is called: the name of its machine tells two of them apart."""
    return f"beat@{socket.gethostname()}"


def _show_on_this_machine() -> None:
    """Touch the heartbeat file, which holds the process id, and tell systemd's watchdog; each where there is one."""
    if file := os.environ.get(HEARTBEAT_VARIABLE):
        with contextlib.suppress(OSError):  # its disk is full or gone: that is no reason to end the work
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
