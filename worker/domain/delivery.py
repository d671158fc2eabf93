"""Tracks whether the message that this thread processes was dispatched from a lane (config/names.py, DISPATCHED_HEADER). Work of a dispatched
message begins only while it is still in its lane; any other message is a new request.
"""

from __future__ import annotations

from contextvars import ContextVar

_dispatched: ContextVar[bool] = ContextVar("dispatched", default=False)


def is_dispatched() -> bool:
    """Return whether the message was dispatched; False for a request of a user or another application, and if there is no message."""
    return _dispatched.get()


def begin(*, dispatched: bool) -> None:
    """Record whether the message that this thread processes now was dispatched."""
    _dispatched.set(dispatched)
