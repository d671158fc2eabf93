"""Trace spans by the name of the work. They are recorded only if worker/runtime/telemetry.py has set a tracer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

Opener = Callable[[str, Mapping[str, str]], AbstractContextManager[object]]

_opener: Opener | None = None


def record_with(opener: Opener | None) -> None:
    """Record all spans of this process with `opener` from now on; None stops recording."""
    global _opener
    _opener = opener


def span(name: str, **facts: str) -> AbstractContextManager[object]:
    """Return a context manager that records the block as a span. Neither name nor facts may contain a secret."""
    return _opener(name, facts) if _opener else nullcontext()
