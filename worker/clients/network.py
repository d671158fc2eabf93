"""The way out to both remotes: proxies, hosts that are reached without one, and the certificates that are trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Network:
    """`proxies`: the proxy's address by the scheme of what is asked for; it may hold a password. `direct`: entries of NO_PROXY. `ca`: a
    file or folder of CA certificates, None for the usual ones.
    """

    proxies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    direct: Collection[str] = ()
    ca: Path | None = None

    def proxies_for(self, url: str) -> dict[str, str]:
        """The proxies for one address, as `requests` takes them. Never one for this machine itself: a simulator is not behind it."""
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
        """What `requests` checks certificates against."""
        return str(self.ca) if self.ca else True


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of NO_PROXY names a host: `*`, a domain with all below it, an address or a network; each with or without a port."""
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
