"""Creates at most one NetSuite record per code or invoice, whatever fails at any moment.

The steps, each of which may be the last one before a process dies:

1. **Lock.** One holder at a time works on a key; the ledger record is read as the lock is taken. A record that is done ends here.
2. **Check.** An *unconfirmed* write is looked up before anything else; if it is found, it is recorded.
3. **Settle.** Nothing is sent again before the settle time after the unconfirmed write has passed, nor before the settle time after a
   loss of the ledger: until then, NetSuite may still show what was sent.
4. **Intent.** As the request leaves, the ledger records the intent, under the lock as it is then. A lost lock, a later holder (with a
   higher fence) or a clock that shows a pause prevents the request. A later holder finds the intent and starts with step 2.
5. **Create.** A response is recorded. A rejection leaves the record as it was. Without a response, it is unconfirmed.
6. **Cap.** After five unconfirmed writes, it becomes a problem.

In addition, NetSuite enforces unique external ids; this does not cover a record entered by hand, and its searches may lag behind its
writes. docs/decisions/0003-exactly-once.md describes what no client can rule out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    NoRoom,
    OutcomeUnknown,
    SeriesStopped,
    Transient,
)
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, busy, outcome_of
from worker.domain.policy import Policy
from worker.domain.series import Series
from worker.engine.series_refusals import SeriesRefusals
from worker.engine.systematic_differences import SystematicDifferences
from worker.store.locks import Lock
from worker.store.stores import Stores

MAX_WRITES = 5
LEDGER_IS_YOUNG = "waiting before the write, because Redis is new, or was lost or restarted"

FoundT = TypeVar("FoundT")


class Candidate(Protocol[FoundT]):
    """The record that one code or invoice needs in NetSuite, for one attempt."""

    @property
    def key(self) -> CodeKey | InvoiceKey:
        """The key of the code or invoice."""
        ...

    @property
    def name(self) -> str:
        """The Item's name or the invoice's number."""
        ...

    @property
    def series(self) -> Series:
        """The series of the record."""
        ...

    @property
    def waiting(self) -> Record:
        """The ledger record, or the one to write, while nothing is sent."""
        ...

    def look_up(self, sent: Record | None, *, exists: bool = False) -> FoundT | None:
        """Find the record in NetSuite: one with the wbs-sync external id, or one that may be adopted. Raises Blocked if another record is in
        the way.

        `sent`: an earlier write that may have created it; None if nothing was sent. `exists`: NetSuite reported that there is one.
        """
        ...

    def same(self, found: FoundT, sent: Record | None) -> bool:
        """Return whether a record was created by wbs-sync; if not, it is one to adopt. Raises Blocked if it is neither."""
        ...

    def reserve(self) -> Outcome | None:
        """Claim what the record needs exclusively; return an outcome if another record comes first. Raises Blocked, SeriesStopped."""
        ...

    def create(self, leaving: Callable[[], None]) -> FoundT:
        """Create the record. `leaving` is called each time just before the request leaves, and prevents it by raising."""
        ...

    def accept(self, found: FoundT, *, ours: bool, sent: Record | None = None, created: bool = False) -> Outcome:
        """Record what NetSuite has. `created`: this attempt created it, and NetSuite confirmed it."""
        ...

    def given_up(self, record: Record) -> Blocked:
        """Return the problem of a record that none of its writes has created."""
        ...


@dataclass(frozen=True, slots=True)
class ExactlyOnce:
    """Creates records in NetSuite by the steps above."""

    stores: Stores
    policy: Policy
    differences: SystematicDifferences
    refusals: SeriesRefusals

    def locked(
        self, key: CodeKey | InvoiceKey, name: str, attempt: Callable[[Record | None, Lock], Outcome]
    ) -> Outcome:
        """Make an attempt under the lock of its key; return the outcome if another process holds it, or if nothing is left to do."""
        with self.stores.locks.hold(str(key), reads=self.stores.ledger.place(key)) as lock:
            if lock is None:
                return busy(self.stores.now(), name)
            record = self.stores.ledger.read_with(lock)
            return outcome_of(record) if record and record.done else attempt(record, lock)

    def make(self, candidate: Candidate[FoundT], record: Record | None, lock: Lock) -> Outcome:
        """Adopt the existing record, or create it. `record`: the ledger record.

        Raises Blocked if a user has to decide, Transient and Misconfigured if nothing was sent.
        """
        sent = record if record and record.in_doubt else None
        unsettled = sent is not None and self.is_unsettled(sent, lock)
        if taken := self._take(candidate, sent, unsettled=unsettled):
            return taken
        if sent and unsettled:
            return self.look_later(candidate.key, sent, lock)
        return self._create(candidate, record, lock)

    def _take(self, candidate: Candidate[FoundT], sent: Record | None, *, unsettled: bool) -> Outcome | None:
        """Record the one that NetSuite has; return None if it has none that may be recorded now."""
        found = candidate.look_up(sent)
        if found is None:
            return None
        ours = candidate.same(found, sent)
        # One that a person made is not adopted while ours may still appear: ours would never be looked up again.
        return candidate.accept(found, ours=ours, sent=sent) if ours or not unsettled else None

    def is_unsettled(self, record: Record, lock: Lock) -> bool:
        """Return whether an unconfirmed write may still appear in NetSuite."""
        return record.in_doubt and lock.until(record.sent_at + self.policy.settle_seconds) > 0

    def look_later(self, key: CodeKey | InvoiceKey, sent: Record, lock: Lock) -> Outcome:
        """Check an unconfirmed write again; nothing is sent before the settle time has passed."""
        noun = "Item" if isinstance(key, CodeKey) else "bill"
        reason = sent.detail or f"an earlier write was interrupted; checking NetSuite for its {noun}"
        again_at = sent.next_check_at(lock.now(), sent.sent_at + self.policy.settle_seconds)
        self.stores.ledger.journal.add(key, AuditEvent(EventKind.CHECKED, {"sent": str(int(sent.at))}, again_at))
        return Outcome(OutcomeKind.UNKNOWN, sent.name, reason=reason, again_at=again_at)

    def refused(self, series: Series, key: CodeKey | InvoiceKey, name: str, error: Blocked) -> Outcome | None:
        """Return the outcome of a refused record that waits because its series is stopped; None for one that has a separate problem."""
        return self.pause(series, key, name) if self.refusals.note(series, key, error) else None

    def pause(self, series: Series, key: CodeKey | InvoiceKey, name: str) -> Outcome:
        """Return the outcome of a record whose series is stopped: it waits."""
        paused = self.differences.pause(series, key, name)
        event = AuditEvent(EventKind.PAUSED, {"why": paused.reason}, paused.again_at or 0)
        self.stores.ledger.journal.add(key, event)
        return paused

    def _create(self, candidate: Candidate[FoundT], record: Record | None, lock: Lock) -> Outcome:
        """Record the intent, send the request, record the result. Every exit leaves the ledger correct."""
        if record and record.attempts >= MAX_WRITES:
            raise candidate.given_up(record)
        if held_back_until := lock.held_back_until(self.policy.settle_seconds):
            self.stores.ledger.journal.add(candidate.key, AuditEvent(EventKind.SETTLING, again_at=held_back_until))
            return Outcome(OutcomeKind.WAITING, candidate.name, reason=LEDGER_IS_YOUNG, again_at=held_back_until)
        waiting = replace(candidate.waiting, attempts=record.attempts if record else 0, fence=lock.fence)
        intents = [waiting]
        try:
            if other_first := candidate.reserve():
                return replace(other_first, name=candidate.name)
            made = candidate.create(lambda: intents.append(self._intend(candidate.key, waiting, lock)))
        except AlreadyExists as error:
            return self._already_exists(candidate, replace(intents[-1], detail=str(error)), waiting, lock)
        except OutcomeUnknown as error:
            unknown = self._unconfirmed(candidate.key, intents[-1], lock, str(error))
            taken = self._take(candidate, unknown, unsettled=True)
            return taken or self.look_later(candidate.key, unknown, lock)
        except SeriesStopped:
            if len(intents) > 1 or (record and record.state is State.BLOCKED):
                self.stores.ledger.write(candidate.key, waiting)
            return self.pause(candidate.series, candidate.key, candidate.name)
        except Transient:
            # Nothing was sent: the record is as if this had not been tried, unconfirmed if an earlier write left it so.
            self.stores.ledger.write(
                candidate.key, replace(record, fence=lock.fence) if record and record.in_doubt else waiting
            )
            raise
        except (Blocked, Misconfigured):
            # NetSuite refused it. An earlier write is settled by now and was looked up, so nothing is unconfirmed now.
            self.stores.ledger.write(candidate.key, waiting)
            raise
        return candidate.accept(made, ours=candidate.same(made, None), created=True)

    def _intend(self, key: CodeKey | InvoiceKey, waiting: Record, lock: Lock) -> Record:
        """Record that the write leaves now. Raises NoRoom if this process may no longer write by its lock or the ledger, SeriesStopped."""
        now = lock.now()
        intent = replace(waiting, state=State.INTENT, at=now, sent_at=now, attempts=waiting.attempts + 1, detail="")
        if not self.stores.ledger.intend(key, intent, lock):
            raise NoRoom("the lock was lost, or the process was suspended, before the write")
        return intent

    def _already_exists(self, candidate: Candidate[FoundT], intent: Record, waiting: Record, lock: Lock) -> Outcome:
        """Record that NetSuite created nothing because it has one already. If that one is not visible yet, it is unconfirmed like any other write."""
        self.stores.ledger.journal.add(candidate.key, AuditEvent(EventKind.ALREADY_EXISTS, {"answer": intent.detail}))
        try:
            found = candidate.look_up(intent, exists=True)
            if found is not None:
                return candidate.accept(found, ours=candidate.same(found, None))
        except Blocked:
            self.stores.ledger.write(candidate.key, waiting)
            raise
        unknown = replace(intent, state=State.UNKNOWN)
        self.stores.ledger.write(candidate.key, unknown)
        return self.look_later(candidate.key, unknown, lock)

    def _unconfirmed(self, key: CodeKey | InvoiceKey, intent: Record, lock: Lock, answer: str) -> Record:
        """Record that no response came. The settle time starts when the request was given up."""
        unknown = replace(intent, state=State.UNKNOWN, sent_at=lock.now(), detail=answer)
        self.stores.ledger.write(key, unknown)
        return unknown
