"""What a remote's answer means for the work. Classified once, where the answer is read (`clients/*/errors.py`).

Message first, facts keyword-only with defaults: this shape survives Celery's pickling of exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from worker.domain.problems import Cause


class SyncError(Exception):
    """Base of everything that may go wrong in a known way."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class Transient(SyncError):
    """Nothing was done and it may work later. `retry_after`: seconds, when the remote named them.

    `down`: the remote (`procore`, `netsuite`) that as a whole seems not to answer as it should, so other work need not try either.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None, down: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.down = down


class NoRoom(Transient):
    """Nothing was done: the gate, a rate limit or the remote had no room in time. It counts as no attempt."""


class SeriesStopped(SyncError):
    """Nothing was done: no more records of this kind are written until a person continues their series."""


class OutcomeUnknown(SyncError):
    """A write was sent and its answer did not come: it may stand, may come to stand, or may not. Look before anything else."""


class AlreadyExists(SyncError):
    """The remote holds a record of this identity or name already. A success path: look it up."""


class NotFound(SyncError):
    """The remote says that the record does not exist (or that we may not see it)."""


class NotPermitted(SyncError):
    """The app or role may not do this on this one project or record; other work goes on."""


class Blocked(SyncError):
    """A person has to change something first. `cause` names what, `facts` fill its sentence. `payment_due`: of the invoice, for its record."""

    def __init__(
        self, message: str = "", *, cause: Cause = Cause.UNEXPECTED, facts: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.facts = dict(facts or {})
        self.payment_due: Decimal | None = None


class Misconfigured(SyncError):
    """Nothing of this kind can work until credentials, permissions or settings are fixed: pause that work, report it once.

    `scope`: the permission that is missing (`worker.domain.scopes`); "" = the whole remote that `cause` is about.
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
    """The remote answered something that is in no table: a bug of ours or news of theirs. Fails visibly, keeps its work."""
