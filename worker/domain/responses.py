"""Tracks which systems, and which of their permissions, have responded to the current attempt of this thread.

Only a response shows that something works: most work that is tried during an outage of one system does not need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Responses:
    """`answered`: systems (`procore`, `netsuite`) and scopes of theirs that did what was requested, or refused one record.

    `failed`: the system whose last request got no valid response (no connection, a timeout, a 5xx); "" for none. `count`: requests that ended
    either way, which shows that the attempt is making progress.
    """

    answered: set[str] = field(default_factory=set)
    failed: str = ""
    count: int = 0


_responses: ContextVar[Responses | None] = ContextVar("responses", default=None)


@contextmanager
def track_responses() -> Iterator[Responses]:
    """Return the responses of the block, added as they arrive."""
    responses = Responses()
    before = _responses.set(responses)
    try:
        yield responses
    finally:
        _responses.reset(before)


def response_seen(scope: str) -> None:
    """Record a response of a system, or for one of its scopes."""
    if responses := _responses.get():
        responses.answered.add(scope)
        responses.count += 1


def no_response(remote: str) -> None:
    """Record that a request to a system got no valid response."""
    if responses := _responses.get():
        responses.failed = remote
        responses.count += 1
