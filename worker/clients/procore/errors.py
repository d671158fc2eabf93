"""The meaning of Procore's responses (https://developers.procore.com/documentation/error-reference).

A 404 can also mean "no read access", a 403 "tool disabled in this project" or "app not connected".
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
MAX_ERROR_DEPTH, MAX_ERRORS = 4, 20


class Unauthorized(SyncError):
    """The access token is invalid or has expired."""


def error_of(answer: Answer) -> SyncError | None:
    """Return the error of a response; None for a good one."""
    if answer.ok:
        return None
    message = f"{answer.status} {message_of(answer)}".strip()
    match answer.status:
        case 401:
            return Unauthorized(message)
        case 403 if NOT_CONNECTED in message:
            return Misconfigured(message, cause=Cause.PROCORE_LOGIN, facts={"answer": message})
        case 403:
            return NotPermitted(message)
        case 404:
            return NotFound(message)
        case 429:
            return NoRoom(message, retry_after=rate_limit_wait(answer))
        case 502 | 503 | 504:
            return Transient(message, retry_after=answer.outage_wait, down="procore")
        case 408 | 500:
            return Transient(message)
        case 400 | 406 | 409 | 422:
            return Blocked(message, cause=Cause.UNEXPECTED, facts={"answer": message})
        case _:
            return UnexpectedAnswer(f"Procore answered {message}")


def message_of(answer: Answer) -> str:
    """Return Procore's message: `errors` as text, list or map, `message`, or v2's `error.message`; else the beginning of the body."""
    body = answer.json_or_none()
    errors = (body.get("errors") or body.get("message") or body.get("error")) if isinstance(body, dict) else None
    if isinstance(errors, dict) and errors.get("message"):
        # v2 repeats the status, and its details are often empty.
        details = {name: value for name, value in errors.items() if value and str(value) != str(answer.status)}
        errors = details if len(details) > 1 else errors["message"]
    return (answer.quote(_flat(errors)) if errors else "") or answer.excerpt()


def rate_limit_wait(answer: Answer) -> float | None:
    """Return the seconds to wait before the next request, an hour at most: by `Retry-After`, else after a 429 by `X-Rate-Limit-Reset`; None if the
    response has neither.

    Every response has the reset of its window, so in any other response the reset does not mean when to retry
    (https://developers.procore.com/documentation/rate-limiting).
    """
    if answer.retry_after is not None:
        return answer.retry_after
    reset = answer.headers.get("X-Rate-Limit-Reset", "")
    # By Procore's clock: all workers use the reset that one worker reads, and that worker's clock may be an hour behind.
    sent_at = answer.sent_at if answer.sent_at is not None else answer.received_at
    if not re.fullmatch(r"[0-9]{1,12}", reset) or sent_at is None:
        return None
    return min(max(1.0, float(reset) - sent_at), MAX_WAIT_SECONDS)


def _flat(errors: Any, depth: int = 0) -> str:
    """Return errors of any shape as text, without parts that are nested deeper than in Procore's errors."""
    if isinstance(errors, dict | list) and depth > MAX_ERROR_DEPTH:
        return "…"
    if isinstance(errors, dict):
        return "; ".join(f"{name}: {_flat(value, depth + 1)}" for name, value in list(errors.items())[:MAX_ERRORS])
    if isinstance(errors, list):
        return ", ".join(_flat(value, depth + 1) for value in errors[:MAX_ERRORS])
    return str(errors)
