"""Tracks whether the lanes themselves sent the message that this thread works on (config/names.py, DISPATCHED_HEADER). Such a message requests
nothing new, so its work begins only while it is in its lane.
"""

from __future__ import annotations

from contextvars import ContextVar

_dispatched: ContextVar[bool] = ContextVar("dispatched", default=False)


def is_dispatched() -> bool:
    """Return whether they did; False for a request of a user or another application, and outside of messages."""
    return _dispatched.get()


def begin(*, dispatched: bool) -> None:
    """Record which kind of message this thread works on from here on."""
    _dispatched.set(dispatched)
