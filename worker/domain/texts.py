"""Texts that may be written to NetSuite or asked for there, and what cannot stand in one."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands where a character was lost on its way."""


def counted(number: int, noun: str) -> str:
    """`2 findings`, `1 finding`, `1 piece of work`; the noun is given in the plural."""
    head, of, rest = noun.partition(" of ")
    return f"{number:,} {head.removesuffix('s') if number == 1 else head}{of}{rest}"


def first_few(texts: Sequence[str], limit: int = 3) -> str:
    """Return `A, B, C and 2 more`."""
    shown = ", ".join(texts[:limit])
    return shown if len(texts) <= limit else f"{shown} and {len(texts) - limit} more"


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut between two words, so that no amount or name is shown in part."""
    if len(text) <= limit:
        return text
    start = text[:limit]
    whole = start.rpartition(" ")[0].rstrip(" ,;:(")
    return f"{(whole or start)[: limit - 1]}…"


def unwritable(text: str) -> str:
    """The first character that no name may hold (a control character, or one that was lost), as `U+000A`; "" when there is none."""
    for character in text:
        if character == REPLACEMENT or unicodedata.category(character) in ("Cc", "Cs"):
            return f"U+{ord(character):04X}"
    return ""
