"""The network to both systems: proxies, hosts that are reached without one, and trusted certificates."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit


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
