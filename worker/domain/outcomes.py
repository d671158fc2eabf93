"""Records of codes and invoices in the ledger, and outcomes of attempts: done, skipped, waiting until a time, or a problem with a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from worker.domain import money
from worker.domain.problems import Cause, describe
from worker.domain.work import Lane

FIRST_CHECK_SECONDS, MAX_CHECK_SECONDS = 5.0, 120.0
"""Seconds until the first check of an unconfirmed write, and the maximum between two checks."""


class State(StrEnum):
    """The state of a code or an invoice in the ledger."""

    WAITING = "waiting"
    INTENT = "intent"
    UNKNOWN = "unknown"
    CREATED = "created"
    ADOPTED = "adopted"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


DONE = frozenset({State.CREATED, State.ADOPTED})
"""States in which NetSuite has the record. The ledger never leaves them automatically."""

IN_DOUBT = frozenset({State.INTENT, State.UNKNOWN})
"""States in which a write may have been sent: check NetSuite before anything else."""

SETTLED = "settled"
"""Name of the fact in an invoice's record that it was settled by hand in NetSuite."""


@dataclass(frozen=True, slots=True)
class Record:
    """The ledger record of one code or one invoice.

    `name`: the Item's name or the invoice's number. `code`, `description`: what creating a waiting code's Item requires. `remote_id`:
    NetSuite's internal id. `at`: when the state began, and `sent_at`: when the last write may have been sent, both unix seconds of Redis'
    clock. `facts`: placeholders of the problem's sentence. `for_invoice`: an invoice needs the code, budgeted or not. `write_back_due`: the
    bill exists, and its id is not saved in Procore yet. `payment_due`: of an invoice, in the company's base currency; None if it was not
    read or is in another currency. `billed`: the digest of the data of a bill, "" if an older version created it
    (`billed_digest`). `seen`: when it was first recorded (unix seconds, 0 = restored from NetSuite), `by`: who requested it (the trigger
    of a scan or an export, "" for a separate request); the ledger sets and keeps both.
    """

    state: State
    name: str = ""
    remote_id: str = ""
    at: float = 0
    sent_at: float = 0
    attempts: int = 0
    code: str = ""
    description: str = ""
    cause: Cause | None = None
    detail: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    payment_due: Decimal | None = None
    for_invoice: bool = False
    write_back_due: bool = False
    fence: int = 0
    billed: str = ""
    seen: int = field(default=0, compare=False)
    by: str = field(default="", compare=False)

    @property
    def done(self) -> bool:
        """Whether NetSuite has the record."""
        return self.state in DONE

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do, and nothing blocks it."""
        return self.done or self.state is State.SKIPPED

    @property
    def in_doubt(self) -> bool:
        """Whether a write may have been sent and is unconfirmed."""
        return self.state in IN_DOUBT

    def next_check_at(self, now: float, settled_at: float) -> float:
        """Return when an unconfirmed write is checked next (unix seconds): at growing intervals, and at `settled_at`, when it may be sent again."""
        step = min(max((now - self.sent_at) / 2, FIRST_CHECK_SECONDS), MAX_CHECK_SECONDS)
        return min(now + step, max(settled_at, now + 1))

    @property
    def unfinished(self) -> bool:
        """Whether it needs another attempt without a request."""
        return self.state is State.WAITING or self.in_doubt or self.write_back_due


def stored_due(text: str | None, facts: Mapping[str, str]) -> Decimal | None:
    """Return the payment due of a stored record, None if it has none that can be read.

    `text`: its field. A record of version 0.1.0 has no such field, and has the amount only in its facts, formatted for sentences: the payment
    due or, in an early record, the total of its bill, which is equal to the cent.
    """
    earlier = "" if facts.get("currency") else facts.get("payment_due") or facts.get("total") or ""
    try:
        return money.exact(text) if text else money.read(earlier)
    except ValueError:
        return None


class OutcomeKind(StrEnum):
    """The outcome of one attempt."""

    CREATED = "created"
    ADOPTED = "adopted"
    ALREADY = "already"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    WAITING = "waiting"


COMPLETE = frozenset({OutcomeKind.CREATED, OutcomeKind.ADOPTED, OutcomeKind.ALREADY, OutcomeKind.SKIPPED})
"""Outcomes after which nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Children:
    """Work that follows from a finished piece of work, in the lane `into`.

    `counts`: numbers for the run, by field. `at`: when the children are due (unix seconds; 0 = before all waiting work); None = now.
    """

    keys: Sequence[str]
    into: Lane
    counts: Mapping[str, int] = field(default_factory=dict)
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt, with a reason for users and Flower.

    `again_at`: for `unknown` and `waiting`, the time of the next attempt (unix seconds of Redis' clock); None if the next step of the same
    work follows. `facts`, `payment_due`: data read of the invoice, for its record. `children`: work that waits from now on, instead of this
    work. `closes`: problems that the attempt resolved, closed together with the work's own. `missing`: codes whose Items an invoice needs
    before its bill; `counts`: numbers that a comparison has reached. Both are for the work's task.
    """

    kind: OutcomeKind
    name: str = ""
    remote_id: str = ""
    reason: str = ""
    cause: Cause | None = None
    again_at: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict, compare=False)
    payment_due: Decimal | None = field(default=None, compare=False)
    children: Children | None = field(default=None, compare=False)
    closes: tuple[str, ...] = field(default=(), compare=False)
    missing: tuple[int, ...] = field(default=(), compare=False)
    counts: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do and no problem is open."""
        return self.kind in COMPLETE and self.cause is None

    def result(self, *, noun: str) -> dict[str, str]:
        """Return the small dict that a task returns; `noun` is `item` or `bill`."""
        result = {"outcome": self.kind.value}
        if self.name:
            result[noun] = self.name
        if self.remote_id:
            result[f"{noun}_id"] = self.remote_id
        if self.cause:
            result["cause"] = self.cause.value
        if self.reason:
            result["reason"] = self.reason
        return result


NOT_STARTED = Outcome(OutcomeKind.WAITING, reason="no worker has started it yet")
"""The outcome of work that was requested and has no record yet."""
BUSY_SECONDS = 3.0
"""Seconds after which work is tried again whose record is locked by another worker."""


def busy(now: float, name: str = "") -> Outcome:
    """Return the outcome of work whose record is locked by another worker. `now`: unix seconds of Redis' clock."""
    return Outcome(OutcomeKind.WAITING, name, reason="another worker is processing it", again_at=now + BUSY_SECONDS)


def outcome_of(record: Record) -> Outcome:
    """Return the state of a ledger record as the outcome of an attempt that had nothing left to do."""
    if record.done:
        return Outcome(OutcomeKind.ALREADY, record.name, record.remote_id)
    if record.state is State.BLOCKED and record.cause:
        reason = describe(record.cause, record.facts).sentence
        return Outcome(OutcomeKind.BLOCKED, record.name, record.remote_id, reason, record.cause)
    if record.state is State.SKIPPED:
        return Outcome(OutcomeKind.SKIPPED, record.name, reason=record.detail)
    kind = OutcomeKind.UNKNOWN if record.in_doubt else OutcomeKind.WAITING
    return Outcome(kind, record.name, reason=record.detail)
