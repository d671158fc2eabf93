"""What no log, problem or report may repeat is blotted out of whatever another system or an error says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import escape
from urllib.parse import quote_plus

CREDENTIALS = re.compile(r"(?i:\bbearer)\s+[^\s\"'<>,;]+|\beyJ[\w-]{4,}[\w.=-]*")
"""What looks like an access token or a signed assertion, whole or cut."""


def blotted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets, however they were written, and without what looks like a credential."""
    for secret in secrets:
        for form in {secret, quote_plus(secret), escape(secret), json.dumps(secret)[1:-1]}:
            text = text.replace(form, "***")
    return CREDENTIALS.sub("***", text)
