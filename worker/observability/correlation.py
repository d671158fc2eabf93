"""One id from whoever asked for work to every request that it leads to: the same in each log line on the way, in whichever process.

It is a text of the asker's own (the header `correlation_id` of a message), or else the id of the task or the run that was asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TypeVar

T = TypeVar("T")
A = TypeVar("A")

_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current() -> str:
    """The id of what this thread works on now; "" when nobody asked for it."""
    return _current.get()


def begin(correlation_id: str) -> None:
    """From here on this thread works on that."""
    _current.set(correlation_id)


@contextmanager
def of(correlation_id: str) -> Iterator[str]:
    """Work on that for the block."""
    before = _current.set(correlation_id)
    try:
        yield correlation_id
    finally:
        _current.reset(before)


def new_id(word: str) -> str:
    """A new id that begins with a word, such as `scan-842763e1cb`."""
    return f"{word}-{secrets.token_hex(5)}"


def kept(call: Callable[[A], T]) -> Callable[[A], T]:
    """The same call for other threads, which would else know nothing of what this one works on."""
    context = copy_context()
    return lambda argument: context.copy().run(call, argument)
