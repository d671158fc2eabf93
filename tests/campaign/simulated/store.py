"""A model of the Redis server: the commands the product uses, on virtual time, with the product's real Lua scripts.

fakeredis runs a script in 420 microseconds and a GET in 68, this in about 15 and 1: a schedule makes thousands of calls.
`test_store.py` holds it against a real server.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.campaign.simulated.lua import Engine

ENGINE = Engine()
_COMMAND = re.compile("_[a-z]+_")


class Server:
    """The data and its clock. `now` returns unix seconds; `pushed` is called with the key of every list that grew."""

    def __init__(self, now: Callable[[], float], dice: random.Random) -> None:
        self._now = now
        self._dice = dice
        self.data: dict[str, Any] = {}
        self.ends: dict[str, float] = {}
        self.pushed: Callable[[str], None] = lambda _key: None
        self.calls = 0
        self.run_id = "1"
        self.began = now()
        self.commands: dict[str, Callable[..., Any]] = {
            name.strip("_").upper(): getattr(self, name) for name in dir(type(self)) if _COMMAND.fullmatch(name)
        }

    # Whole-server happenings

    def snapshot(self) -> Any:
        """What a restart would find."""
        return _copied(self.data), dict(self.ends)

    def restore(self, snapshot: Any) -> None:
        """Restart with what was kept."""
        self.data, self.ends = _copied(snapshot[0]), dict(snapshot[1])
        self.run_id, self.began = f"{self._dice.getrandbits(64):x}", self._now()

    def empty(self) -> None:
        """Everything is gone."""
        self.data, self.ends = {}, {}

    def expire(self) -> None:
        """Drop what has expired, as a server does by itself: a reader of `data` sees only what is alive."""
        for key in list(self.ends):
            self._get(key)

    def keys(self, beginning: str) -> list[str]:
        """Live keys that begin so."""
        return [key for key in list(self.data) if key.startswith(beginning) and self._get(key) is not None]

    # Commands

    def call(self, name: str, *args: str) -> Any:
        """One command with its arguments as text."""
        self.calls += 1
        return self.commands[name](*args)

    def run(self, script: str, keys: Sequence[str], args: Sequence[str]) -> Any:
        """One script, atomically."""
        return ENGINE.run(script, keys, args, self)

    def _get(self, key: str) -> Any:
        end = self.ends.get(key)
        if end is not None and end <= self._now():
            self._drop(key)
        return self.data.get(key)

    def _drop(self, key: str) -> bool:
        self.ends.pop(key, None)
        return self.data.pop(key, None) is not None

    def _hash(self, key: str) -> dict[str, Any]:
        return self._get(key) or {}

    def _kept(self, key: str, kind: Callable[[], Any] = dict) -> Any:
        value = self._get(key)
        if value is None:
            value = self.data[key] = kind()
        return value

    def _shrunk(self, key: str) -> None:
        if not self.data.get(key):
            self._drop(key)

    def _time_(self) -> list[str]:
        micro = round(self._now() * 1_000_000)
        return [str(micro // 1_000_000), str(micro % 1_000_000)]

    def _info_(self, _section: str) -> str:
        return f"# Server\r\nrun_id:{self.run_id}\r\nuptime_in_seconds:{int(self._now() - self.began)}\r\n"

    def _get_(self, key: str) -> str | None:
        value: str | None = self._get(key)
        return value

    def _set_(self, key: str, value: str, *options: str) -> str | None:
        words = [option.upper() for option in options]
        if "NX" in words and self._get(key) is not None:
            return None
        self.data[key] = value
        self.ends.pop(key, None)
        for unit, scale in (("EX", 1.0), ("PX", 0.001)):
            if unit in words:
                self.ends[key] = self._now() + float(options[words.index(unit) + 1]) * scale
        return "OK"

    def _mget_(self, *keys: str) -> list[str | None]:
        return [self._get(key) for key in keys]

    def _del_(self, *keys: str) -> int:
        return sum(self._get(key) is not None and self._drop(key) for key in keys)

    def _exists_(self, *keys: str) -> int:
        return sum(self._get(key) is not None for key in keys)

    def _incr_(self, key: str) -> int:
        value = int(self._get(key) or 0) + 1
        self.data[key] = str(value)
        return value

    def _expire_(self, key: str, seconds: str) -> int:
        return self._pexpire_(key, str(float(seconds) * 1000))

    def _persist_(self, key: str) -> int:
        return int(self.ends.pop(key, None) is not None)

    def _rename_(self, key: str, new: str) -> str:
        assert self._get(key) is not None, "a real server answers with an error"
        self._drop(new)
        self.data[new] = self.data.pop(key)
        if key in self.ends:
            self.ends[new] = self.ends.pop(key)
        return "OK"

    def _pexpire_(self, key: str, milliseconds: str) -> int:
        if self._get(key) is None:
            return 0
        self.ends[key] = self._now() + float(milliseconds) / 1000
        return 1

    def _hget_(self, key: str, name: str) -> str | None:
        return self._hash(key).get(name)

    def _hexists_(self, key: str, name: str) -> int:
        return int(name in self._hash(key))

    def _hset_(self, key: str, *pairs: str) -> int:
        fields = self._kept(key)
        before = len(fields)
        fields.update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(fields) - before

    def _hsetnx_(self, key: str, name: str, value: str) -> int:
        if name in self._hash(key):
            return 0
        return self._hset_(key, name, value)

    def _hmget_(self, key: str, *names: str) -> list[str | None]:
        fields = self._hash(key)
        return [fields.get(name) for name in names]

    def _hgetall_(self, key: str) -> list[str]:
        return [part for pair in self._hash(key).items() for part in pair]

    def _hdel_(self, key: str, *names: str) -> int:
        fields = self._hash(key)
        gone = sum(fields.pop(name, None) is not None for name in names)
        self._shrunk(key)
        return gone

    def _hincrby_(self, key: str, name: str, by: str) -> int:
        fields = self._kept(key)
        value = int(fields.get(name, 0)) + int(by)
        fields[name] = str(value)
        return value

    def _sadd_(self, key: str, *members: str) -> int:
        kept = self._kept(key)
        before = len(kept)
        kept.update(dict.fromkeys(members))
        return len(kept) - before

    def _srem_(self, key: str, *members: str) -> int:
        kept = self._hash(key)
        gone = sum(member in kept and (kept.pop(member) is None) for member in members)
        self._shrunk(key)
        return gone

    def _scard_(self, key: str) -> int:
        return len(self._hash(key))

    def _sismember_(self, key: str, member: str) -> int:
        return int(member in self._hash(key))

    def _smembers_(self, key: str) -> list[str]:
        return list(self._hash(key))

    def _srandmember_(self, key: str, count: str) -> list[str]:
        members = list(self._hash(key))
        return self._dice.sample(members, min(int(count), len(members)))

    def _zadd_(self, key: str, *parts: str) -> int:
        *condition, score, member = parts
        scores = self._kept(key)
        known = scores.get(member)
        if known is None or not condition or (condition == ["LT"] and float(score) < known):
            scores[member] = float(score)
        return int(known is None)

    def _zscore_(self, key: str, member: str) -> str | None:
        score = self._hash(key).get(member)
        return None if score is None else f"{score:.17g}"

    def _zmscore_(self, key: str, *members: str) -> list[str | None]:
        return [self._zscore_(key, member) for member in members]

    def _zrem_(self, key: str, *members: str) -> int:
        return self._hdel_(key, *members)

    def _zcard_(self, key: str) -> int:
        return len(self._hash(key))

    def _zcount_(self, key: str, low: str, high: str) -> int:
        return len(self._between(key, low, high))

    def _zrange_(self, key: str, first: str, last: str) -> list[str]:
        return self._between(key, "-inf", "+inf")[int(first) : int(last) + 1 or None]

    def _zrangebyscore_(self, key: str, low: str, high: str, *limit: str) -> list[str]:
        found = self._between(key, low, high)
        return found[int(limit[1]) : int(limit[1]) + int(limit[2])] if limit else found

    def _zremrangebyscore_(self, key: str, low: str, high: str) -> int:
        return self._hdel_(key, *self._between(key, low, high))

    def _between(self, key: str, low: str, high: str) -> list[str]:
        least, most = float(low), float(high)
        inside = [(score, member) for member, score in self._hash(key).items() if least <= score <= most]
        return [member for _, member in sorted(inside)]

    def _lpush_(self, key: str, *values: str) -> int:
        kept = self._kept(key, list)
        for value in values:
            kept.insert(0, value)
        self.pushed(key)
        return len(kept)

    def _rpush_(self, key: str, *values: str) -> int:
        kept = self._kept(key, list)
        kept.extend(values)
        return len(kept)

    def _lindex_(self, key: str, index: str) -> str | None:
        kept = self._get(key) or []
        place = int(index) % len(kept) if kept and -len(kept) <= int(index) < len(kept) else None
        return None if place is None else str(kept[place])

    def _lset_(self, key: str, index: str, value: str) -> str:
        self._get(key)[int(index)] = value
        return "OK"

    def _lrange_(self, key: str, first: str, last: str) -> list[str]:
        kept = self._get(key) or []
        begin, end = (int(edge) + len(kept) if int(edge) < 0 else int(edge) for edge in (first, last))
        return list(kept[max(begin, 0) : end + 1])

    def _ltrim_(self, key: str, first: str, last: str) -> str:
        if self._get(key) is not None:
            self.data[key] = self._lrange_(key, first, last)
            self._shrunk(key)
        return "OK"

    def pop(self, keys: Iterable[str]) -> tuple[str, str] | None:
        """BLPOP's part that does not wait."""
        for key in keys:
            kept = self._get(key)
            if kept:
                value = str(kept.pop(0))
                self._shrunk(key)
                return key, value
        return None


def _copied(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, str) else value.copy() for key, value in data.items()}
