"""Whether the lanes themselves sent the message that this thread works on (config/names.py, DISPATCHED_HEADER): such a message asks for nothing
new, so it begins its work only while that stands in its lane.
"""

from __future__ import annotations

from contextvars import ContextVar

_dispatched: ContextVar[bool] = ContextVar("dispatched", default=False)


def is_dispatched() -> bool:
    """False for a request of a person or another application, and where no message is worked on."""
    return _dispatched.get()


def begin(*, dispatched: bool) -> None:
    """From here on this thread works on such a message."""
    _dispatched.set(dispatched)
