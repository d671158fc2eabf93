"""What this thread knows of its work, without passing it through every call: the request that caused it, whether its message was dispatched,
which systems have responded, and where its spans go.

The correlation id connects a request for work with all log lines and requests that result from it, in all processes. It is the text that the
sender set in the header `correlation_id` of its message, or else the id of the task or run.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
A = TypeVar("A")
Opener = Callable[[str, Mapping[str, str]], AbstractContextManager[object]]


@dataclass(slots=True)
class Responses:
    """Which systems, and which of their permissions, have responded to an attempt. Only a response shows that something works: most work that is
    tried during an outage of one system does not need it.

    `answered`: systems (`procore`, `netsuite`) and scopes of theirs that did what was requested, or refused one record.
    `failed`: the system whose last request got no valid response (no connection, a timeout, a 5xx); "" for none. `count`: requests that ended
    either way, which shows that the attempt is making progress.
    """

    answered: set[str] = field(default_factory=set)
    failed: str = ""
    count: int = 0


_correlation: ContextVar[str] = ContextVar("correlation_id", default="")
_dispatched: ContextVar[bool] = ContextVar("dispatched", default=False)
_responses: ContextVar[Responses | None] = ContextVar("responses", default=None)
_opener: Opener | None = None


def current_correlation() -> str:
    """Return the correlation id of this thread; "" if it has none."""
    return _correlation.get()


def set_correlation(correlation_id: str) -> None:
    """Set the correlation id of this thread."""
    _correlation.set(correlation_id)


@contextmanager
def correlated(correlation_id: str) -> Iterator[str]:
    """Set the correlation id for the block."""
    before = _correlation.set(correlation_id)
    try:
        yield correlation_id
    finally:
        _correlation.reset(before)


def new_id(word: str) -> str:
    """Return a new id that begins with a word, such as `scan-842763e1cb`."""
    return f"{word}-{secrets.token_hex(5)}"


def in_context(call: Callable[[A], T]) -> Callable[[A], T]:
    """Return a function that runs `call` in any thread with the context variables (and so the correlation id) of the current thread."""
    context = copy_context()
    return lambda argument: context.copy().run(call, argument)


def is_dispatched() -> bool:
    """Return whether the message that this thread processes was dispatched from a lane (config/names.py, DISPATCHED_HEADER): its work begins only
    while it is still in its lane. False for a request of a user or another application, and if there is no message.
    """
    return _dispatched.get()


def set_dispatched(dispatched: bool) -> None:
    """Record whether the message that this thread processes now was dispatched."""
    _dispatched.set(dispatched)


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


def record_spans(opener: Opener | None) -> None:
    """Record all trace spans of this process with `opener` from now on (worker/runtime/telemetry.py); None stops recording."""
    global _opener
    _opener = opener


def span(name: str, **facts: str) -> AbstractContextManager[object]:
    """Return a context manager that records the block as a span. Neither name nor facts may contain a secret."""
    return _opener(name, facts) if _opener else nullcontext()
