"""Refusals that one account is known to answer with, beyond those of the error table: learned by the probe, read from the profile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

GAP = "…"
"""In a shape: the place of something that belongs to one record, such as a name, a number or a date."""


class Meaning(StrEnum):
    """What a refusal can be known to mean."""

    ALREADY_EXISTS = "already_exists"
    PERIOD_CLOSED = "period_closed"


@dataclass(frozen=True, slots=True)
class KnownRefusal:
    """The shape of a text that an account refused a write with, and what it means."""

    shape: str
    meaning: Meaning


def fits(shape: str, text: str) -> bool:
    """Whether a response text has this shape."""
    return re.fullmatch(".*".join(re.escape(part) for part in shape.split(GAP)), text, re.DOTALL) is not None
