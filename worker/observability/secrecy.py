"""Redacts credentials in texts of other systems and in errors, before a log, problem or report repeats them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import escape
from urllib.parse import quote_plus

CREDENTIALS = re.compile(r"(?i:\bbearer)\s+[^\s\"'<>,;]+|\beyJ[\w-]{4,}[\w.=-]*")
"""Matches access tokens and signed assertions, also truncated ones."""


def blotted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with these secrets (in any usual escaping) and everything that resembles a credential replaced by `***`."""
    for secret in secrets:
        for form in {secret, quote_plus(secret), escape(secret), json.dumps(secret)[1:-1]}:
            text = text.replace(form, "***")
    return CREDENTIALS.sub("***", text)
