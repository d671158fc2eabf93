"""What Procore's answers mean (https://developers.procore.com/documentation/error-reference).

A 404 also stands for "no read access", a 403 also for "tool disabled in this project" or "app not connected".
"""

from __future__ import annotations

import time
from typing import Any

from worker.clients.http import Answer
from worker.domain.errors import Blocked, Misconfigured, NotFound, NotPermitted, SyncError, Transient, UnexpectedAnswer
from worker.domain.problems import Cause

NOT_CONNECTED = "not connected to this company"


class Unauthorized(SyncError):
    """The access token is not (or no longer) good."""


def error_of(answer: Answer) -> SyncError | None:
    """The error of an answer; None for a good one."""
    words = f"{answer.status} {words_of(answer)}".strip()
    match answer.status:
        case status if 200 <= status < 300:
            return None
        case 401:
            return Unauthorized(words)
        case 403 if NOT_CONNECTED in words:
            return Misconfigured(words, cause=Cause.PROCORE_LOGIN, facts={"answer": words})
        case 403:
            return NotPermitted(words)
        case 404:
            return NotFound(words)
        case 429:
            return Transient(words, retry_after=wait_of(answer))
        case 502 | 503 | 504:
            return Transient(words, retry_after=wait_of(answer), down="procore")
        case 408 | 500:
            return Transient(words)
        case 400 | 406 | 409 | 422:
            return Blocked(words, cause=Cause.UNEXPECTED, facts={"answer": words})
        case _:
            return UnexpectedAnswer(words)


def words_of(answer: Answer) -> str:
    """Procore's own words: `errors` as text, list or map, `message`, or v2's `error.message`; else the body's beginning."""
    body = answer.json_or_none()
    if not isinstance(body, dict):
        return answer.excerpt()
    told = body.get("errors") or body.get("message") or body.get("error")
    return _flat(told) if told else answer.excerpt()


def wait_of(answer: Answer) -> float | None:
    """Seconds until Procore takes requests again: `Retry-After` (503) or `X-Rate-Limit-Reset` (429), whichever is sent."""
    after, reset = answer.headers.get("Retry-After", ""), answer.headers.get("X-Rate-Limit-Reset", "")
    if after.isdigit():
        return float(after)
    # Reset is a moment on Procore's clock; ours may differ, so never wait less than a second for it.
    return max(1.0, float(reset) - time.time()) if reset.isdigit() else None


def _flat(told: Any) -> str:
    if isinstance(told, dict):
        return "; ".join(f"{name}: {_flat(value)}" for name, value in told.items())[:300]
    if isinstance(told, list):
        return ", ".join(_flat(value) for value in told)[:300]
    return str(told)[:300]
