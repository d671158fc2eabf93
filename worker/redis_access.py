"""The Redis that the settings name, for processes with a container and without one."""

from __future__ import annotations

from config.redis_address import sentinels_of
from worker.store.connection import Redis, connect, connect_to_master


def redis_at(url: str, *, timeout: float = 30) -> Redis:
    """A client for any address that REDIS_URL may hold, sentinels included; it connects at the first command, and waits `timeout` seconds
    for an answer.
    """
    sentinels = sentinels_of(url)
    if sentinels is None:
        return connect(url, timeout=timeout)
    return connect_to_master(
        sentinels.hosts,
        sentinels.master,
        database=sentinels.database,
        username=sentinels.username,
        password=sentinels.password,
        sentinel_options=sentinels.sentinel_options,
        tls=sentinels.tls,
        timeout=timeout,
    )
