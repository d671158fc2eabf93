"""Spans: what takes time, by the name of the work. Nobody listens unless a tracer was set (worker/runtime/telemetry.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

Opener = Callable[[str, Mapping[str, str]], AbstractContextManager[object]]

_opener: Opener | None = None


def listen(opener: Opener | None) -> None:
    """From here on every span of this process is opened by this."""
    global _opener
    _opener = opener


def span(name: str, **facts: str) -> AbstractContextManager[object]:
    """A span for the block. Neither name nor facts may hold a secret."""
    return _opener(name, facts) if _opener else nullcontext()
