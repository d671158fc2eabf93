"""Errors by what they mean for the work. `clients/*/errors.py` chooses the error of each response.

The message is the first argument, facts are keyword-only with defaults: Celery can pickle such an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from worker.domain.problems import Cause


class SyncError(Exception):
    """Base class of all expected errors."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class Transient(SyncError):
    """Nothing was done, and a retry may succeed. `retry_after`: seconds, if the remote named them.

    `down`: the remote (`procore`, `netsuite`) that seems to be down as a whole, so that other work is not tried either; "" for none.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None, down: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.down = down


class NoRoom(Transient):
    """Nothing was done, because the gate, a rate limit or the remote had no room in time. It does not count as an attempt."""


class SeriesStopped(SyncError):
    """Nothing was done, because writing this kind of record is stopped until a user continues the series."""


class OutcomeUnknown(SyncError):
    """A write was sent and its response did not arrive: the record may exist, may still be created, or neither. Query the remote first."""


class AlreadyExists(SyncError):
    """The remote already has a record with this identity or name. Not a failure: look the record up."""


class NotFound(SyncError):
    """The remote reports that the record does not exist, or that wbs-sync may not see it."""


class NotPermitted(SyncError):
    """The app or role has no permission on this project or record. Other work continues."""


class Blocked(SyncError):
    """A user has to change something first: `cause`, with the `facts` of its sentence. `payment_due`: of the invoice, for its record."""

    def __init__(
        self, message: str = "", *, cause: Cause = Cause.UNEXPECTED, facts: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.facts = dict(facts or {})
        self.payment_due: Decimal | None = None


class Misconfigured(SyncError):
    """No work of this kind can succeed until credentials, permissions or settings are fixed: it is paused, with one problem.

    `scope`: the missing permission (`worker.domain.scopes`); "" for the whole remote of `cause`.
    """

    def __init__(
        self,
        message: str = "",
        *,
        cause: Cause = Cause.UNEXPECTED,
        facts: Mapping[str, str] | None = None,
        scope: str = "",
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.facts = dict(facts or {})
        self.scope = scope


class UnexpectedAnswer(SyncError):
    """A response that is in no error table: a bug in wbs-sync, or a change of the remote. The work becomes a problem and is kept."""
