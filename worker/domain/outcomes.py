"""How a piece of work ends: done, skipped with a reason, waiting with a time, or a problem with a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from worker.domain import money
from worker.domain.problems import Cause, describe
from worker.domain.work import Lane

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 5.0, 120.0
"""How soon a write in doubt is looked for, and how long at most until the next look."""


class State(StrEnum):
    """Where a code or an invoice stands in the ledger."""

    WAITING = "waiting"
    INTENT = "intent"
    UNKNOWN = "unknown"
    CREATED = "created"
    ADOPTED = "adopted"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


DONE = frozenset({State.CREATED, State.ADOPTED})
"""NetSuite holds the record. The ledger never goes back from here by itself."""

IN_DOUBT = frozenset({State.INTENT, State.UNKNOWN})
"""A write may have been sent: look before anything else."""


SETTLED = "settled"
"""A fact of an invoice's record: a person settled it in NetSuite, in their own way."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the ledger knows of one code or one invoice.

    `name`: the Item's name or the invoice's number. `code`, `description`: what a waiting code needs to be made. `remote_id`: NetSuite's internal id. `at`: when the state began, and
    `sent_at`: when the last write may have been sent, both unix seconds of Redis' clock. `facts` fill the problem's sentence.
    `for_invoice`: the code is needed by an invoice, budgeted or not. `write_back_due`: the bill stands, Procore does not know yet.
    `billed`: the digest of what a bill was made from, "" where an older version made it (`domain/billed.py`).
    `seen`: when it was first noted (unix seconds, 0 = restored from NetSuite), `by`: who had asked for it (the trigger of a scan or an
    export, "" for a request of its own); the ledger sets and keeps both.
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
        """NetSuite holds the record."""
        return self.state in DONE

    @property
    def ended(self) -> bool:
        """Nothing is left to do, and nothing stands in the way of it."""
        return self.done or self.state is State.SKIPPED

    @property
    def payment_due(self) -> Decimal | None:
        """Of an invoice, in the company's base currency; None where it was not read, cannot be read, or is in another currency.

        Told by the facts, where problems have it for their sentences: so the ledger needs no field that an older worker would
        not know.
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
        """A write may have been sent, and its answer is not known."""
        return self.state in IN_DOUBT

    def look_again_at(self, now: float, settled_at: float) -> float:
        """When a write in doubt is looked for again: in growing steps, and when it may be sent again."""
        step = min(max((now - self.sent_at) / 2, FIRST_LOOK_SECONDS), LONGEST_LOOK_SECONDS)
        return min(now + step, max(settled_at, now + 1))

    @property
    def unfinished(self) -> bool:
        """Somebody has to look at it again, without being asked."""
        return self.state is State.WAITING or self.in_doubt or self.write_back_due


class OutcomeKind(StrEnum):
    """What one attempt came to."""

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
    """The work that follows from a finished piece of work, in the lane `into`.

    `counts`: what the run counts of it, by field. `at`: when the children are due (unix seconds; 0 = before all that waits); None = now.
    """

    keys: Sequence[str]
    into: Lane
    counts: Mapping[str, int] = field(default_factory=dict)
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt's end, in words a person can read in Flower.

    `again_at`: for `unknown` and `waiting`, when it is looked at again (unix seconds, Redis' clock); None while the
    next step of the same work follows. `facts`: what was read of the invoice, for its record. `children`: work that waits from now on,
    instead of this one. `closes`: problems that the attempt has shown to be over, closed together with the work's own.
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

    @property
    def well(self) -> bool:
        """Nothing is left to do, and nobody has to mend anything."""
        return self.kind in ENDED_WELL and self.cause is None

    def result(self, *, noun: str) -> dict[str, str]:
        """The small dict a task returns; `noun` is `item` or `bill`."""
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
