"""Which remotes, and which of their permissions, have answered the attempt that this thread is making.

Only what has answered is known to work: most work that is tried while a remote is in trouble needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Responses:
    """`answered`: remotes (`procore`, `netsuite`) and scopes of theirs that did what was asked, or refused this one record.

    `failed`: the remote whose last request got no proper answer (no connection, a timeout, a 5xx); "" for none.
    `count`: requests that have come to an end, either way: a sign that the attempt goes on.
    """

    answered: set[str] = field(default_factory=set)
    failed: str = ""
    count: int = 0


_responses: ContextVar[Responses | None] = ContextVar("responses", default=None)


@contextmanager
def track_responses() -> Iterator[Responses]:
    """The responses seen in the block, filled in as they come."""
    responses = Responses()
    before = _responses.set(responses)
    try:
        yield responses
    finally:
        _responses.reset(before)


def response_seen(scope: str) -> None:
    """A remote, or a scope of it, has answered."""
    if responses := _responses.get():
        responses.answered.add(scope)
        responses.count += 1


def no_response(remote: str) -> None:
    """A request to this remote got no proper answer."""
    if responses := _responses.get():
        responses.failed = remote
        responses.count += 1
