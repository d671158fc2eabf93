"""NetSuite's words of a refusal without what is of one record or one account: to be compared, kept and told.

Two refusals of the same rule differ in names, numbers and dates alone. What is left has no name in it that was known, so it may
leave the house; and as a pattern it recognises the next refusal of that rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

GAP = "…"
_OF_ONE_RECORD = re.compile(
    r"""https?://\S+ | \S+@\S+ | '[^']{0,200}' | "[^"]{0,200}" | (?<!^)(?<=\W)[\w/.-]*\d[\w/.-]*""", re.VERBOSE
)
"""Addresses, whatever is quoted, and every word with a digit in it but the status at the beginning."""
_WORD = re.compile(r"[^\W\d_]{3,}")
FEWEST_WORDS = 3
"""A shape of fewer words than that (a bare "Error.") would recognise everything."""


class Meaning(StrEnum):
    """What a refusal can be known to mean."""

    ALREADY_EXISTS = "already_exists"
    PERIOD_CLOSED = "period_closed"


@dataclass(frozen=True, slots=True)
class KnownRefusal:
    """Words that an account was seen to refuse a write with, as a shape, and what they mean."""

    shape: str
    meaning: Meaning


def shape_of(words: str, names: Iterable[str] = ()) -> str:
    """`400 USER_ERROR A bill … already exists for …`. `names`: of this account's records, taken out wherever they stand."""
    for name in sorted({one for one in names if len(one) > 1}, key=len, reverse=True):
        words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", GAP, words, flags=re.IGNORECASE)
    words = _OF_ONE_RECORD.sub(GAP, words)
    return re.sub(rf"{GAP}(\W*{GAP})*", GAP, words)


def fits(shape: str, words: str) -> bool:
    """Whether words are of this shape."""
    return re.fullmatch(".*".join(re.escape(part) for part in shape.split(GAP)), words, re.DOTALL) is not None


def can_be_told_apart(shape: str, others: Iterable[str]) -> bool:
    """Whether a shape says something, and nothing that refusals of other rules say too."""
    code_and_text = shape.partition(" ")[2]
    spoken = code_and_text.replace("USER_ERROR", "").replace("Error while accessing a resource.", "")
    return len(_WORD.findall(spoken)) >= FEWEST_WORDS and not any(fits(shape, words) for words in others)
