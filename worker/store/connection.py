"""One way to reach Redis, for everything but Celery's own connections."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, ResponseError
from redis.retry import Retry
from redis.sentinel import Sentinel

from worker.domain.secrecy import blotted

Redis = Any
"""A `redis.Redis` that answers in text. Typed as Any: redis-py's own types make every answer perhaps awaitable."""


def connect(url: str) -> Redis:
    """A client for a redis:// or rediss:// address; it connects at the first command.

    A command whose connection broke is repeated for about a second, so every script of ours gives the same end when it
    runs twice.
    """
    return redis.Redis.from_url(url, **_options())


def connect_to_master(
    hosts: Collection[tuple[str, int]], master: str, *, database: int, username: str, password: str
) -> Redis:
    """The same for the master that sentinels name: asked for with each new connection, so a new master is found by itself."""
    sentinels: Any = Sentinel(list(hosts), socket_timeout=5, socket_connect_timeout=5)  # type: ignore[no-untyped-call]
    login = {"username": username or None, "password": password or None}
    return sentinels.master_for(master, db=database, **login, **_options())


def try_tls(url: str) -> None:
    """Raise RedisError within seconds when nobody speaks TLS at a rediss:// address; `connect` would find that out after minutes."""
    if url.startswith("rediss://"):
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)) as once:
            once.ping()


def why(error: Exception) -> str:
    """What is wrong with a Redis that cannot be worked with, what to do, and what the server itself says, in a few sentences.

    Of an error that is not the server's answer nothing is repeated: it may hold what was sent.
    """
    text, answer = str(error), _answer_of(error)
    known = (sentence for words, sentence in _SENTENCES.items() if any(word in text for word in words.split("|")))
    default = (
        "Redis refuses a command."
        if answer
        else (
            f"Redis does not answer ({type(error).__name__}). Is it running, and is REDIS_URL right: host, port, and rediss:// "
            "where the port speaks TLS, only there?"
        )
    )
    return next(known, default) + (f" Its answer: {answer}" if answer else "")


def _answer_of(error: Exception) -> str:
    """The server's own words, on one line and without the arguments of a command that it repeats; "" when it has not answered."""
    if not isinstance(error, _ANSWERS):
        return ""
    text = str(error).partition("with args beginning with")[0]
    return " ".join(blotted("".join(sign if sign.isprintable() else " " for sign in text)).split())[:300]


_ANSWERS = (ResponseError, AuthenticationError, BusyLoadingError)
_SENTENCES = {
    "WRONGPASS|NOAUTH|Authentication required|invalid username-password|AUTH <password>": (
        "Redis refuses the login: put the right password (and user, where it has users) into REDIS_URL."
    ),
    "NOPERM|no permissions|has no permission": (
        "Redis does not let the user of REDIS_URL do everything that is needed: allow it all commands on keys and channels."
    ),
    "MISCONF|unable to persist|RDB snapshots": (
        "Redis cannot save its data, so it takes no writes: its disk is full or not writable. Free space there; it goes on by itself "
        "after its next save."
    ),
    "max number of clients": "Redis has no connection left: raise its maxclients, or stop what holds so many connections.",
    "DB index is out of range|invalid DB index": "Redis has no database of the number at the end of REDIS_URL.",
    "CERTIFICATE_VERIFY_FAILED": (
        "Redis' certificate is not trusted: name who signed it by ?ssl_ca_certs=FILE at the end of REDIS_URL."
    ),
    "[SSL|SSL:": "That port of Redis does not speak TLS: use redis:// in REDIS_URL, or its other port.",
    "OOM command not allowed|used memory > 'maxmemory'": "Redis is full and takes no more writes: raise its maxmemory.",
    "READONLY|read only replica": "REDIS_URL names a replica: name the master, or the sentinels (docs/configuration.md).",
    "LOADING|loading the dataset": "Redis is reading its data and answers when that is done: try again.",
}
"""By words of the server or of TLS; redis-py leaves out the first one of some."""


def _options() -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "health_check_interval": 25,
        # Said here, since an address alone gets none.
        "retry": Retry(ExponentialWithJitterBackoff(base=0.1, cap=1), 4),
    }


def seconds(client: Redis) -> float:
    """Redis' clock, unix seconds: the one time that all workers agree on."""
    whole, micro = client.time()
    return int(whole) + int(micro) / 1_000_000
