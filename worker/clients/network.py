"""The network to both systems: proxies, hosts that are reached without one, trusted certificates, and connections that record whether a request
was begun, so that a failure before that is known to have sent nothing.

Before the first byte of a request, `requests` looks up the name, connects to the proxy, sends CONNECT and makes the TLS handshake. Which
exception belongs to which step differs between its versions; whether the first byte was given to the connection does not.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_thread = threading.local()


@dataclass(frozen=True, slots=True)
class Network:
    """`proxies`: the proxy's address, which may contain a password, by the scheme of the requested address. `direct`: entries of NO_PROXY.
    `ca`: a file or folder of CA certificates, None for the default ones.
    """

    proxies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    direct: Collection[str] = ()
    ca: Path | None = None

    def proxies_for(self, url: str) -> dict[str, str]:
        """Return the proxies for one address, for `requests`; none for this machine itself, where simulators run."""
        try:
            address = urlsplit(url)
            host, port = address.hostname or "", address.port
        except ValueError:
            return {}
        if _is_this_machine(host) or any(_covers(entry, host, port) for entry in self.direct):
            return {}
        return dict(self.proxies)

    @property
    def verify(self) -> bool | str:
        """The value of `requests`' option of this name."""
        return str(self.ca) if self.ca else True


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Return whether an entry of NO_PROXY covers a host: `*`, a domain with its subdomains, an address or a network, with or without a port."""
    entry = entry.strip().lower()
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        pass
    name, _, wanted = entry.rpartition(":") if entry.rpartition(":")[2].isdigit() else (entry, "", "")
    domain = name.removeprefix("*").lstrip(".")
    return bool(domain) and wanted in ("", str(port)) and (f".{host.lower()}").endswith(f".{domain}")


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
