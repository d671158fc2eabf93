"""Texts that may be written to NetSuite or asked for there, and what cannot stand in one."""

from __future__ import annotations

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands where a character was lost on its way."""


def unwritable(text: str) -> str:
    """The first character that no name may hold (a control character, or one that was lost), as `U+000A`; "" when there is none."""
    for character in text:
        if character == REPLACEMENT or unicodedata.category(character) in ("Cc", "Cs"):
            return f"U+{ord(character):04X}"
    return ""
