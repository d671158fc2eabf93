"""The result of one check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `ok`: None for a warning, such as a value that could not be read or may be intended. `cure`: the fix, "" if passed."""

    name: str
    ok: bool | None
    words: str
    cure: str = ""


Look = tuple[str, Callable[[], Check]]
"""A check to run: its name, and the function, which may raise the errors of the clients."""


def well(name: str, words: str) -> Check:
    """Return a passed check."""
    return Check(name, True, words)


def fault(name: str, words: str, cure: str) -> Check:
    """Return a failed check: wbs-sync cannot work until it is fixed."""
    return Check(name, False, words, cure)


def doubt(name: str, words: str, cure: str) -> Check:
    """Return a warning."""
    return Check(name, None, words, cure)
