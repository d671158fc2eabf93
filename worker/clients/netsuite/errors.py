"""What NetSuite's answers mean.

Codes are coarse over REST (`USER_ERROR` for nearly every business rule), so the table reads status, code and text
(ohelp/section_156570709583; texts and codes: docs/remotes.md). The first row that fits decides. A write answered with 5xx is
of unknown outcome: NetSuite may have committed before it failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from worker.clients.http import Answer
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.problems import Cause


class Unauthorized(SyncError):
    """401: the token is not good, or (in disguise) too many requests are in flight."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: statuses, a pattern over `code text`, and what it means."""

    statuses: range
    pattern: str
    meaning: Callable[[str], SyncError]


def _blocked(cause: Cause) -> Callable[[str], SyncError]:
    return lambda words: Blocked(words, cause=cause, facts={"answer": words})


def _misconfigured(cause: Cause) -> Callable[[str], SyncError]:
    return lambda words: Misconfigured(words, cause=cause, facts={"answer": words})


_ANY_4XX = range(400, 500)

TABLE: tuple[Row, ...] = (
    Row(range(401, 402), r"", Unauthorized),
    Row(range(429, 430), r"", Transient),
    Row(range(403, 404), r"", _misconfigured(Cause.NETSUITE_PERMISSION)),
    Row(_ANY_4XX, r"INSUFFICIENT_PERMISSION", _misconfigured(Cause.NETSUITE_PERMISSION)),
    Row(_ANY_4XX, r"Record type '.*' does not exist", UnexpectedAnswer),
    Row(_ANY_4XX, r"NONEXISTENT_ID|RCRD_DSNT_EXIST|record instance does not exist", NotFound),
    # Transactions answer 400, not 404, for an id that does not exist.
    Row(_ANY_4XX, r"Transaction type specified is incorrect", NotFound),
    Row(
        _ANY_4XX,
        r"DUP_ITEM|DUP_RCRD|DUP_TRANS|ITEM_NAME_MUST_BE_UNIQUE|ITEM_NOT_UNIQUE|CANT_CREATE_NON_UNIQUE_RCRD"
        r"|Uniqueness error|already exists|already been (used|entered)|duplicate (document )?number"
        # The first write of ours was still committing when the second came.
        r"|RCRD_HAS_BEEN_CHANGED|[Rr]ecord has been changed",
        AlreadyExists,
    ),
    Row(_ANY_4XX, r"CLOSED_TRAN_PRD|INVALID_PERIOD|period .*(closed|locked)", _blocked(Cause.PERIOD_CLOSED)),
    Row(range(408, 409), r"", OutcomeUnknown),
    Row(range(400, 401), r"", _blocked(Cause.UNEXPECTED)),
    Row(range(409, 410), r"", AlreadyExists),
    Row(range(422, 423), r"", _blocked(Cause.UNEXPECTED)),
    Row(range(500, 600), r"", OutcomeUnknown),
    Row(range(100, 1000), r"", UnexpectedAnswer),
)


def error_of(answer: Answer, *, writes: bool) -> SyncError | None:
    """The error of an answer; None for a good one. For a read, "outcome unknown" is only "not now"."""
    if answer.ok:
        return None
    words = words_of(answer)
    row = next(row for row in TABLE if answer.status in row.statuses and re.search(row.pattern, words))
    error = row.meaning(words)
    if isinstance(error, OutcomeUnknown) and not writes:
        error = Transient(words, down="netsuite" if answer.status in (502, 503, 504) else "")
    if isinstance(error, Transient):
        after = answer.headers.get("Retry-After", "")
        error.retry_after = float(after) if after.isdigit() else None
    return error


def words_of(answer: Answer) -> str:
    """`status CODE text` of every detail; the body's beginning where a gateway answered instead of NetSuite."""
    body = answer.json_or_none()
    details = body.get("o:errorDetails") if isinstance(body, dict) else None
    if not isinstance(details, list):
        return f"{answer.status} {answer.excerpt()}".strip()
    told = [
        f"{detail.get('o:errorCode', '')} {detail.get('detail', '')}".strip() for detail in details if _is_map(detail)
    ]
    return f"{answer.status} {'; '.join(told)}"[:400]


def _is_map(detail: Any) -> bool:
    return isinstance(detail, dict)
