"""What several tests need and pytest does not have."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

from worker.container import Container
from worker.store.scripts import SOURCES

T = TypeVar("T")
Redis = Any
"""A client for all that tests do with a server. The product's own type has the commands that the product uses."""


class OpenContainer(Container):
    """A container whose Redis a test reads and changes in any way."""

    redis: Redis


def eventually(condition: Callable[[], T], timeout: float = 30.0, *, every: float = 0.02) -> T:
    """The first truthy answer of `condition`, asked anew until then; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:g} s: the last answer was {answer!r}"
        time.sleep(every)
    return answer


def lasts(ends: float, seconds: float, *, begun: float, now: float) -> bool:
    """Whether what began between two moments ends so many seconds later, to a second, however long the test took in between."""
    return begun + seconds - 1 <= ends <= now + seconds + 1


def unused_port() -> int:
    """A loopback port at which nobody listens, below those from which the system takes ports for connections: it is likely to be free still
    when a program that the test starts wants it, however many tests run at the same time.
    """
    while True:
        port = _ANY_PORT.randrange(10_000, 32_768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


_ANY_PORT = random.SystemRandom()


def claim_for_everybody() -> str:
    """The script of claims without what keeps a second worker from work in progress."""
    begins = "if holder and tonumber(lease) > now then"
    assert begins in SOURCES["lanes/claim"]
    return SOURCES["lanes/claim"].replace(begins, "if false then")
