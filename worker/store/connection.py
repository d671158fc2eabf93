"""Connects to Redis for everything but Celery's own connections, and explains errors of Redis."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry
from redis.sentinel import Sentinel

from worker.domain.texts import blotted
from worker.store.client import Redis

HANDSHAKE_SECONDS = 5
"""Seconds for a TLS handshake, after which the port probably does not use TLS."""


def connect(url: str, *, timeout: float = 30) -> Redis:
    """Return a client for a redis:// or rediss:// address. It connects at the first command, and waits `timeout` seconds for each response.

    A command is retried for about a second if its connection breaks, so every Lua script of wbs-sync must have the same result when it runs
    twice.
    """
    return cast(Redis, redis.Redis.from_url(url, **_options(timeout)))


def connect_briefly(url: str) -> Redis:
    """Return a client that gives up within two seconds, for a process that is shutting down."""
    briefly = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 0)}
    return cast(Redis, redis.Redis.from_url(url, decode_responses=True, **briefly))


def connect_to_master(
    hosts: Collection[tuple[str, int]],
    master: str,
    *,
    database: int,
    username: str,
    password: str,
    sentinel_options: Mapping[str, Any],
    tls: Mapping[str, str] | None,
    timeout: float = 30,
) -> Redis:
    """Return a client for the master that sentinels report. Each new connection queries them, so that a new master is found automatically.

    `sentinel_options`: how to connect to a sentinel, including login and TLS; `tls`: the TLS options of the master, None = no TLS.
    """
    sentinels: Any = Sentinel(list(hosts), sentinel_kwargs=dict(sentinel_options))  # type: ignore[no-untyped-call]
    login = {"username": username or None, "password": password or None}
    secure = {"ssl": True, **tls} if tls else {}
    return cast(Redis, sentinels.master_for(master, db=database, **login, **secure, **_options(timeout)))


def try_tls(url: str) -> None:
    """Raise RedisError within seconds if the server at a rediss:// address does not complete the TLS handshake. `connect` would need minutes."""
    if not url.startswith("rediss://"):
        return
    for is_last in (False, False, True):
        try:
            with redis.Redis.from_url(
                url, socket_timeout=HANDSHAKE_SECONDS, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
            ) as once:
                once.ping()
            return
        except redis.ConnectionError as error:
            # A server that refuses the client certificate reports that and closes at once. The close may arrive first, or alone.
            if not any(words in str(error) for words in _CLOSED):
                raise
            if is_last and "connecting to" in str(error):
                raise  # closed during the handshake: perhaps this port does not use TLS
            if is_last:
                raise redis.ConnectionError(_TLS_CLOSED) from error


def why(error: Exception) -> str:
    """Return sentences on an error: what is wrong with Redis, what to do, and the server's own message.

    The text of any other error is not included, because it may contain what was sent.
    """
    cause = _by_redis(error)
    answer = _answer_of(cause)
    if answer:
        return f"{_sentence(cause) or 'Redis rejected a command.'} Its response: {answer}"
    return _sentence(cause) or (
        f"Redis does not respond ({type(cause).__name__}). Check that it is running, and that REDIS_URL has the correct host and port, and "
        "rediss:// if and only if the port uses TLS."
    )


def is_unavailable(error: RedisError) -> bool:
    """Return whether Redis is unreachable, or rejects all commands of a kind (full, read-only, no permission), so that the work itself is not
    the cause.
    """
    return isinstance(error, (redis.ConnectionError, redis.TimeoutError)) or bool(_sentence(error))


def is_outage(error: BaseException) -> bool:
    """Return whether an error of any kind is one of Redis, and not of the work."""
    return isinstance(error, RedisError) and is_unavailable(error)


def is_permission(error: RedisError) -> bool:
    """Return whether Redis rejected a command because the user may not send it."""
    return isinstance(error, NoPermissionError) or any(words in str(error) for words in _PERMISSION_WORDS)


def _by_redis(error: BaseException) -> BaseException:
    """Return the Redis error that caused an error of a library; the error itself if there is none."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, RedisError):
        cause = cause.__cause__ or cause.__context__
    return cause or error


def _sentence(error: BaseException) -> str:
    """Return what is wrong and what to do; "" for an unknown error."""
    text = str(error)
    known = (sentence for words, sentence in _SENTENCES.items() if any(word in text for word in words.split("|")))
    return next(known, "")


def _answer_of(error: BaseException) -> str:
    """Return the server's message on one line, without repeated command arguments; "" if the server did not respond."""
    if not isinstance(error, _ANSWERS):
        return ""
    text = str(error).partition("with args beginning with")[0]
    return " ".join(blotted("".join(sign if sign.isprintable() else " " for sign in text)).split())[:300]


_CLOSED = ("reset by peer", "closed by server", "Broken pipe")
_TLS_CLOSED = "EOF occurred in violation of protocol"
CLUSTER_REFUSED = (
    "This Redis is a cluster (cluster-enabled yes), and wbs-sync requires a single server: its scripts use keys in several hash slots, and "
    "Celery does not support clusters. Use a server without cluster mode, alone or behind sentinels (docs/managed-redis.md)."
)
_ANSWERS = (ResponseError, AuthenticationError, BusyLoadingError)
_PERMISSION_WORDS = ("NOPERM", "no permissions", "has no permission", "ACL failure")
_SENTENCES = {
    "WRONGPASS|NOAUTH|Authentication required|invalid username-password|AUTH <password>": (
        "Redis refused the login: set the correct password (and user, if it has users) in REDIS_URL."
    ),
    "|".join(_PERMISSION_WORDS): (
        "The user of REDIS_URL is missing permissions: grant the permissions listed in docs/redis.md."
    ),
    "MISCONF|unable to persist|RDB snapshots": (
        "Redis cannot save its data, so it rejects writes: its disk is full or not writable. Free space on that disk; Redis accepts writes "
        "again when it can save."
    ),
    "No master found for": (
        "No sentinel in REDIS_URL knows the master: check that one of them responds, and that the name after the hosts is that of the master, "
        "as in redis+sentinel://host:26379/MASTER/0."
    ),
    "max number of clients": "Redis has no connection left: raise its maxclients, or stop the clients that hold too many connections.",
    "DB index is out of range|invalid DB index": "Redis has no database with the number at the end of REDIS_URL.",
    "CERTIFICATE_VERIFY_FAILED": (
        "Redis' certificate is not trusted: add the CA file with ?ssl_ca_certs=FILE at the end of REDIS_URL."
    ),
    "CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE": (
        "Redis requires a client certificate: add it and its key with ?ssl_certfile=FILE&ssl_keyfile=FILE at the end of REDIS_URL."
    ),
    "ALERT_UNKNOWN_CA|ALERT_BAD_CERTIFICATE|ALERT_CERTIFICATE_|ALERT_UNSUPPORTED_CERTIFICATE|ALERT_DECRYPT_ERROR": (
        "Redis refused the client certificate: it must be signed by a CA that Redis trusts (tls-ca-cert-file), and must not have expired. Check "
        "ssl_certfile in REDIS_URL."
    ),
    # The same refusal, if the server closed the connection before its reason was read.
    _TLS_CLOSED: (
        "Redis closed the TLS connection: it requires a client certificate (?ssl_certfile=FILE&ssl_keyfile=FILE at the end of REDIS_URL), "
        "or it refused the one there. Its own log says which."
    ),
    "KEY_VALUES_MISMATCH": "The client certificate and key in REDIS_URL do not match: check ssl_certfile and ssl_keyfile.",
    "NO_START_LINE|PEM lib|NO_CERTIFICATE_OR_CRL_FOUND": (
        "A file in REDIS_URL is not a PEM file: check ssl_ca_certs, ssl_certfile and ssl_keyfile."
    ),
    "No such file or directory|Permission denied": (
        "A file in REDIS_URL is not readable for this user: check ssl_ca_certs, ssl_certfile and ssl_keyfile."
    ),
    "WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|PACKET_LENGTH_TOO_LONG": (
        "That Redis port does not use TLS: use redis:// in REDIS_URL, or the TLS port."
    ),
    "[SSL|SSL:": "The TLS connection to Redis failed: compare the certificates and TLS versions of both sides.",
    "hash to the same slot|MOVED|CROSSSLOT|CLUSTERDOWN|Hash slot not served": CLUSTER_REFUSED,
    "OOM command not allowed|used memory > 'maxmemory'": "Redis is full and rejects writes: raise its maxmemory.",
    "READONLY|read only replica|read-only replica": (
        "REDIS_URL points to a replica: set it to the master, or to the sentinels (docs/configuration.md)."
    ),
    "NOREPLICAS|Not enough good replicas": (
        "Redis rejects writes because it has too few replicas (min-replicas-to-write): start them, or lower that setting."
    ),
    "LOADING|loading the dataset": "Redis is loading its data: try again when it has finished.",
}
"""Known errors by parts of the server's or TLS message (separated by |); redis-py removes the first word of some messages."""


def is_cluster(client: Redis) -> bool:
    """Return whether the server is a node of a Redis Cluster, even one without slots. False if the user has no permission for INFO."""
    try:
        return bool(client.info("cluster").get("cluster_enabled"))
    except ResponseError:
        return False


def _options(timeout: float) -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_timeout": timeout,
        "socket_connect_timeout": 5,
        "health_check_interval": 25,
        # Without this, a client made from an address does not retry.
        "retry": Retry(ExponentialWithJitterBackoff(base=0.1, cap=1), 4),
    }


def seconds(client: Redis) -> float:
    """Return the time of Redis' clock in unix seconds. All workers share this clock."""
    whole, micro = client.time()
    return int(whole) + int(micro) / 1_000_000
