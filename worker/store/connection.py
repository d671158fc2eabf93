"""One way to reach Redis, for everything but Celery's own connections."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

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
