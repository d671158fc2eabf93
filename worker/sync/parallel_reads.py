"""Runs independent reads in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

READ_AHEAD_THREADS = 4
"""More exports than this at once read what they need one after the other, each in its own thread."""

T = TypeVar("T")


@contextmanager
def read_in_parallel(pool: Executor, read: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Start a read in a thread of the pool while the block runs. Yields a function that waits for the result, or raises the read's error.

    If all threads are busy, the calling thread does the read itself when it needs the result, so no export waits for another one. The
    block does not end before the read: no request of an attempt runs after the attempt.
    """
    future = pool.submit(copy_context().run, read)

    def result() -> T:
        return read() if future.cancel() else future.result()

    try:
        yield result
    finally:
        if not future.cancel():
            future.exception()
