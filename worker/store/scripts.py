"""The Lua scripts of the store: one file in `lua/` for each command, read when this module is imported.

A script runs atomically, and may run twice: redis-py repeats a command if its connection breaks. The header of each file describes the script,
its KEYS and ARGV, and what it returns. `--- @include "includes/NAME"` inserts a shared part, once in each script.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any, Generic, TypeVar

from worker.store.client import Redis, Value

Reply = TypeVar("Reply")

FOLDER = resources.files("worker.store") / "lua"
INCLUDES = "includes"
_INCLUDE = re.compile('--- @include "(.+)"')


@cache
def _read(name: str) -> str:
    return (FOLDER / f"{name}.lua").read_text(encoding="utf-8")


def _resolved(name: str) -> str:
    """Return a script with its includes and without comments, since some callers send the text with each call. The first line is its name."""
    included: set[str] = set()

    def lines(name: str) -> Iterator[str]:
        for line in _read(name).splitlines():
            if include := _INCLUDE.fullmatch(line):
                if include[1] not in included:
                    included.add(include[1])
                    yield from lines(include[1])
            elif line and not line.lstrip().startswith("--"):
                yield line

    return "\n".join([f"-- {name}", *lines(name), ""])


def _names() -> Iterator[str]:
    for topic in FOLDER.iterdir():
        if topic.name != INCLUDES:
            yield from (f"{topic.name}/{file.name.removesuffix('.lua')}" for file in topic.iterdir())


SOURCES = {name: _resolved(name) for name in sorted(_names())}
"""The texts that are sent to Redis, by name, such as `lanes/claim`."""


class Script(Generic[Reply]):
    """One script, called with its keys and arguments. `reply`: converts what Redis returns to the result of a call."""

    def __init__(self, client: Redis, name: str, reply: Callable[[Any], Reply]) -> None:
        self._run = client.register_script(SOURCES[name])
        self._reply = reply

    def __call__(self, *, keys: Sequence[str], args: Sequence[Value] = ()) -> Reply:
        """Run the script on the server. Raises RedisError."""
        return self._reply(self._run(keys=keys, args=args))


def flag(reply: Any) -> bool:
    """Convert the reply of a script that returns 1 or 0."""
    return bool(reply)


def number(reply: Any) -> int:
    """Convert the reply of a script that returns an integer."""
    return int(reply)


def text(reply: Any) -> str:
    """Convert the reply of a script that returns a text."""
    return str(reply)


def texts(reply: Any) -> list[str]:
    """Convert the reply of a script that returns a list of texts and integers: all as text."""
    return [str(value) for value in reply]


def sizes(reply: Any) -> list[tuple[int, str, float]]:
    """Convert the reply of `sorted_sets/sizes`: (size, first member, its score) of each set; (0, "", 0) for an empty one."""
    return [(int(size), str(first), float(score)) for size, first, score in zip(*[iter(reply)] * 3, strict=True)]
