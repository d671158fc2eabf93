"""Refusals of one account in addition to those of the error table: found by the probe, read from the profile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

GAP = "…"
"""In a shape: a part that differs between records, such as a name, a number or a date."""


class Meaning(StrEnum):
    """The known meanings of refusals."""

    ALREADY_EXISTS = "already_exists"
    PERIOD_CLOSED = "period_closed"


@dataclass(frozen=True, slots=True)
class KnownRefusal:
    """The shape of the text with which an account refused a write, and its meaning."""

    shape: str
    meaning: Meaning


def fits(shape: str, text: str) -> bool:
    """Return whether a response text has this shape."""
    return re.fullmatch(".*".join(re.escape(part) for part in shape.split(GAP)), text, re.DOTALL) is not None
