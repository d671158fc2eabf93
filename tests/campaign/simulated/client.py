"""redis-py's face on the model server: what the product calls, each call a place where the scheduler may choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.campaign.simulated.store import Server

Reach = Callable[[Callable[[], Any], str], Any]
"""Carries a command over: waits, fails or repeats as the schedule wants."""


def text(value: Any) -> str:
    """A value as redis-py sends it."""
    if type(value) is str:
        return value
    if isinstance(value, bool) or value is None:
        raise TypeError(f"redis-py does not take {value!r}")
    return repr(value) if isinstance(value, float) else str(value)


class Client:
    """Answers in text, like a client with decode_responses."""

    def __init__(
        self, server: Server, reach: Reach, wait_for_push: Callable[[Sequence[str], float], tuple[str, str] | None]
    ) -> None:
        self._server = server
        self._reach = reach
        self._wait_for_push = wait_for_push

    def _do(self, name: str, *args: Any) -> Any:
        words = [text(arg) for arg in args]
        return self._reach(lambda: self._server.call(name, *words), name)

    def register_script(self, script: str) -> Callable[..., Any]:
        """A script to call with keys and args."""
        name = script.strip().splitlines()[0][:60]

        def call(keys: Sequence[str] = (), args: Sequence[Any] = ()) -> Any:
            words = [text(arg) for arg in args]
            return self._reach(lambda: self._server.run(script, list(keys), words), name)

        return call

    def time(self) -> tuple[int, int]:
        whole, micro = self._do("TIME")
        return int(whole), int(micro)

    def get(self, key: str) -> str | None:
        value: str | None = self._do("GET", key)
        return value

    def mget(self, keys: Sequence[str]) -> list[str | None]:
        return list(self._do("MGET", *keys))

    def set(
        self, key: str, value: Any, *, nx: bool = False, ex: float | None = None, px: float | None = None
    ) -> bool | None:
        options: list[Any] = ["NX"] if nx else []
        options += ["EX", ex] if ex is not None else []
        options += ["PX", px] if px is not None else []
        return True if self._do("SET", key, value, *options) else None

    def delete(self, *keys: str) -> int:
        return int(self._do("DEL", *keys))

    def exists(self, *keys: str) -> int:
        return int(self._do("EXISTS", *keys))

    def incr(self, key: str) -> int:
        return int(self._do("INCR", key))

    def hget(self, key: str, name: str) -> str | None:
        value: str | None = self._do("HGET", key, name)
        return value

    def hexists(self, key: str, name: str) -> int:
        return int(self._do("HEXISTS", key, name))

    def hmget(self, key: str, names: Sequence[str]) -> list[str | None]:
        return list(self._do("HMGET", key, *names))

    def hgetall(self, key: str) -> dict[str, str]:
        flat = self._do("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def hset(
        self, key: str, name: str | None = None, value: Any = None, mapping: Mapping[str, Any] | None = None
    ) -> int:
        flat = [part for pair in (mapping or {}).items() for part in pair]
        if name is not None:
            flat += [name, value]
        return int(self._do("HSET", key, *flat))

    def hsetnx(self, key: str, name: str, value: Any) -> int:
        return int(self._do("HSETNX", key, name, value))

    def expire(self, key: str, seconds: float) -> int:
        return int(self._do("EXPIRE", key, seconds))

    def hdel(self, key: str, *names: str) -> int:
        return int(self._do("HDEL", key, *names))

    def hincrby(self, key: str, name: str, by: int) -> int:
        return int(self._do("HINCRBY", key, name, by))

    def sadd(self, key: str, *members: str) -> int:
        return int(self._do("SADD", key, *members))

    def smembers(self, key: str) -> list[str]:
        return list(self._do("SMEMBERS", key))

    def sismember(self, key: str, member: str) -> int:
        return int(self._do("SISMEMBER", key, member))

    def scard(self, key: str) -> int:
        return int(self._do("SCARD", key))

    def srandmember(self, key: str, count: int) -> list[str]:
        return list(self._do("SRANDMEMBER", key, count))

    def zadd(self, key: str, mapping: Mapping[str, float]) -> int:
        return sum(int(self._do("ZADD", key, score, member)) for member, score in mapping.items())

    def zrem(self, key: str, *members: str) -> int:
        return int(self._do("ZREM", key, *members))

    def zrangebyscore(self, key: str, low: Any, high: Any, *, start: int, num: int) -> list[str]:
        return list(self._do("ZRANGEBYSCORE", key, low, high, "LIMIT", start, num))

    def zcard(self, key: str) -> int:
        return int(self._do("ZCARD", key))

    def zcount(self, key: str, low: Any, high: Any) -> int:
        return int(self._do("ZCOUNT", key, low, high))

    def zscore(self, key: str, member: str) -> float | None:
        score = self._do("ZSCORE", key, member)
        return None if score is None else float(score)

    def zmscore(self, key: str, members: Sequence[str]) -> list[float | None]:
        return [None if score is None else float(score) for score in self._do("ZMSCORE", key, *members)]

    def lrange(self, key: str, first: int, last: int) -> list[str]:
        return list(self._do("LRANGE", key, first, last))

    def blpop(self, keys: Sequence[str], timeout: float) -> tuple[str, str] | None:
        return self._wait_for_push(list(keys), timeout)

    def pipeline(self, *, transaction: bool = True) -> Pipeline:
        # One after the other or all at once: no fault of ours strikes in between.
        return Pipeline(self._server, self._reach)


class Pipeline:
    """MULTI … EXEC: all commands at once or none."""

    def __init__(self, server: Server, reach: Reach) -> None:
        self._server = server
        self._reach = reach
        self._commands: list[tuple[str, ...]] = []

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self._commands = []

    def delete(self, key: str) -> None:
        self._commands.append(("DEL", key))

    def hset(self, key: str, mapping: Mapping[str, Any]) -> None:
        flat = [text(part) for pair in mapping.items() for part in pair]
        self._commands.append(("HSET", key, *flat))

    def hdel(self, key: str, *names: str) -> None:
        self._commands.append(("HDEL", key, *names))

    def hsetnx(self, key: str, name: str, value: Any) -> None:
        self._commands.append(("HSETNX", key, text(name), text(value)))

    def sadd(self, key: str, *members: Any) -> None:
        self._commands.append(("SADD", key, *map(text, members)))

    def set(self, key: str, value: Any) -> None:
        self._commands.append(("SET", key, text(value)))

    def execute(self) -> list[Any]:
        commands, self._commands = self._commands, []
        return list(self._reach(lambda: [self._server.call(*command) for command in commands], "EXEC"))
