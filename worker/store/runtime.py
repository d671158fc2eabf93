"""Clocks, random values and thread locks for the store and the clients. A simulation passes its own, to repeat a history exactly."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol


class ThreadLock(Protocol):
    """A lock between the threads of one process. A thread other than its holder may release it."""

    def acquire(self, *, blocking: bool = True) -> bool:
        """Wait until the lock is free, take it, and return True; without `blocking`, return False if it is not free."""

    def release(self) -> None:
        """Free the lock for the next thread. Raises RuntimeError if no thread holds it."""

    def __enter__(self) -> bool: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """`monotonic`: a clock in seconds that never jumps. `sleep`: wait for some seconds. `uniform`: a random number between two numbers.
    `token`: a random text that cannot be guessed, of twice as many hexadecimal digits as bytes. `thread_lock`: a new lock. `time`: the clock of
    this machine, unix seconds, which may be wrong.
    """

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    uniform: Callable[[float, float], float]
    token: Callable[[int], str]
    thread_lock: Callable[[], ThreadLock]
    time: Callable[[], float]


REAL = Runtime(time.monotonic, time.sleep, random.uniform, secrets.token_hex, threading.Lock, time.time)
"""The clocks, random values and locks of this process."""


def certain_difference(least: float, most: float) -> float:
    """Return the difference between two clocks, in seconds, that is certain: of the possible ones, the nearest to zero.

    `least`, `most`: the other clock was read at some time between two readings of this one, so the difference is between these two. A slow
    response alone is no difference.
    """
    return min(max(0.0, least), most)
