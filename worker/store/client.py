"""The part of `redis.Redis` that wbs-sync uses, with exact types: those of redis-py allow every response to be awaitable.

Clients decode responses, so that texts are `str`. Every method raises RedisError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import TracebackType
from typing import Any, Protocol

Value = str | int | float
Score = str | int | float
"""A number, or `-inf`, `+inf` or `(number` for a bound."""


class RegisteredScript(Protocol):
    """A Lua script, called by its digest; its text is sent if the server does not know it."""

    def __call__(self, *, keys: Sequence[str], args: Sequence[Value]) -> Any:
        """Run the script, and return its reply."""


class Pipeline(Protocol):
    """Commands that are sent together at `execute`; those not sent are discarded at the end of a `with` block."""

    def __enter__(self) -> Pipeline: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def hsetnx(self, name: str, key: str, value: Value, /) -> Any:
        """Set a field that is missing."""

    def hincrby(self, name: str, key: str, amount: int, /) -> Any:
        """Add to a field."""

    def sadd(self, name: str, /, *members: Value) -> Any:
        """Add members."""

    def expire(self, name: str, seconds: int, /) -> Any:
        """Let a key expire in `seconds`."""

    def execute(self) -> list[Any]:
        """Send all commands, and return their responses in order."""


class Redis(Protocol):
    """A client of one server. A `with` block closes it."""

    def __enter__(self) -> Redis: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def close(self) -> None:
        """Close all connections of the client."""

    @property
    def connection_pool(self) -> Any:
        """Return the pool that opens and keeps the connections."""

    # The server

    def ping(self) -> bool:
        """Return True when the server responds."""

    def info(self, section: str, /) -> dict[str, Any]:
        """Return the fields of a section of the server's information."""

    def time(self) -> tuple[int, int]:
        """Return the server's clock: unix seconds, and microseconds."""

    def register_script(self, script: str, /) -> RegisteredScript:
        """Return a script that can be called; sends nothing."""

    def pipeline(self, *, transaction: bool) -> Pipeline:
        """Return an empty pipeline. In a transaction, either all or none of its commands are executed."""

    # Keys and texts

    def get(self, name: str, /) -> str | None:
        """Return a text; None if there is none."""

    def set(self, name: str, value: Value, /, *, nx: bool = False, ex: int | None = None) -> bool | None:
        """Set a text for `ex` seconds, or until it is deleted. `nx`: only if it is missing; returns None if it is not."""

    def delete(self, /, *names: str) -> int:
        """Delete keys. Return how many existed."""

    def exists(self, /, *names: str) -> int:
        """Return how many of the keys exist."""

    def expire(self, name: str, seconds: int, /) -> bool:
        """Let a key expire in `seconds`. Return False if there is none."""

    def type(self, name: str, /) -> str:
        """Return `string`, `hash`, `list`, `set`, `zset`, `stream` or `none`."""

    # Hashes

    def hget(self, name: str, key: str, /) -> str | None:
        """Return a field; None if there is none."""

    def hmget(self, name: str, keys: Sequence[str], /) -> list[str | None]:
        """Return some fields in order."""

    def hgetall(self, name: str, /) -> dict[str, str]:
        """Return all fields; empty if there is no hash."""

    def hset(
        self,
        name: str,
        key: str | None = None,
        value: Value | None = None,
        mapping: Mapping[str, Value] | None = None,
    ) -> int:
        """Set one field, or those of a mapping. Return how many are new."""

    def hsetnx(self, name: str, key: str, value: Value, /) -> bool:
        """Set a field that is missing. Return whether it was."""

    def hdel(self, name: str, /, *keys: str) -> int:
        """Delete fields. Return how many existed."""

    def hexists(self, name: str, key: str, /) -> bool:
        """Return whether a field exists."""

    def hincrby(self, name: str, key: str, amount: int, /) -> int:
        """Add to a field. Return its new value."""

    def hlen(self, name: str, /) -> int:
        """Return the number of fields."""

    # Sets and sorted sets

    def sadd(self, name: str, /, *members: Value) -> int:
        """Add members. Return how many are new."""

    def smembers(self, name: str, /) -> AbstractSet[str]:
        """Return all members."""

    def sismember(self, name: str, member: str, /) -> bool:
        """Return whether the set has a member."""

    def scard(self, name: str, /) -> int:
        """Return the number of members."""

    def zadd(self, name: str, mapping: Mapping[str, float], /) -> int:
        """Add members with their scores, or change the scores. Return how many are new."""

    def zrem(self, name: str, /, *members: str) -> int:
        """Remove members. Return how many existed."""

    def zcard(self, name: str, /) -> int:
        """Return the number of members."""

    def zcount(self, name: str, low: Score, high: Score, /) -> int:
        """Return how many members have a score from `low` to `high`."""

    def zscore(self, name: str, member: str, /) -> float | None:
        """Return the score; None if it is no member."""

    def zmscore(self, name: str, members: Sequence[str], /) -> list[float | None]:
        """Return some scores in order."""

    def zrange(self, name: str, first: int, last: int, /, *, withscores: bool) -> list[tuple[str, float]]:
        """Return members by place, lowest score first, with their scores."""

    def zrevrange(self, name: str, first: int, last: int, /) -> list[str]:
        """Return members by place, highest score first."""

    def zrangebyscore(
        self, name: str, low: Score, high: Score, /, *, start: int | None = None, num: int | None = None
    ) -> list[str]:
        """Return members with a score from `low` to `high`, lowest first; `num` of them from `start` on."""

    # Lists and streams

    def llen(self, name: str, /) -> int:
        """Return the number of elements."""

    def lrange(self, name: str, first: int, last: int, /) -> list[str]:
        """Return elements by place; -1 is the last."""

    def blpop(self, keys: Sequence[str], *, timeout: float) -> tuple[str, str] | None:
        """Wait for an element of one of the lists, remove and return it; None after `timeout` seconds."""

    def xrange(self, name: str, first: int, /) -> list[tuple[str, dict[str, str]]]:
        """Return entries from a time on (unix ms): id and fields."""

    def xrevrange(self, name: str, /, *, count: int) -> list[tuple[str, dict[str, str]]]:
        """Return the newest entries: id and fields."""
