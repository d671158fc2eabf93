"""Settles attempts: their work ends, waits for another attempt, or becomes a problem."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from redis.exceptions import RedisError

from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.errors import SyncError
from worker.domain.outcomes import Outcome, OutcomeKind, Record, busy
from worker.domain.problems import Cause, describe
from worker.domain.work import Lane, WorkKey
from worker.store.connection import why
from worker.store.lanes import Taken
from worker.store.stores import Stores

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 12
LONGEST_BACK_OFF_SECONDS = 120.0
LONGEST_DOUBT_SECONDS = 1800.0
"""Maximum seconds until the next look-up of an unconfirmed write that could not be looked up. It is looked up until its result is known."""
RUN_WAITS_SECONDS = 60.0
"""Seconds ahead beyond which a run does not wait for scheduled work: it counts the work as waiting or unknown and ends."""
MAX_DEATHS = 5
"""Number of workers that may die or stall while processing a work; after that it is dispatched to no further worker."""
DIED = "the worker died or stalled in every attempt, without reporting an error"
"""What a problem says instead of a remote's response if workers died with the work."""
JUST_RECORDED = (OutcomeKind.CREATED, OutcomeKind.ADOPTED)
"""Outcomes that closed their problem in the step that recorded them."""
REDIS_SECONDS = 3.0
"""Minimum seconds until work is retried after Redis did not respond or rejected a command."""


def back_off(failures: int) -> tuple[float, float]:
    """Return the minimum and maximum seconds to wait after this many failures: doubling up to two minutes, apart to avoid retry storms."""
    longest = min(2.0**failures, LONGEST_BACK_OFF_SECONDS)
    return longest / 2, longest


@dataclass
class LaneBatch:
    """The works of one lane that a thread runs one after the other, without a message for each.

    `may_continue`: returns whether to take another after an outcome; `limit`: how many works of the lane may be in progress then. `next`: the work
    taken.
    """

    may_continue: Callable[[Outcome], bool]
    limit: Callable[[], int]
    next: Taken | None = None

    def limit_after(self, outcome: Outcome) -> int:
        """Return how many works may be in progress when the next one is taken; 0 = take none."""
        return self.limit() if self.may_continue(outcome) else 0

    def pop(self) -> Taken | None:
        """Return the work taken, once."""
        taken, self.next = self.next, None
        return taken


@dataclass(frozen=True, slots=True)
class Settlement:
    """Settles the attempts of this thread in their lanes, and records their problems."""

    stores: Stores

    def complete(self, key: WorkKey, outcome: Outcome, batch: LaneBatch | None = None) -> None:
        """Settle an attempt that raised nothing, and close the problems that it resolved."""
        if outcome.kind not in JUST_RECORDED and (
            outcome.is_complete or outcome.closes or key.lane in (Lane.SCANS, Lane.LISTINGS)
        ):
            # Also problems of earlier attempts that failed before they reached the record. Scanning a project has no record: what it finds
            # has separate problems.
            self.stores.ledger.resolve(str(key), *outcome.closes)
        self.settle(key, outcome, batch)

    def settle(self, key: WorkKey, outcome: Outcome, batch: LaneBatch | None = None) -> None:
        """Close the work together with what follows from it, or schedule it for the outcome's time. If a waiting outcome has no time, the task
        sends the message of its next step; if that message does not arrive in time, the work is dispatched again.
        """
        text, lane = str(key), key.lane
        limit = batch.limit_after(outcome) if batch else 0
        taken: Taken | None = None
        if outcome.children is not None:
            taken = self.stores.work.spawn(text, lane, outcome.children, limit=limit)
        elif outcome.kind not in (OutcomeKind.WAITING, OutcomeKind.UNKNOWN):
            taken = self.stores.work.close(lane, text, outcome.kind, limit=limit)
        elif outcome.again_at is None:
            self.stores.work.hand_over(lane, text)
        else:
            # A run that has not listed its projects yet has not begun: it waits for that, however long it takes.
            far = key.ids and outcome.again_at - self.stores.now() > RUN_WAITS_SECONDS
            self.stores.work.postpone(lane, text, at=outcome.again_at, outcome=outcome.kind if far else None)
        if batch and taken:
            self._continue(batch, taken, lane)

    def _continue(self, batch: LaneBatch, taken: Taken, lane: Lane) -> None:
        if not WorkKey.known(taken.key):
            # Claimed until it is overdue, and then dispatched again: to a worker of a newer version, sooner or later.
            self.stores.work.hand_over(lane, taken.key)
        elif self.may_begin(taken):
            batch.next = taken

    def may_begin(self, taken: Taken) -> bool:
        """Return whether to start work that was just taken. Work that repeatedly took down its workers becomes a problem instead."""
        if taken.deaths <= MAX_DEATHS:
            return True
        self.give_up(WorkKey.parse(taken.key), taken.deaths)
        return False

    def give_up(self, key: WorkKey, tries: int) -> None:
        """Turn work that repeatedly took down its worker into a problem instead of dispatching it to another worker."""
        facts = {"attempts": str(tries), "answer": DIED}
        self.problem(key, Cause.RETRIES_EXHAUSTED, facts)

    def busy(self) -> Outcome:
        """Return the outcome for work that another worker has claimed."""
        return busy(self.stores.now())

    def postpone(self, key: WorkKey, reason: str, *, wait: float) -> Outcome:
        """Schedule another attempt in so many seconds."""
        outcome = Outcome(OutcomeKind.WAITING, reason=reason, again_at=self.stores.now() + wait)
        self.settle(key, outcome)
        return outcome

    def retry(self, key: WorkKey, error: SyncError, *, at_least: float) -> Outcome:
        """Count a failed attempt, and schedule another one, in `at_least` so many seconds; the last one that counts becomes a problem."""
        failures = self.stores.work.failed(str(key))
        if failures >= MAX_ATTEMPTS:
            facts = {"attempts": str(failures), "answer": str(error)}
            return self.problem(key, Cause.RETRIES_EXHAUSTED, facts)
        wait = max(self.stores.runtime.uniform(*back_off(failures)), at_least)
        outcome = self.postpone(key, str(error), wait=wait)
        self.note(key, AuditEvent(EventKind.FAILED, {"answer": str(error)}, outcome.again_at or 0))
        log.info("%s: next attempt in %.0f s, after attempt %d failed: %s", key, wait, failures, error)
        return outcome

    def redis_unavailable(self, key: WorkKey, error: RedisError) -> Outcome:
        """Schedule another attempt soon without counting this one, because nothing is wrong with the work. A write that was sent is in the
        ledger as an intent. Raises RedisError if not even that can be recorded: the message is then not acknowledged.
        """
        outcome = self.postpone(key, why(error), wait=self.stores.runtime.uniform(1, 2) * REDIS_SECONDS)
        log.warning("%s continues in some seconds. %s", key, outcome.reason)
        return outcome

    def unexpected(self, key: WorkKey, error: Exception) -> None:
        """End the work as a problem of an error that nothing here expects."""
        self.problem(key, Cause.UNEXPECTED, {"answer": f"{type(error).__name__}: {error}"})

    def problem(self, key: WorkKey, cause: Cause, facts: Mapping[str, str]) -> Outcome:
        """End the work as a problem. An unconfirmed write is still looked up, at growing intervals, until its result is known."""
        unconfirmed = self._unconfirmed(key)
        if unconfirmed and cause is Cause.RETRIES_EXHAUSTED:
            cause, facts = Cause.UNCONFIRMED_WRITE, {**facts, "name": unconfirmed.name}
        outcome = Outcome(OutcomeKind.BLOCKED, reason=self._report(key, cause, facts), cause=cause)
        if unconfirmed:
            now = self.stores.now()
            wait = min(max((now - unconfirmed.sent_at) / 2, LONGEST_BACK_OFF_SECONDS), LONGEST_DOUBT_SECONDS)
            outcome = replace(outcome, kind=OutcomeKind.UNKNOWN, again_at=now + wait)
        self.settle(key, outcome)
        return outcome

    def note(self, key: WorkKey, event: AuditEvent) -> None:
        """Add an event to the journal of a code or invoice; other work has no journal."""
        if record := key.record:
            self.stores.ledger.journal.add(record, event)

    def _unconfirmed(self, key: WorkKey) -> Record | None:
        """Return the record of an unconfirmed write, or None if there is none."""
        if (of := key.record) is None:
            return None
        record = self.stores.ledger.record(of)
        return record if record and record.in_doubt else None

    def _report(self, key: WorkKey, cause: Cause, facts: Mapping[str, str]) -> str:
        sentence = describe(cause, facts).sentence
        log.warning("%s: %s", key, sentence)
        self.stores.ledger.report(str(key), cause, facts, at=self.stores.now())
        return sentence
