"""What both token services answer. No error of these repeats a word of a good answer: there may be a token in it."""

from __future__ import annotations

import re

from worker.clients.http import Answer
from worker.domain.errors import Misconfigured, Transient
from worker.domain.problems import Cause
from worker.store.tokens import AccessToken

LONGEST_LIFETIME_SECONDS = 366 * 86_400
_TOKEN = re.compile(r"[!-~]{1,16384}")


def require_admitted(answer: Answer, words: str, cause: Cause) -> None:
    """Raise Misconfigured for a refusal of whatever kind: none of them says anything about the work that needed the token."""
    if 300 <= answer.status < 500 and answer.status not in (408, 429):
        raise Misconfigured(words, cause=cause, facts={"answer": words})


def token_of(answer: Answer, remote: str) -> AccessToken:
    """The token of a good answer. Raises Transient when it is not as published."""
    try:
        body = answer.json()
        value, lifetime = body["access_token"], body["expires_in"]
        # `expires_in` has been seen as a number and as text.
        seconds = float(lifetime) if not isinstance(lifetime, bool) else 0.0
    except (Transient, LookupError, TypeError, ValueError, OverflowError):
        value, seconds = None, 0.0
    if not (isinstance(value, str) and _TOKEN.fullmatch(value) and 0 < seconds <= LONGEST_LIFETIME_SECONDS):
        raise Transient(f"{remote}'s token answer is not as published")
    return AccessToken(value, seconds)
