"""What is said of one thing that was looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` None: could not be seen, or perhaps meant so, which is no fault by itself. `cure`: what to do about it, "" where it is well."""

    name: str
    ok: bool | None
    words: str
    cure: str = ""


Look = tuple[str, Callable[[], Check]]
"""A name and the look itself, which may raise whatever the systems answer."""


def well(name: str, words: str) -> Check:
    """Nothing to do."""
    return Check(name, True, words)


def fault(name: str, words: str, cure: str) -> Check:
    """Something that keeps wbs-sync from its work."""
    return Check(name, False, words, cure)


def doubt(name: str, words: str, cure: str) -> Check:
    """Something to know of."""
    return Check(name, None, words, cure)
