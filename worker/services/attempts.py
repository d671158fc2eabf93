"""One attempt at one piece of work, and what becomes of it: ended, later, held, or a problem. Nothing ends nowhere."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping

from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import TimeoutError as RedisSilent

from worker.domain.errors import (
    Blocked,
    Misconfigured,
    NoRoom,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.heard import listening
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import Cause, describe
from worker.domain.spans import span
from worker.domain.story import Happening, What
from worker.domain.work import EXPORTS_OF_ALL, SCAN_OF_ALL, Lane
from worker.services.recovery import Recovery
from worker.store.connection import Redis, seconds
from worker.store.holds import NAMES, Holds, Remote
from worker.store.ledger import Ledger
from worker.store.work import Work

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 12
LONGEST_BACK_OFF_SECONDS = 120.0
HOLD_SECONDS = 30.0
RUN_WAITS_SECONDS = 60.0
"""A run does not wait for work that is due later than this: it counts it as waiting or unknown and ends."""
ROOTS = (SCAN_OF_ALL, EXPORTS_OF_ALL)
JUST_RECORDED = (OutcomeKind.CREATED, OutcomeKind.ADOPTED)
"""What closed its problem when it was recorded, in the same step."""
SPANS = {
    "scan": "scan", "plan": "plan codes", "code": "create Item", "exports": "list invoices", "invoice": "export invoice",
}  # fmt: skip
"""How traces call an attempt, by the first word of the work's key."""
BUSY_SECONDS = 3.0
DOWN_TIMES_BEFORE_PROBLEM = 5
REMOTE_OF_CAUSE = {
    Cause.PROCORE_LOGIN: Remote.PROCORE,
    Cause.NETSUITE_LOGIN: Remote.NETSUITE,
    Cause.NETSUITE_PERMISSION: Remote.NETSUITE,
}


def back_off(failures: int) -> float:
    """Seconds to wait after so many failures: doubling to two minutes, spread by chance so that a storm does not repeat itself."""
    longest = min(2.0**failures, LONGEST_BACK_OFF_SECONDS)
    return random.uniform(longest / 2, longest)


def busy(client: Redis, name: str = "") -> Outcome:
    """Another worker holds the lock: look again soon, whichever way that one ends."""
    again_at = seconds(client) + BUSY_SECONDS
    return Outcome(OutcomeKind.WAITING, name, reason="another worker has it in hand", again_at=again_at)


class Attempts:
    """Runs attempts and settles their work in the lanes."""

    def __init__(self, client: Redis, *, work: Work, ledger: Ledger, holds: Holds, recovery: Recovery) -> None:
        self._client = client
        self._work = work
        self._ledger = ledger
        self._holds = holds
        self._recovery = recovery
        self._under_way: list[tuple[Lane, str]] = []

    def make(self, lane: Lane, key: str, attempt: Callable[[], Outcome]) -> Outcome:
        """Claim the work, run the attempt, settle what came of it. A bug's exception is told as a problem and raised on."""
        held_until, troubled = self._holds.state(lane)
        if held_until:
            self._work.later(lane, key, at=held_until)
            return Outcome(OutcomeKind.WAITING, reason="held: see the problems", again_at=held_until)
        self._work.claim(lane, key)
        return self.go_on(lane, key, attempt, troubled)

    def go_on(self, lane: Lane, key: str, attempt: Callable[[], Outcome], troubled: Iterable[Remote] = ()) -> Outcome:
        """The same for work that was taken just now, the last in this lane having ended well: nothing holds it, and it is claimed."""
        self._under_way.append((lane, key))
        try:
            with span(SPANS[key.partition(":")[0]], work=key):
                return self._made(lane, key, attempt, troubled)
        finally:
            self._under_way.remove((lane, key))

    def give_back(self) -> None:
        """Let the work of all attempts under way wait again: this process ends, and they do not come to their end."""
        for lane, key in list(self._under_way):
            self._work.later(lane, key, at=0)

    def _made(self, lane: Lane, key: str, attempt: Callable[[], Outcome], troubled: Iterable[Remote]) -> Outcome:
        try:
            self._recovery.ensure_ledger()
            with listening() as heard:
                outcome = attempt()
        except Misconfigured as error:
            return self._hold(lane, key, error)
        except (Transient, OutcomeUnknown) as error:
            return self._again(lane, key, error)
        except (RedisGone, RedisSilent) as error:
            # Nothing is wrong with the work. What had been sent to NetSuite stands in the ledger as an intent.
            return self._again(lane, key, Transient(f"Redis did not answer: {type(error).__name__}"))
        except Blocked as error:
            return self._problem(lane, key, error.cause, error.facts)
        except UnexpectedAnswer as error:
            kind, _, ids = key.partition(":")
            facts = {"answer": str(error), kind: f"id {ids.rpartition(':')[2]}"}
            return self._seen_by_a_person(lane, key, Cause.ANSWER_NOT_UNDERSTOOD, facts)
        except (NotFound, NotPermitted) as error:
            facts = {"project": f"id {key.split(':')[1]}", "what": "data", "answer": str(error)}
            return self._seen_by_a_person(lane, key, Cause.PROJECT_NOT_READABLE, facts)
        except Exception as error:
            self._problem(lane, key, Cause.UNEXPECTED, {"answer": f"{type(error).__name__}: {error}"})
            raise
        for remote in troubled:
            if remote in heard:
                self._over(remote, lane)
        if outcome.kind not in JUST_RECORDED and (outcome.well or lane in (Lane.SCANS, Lane.LISTINGS)):
            # Also what was told of this work before it got to its record, such as attempts that failed. Looking through a project
            # has no record: what it found there is told by problems of their own.
            self._ledger.resolve(key)
        self.settle(lane, key, outcome)
        return outcome

    def settle(self, lane: Lane, key: str, outcome: Outcome) -> None:
        """Close the work, or let it wait until the outcome's time. An outcome that waits without a time stays in hand: its next step follows."""
        if outcome.kind not in (OutcomeKind.WAITING, OutcomeKind.UNKNOWN):
            self._work.close(lane, key, outcome.kind)
        elif outcome.again_at is not None:
            # A run that has not even listed its projects has not begun: it waits for that however long.
            far = key not in ROOTS and outcome.again_at - seconds(self._client) > RUN_WAITS_SECONDS
            self._work.later(lane, key, at=outcome.again_at, outcome=outcome.kind if far else None)

    def give_up(self, lane: Lane, key: str, tries: int) -> None:
        """Work that took its worker down again and again becomes a problem instead of the next victim."""
        facts = {"attempts": str(tries), "answer": "its worker ended without a word each time"}
        self._problem(lane, key, Cause.ATTEMPTS_EXHAUSTED, facts)

    def _again(self, lane: Lane, key: str, error: SyncError) -> Outcome:
        if isinstance(error, Transient) and error.down:
            return self._remote_down(lane, key, Remote(error.down), error)
        if isinstance(error, NoRoom):
            again_at = seconds(self._client) + (error.retry_after or 1.0) + random.uniform(0, 1)
            outcome = Outcome(OutcomeKind.WAITING, reason=str(error), again_at=again_at)
            self.settle(lane, key, outcome)
            return outcome
        failures = self._work.failed(key)
        if failures >= MOST_ATTEMPTS:
            facts = {"attempts": str(failures), "answer": str(error)}
            return self._problem(lane, key, Cause.ATTEMPTS_EXHAUSTED, facts)
        wait = max(back_off(failures), getattr(error, "retry_after", None) or 0.0)
        outcome = Outcome(OutcomeKind.WAITING, reason=str(error), again_at=seconds(self._client) + wait)
        self.settle(lane, key, outcome)
        self._note(key, Happening(What.FAILED, {"answer": str(error)}, outcome.again_at or 0))
        log.info("%s waits %.0f s after attempt %d: %s", key, wait, failures, error)
        return outcome

    def _seen_by_a_person(self, lane: Lane, key: str, cause: Cause, facts: Mapping[str, str]) -> Outcome:
        """A problem at once, since asking again will hardly change it. But a write in doubt is looked for until it is known."""
        if not self._in_doubt(key):
            return self._problem(lane, key, cause, facts)
        sentence = self._tell(key, cause, facts)
        again_at = seconds(self._client) + LONGEST_BACK_OFF_SECONDS
        outcome = Outcome(OutcomeKind.UNKNOWN, reason=sentence, cause=cause, again_at=again_at)
        self.settle(lane, key, outcome)
        return outcome

    def _in_doubt(self, key: str) -> bool:
        record = None
        if key.startswith("code:"):
            record = self._ledger.code(CodeKey.parse(key))
        elif key.startswith("invoice:"):
            record = self._ledger.invoice(InvoiceKey.parse(key))
        return record is not None and record.in_doubt

    def _hold(self, lane: Lane, key: str, error: Misconfigured) -> Outcome:
        """Hold the remote's work and say so once; the problem closes itself when a later attempt gets through."""
        remote = REMOTE_OF_CAUSE.get(error.cause)
        if remote is None:
            return self._problem(lane, key, error.cause, error.facts)
        until, _ = self._holds.hold(remote, for_seconds=HOLD_SECONDS)
        self._say_once(remote, error.cause, error.facts | {"lane": lane})
        self._work.later(lane, key, at=until)
        self._note(key, Happening(What.HELD, {"remote": remote, "answer": str(error) or error.cause}, until))
        return Outcome(OutcomeKind.WAITING, reason="held: see the problems", cause=error.cause, again_at=until)

    def _remote_down(self, lane: Lane, key: str, remote: Remote, error: Transient) -> Outcome:
        """Nobody else tries for some seconds, and no attempt is counted: the trouble is the remote's, not this work's."""
        until, times = self._holds.hold(remote, for_seconds=error.retry_after or random.uniform(2, 5))
        if times >= DOWN_TIMES_BEFORE_PROBLEM:
            facts = {"remote": NAMES[remote], "times": str(times), "answer": str(error)}
            self._say_once(remote, Cause.REMOTE_DOWN, facts)
        self._work.later(lane, key, at=until)
        self._note(key, Happening(What.HELD, {"remote": remote, "answer": str(error)}, until))
        return Outcome(OutcomeKind.WAITING, reason=str(error), again_at=until)

    def _note(self, key: str, happening: Happening) -> None:
        """Into the journal of a code or an invoice; other work has none."""
        if key.startswith("code:"):
            self._ledger.journal.tell(CodeKey.parse(key), happening)
        elif key.startswith("invoice:"):
            self._ledger.journal.tell(InvoiceKey.parse(key), happening)

    def _say_once(self, remote: Remote, cause: Cause, facts: Mapping[str, str]) -> None:
        if self._ledger.report(f"remote:{remote}", cause, facts, at=seconds(self._client)):
            log.error("%s", describe(cause, facts).sentence)

    def _over(self, remote: Remote, lane: Lane) -> None:
        problem = self._ledger.problem(f"remote:{remote}")
        if problem and problem.problem.cause is Cause.NETSUITE_PERMISSION and problem.facts.get("lane", lane) != lane:
            # Who may look for Items may still make none: only work like that which was refused shows that it goes again.
            return
        self._holds.over(remote)
        if self._ledger.resolve(f"remote:{remote}"):
            log.warning("%s works again; held work goes on", remote.value)

    def _problem(self, lane: Lane, key: str, cause: Cause, facts: Mapping[str, str]) -> Outcome:
        outcome = Outcome(OutcomeKind.BLOCKED, reason=self._tell(key, cause, facts), cause=cause)
        self.settle(lane, key, outcome)
        return outcome

    def _tell(self, key: str, cause: Cause, facts: Mapping[str, str]) -> str:
        sentence = describe(cause, facts).sentence
        log.warning("%s: %s", key, sentence)
        self._ledger.report(key, cause, facts, at=seconds(self._client))
        return sentence
