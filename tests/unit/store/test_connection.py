"""A Redis that cannot be used: the fault is named quickly, with what to do."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as NotThere
from redis.exceptions import RedisError

from tests.kit.container import Redis
from tests.kit.waiting import eventually
from worker.local.embedded import EmbeddedServer
from worker.store.connection import connect, is_unavailable, try_tls, why

SECRET = "a-password-of-somebody"


def fault_of(url: str, command: Callable[[Redis], object] = lambda client: client.ping()) -> str:
    with connect(url) as client, pytest.raises(RedisError) as raised:
        command(client)
    return why(raised.value)


@pytest.mark.real
def test_a_refusal_of_the_server_is_reported_with_its_remedy(server: Redis, redis_url: str) -> None:
    address = f"{server.connection_pool.connection_kwargs['host']}:{server.connection_pool.connection_kwargs['port']}"
    refused = [fault_of(f"redis://:{SECRET}@{address}/0"), fault_of(f"redis://nobody:{SECRET}@{address}/0")]
    refused += [fault_of(f"redis://{address}/0")]
    assert {sentence.split(":")[0] for sentence in refused} == {"Redis refused the login"}
    assert "no database with the number" in fault_of(f"{redis_url.rpartition('/')[0]}/4711")
    server.acl_setuser("narrow", enabled=True, passwords=[f"+{SECRET}"], commands=["+ping"], keys=["t:*"])
    try:
        narrow = fault_of(f"redis://narrow:{SECRET}@{address}/0", lambda client: client.get("t:1"))
    finally:
        server.acl_deluser("narrow")
    assert "user of REDIS_URL is missing permissions" in narrow
    server.config_set("maxmemory", "1")
    try:
        assert "raise its maxmemory" in fault_of(redis_url, lambda client: client.set("t:1", "x"))
    finally:
        server.config_set("maxmemory", "0")
    assert SECRET not in " ".join([*refused, narrow])
    assert "no permissions to run the 'get' command" in narrow, "the server's message"


@pytest.mark.real
def test_a_server_that_cannot_save_is_reported_with_its_message(tmp_path: Path) -> None:
    """As with a full disk, it responds and accepts no writes."""
    client: Redis
    with EmbeddedServer.start(tmp_path) as server, connect(server.url) as client:
        client.config_set("save", "3600 1")
        client.config_set("appendonly", "no")
        client.config_set("stop-writes-on-bgsave-error", "yes")
        shutil.rmtree(client.config_get("dir")["dir"])
        with suppress(RedisError):
            client.bgsave()
        assert eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        sentence = fault_of(server.url, lambda client: client.set("t:1", "x"))
        # So that it ends without another try to save.
        client.config_set("save", "")
    assert sentence.startswith("Redis cannot save its data")
    assert "MISCONF" in sentence
    assert "check that it is running" not in sentence.lower()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), "points to a replica"),
        (redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "loading its data"),
        (redis.exceptions.ConnectionError("max number of clients reached"), "maxclients"),
        (
            redis.sentinel.MasterNotFoundError("No master found for 'main' : Redis<host=a,port=26379>"),
            "No sentinel in REDIS_URL knows the master",
        ),
        (redis.exceptions.ResponseError("BUSY Redis is busy running a script."), "Redis rejected a command."),
    ],
)
def test_a_refusal_of_the_server_is_never_reported_as_no_response(error: RedisError, expected: str) -> None:
    sentence = why(error)
    assert expected in sentence
    assert "does not respond" not in sentence
    if isinstance(error, redis.exceptions.ResponseError | redis.exceptions.BusyLoadingError):
        assert sentence.endswith(f"Its response: {error}")


def test_an_error_of_the_broker_is_explained_by_what_redis_answered() -> None:
    """Kombu raises its own error because of Redis'; its text alone would read like a server that does not run."""
    refused = redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file: No space left on device")
    raised = OperationalError("MISCONF Errors writing to the AOF file")
    raised.__cause__ = refused
    sentence = why(raised)
    assert sentence.startswith("Redis cannot save its data")
    assert "No space left on device" in sentence
    assert "check that it is running" not in sentence.lower()


@pytest.mark.parametrize(
    "answer",
    [
        redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        redis.exceptions.ResponseError(
            "Error running script: @user_script:3: -OOM command not allowed when used memory > 'maxmemory'"
        ),
        redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
        redis.exceptions.ReadOnlyError("You can't write against a read only replica."),
        redis.exceptions.NoPermissionError("User w has no permissions to run the 'set' command"),
        redis.exceptions.ResponseError("ACL failure in script: User w has no permissions to run the 'zadd' command"),
        redis.exceptions.ConnectionError("max number of clients reached"),
        redis.exceptions.TimeoutError("Timeout reading from socket"),
    ],
)
def test_a_server_that_is_away_or_refuses_everything_is_unavailable(answer: RedisError) -> None:
    """That says nothing about the work, unlike an error about one key."""
    assert is_unavailable(answer)
    assert not is_unavailable(
        redis.exceptions.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
    )


def test_a_command_that_a_server_repeats_is_not_shown() -> None:
    error = redis.exceptions.ResponseError(f"unknown command 'X', with args beginning with: '{SECRET}'")
    assert SECRET not in why(error)
    assert SECRET not in why(NotThere(f"Error while sending {SECRET}"))


def test_a_server_without_tls_is_noticed_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without TLS takes a handshake for the beginning of a command, and waits for the rest of it."""
    from_url, waited = redis.Redis.from_url, []

    def connect_slowly(url: str, **options: Any) -> Redis:
        waited.append((options["socket_timeout"], options["retry"].get_retries()))
        return from_url(url, **options | {"socket_timeout": 0.05})

    monkeypatch.setattr(redis.Redis, "from_url", connect_slowly)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, pytest.raises(RedisError) as raised:
        try_tls(f"rediss://:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/0")
    assert waited == [(5, 0)], "one try, of some seconds"
    assert "rediss:// if and only if the port uses TLS" in why(raised.value)
    assert SECRET not in why(raised.value)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("Error 1 connecting to a:1. [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006).", "use redis://"),
        (
            "(1, '[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)')",
            "ssl_certfile",
        ),
        ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1006).", "ssl_certfile"),
        ("[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1006)", "TLS versions of both sides"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", "ssl_ca_certs"),
        ("You can't write against a read only replica.", "the sentinels"),
        ("Redis is loading the dataset in memory", "try again"),
        ("Connection refused", "Check that it is running"),
    ],
)
def test_other_failures_have_their_own_remedy(text: str, cure: str) -> None:
    assert cure in why(NotThere(text))
