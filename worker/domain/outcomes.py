"""Outcomes of a piece of work: done, skipped with a reason, waiting with a time, or a problem with a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from worker.domain import money
from worker.domain.problems import Cause, describe
from worker.domain.work import Lane

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 5.0, 120.0
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
"""A fact in an invoice's record: it was settled by hand in NetSuite."""


@dataclass(frozen=True, slots=True)
class Record:
    """The ledger record of one code or one invoice.

    `name`: the Item's name or the invoice's number. `code`, `description`: what creating a waiting code's Item requires. `remote_id`:
    NetSuite's internal id. `at`: when the state began, and `sent_at`: when the last write may have been sent, both unix seconds of Redis'
    clock. `facts`: placeholders of the problem's sentence. `for_invoice`: an invoice needs the code, budgeted or not. `write_back_due`: the
    bill exists, and its id is not saved in Procore yet. `billed`: the digest of the data of a bill, "" if an older version created it
    (`domain/billed.py`). `seen`: when it was first recorded (unix seconds, 0 = restored from NetSuite), `by`: who requested it (the trigger
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
    def payment_due(self) -> Decimal | None:
        """An invoice's payment due in the company's base currency; None if it was not read, cannot be read, or is in another currency.

        Taken from the facts, which problems need for their sentences, so that the ledger needs no field that an older worker would not
        know.
        """
        # Bills that were made before their facts had a payment due have a total, which is the same to the cent.
        told = self.facts.get("payment_due") or self.facts.get("total")
        if not told or self.facts.get("currency"):
            return None
        try:
            return money.read(told)
        except ValueError:
            # One record that another program wrote is no reason to show nobody anything.
            return None

    @property
    def in_doubt(self) -> bool:
        """Whether a write may have been sent and is unconfirmed."""
        return self.state in IN_DOUBT

    def look_again_at(self, now: float, settled_at: float) -> float:
        """Return when an unconfirmed write is checked next: at growing intervals, and when it may be sent again."""
        step = min(max((now - self.sent_at) / 2, FIRST_LOOK_SECONDS), LONGEST_LOOK_SECONDS)
        return min(now + step, max(settled_at, now + 1))

    @property
    def unfinished(self) -> bool:
        """Whether it needs another attempt without a request."""
        return self.state is State.WAITING or self.in_doubt or self.write_back_due


class OutcomeKind(StrEnum):
    """The outcome of one attempt."""

    CREATED = "created"
    ADOPTED = "adopted"
    ALREADY = "already"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    WAITING = "waiting"


ENDED_WELL = frozenset({OutcomeKind.CREATED, OutcomeKind.ADOPTED, OutcomeKind.ALREADY, OutcomeKind.SKIPPED})


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
    """The end of one attempt, with a reason for users and Flower.

    `again_at`: for `unknown` and `waiting`, the time of the next attempt (unix seconds of Redis' clock); None if the next step of the same
    work follows. `facts`: data read of the invoice, for its record. `children`: work that waits from now on, instead of this one. `closes`:
    problems that the attempt resolved, closed together with the work's own. `missing`: codes whose Items an invoice needs before its bill;
    `counts`: numbers that a comparison has reached. Both are for the work's task.
    """

    kind: OutcomeKind
    name: str = ""
    remote_id: str = ""
    reason: str = ""
    cause: Cause | None = None
    again_at: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict, compare=False)
    children: Children | None = field(default=None, compare=False)
    closes: tuple[str, ...] = field(default=(), compare=False)
    missing: tuple[int, ...] = field(default=(), compare=False)
    counts: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def well(self) -> bool:
        """Whether nothing is left to do and no problem is open."""
        return self.kind in ENDED_WELL and self.cause is None

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


BUSY_SECONDS = 3.0


def busy(now: float, name: str = "") -> Outcome:
    """Return the outcome if another worker has the lock: retry in BUSY_SECONDS. `now`: unix seconds of Redis' clock."""
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
