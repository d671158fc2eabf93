"""Reads that do not need each other's answers, made at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def beside(pool: Executor, read: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Make a read in a thread of the pool while the block goes on. Gives a function that waits for its result, or raises its error.

    Where all threads are busy, this one makes the read when it needs the result: nobody waits behind another's work. The block ends
    when the read has: nothing of an attempt goes on after its end.
    """
    future = pool.submit(copy_context().run, read)

    def result() -> T:
        return read() if future.cancel() else future.result()

    try:
        yield result
    finally:
        if not future.cancel():
            future.exception()
