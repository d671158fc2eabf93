"""Parses REDIS_URL: the address of one server, or of sentinels that report the master (redis+sentinel://, with TLS rediss+sentinel://)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

_HOST = r"(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_FORM = re.compile(
    rf"redis(s?)\+sentinel://(?:([^@/?#]*)@)?({_HOST}(?:,{_HOST})*)/([A-Za-z0-9._\-]{{1,100}})(?:/([0-9]{{1,4}}))?(?:\?([^#\s]*))?"
)
SENTINEL_PORT = 26379
SENTINEL_TIMEOUT_SECONDS = 5
TLS_OPTIONS = frozenset({"ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
"""Query parameters of an address with TLS. `ssl_certfile` and `ssl_keyfile`: the client certificate, if the server requires one."""
CERTIFICATE_CHECKS = ("required", "optional", "none")
REDIS_FORM = (
    "must be redis://:password@host:6379/0, rediss://… or redis+sentinel://:password@host:26379,host:26379/master/0 "
    "(all their forms: docs/managed-redis.md); "
    "write / ? # @ in a password as %2F %3F %23 %40"
)


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password of Redis, empty if there are none. Implements redis-py's credential provider."""

    username: str = ""
    password: str = field(default="", repr=False)

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the credentials. Called by redis-py."""
        return (self.username, self.password) if self.username else (self.password,)


@dataclass(frozen=True, slots=True)
class Sentinels:
    """Sentinels and the name of their master. `username` and `password`: login of the master; `login`: login of the sentinels.

    `tls`: the TLS options for both, by their names in an address, or None without TLS.
    """

    hosts: tuple[tuple[str, int], ...]
    master: str
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    login: Login = field(default_factory=Login)
    tls: dict[str, str] | None = None

    @property
    def sentinel_options(self) -> dict[str, Any]:
        """Return the options with which redis-py connects to a sentinel.

        The login is an object, because redis-py repeats these options, including a password, in the error that no master was found.
        """
        return {
            "socket_timeout": SENTINEL_TIMEOUT_SECONDS,
            "socket_connect_timeout": SENTINEL_TIMEOUT_SECONDS,
            **({"credential_provider": self.login} if self.login.password else {}),
            **({"ssl": True, **self.tls} if self.tls else {}),
        }

    @property
    def celery_url(self) -> str:
        """Return the address in Celery's format, without the master's name and the login."""
        named = [(f"[{host}]" if ":" in host else host, port) for host, port in self.hosts]
        return ";".join(f"sentinel://{host}:{port}/{self.database}" for host, port in named)


def checked_url(url: str) -> str:
    """Return a valid REDIS_URL; with TLS, it specifies the check of certificates, as Celery requires. Raises ValueError, without repeating
    any part of the address, since any part may be of the password.
    """
    if sentinels_of(url):
        return url
    try:
        address = urlsplit(url)
        secure, options = address.scheme == "rediss", parse_qs(address.query, strict_parsing=bool(address.query))
        int(address.path.strip("/") or 0)
        usable = address.scheme in ("redis", "rediss") and address.hostname and address.port != 0
    except ValueError:
        raise ValueError(REDIS_FORM) from None
    if not usable or not url.isascii() or not url.isprintable() or " " in url or address.fragment:
        raise ValueError(REDIS_FORM)
    if unknown := sorted(set(options) - (TLS_OPTIONS if secure else set())):
        raise ValueError(
            f"allows only {', '.join(sorted(TLS_OPTIONS))} after the ?, with rediss:// only; it has {len(unknown)} others"
        )
    if secure and options.setdefault("ssl_cert_reqs", ["required"])[0] not in CERTIFICATE_CHECKS:
        raise ValueError("ssl_cert_reqs must be required, optional or none")
    return address._replace(query=urlencode(options, doseq=True)).geturl() if secure else url


def without_login(url: str) -> tuple[str, Login]:
    """Return a REDIS_URL in Celery's format without its login, and the login.

    Many places print the address: banners, errors, Flower's tables. Code that hides passwords recognizes only some formats, so the address
    contains none.
    """
    if sentinels := sentinels_of(url):
        return sentinels.celery_url, Login(sentinels.username, sentinels.password)
    address = urlsplit(url)
    login = Login(unquote(address.username or ""), unquote(address.password or ""))
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl(), login


def sentinels_of(url: str) -> Sentinels | None:
    """Parse an address such as `redis+sentinel://:password@one:26379,two:26379/master/0`; return None for any other address.

    Query parameters: sentinel_username and sentinel_password, and with rediss+sentinel:// the TLS options.
    """
    found = _FORM.fullmatch(url)
    if found is None:
        return None
    secure, login, named, master, database, query = found.groups()
    options = _options(query or "", secure=bool(secure))
    hosts = tuple(_host(each) for each in named.split(","))
    if options is None or not all(0 < port <= 65_535 for _, port in hosts):
        return None
    username, _, password = (login or "").partition(":")
    own = Login(options.pop("sentinel_username", ""), options.pop("sentinel_password", ""))
    tls = {"ssl_cert_reqs": "required", **options} if secure else None
    return Sentinels(hosts, master, int(database or 0), unquote(username), unquote(password), own, tls)


def _options(query: str, *, secure: bool) -> dict[str, str] | None:
    """Parse the query of a sentinel address; return None if a parameter is unknown, repeated, empty or invalid."""
    try:
        options = parse_qs(query, strict_parsing=bool(query), keep_blank_values=True)
    except ValueError:
        return None
    known = {"sentinel_username", "sentinel_password"} | (TLS_OPTIONS if secure else set())
    values = {name: given[0] for name, given in options.items()}
    if set(values) - known or any(len(given) > 1 or not given[0] for given in options.values()):
        return None
    if "sentinel_username" in values and "sentinel_password" not in values:
        return None
    return values if values.get("ssl_cert_reqs", "required") in CERTIFICATE_CHECKS else None


def _host(text: str) -> tuple[str, int]:
    name, _, port = text.rpartition(":") if re.search(r":[0-9]+$", text) else (text, "", "")
    return name.strip("[]"), int(port or SENTINEL_PORT)
