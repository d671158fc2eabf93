"""What several tests need and pytest does not have."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], timeout: float = 10.0, *, every: float = 0.02) -> T:
    """The first truthy answer of `condition`, asked anew until then; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:g} s: the last answer was {answer!r}"
        time.sleep(every)
    return answer
