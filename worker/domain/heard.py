"""Which remotes have answered the piece of work that this thread is at. Only they are known to work: most work that is tried while a
remote is in trouble needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_heard: ContextVar[set[str] | None] = ContextVar("heard", default=None)


@contextmanager
def listening() -> Iterator[set[str]]:
    """The remotes (`procore`, `netsuite`) heard of in the block, as they come."""
    remotes: set[str] = set()
    before = _heard.set(remotes)
    try:
        yield remotes
    finally:
        _heard.reset(before)


def heard_of(remote: str) -> None:
    """It has answered, if only that it refuses this one record."""
    remotes = _heard.get()
    if remotes is not None:
        remotes.add(remote)
