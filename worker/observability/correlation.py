"""The correlation id: it connects a request for work with all log lines and requests that result from it, in all processes.

It is the text that the sender set in the header `correlation_id` of its message, or else the id of the task or run.
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
    """Return the correlation id of this thread; "" if it has none."""
    return _current.get()


def begin(correlation_id: str) -> None:
    """Set the correlation id of this thread."""
    _current.set(correlation_id)


@contextmanager
def of(correlation_id: str) -> Iterator[str]:
    """Set the correlation id for the block."""
    before = _current.set(correlation_id)
    try:
        yield correlation_id
    finally:
        _current.reset(before)


def new_id(word: str) -> str:
    """Return a new id that begins with a word, such as `scan-842763e1cb`."""
    return f"{word}-{secrets.token_hex(5)}"


def in_context(call: Callable[[A], T]) -> Callable[[A], T]:
    """Return a function that runs `call` in any thread with the context variables (and so the correlation id) of the current thread."""
    context = copy_context()
    return lambda argument: context.copy().run(call, argument)
