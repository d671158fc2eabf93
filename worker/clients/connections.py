"""Connections that record whether a request was begun, so that a failure before that is known to have sent nothing.

Before the first byte of a request, `requests` looks up the name, connects to the proxy, sends CONNECT and makes the TLS handshake. Which
exception belongs to which step differs between its versions; whether the first byte was given to the connection does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_thread = threading.local()


class TooLate(OSError):
    """A request was not sent, because its time limit had passed."""


def expect_request(is_late: Callable[[], bool]) -> None:
    """Record that this thread is about to send a request and has sent nothing of it. `is_late`: returns whether it is too late to send it."""
    _thread.begun, _thread.is_late = False, is_late


def begin() -> None:
    """Record that the first byte of this thread's request is about to leave. Raises TooLate."""
    if is_too_late():
        raise TooLate
    _thread.begun = True


def is_too_late() -> bool:
    """Return whether this thread's request may no longer leave."""
    is_late = getattr(_thread, "is_late", None)
    return is_late is not None and is_late()


def has_begun() -> bool:
    """Return whether any byte of this thread's request may have left. True for a connection of another kind than these."""
    return bool(_thread.begun)


class _Recorded:
    """Connects, then records that the request begins. `endheaders` does not send CONNECT, which is for a proxy."""

    def endheaders(self, *args: Any, **options: Any) -> None:
        connection: Any = self
        if connection.sock is None:
            connection.connect()
        begin()
        super().endheaders(*args, **options)  # type: ignore[misc]


class _RecordedHTTP(_Recorded, HTTPConnection):
    pass


class _RecordedHTTPS(_Recorded, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _RecordedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _RecordedHTTPS


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class RecordingAdapter(HTTPAdapter):
    """Sends requests through the connections above, also with a proxy."""

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return the pool for one request. A pool of another kind (SOCKS) does not record, so its requests count as begun."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        _thread.begun = not isinstance(pool, _HTTPPool | _HTTPSPool)
        return pool

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Called by requests for connections without a proxy."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """Called by requests for connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager
