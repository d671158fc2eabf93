"""A refusal's text as a shape: without what belongs to one record or one account, so that it can be compared, kept and shown.

Two refusals by the same rule differ in names, numbers and dates only. A shape contains no known name, so it may go into a report; as a
pattern it recognizes the next refusal by that rule (`worker.domain.refusals`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from worker.domain.refusals import GAP, fits

_OF_ONE_RECORD = re.compile(
    r"""https?://\S+ | \S+@\S+ | '[^']{0,200}' | "[^"]{0,200}" | (?<!^)(?<=\W)[\w/.-]*\d[\w/.-]*""", re.VERBOSE
)
"""Addresses, quoted text, and every word with a digit, except for the status at the beginning."""
_WORD = re.compile(r"[^\W\d_]{3,}")
MIN_WORDS = 3
"""A shape of fewer words (a bare "Error.") would fit every refusal."""


def shape_of(text: str, names: Iterable[str] = ()) -> str:
    """`400 USER_ERROR A bill … already exists for …`. `names`: of this account's records, removed wherever they occur."""
    for name in sorted({one for one in names if len(one) > 1}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", GAP, text, flags=re.IGNORECASE)
    text = _OF_ONE_RECORD.sub(GAP, text)
    return re.sub(rf"{GAP}(\W*{GAP})*", GAP, text)


def is_specific(shape: str, others: Iterable[str]) -> bool:
    """Whether a shape says something, and fits none of the texts of other refusals."""
    code_and_text = shape.partition(" ")[2]
    spoken = code_and_text.replace("USER_ERROR", "").replace("Error while accessing a resource.", "")
    return len(_WORD.findall(spoken)) >= MIN_WORDS and not any(fits(shape, text) for text in others)
