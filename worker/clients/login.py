"""Reads the responses of both token services. No error repeats any text of a good response, which may contain a token."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from worker.clients.http import Answer
from worker.domain.errors import Misconfigured, Transient
from worker.domain.problems import Cause
from worker.store.tokens import AccessToken

MAX_LIFETIME_SECONDS = 366 * 86_400
CLOCKS_AGREE_SECONDS = 5.0
"""A smaller difference results from latency and rounding, and no token service refuses it."""
CLOCK_REFUSED_SECONDS = 60.0
"""From this difference on, the clock is the first thing to check, whatever the refusal says."""
_TOKEN = re.compile(r"[!-~]{1,16384}")


def require_admitted(answer: Answer, message: str, cause: Cause, *, url: str, identity: str) -> None:
    """Raise Misconfigured if the login was refused; the refusal is about the credentials, not about the work that needs the token.

    `message`: the response text. The error's message adds what may be wrong: the host of `url`, the `identity` that logged in, and the
    difference of the clocks.
    """
    if 300 <= answer.status < 500 and answer.status not in (408, 429):
        clocks = _clocks(answer)
        message = f"{message} (sent to {urlsplit(url).netloc}; as {identity}{clocks and f'; {clocks}'})"
        if abs(answer.clock_ahead or 0.0) >= CLOCK_REFUSED_SECONDS:
            message = f"{clocks}: correct the clock of this machine first (NTP), because a signed login with a wrong time is refused. The response: {message}"
        raise Misconfigured(message, cause=cause, facts={"answer": message})


def _clocks(answer: Answer) -> str:
    """Return how this machine's clock differs from that of the token service (its `Date` header); "" if the difference is small."""
    ahead = answer.clock_ahead or 0.0
    if abs(ahead) < CLOCKS_AGREE_SECONDS:
        return ""
    return f"this machine's clock is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} its clock"


def token_of(answer: Answer, remote: str, *, url: str) -> AccessToken:
    """Return the token in a good response. Raises Transient, which names the host of `url`, if it is not in the documented format."""
    try:
        body = answer.json()
        value, lifetime = body["access_token"], body["expires_in"]
        # `expires_in` is a number or text.
        seconds = float(lifetime) if not isinstance(lifetime, bool) else 0.0
    except (Transient, LookupError, TypeError, ValueError, OverflowError):
        value, seconds = None, 0.0
    if not (isinstance(value, str) and _TOKEN.fullmatch(value) and 0 < seconds <= MAX_LIFETIME_SECONDS):
        raise Transient(f"{remote}'s token response is not in the documented format (from {urlsplit(url).netloc})")
    return AccessToken(value, seconds)
