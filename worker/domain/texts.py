"""Formats texts, redacts credentials in them, and finds characters that cannot be written to NetSuite."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote_plus

CREDENTIALS = re.compile(r"(?i:\bbearer)\s+[^\s\"'<>,;]+|\beyJ[\w-]{4,}[\w.=-]*")
"""Matches access tokens and signed assertions, also truncated ones."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Replaces a character that was lost in transfer."""


def counted(number: int, noun: str) -> str:
    """Return `2 findings`, `1 finding` or `1 piece of work`; `noun`: in the plural."""
    head, of, rest = noun.partition(" of ")
    return f"{number:,} {head.removesuffix('s') if number == 1 else head}{of}{rest}"


def first_few(texts: Sequence[str], limit: int = 3) -> str:
    """Return `A, B, C and 2 more`."""
    shown = ", ".join(texts[:limit])
    return shown if len(texts) <= limit else f"{shown} and {len(texts) - limit} more"


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` characters, cut between two words, so that no amount or name is shown in part."""
    if len(text) <= limit:
        return text
    start = text[:limit]
    whole = start.rpartition(" ")[0].rstrip(" ,;:(")
    return f"{(whole or start)[: limit - 1]}…"


def unwritable(text: str) -> str:
    """Return the first character that no name may contain (a control character, or a lost one), as `U+000A`; "" if there is none."""
    for character in text:
        if character == REPLACEMENT or unicodedata.category(character) in ("Cc", "Cs"):
            return f"U+{ord(character):04X}"
    return ""


def blotted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with these secrets (in any usual escaping) and everything that resembles a credential replaced by `***`: texts of other
    systems and errors pass through this before a log, problem or report repeats them.
    """
    for secret in secrets:
        for form in {secret, quote_plus(secret), escape(secret), json.dumps(secret)[1:-1]}:
            text = text.replace(form, "***")
    return CREDENTIALS.sub("***", text)
