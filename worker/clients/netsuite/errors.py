"""The meaning of NetSuite's responses.

REST returns `USER_ERROR` for nearly every business rule, so the table matches status, code and text (ohelp/section_156570709583; texts and
codes: docs/remotes.md). The first row that matches decides. The outcome of a write with a 5xx response is unknown, because NetSuite may have
committed it before it failed. The outcome is unknown as well if the response does not come from NetSuite.

An account's profile may add refusals in its own wording, which the probe found. What a refused write is missing is in `refusals.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from worker.clients.http import Answer
from worker.clients.netsuite.refusals import RefusalPattern, known_refusals, meaning_of
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    NoRoom,
    NotFound,
    OutcomeUnknown,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.problems import Cause

GAP = "…"
"""In a shape: a part that differs between records, such as a name, a number or a date."""


class Meaning(StrEnum):
    """The known meanings of refusals."""

    ALREADY_EXISTS = "already_exists"
    PERIOD_CLOSED = "period_closed"


@dataclass(frozen=True, slots=True)
class KnownRefusal:
    """The shape of the text with which an account refused a write, and its meaning."""

    shape: str
    meaning: Meaning


def fits(shape: str, text: str) -> bool:
    """Return whether a response text has this shape."""
    return re.fullmatch(".*".join(re.escape(part) for part in shape.split(GAP)), text, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class AccountRefusals:
    """How one account words its refusals. `known`: those that the probe found; `patterns`: what refused writes are missing."""

    known: Sequence[KnownRefusal] = ()
    patterns: Sequence[RefusalPattern] = field(default_factory=known_refusals)


USUAL = AccountRefusals()
"""The wording of an account of which nothing else is known."""


class Unauthorized(SyncError):
    """401: the token is invalid, or too many requests are in progress, which NetSuite reports as 401 too."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: statuses, a pattern of `code text`, and the error."""

    statuses: range
    pattern: str
    meaning: Callable[[str], SyncError]


def _blocked(cause: Cause) -> Callable[[str], SyncError]:
    return lambda message: Blocked(message, cause=cause, facts={"answer": message})


def _misconfigured(cause: Cause) -> Callable[[str], SyncError]:
    return lambda message: Misconfigured(message, cause=cause, facts={"answer": message})


def _unexpected(message: str) -> SyncError:
    return UnexpectedAnswer(f"NetSuite answered {message}")


_ANY_4XX = range(400, 500)

TABLE: tuple[Row, ...] = (
    Row(range(401, 402), r"", Unauthorized),
    Row(range(429, 430), r"", NoRoom),
    # Too many requests at once or per minute, also with 400 and 403.
    Row(_ANY_4XX, r"SSS_REQUEST_LIMIT_EXCEEDED|CONCURRENCY_LIMIT_EXCEEDED", NoRoom),
    # A gateway that gave up waiting does not know the result, whatever else the response says.
    Row(range(408, 409), r"", OutcomeUnknown),
    # A field that the form or role does not show; the code is that of a missing permission.
    Row(_ANY_4XX, r"(?i)permissions? to set a value for (element|field)", _blocked(Cause.UNEXPECTED)),
    Row(range(403, 404), r"", _misconfigured(Cause.NETSUITE_PERMISSION)),
    Row(_ANY_4XX, r"INSUFFICIENT_PERMISSION", _misconfigured(Cause.NETSUITE_PERMISSION)),
    # A table or column that the role, or an account without the feature, does not show (SuiteQL).
    Row(
        _ANY_4XX,
        r"(Record|Field) '[^']*'( for record '[^']*')? was not found",
        _misconfigured(Cause.NETSUITE_PERMISSION),
    ),
    Row(_ANY_4XX, r"Record type '.*' does not exist", _unexpected),
    Row(_ANY_4XX, r"NONEXISTENT_ID|RCRD_DSNT_EXIST|record instance does not exist", NotFound),
    # Transactions answer 400, not 404, for an id that does not exist.
    Row(_ANY_4XX, r"Transaction type specified is incorrect", NotFound),
    Row(
        _ANY_4XX,
        r"DUP_ITEM|DUP_RCRD|DUP_TRANS|ITEM_NAME_MUST_BE_UNIQUE|ITEM_NOT_UNIQUE|CANT_CREATE_NON_UNIQUE_RCRD"
        r"|Uniqueness error|already exists|already been (used|entered)|duplicate (document )?number"
        # The first of two writes was still being committed when the second arrived.
        r"|RCRD_HAS_BEEN_CHANGED|[Rr]ecord has been changed",
        AlreadyExists,
    ),
    Row(
        _ANY_4XX,
        # The last two are from real accounts (docs/remotes.md, refusals).
        r"CLOSED_TRAN_PRD|INVALID_PERIOD|(?i:period .*(closed|locked)|transactions in a closed period"
        r"|not within the date range of your accounting period)",
        _blocked(Cause.PERIOD_CLOSED),
    ),
    Row(range(400, 401), r"", _blocked(Cause.UNEXPECTED)),
    Row(range(409, 410), r"", AlreadyExists),
    Row(range(422, 423), r"", _blocked(Cause.UNEXPECTED)),
    Row(range(500, 600), r"", OutcomeUnknown),
    Row(range(100, 1000), r"", _unexpected),
)


_KNOWN: Mapping[Meaning, Callable[[str], SyncError]] = {
    Meaning.ALREADY_EXISTS: AlreadyExists,
    Meaning.PERIOD_CLOSED: _blocked(Cause.PERIOD_CLOSED),
}


def error_of(answer: Answer, *, writes: bool, refusals: AccountRefusals = USUAL) -> SyncError | None:
    """Return the error of a response; None for a good one. `refusals`: the account's own wording."""
    if answer.ok:
        return None
    message = message_of(answer)
    row = next(row for row in TABLE if answer.status in row.statuses and re.search(row.pattern, message))
    error = row.meaning(message)
    if isinstance(error, Blocked) and error.cause is Cause.UNEXPECTED:
        error = next(
            (_KNOWN[refusal.meaning](message) for refusal in refusals.known if fits(refusal.shape, message)), error
        )
    error = _of_a_write(error, answer, message) if writes else _of_a_read(error, answer, message)
    if writes and isinstance(error, Blocked) and error.cause is Cause.UNEXPECTED:
        error = _understood(error, answer, refusals.patterns)
    if isinstance(error, NoRoom):
        error.retry_after = answer.retry_after
    elif isinstance(error, Transient):
        error.retry_after = answer.outage_wait
    return error


def _of_a_write(error: SyncError, answer: Answer, message: str) -> SyncError:
    """Return the error of a failed write. Every other 4xx is a refusal too; a refusal that names a field is about the record, not the role. Any
    other response, such as a redirect, leaves the result unknown.
    """
    if isinstance(error, Misconfigured) and _names_a_field(answer):
        return _blocked(Cause.UNEXPECTED)(message)
    if not isinstance(error, NotFound | UnexpectedAnswer):
        return error
    return _blocked(Cause.UNEXPECTED)(message) if answer.status in _ANY_4XX else OutcomeUnknown(message)


def _understood(error: Blocked, answer: Answer, patterns: Sequence[RefusalPattern]) -> Blocked:
    """Return the refusal with the cause and facts of its first detail that has a known text. `path`: the property that NetSuite names."""
    for detail in _details(answer):
        meaning = meaning_of(f"{_text(detail, 'o:errorCode')} {_text(detail, 'detail')}", patterns)
        if meaning:
            cause, facts = meaning
            return Blocked(
                str(error), cause=cause, facts={**error.facts, **facts, "path": _text(detail, "o:errorPath")}
            )
    return error


def _of_a_read(error: SyncError, answer: Answer, message: str) -> SyncError:
    """Return the error of a failed read, which can be repeated. "Already exists" in its response is part of a quoted name."""
    if isinstance(error, OutcomeUnknown):
        return Transient(message, down="netsuite" if answer.status in (502, 503, 504) else "")
    return _blocked(Cause.UNEXPECTED)(message) if isinstance(error, AlreadyExists) else error


def _names_a_field(answer: Answer) -> bool:
    """Return whether the refusal names a field or line (`o:errorPath`)."""
    return any(_text(detail, "o:errorPath") for detail in _details(answer))


def _details(answer: Answer) -> list[Any]:
    body = answer.json_or_none()
    details = body.get("o:errorDetails") if isinstance(body, dict) else None
    return details[:20] if isinstance(details, list) else []


def message_of(answer: Answer) -> str:
    """Return `status CODE text` of every detail, or the beginning of the body if a gateway responded instead of NetSuite."""
    texts = [f"{_text(detail, 'o:errorCode')} {_text(detail, 'detail')}".strip() for detail in _details(answer)]
    message = answer.quote("; ".join(text for text in texts if text), most=400) or answer.excerpt()
    return f"{answer.status} {message}".strip()


def _text(detail: Any, name: str) -> str:
    value = detail.get(name) if isinstance(detail, dict) else None
    return value if isinstance(value, str) else ""
