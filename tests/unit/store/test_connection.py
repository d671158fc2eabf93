"""A Redis that cannot be used: what is wrong is named, with what to do, and quickly."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import redis
from redis.exceptions import ConnectionError as NotThere
from redis.exceptions import RedisError

from worker.store.connection import Redis, connect, try_tls, why

SECRET = "a-password-of-somebody"


def fault_of(url: str, command: Callable[[Redis], object] = lambda client: client.ping()) -> str:
    with connect(url) as client, pytest.raises(RedisError) as raised:
        command(client)
    return why(raised.value)


@pytest.mark.real
def test_what_a_server_refuses_is_told_with_its_cure(server: Redis, redis_url: str) -> None:
    address = f"{server.connection_pool.connection_kwargs['host']}:{server.connection_pool.connection_kwargs['port']}"
    refused = [fault_of(f"redis://:{SECRET}@{address}/0"), fault_of(f"redis://nobody:{SECRET}@{address}/0")]
    refused += [fault_of(f"redis://{address}/0")]
    assert {told.split(":")[0] for told in refused} == {"Redis refuses the login"}
    assert "no database of the number" in fault_of(f"{redis_url.rpartition('/')[0]}/4711")
    server.acl_setuser("narrow", enabled=True, passwords=[f"+{SECRET}"], commands=["+ping"], keys=["t:*"])
    try:
        narrow = fault_of(f"redis://narrow:{SECRET}@{address}/0", lambda client: client.get("t:1"))
    finally:
        server.acl_deluser("narrow")
    assert "does not let the user of REDIS_URL" in narrow
    server.config_set("maxmemory", "1")
    try:
        assert "raise its maxmemory" in fault_of(redis_url, lambda client: client.set("t:1", "x"))
    finally:
        server.config_set("maxmemory", "0")
    assert SECRET not in " ".join([*refused, narrow])


def test_tls_where_nobody_speaks_it_is_found_out_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without TLS takes a handshake for the beginning of a command, and waits for the rest of it."""
    from_url, waited = redis.Redis.from_url, []

    def patient(url: str, **options: Any) -> Redis:
        waited.append((options["socket_timeout"], options["retry"].get_retries()))
        return from_url(url, **options | {"socket_timeout": 0.05})

    monkeypatch.setattr(redis.Redis, "from_url", patient)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, pytest.raises(RedisError) as raised:
        try_tls(f"rediss://:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/0")
    assert waited == [(5, 0)], "one try, of some seconds"
    assert "rediss:// where the port speaks TLS" in why(raised.value)
    assert SECRET not in why(raised.value)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("Error 1 connecting to a:1. [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006).", "use redis://"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", "ssl_ca_certs"),
        ("You can't write against a read only replica.", "the sentinels"),
        ("Redis is loading the dataset in memory", "try again"),
        ("Connection refused", "Is it running"),
    ],
)
def test_what_else_goes_wrong_has_its_own_cure(text: str, cure: str) -> None:
    assert cure in why(NotThere(text))
