"""The part of `redis.Redis` that wbs-sync uses, with types: redis-py's own say of every answer that it may be awaitable.

All clients decode answers: texts are `str`. Every method raises RedisError.
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
    """A Lua script by its digest; its text is sent when the server does not know it."""

    def __call__(self, *, keys: Sequence[str], args: Sequence[Value]) -> Any:
        """Run it; what it returns."""


class Pipeline(Protocol):
    """Commands that are sent together."""

    def __enter__(self) -> Pipeline:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Drop what was not sent."""

    def hsetnx(self, name: str, key: str, value: Value, /) -> Any:
        """Set a field that is missing."""

    def hincrby(self, name: str, key: str, amount: int, /) -> Any:
        """Add to a field."""

    def sadd(self, name: str, /, *members: Value) -> Any:
        """Add members."""

    def expire(self, name: str, seconds: int, /) -> Any:
        """Let a key end."""

    def execute(self) -> list[Any]:
        """Send all; their answers in order."""


class Redis(Protocol):
    """A client of one server."""

    def __enter__(self) -> Redis:
        """The client itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close its connections."""

    def close(self) -> None:
        """Close its connections."""

    @property
    def connection_pool(self) -> Any:
        """Its connections."""

    # The server

    def ping(self) -> bool:
        """True when the server answers."""

    def info(self, section: str, /) -> dict[str, Any]:
        """What the server says of itself, by field."""

    def time(self) -> tuple[int, int]:
        """The server's clock: unix seconds, and microseconds."""

    def register_script(self, script: str, /) -> RegisteredScript:
        """A script to call; nothing is sent yet."""

    def pipeline(self, *, transaction: bool) -> Pipeline:
        """Commands to send together, with a transaction all or none."""

    # Keys and texts

    def get(self, name: str, /) -> str | None:
        """The text; None when there is none."""

    def set(self, name: str, value: Value, /, *, nx: bool = False, ex: int | None = None) -> bool | None:
        """Set a text for `ex` seconds, or until it is deleted. `nx`: only a missing one; None when it is there."""

    def delete(self, /, *names: str) -> int:
        """Delete keys; how many there were."""

    def exists(self, /, *names: str) -> int:
        """How many of the keys there are."""

    def expire(self, name: str, seconds: int, /) -> bool:
        """Let a key end in so many seconds; False when there is none."""

    def type(self, name: str, /) -> str:
        """`string`, `hash`, `list`, `set`, `zset`, `stream` or `none`."""

    # Hashes

    def hget(self, name: str, key: str, /) -> str | None:
        """A field; None when there is none."""

    def hmget(self, name: str, keys: Sequence[str], /) -> list[str | None]:
        """Some fields in order."""

    def hgetall(self, name: str, /) -> dict[str, str]:
        """All fields; empty when there is no hash."""

    def hset(
        self,
        name: str,
        key: str | None = None,
        value: Value | None = None,
        mapping: Mapping[str, Value] | None = None,
    ) -> int:
        """Set one field, or those of a mapping; how many are new."""

    def hsetnx(self, name: str, key: str, value: Value, /) -> bool:
        """Set a field that is missing; whether it was."""

    def hdel(self, name: str, /, *keys: str) -> int:
        """Delete fields; how many there were."""

    def hexists(self, name: str, key: str, /) -> bool:
        """Whether there is a field."""

    def hincrby(self, name: str, key: str, amount: int, /) -> int:
        """Add to a field; its new value."""

    def hlen(self, name: str, /) -> int:
        """How many fields there are."""

    # Sets and sorted sets

    def sadd(self, name: str, /, *members: Value) -> int:
        """Add members; how many are new."""

    def smembers(self, name: str, /) -> AbstractSet[str]:
        """All members."""

    def sismember(self, name: str, member: str, /) -> bool:
        """Whether it is a member."""

    def scard(self, name: str, /) -> int:
        """How many members there are."""

    def zadd(self, name: str, mapping: Mapping[str, float], /) -> int:
        """Add members with their scores, or change these; how many are new."""

    def zrem(self, name: str, /, *members: str) -> int:
        """Remove members; how many there were."""

    def zcard(self, name: str, /) -> int:
        """How many members there are."""

    def zcount(self, name: str, low: Score, high: Score, /) -> int:
        """How many members have a score from `low` to `high`."""

    def zscore(self, name: str, member: str, /) -> float | None:
        """The score; None when it is no member."""

    def zmscore(self, name: str, members: Sequence[str], /) -> list[float | None]:
        """Some scores in order."""

    def zrange(self, name: str, first: int, last: int, /, *, withscores: bool) -> list[tuple[str, float]]:
        """Members by place, lowest score first, with their scores."""

    def zrevrange(self, name: str, first: int, last: int, /) -> list[str]:
        """Members by place, highest score first."""

    def zrangebyscore(
        self, name: str, low: Score, high: Score, /, *, start: int | None = None, num: int | None = None
    ) -> list[str]:
        """Members with a score from `low` to `high`, lowest first; `num` of them from `start` on."""

    # Lists and streams

    def llen(self, name: str, /) -> int:
        """How many elements there are."""

    def lrange(self, name: str, first: int, last: int, /) -> list[str]:
        """Elements by place; -1 is the last."""

    def blpop(self, keys: Sequence[str], *, timeout: float) -> tuple[str, str] | None:
        """Wait for an element of one of the lists and remove it; None after `timeout` seconds."""

    def xrange(self, name: str, first: int, /) -> list[tuple[str, dict[str, str]]]:
        """Entries from a time on (unix ms): id and fields."""

    def xrevrange(self, name: str, /, *, count: int) -> list[tuple[str, dict[str, str]]]:
        """The newest entries: id and fields."""
