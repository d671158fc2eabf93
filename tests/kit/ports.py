"""Ports for programs that a test starts."""

from __future__ import annotations

import random
import socket

_ANY_PORT = random.SystemRandom()


def unused_port() -> int:
    """Return a free loopback port, below those from which the system takes ports for connections: it is probably still free when a program
    that the test starts needs it, however many tests run at the same time.
    """
    while True:
        port = _ANY_PORT.randrange(10_000, 32_768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
