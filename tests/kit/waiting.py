"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], timeout: float = 60.0, *, every: float = 0.02) -> T:
    """Return the first truthy answer of `condition`, which is asked again until then. Raises AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:g} s: the last answer was {answer!r}"
        time.sleep(every)
    return answer


def lasts(ends: float, seconds: float, *, begun: float, now: float) -> bool:
    """Return whether what began between two times ends so many seconds later, to a second, however long the test took in between."""
    return begun + seconds - 1 <= ends <= now + seconds + 1
