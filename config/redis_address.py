"""Where Redis is: an address of one server, or the master that sentinels name (redis+sentinel://)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_HOST = r"(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_FORM = re.compile(
    rf"redis\+sentinel://(?:([^@/?#]*)@)?({_HOST}(?:,{_HOST})*)/([A-Za-z0-9._\-]{{1,100}})(?:/([0-9]{{1,4}}))?"
)
SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class Sentinels:
    """Sentinels and the master they are asked for. Name and password are the master's."""

    hosts: tuple[tuple[str, int], ...]
    master: str
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def celery_url(self) -> str:
        """The form that Celery takes, without the master's name and without the login."""
        named = [(f"[{host}]" if ":" in host else host, port) for host, port in self.hosts]
        return ";".join(f"sentinel://{host}:{port}/{self.database}" for host, port in named)


@dataclass(frozen=True, slots=True)
class Login:
    """Name and password of Redis; empty where there is none."""

    username: str = ""
    password: str = field(default="", repr=False)


def without_login(url: str) -> tuple[str, Login]:
    """An address of REDIS_URL, sentinels included, as Celery takes it without its login, and the login.

    An address is printed by many: banners, errors, Flower's tables. What hides a password in it knows some forms and not others, so none
    is given a password to hide.
    """
    if sentinels := sentinels_of(url):
        return sentinels.celery_url, Login(sentinels.username, sentinels.password)
    address = urlsplit(url)
    login = Login(unquote(address.username or ""), unquote(address.password or ""))
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl(), login


def sentinels_of(url: str) -> Sentinels | None:
    """The sentinels of an address `redis+sentinel://:password@one:26379,two:26379/master/0`; None for any other address."""
    found = _FORM.fullmatch(url)
    if found is None:
        return None
    login, named, master, database = found.groups()
    hosts = tuple(_host(each) for each in named.split(","))
    if not all(0 < port <= 65_535 for _, port in hosts):
        return None
    username, _, password = (login or "").partition(":")
    return Sentinels(hosts, master, int(database or 0), unquote(username), unquote(password))


def _host(text: str) -> tuple[str, int]:
    name, _, port = text.rpartition(":") if re.search(r":[0-9]+$", text) else (text, "", "")
    return name.strip("[]"), int(port or SENTINEL_PORT)
