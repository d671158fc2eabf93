"""What Procore's answers mean (https://developers.procore.com/documentation/error-reference).

A 404 also stands for "no read access", a 403 also for "tool disabled in this project" or "app not connected".
"""

from __future__ import annotations

import re
from typing import Any

from worker.clients.http import MAX_WAIT_SECONDS, Answer
from worker.domain.errors import (
    Blocked,
    Misconfigured,
    NoRoom,
    NotFound,
    NotPermitted,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.problems import Cause

NOT_CONNECTED = "not connected to this company"
DEEPEST_ERROR, MOST_ERRORS = 4, 20


class Unauthorized(SyncError):
    """The access token is not (or no longer) good."""


def error_of(answer: Answer) -> SyncError | None:
    """The error of an answer; None for a good one."""
    if answer.ok:
        return None
    words = f"{answer.status} {words_of(answer)}".strip()
    match answer.status:
        case 401:
            return Unauthorized(words)
        case 403 if NOT_CONNECTED in words:
            return Misconfigured(words, cause=Cause.PROCORE_LOGIN, facts={"answer": words})
        case 403:
            return NotPermitted(words)
        case 404:
            return NotFound(words)
        case 429:
            return NoRoom(words, retry_after=rate_limit_wait(answer))
        case 502 | 503 | 504:
            return Transient(words, retry_after=answer.outage_wait, down="procore")
        case 408 | 500:
            return Transient(words)
        case 400 | 406 | 409 | 422:
            return Blocked(words, cause=Cause.UNEXPECTED, facts={"answer": words})
        case _:
            return UnexpectedAnswer(f"Procore answered {words}")


def words_of(answer: Answer) -> str:
    """Procore's own words: `errors` as text, list or map, `message`, or v2's `error.message`; else the body's beginning."""
    body = answer.json_or_none()
    told = (body.get("errors") or body.get("message") or body.get("error")) if isinstance(body, dict) else None
    if isinstance(told, dict) and told.get("message"):
        # v2 has the status in it once more, and details that are often none.
        said = {name: value for name, value in told.items() if value and str(value) != str(answer.status)}
        told = said if len(said) > 1 else told["message"]
    return (answer.quote(_flat(told)) if told else "") or answer.excerpt()


def rate_limit_wait(answer: Answer) -> float | None:
    """Seconds until the rate limit of a 429 has room again: `Retry-After`, else `X-Rate-Limit-Reset`; an hour at most.

    Every answer carries the reset of its window, so of any other answer it says nothing about when to try again
    (https://developers.procore.com/documentation/rate-limiting).
    """
    if answer.retry_after is not None:
        return answer.retry_after
    reset = answer.headers.get("X-Rate-Limit-Reset", "")
    # By Procore's own clock: all workers wait for the reset that one worker reads, and that worker's clock may be an hour behind.
    sent_at = answer.sent_at if answer.sent_at is not None else answer.received_at
    if not re.fullmatch(r"[0-9]{1,12}", reset) or sent_at is None:
        return None
    return min(max(1.0, float(reset) - sent_at), MAX_WAIT_SECONDS)


def _flat(told: Any, depth: int = 0) -> str:
    """The words in whatever shape they came; what is nested deeper than any of Procore's errors is left out."""
    if isinstance(told, dict | list) and depth > DEEPEST_ERROR:
        return "…"
    if isinstance(told, dict):
        return "; ".join(f"{name}: {_flat(value, depth + 1)}" for name, value in list(told.items())[:MOST_ERRORS])
    if isinstance(told, list):
        return ", ".join(_flat(value, depth + 1) for value in told[:MOST_ERRORS])
    return str(told)
