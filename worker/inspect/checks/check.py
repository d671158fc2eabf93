"""The result of one check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `ok`: None for a warning, such as a value that could not be read or may be intended; `fix`: "" if it passed."""

    name: str
    ok: bool | None
    message: str
    fix: str = ""


NamedCheck = tuple[str, Callable[[], Check]]
"""A check to run: its name, and a function that may raise the errors of the clients."""


def passed(name: str, message: str) -> Check:
    """Return a passed check."""
    return Check(name, True, message)


def failed(name: str, message: str, fix: str) -> Check:
    """Return a failed check: wbs-sync cannot work until it is fixed."""
    return Check(name, False, message, fix)


def warning(name: str, message: str, fix: str) -> Check:
    """Return a warning."""
    return Check(name, None, message, fix)
