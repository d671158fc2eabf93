"""Access to the Redis of the settings, for processes with and without a container."""

from __future__ import annotations

import logging
import sys

from redis.exceptions import RedisError

from config.redis_address import sentinels_of
from config.setting_faults import BAD_SETTINGS_EXIT_CODE, InvalidSettings
from worker.store.client import Redis
from worker.store.connection import CLUSTER_REFUSED, connect, connect_to_master, is_cluster

log = logging.getLogger(__name__)


def redis_at(url: str, *, timeout: float = 30) -> Redis:
    """Return a client for any address that REDIS_URL may contain, including sentinels; it connects at the first command, and waits `timeout`
    seconds for a response.
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


def require_one_server(client: Redis) -> None:
    """Raise InvalidSettings if the Redis of the settings is a cluster, and RedisError if it does not respond. Every process checks this on start."""
    if is_cluster(client):
        raise InvalidSettings(faults=(f"REDIS_URL: {CLUSTER_REFUSED}",))


def one_server_or_exit(client: Redis) -> None:
    """Exit with the reason if Redis is a cluster: for beat and Flower, which start without a container."""
    try:
        require_one_server(client)
    except InvalidSettings as error:
        sys.stderr.write("".join(f"wbs-sync: {fault}\n" for fault in error.faults))
        sys.exit(BAD_SETTINGS_EXIT_CODE)
    except RedisError as error:
        log.warning("Redis does not respond yet: %s", type(error).__name__)
