"""The shape of a refusal's text: without the parts that belong to one record or account, so that it can be compared, stored and shown.

Two refusals by the same rule differ only in names, numbers and dates. A shape contains no known name, so a report may include it. As a
pattern it recognizes other refusals by that rule (`worker.clients.netsuite.errors.fits`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from worker.clients.netsuite.errors import GAP, fits

_OF_ONE_RECORD = re.compile(
    r"""https?://\S+ | \S+@\S+ | '[^']{0,200}' | "[^"]{0,200}" | (?<!^)(?<=\W)[\w/.-]*\d[\w/.-]*""", re.VERBOSE
)
"""Addresses, quoted text, and every word with a digit, except for the status at the beginning."""
_WORD = re.compile(r"[^\W\d_]{3,}")
MIN_WORDS = 3
"""Minimum number of words: a shorter shape (such as "Error.") would match every refusal."""


def shape_of(text: str, names: Iterable[str] = ()) -> str:
    """Return a shape such as `400 USER_ERROR A bill … already exists for …`. `names`: of this account's records, which are removed as well."""
    for name in sorted({one for one in names if len(one) > 1}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", GAP, text, flags=re.IGNORECASE)
    text = _OF_ONE_RECORD.sub(GAP, text)
    return re.sub(rf"{GAP}(\W*{GAP})*", GAP, text)


def is_specific(shape: str, others: Iterable[str]) -> bool:
    """Return whether a shape is long enough, and matches none of the texts of other refusals."""
    code_and_text = shape.partition(" ")[2]
    spoken = code_and_text.replace("USER_ERROR", "").replace("Error while accessing a resource.", "")
    return len(_WORD.findall(spoken)) >= MIN_WORDS and not any(fits(shape, text) for text in others)
