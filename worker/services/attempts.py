"""One attempt at one piece of work, by one claim, and its result: ended, scheduled again, held, or a problem. Every attempt is settled."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from redis.exceptions import RedisError

from worker.domain.delivery import is_dispatched
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
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind, Record, busy
from worker.domain.problems import Cause, describe
from worker.domain.responses import Responses, track_responses
from worker.domain.scopes import LANES_THAT_WRITE, NAMES, WRITING, Remote, is_of_role, remote_of
from worker.domain.spans import span
from worker.domain.story import Happening, What
from worker.domain.work import EXPORTS_OF_ALL, SCAN_OF_ALL, Claim, Lane
from worker.services.recovery import Recovery
from worker.services.settings_agreement import SettingsAgreement
from worker.store.client import Redis
from worker.store.connection import is_unavailable, seconds, why
from worker.store.holds import Holds
from worker.store.leases import LeaseKeeper
from worker.store.ledger import Ledger
from worker.store.work import RENEWED_EVERY_SECONDS, Claimed, Taken, Work

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 12
LONGEST_BACK_OFF_SECONDS = 120.0
LONGEST_DOUBT_SECONDS = 1800.0
"""How long an unconfirmed write that could not be looked up waits at most until the next look-up. It is never given up."""
STALLED_SECONDS = 900.0
"""An attempt in which no remote answers for so long stands still: its claim is renewed no more. No single answer takes as long."""
HOLD_SECONDS = 30.0
"""The first pause for a login or a permission: a person has to act, so asking again soon is of little use."""
WORKS_BEFORE_PAUSE = 3
"""So many different works that got no proper answer, with none in between that did, show that the remote is down, not one record."""
FEW_WORKS = 9
"""Up to so many works in trouble may be in trouble by themselves; more are not looked into."""
FAILURES_OF_ONE_WORK = 2
"""Work that failed more often, while the remote answered others in between, pauses nothing any more: the trouble is its own."""
REFUSALS_BEFORE_PAUSE = 2
"""So many different records that were refused in a row for want of a permission show that the role lacks it."""
RUN_WAITS_SECONDS = 60.0
"""A run does not wait for work that is due later than this: it counts it as waiting or unknown and ends."""
MOST_DEATHS = 5
"""Work that so many workers had begun when they died or stalled is given to no further one."""
ROOTS = (SCAN_OF_ALL, EXPORTS_OF_ALL)
JUST_RECORDED = (OutcomeKind.CREATED, OutcomeKind.ADOPTED)
"""What closed its problem when it was recorded, in the same step."""
SPANS = {
    "scan": "scan", "plan": "plan codes", "code": "create Item", "exports": "list invoices", "invoice": "export invoice",
    "reconcile": "compare",
}  # fmt: skip
"""How traces call an attempt, by the first word of the work's key."""
TROUBLE_TAKEN_UP_EVERY_SECONDS = 600.0
REDIS_SECONDS = 3.0
"""How long work waits at least when Redis did not answer or refused."""
DOWN_TIMES_BEFORE_PROBLEM = 5
REMOTE_OF_CAUSE = {
    Cause.PROCORE_LOGIN: Remote.PROCORE,
    Cause.NETSUITE_LOGIN: Remote.NETSUITE,
    Cause.NETSUITE_KEY: Remote.NETSUITE,
    Cause.NETSUITE_PERMISSION: Remote.NETSUITE,
}


def back_off(failures: int) -> float:
    """Seconds to wait after so many failures: doubling to two minutes, spread by chance so that a storm does not repeat itself."""
    longest = min(2.0**failures, LONGEST_BACK_OFF_SECONDS)
    return random.uniform(longest / 2, longest)


@dataclass
class Succession:
    """The work of one lane that a thread does one after the other, without a message for each.

    `go_on`: whether there is to be a next one after an outcome; `limit`: how much of the lane may then be in hand. `next`: what was taken.
    """

    go_on: Callable[[Outcome], bool]
    limit: Callable[[], int]
    next: Taken | None = None

    def limit_after(self, outcome: Outcome) -> int:
        """How much may be in hand when the next one is taken; 0 = none is taken."""
        return self.limit() if self.go_on(outcome) else 0

    def pop(self) -> Taken | None:
        """What was taken, once."""
        taken, self.next = self.next, None
        return taken


class Attempts:
    """Runs attempts and settles their work in the lanes."""

    def __init__(
        self,
        client: Redis,
        *,
        work: Work,
        ledger: Ledger,
        holds: Holds,
        recovery: Recovery,
        keeper: LeaseKeeper,
        agreement: SettingsAgreement,
        pings: Mapping[Remote, Callable[[], object]],
    ) -> None:
        """`pings`: a small request to each remote, which shows whether it answers."""
        self._client = client
        self._work = work
        self._ledger = ledger
        self._holds = holds
        self._recovery = recovery
        self._keeper = keeper
        self._agreement = agreement
        self._pings = pings
        self._under_way: list[tuple[Lane, str, str]] = []
        self._trouble_taken_up_at = float("-inf")

    def make(
        self,
        lane: Lane,
        key: str,
        attempt: Callable[[], Outcome],
        *,
        claim: Claim | None = None,
        succession: Succession | None = None,
    ) -> Outcome:
        """Claim the work, run the attempt, settle its outcome. Where another worker is at it, only say so. A bug's exception is
        reported as a problem and raised on.

        `claim`: by default somebody's request, unless the lane itself sent the message that this thread works on. `succession`: takes
        the next work of the lane in the step that settles this one.
        """
        claimed = self._work.claim(lane, key, claim or (Claim.IN_LANE if is_dispatched() else Claim.REQUEST))
        if claimed is Claimed.BUSY:
            return busy(seconds(self._client))
        if claimed is Claimed.NOT_DUE:
            return Outcome(OutcomeKind.ALREADY, reason="another attempt completed or rescheduled it")
        held_until, troubled = self._holds.state(lane)
        if held_until:
            self._work.later(lane, key, at=held_until)
            return Outcome(OutcomeKind.WAITING, reason="paused: see `wbs-sync status`", again_at=held_until)
        return self.go_on(lane, key, attempt, troubled, succession)

    def go_on(
        self,
        lane: Lane,
        key: str,
        attempt: Callable[[], Outcome],
        troubled: Collection[str] = (),
        succession: Succession | None = None,
    ) -> Outcome:
        """The same for work that this thread has claimed just now, the last in this lane having ended well: nothing holds it."""
        with span(SPANS[key.partition(":")[0]], work=key):
            return self._made(lane, key, attempt, troubled, succession)

    @contextmanager
    def _under_claim(self, lane: Lane, key: str, responses: Responses) -> Iterator[None]:
        """Renew the claim for the block, for as long as requests come to an end."""
        token = self._work.token(key)
        count, at = 0, time.monotonic()

        def renew() -> None:
            nonlocal count, at
            if responses.count != count:
                count, at = responses.count, time.monotonic()
            if time.monotonic() - at < STALLED_SECONDS:
                self._work.renew(lane, key, token)

        self._under_way.append((lane, key, token))
        try:
            with self._keeper.keeping(renew, every=RENEWED_EVERY_SECONDS):
                yield
        finally:
            self._under_way.remove((lane, key, token))

    def take_up_trouble(self) -> None:
        """Every ten minutes: for each open problem of a remote without a known pause, note the remote as failing, so that its next good
        response closes the problem.

        Such problems come from version 0.1.0, which keeps pauses under other keys, and from pauses forgotten after an unused week.
        """
        now = time.monotonic()
        if now < self._trouble_taken_up_at + TROUBLE_TAKEN_UP_EVERY_SECONDS:
            return
        self._trouble_taken_up_at = now
        for problem in self._ledger.problems():
            kind, _, scope = problem.key.partition(":")
            if kind == "remote" and not self._holds.is_in_trouble(scope):
                self._holds.note(scope, "-", cause=problem.problem.cause, answer=problem.facts.get("answer", ""))

    def give_back(self) -> None:
        """Let the work of all attempts under way wait again: this process ends, and they do not come to their end."""
        for lane, key, token in list(self._under_way):
            self._work.later(lane, key, at=0, token=token)

    def _made(
        self,
        lane: Lane,
        key: str,
        attempt: Callable[[], Outcome],
        troubled: Collection[str],
        succession: Succession | None,
    ) -> Outcome:
        with track_responses() as responses, self._under_claim(lane, key, responses):
            try:
                return self._tried(lane, key, attempt, responses, succession, troubled)
            finally:
                for scope in troubled:
                    if scope in responses.answered:
                        self._over(scope)

    def _tried(
        self,
        lane: Lane,
        key: str,
        attempt: Callable[[], Outcome],
        responses: Responses,
        succession: Succession | None,
        troubled: Collection[str],
    ) -> Outcome:
        try:
            if lane in LANES_THAT_WRITE:
                self._agreement.require()
                if WRITING in troubled:
                    self._over(WRITING)
            self._recovery.ensure_ledger(self._work.ledger_at_claim(key))
            outcome = attempt()
        except Misconfigured as error:
            return self._hold(lane, key, error)
        except (Transient, OutcomeUnknown) as error:
            return self._again(lane, key, error, responses)
        except RedisError as error:
            if not is_unavailable(error):
                self._unexpected(lane, key, error)
                raise
            return self._redis_unavailable(lane, key, error)
        except Blocked as error:
            return self._problem(lane, key, error.cause, error.facts)
        except UnexpectedAnswer as error:
            kind, _, ids = key.partition(":")
            facts = {"answer": str(error), kind: f"id {ids.rpartition(':')[2]}"}
            return self._problem(lane, key, Cause.ANSWER_NOT_UNDERSTOOD, facts)
        except (NotFound, NotPermitted) as error:
            facts = {"project": f"id {key.split(':')[1]}", "what": "data", "answer": str(error)}
            return self._problem(lane, key, Cause.PROJECT_NOT_READABLE, facts)
        except Exception as error:
            self._unexpected(lane, key, error)
            raise
        if responses.failed and responses.failed not in responses.answered:
            # A write whose answer did not come: the work looks for it later, and others need not try meanwhile.
            self._note_trouble(key, Remote(responses.failed), outcome.reason)
        if outcome.kind not in JUST_RECORDED and (
            outcome.well or outcome.closes or lane in (Lane.SCANS, Lane.LISTINGS)
        ):
            # Also what was told of this work before it got to its record, such as attempts that failed. Looking through a project
            # has no record: what it found there is told by problems of their own.
            self._ledger.resolve(key, *outcome.closes)
        self.settle(lane, key, outcome, succession)
        return outcome

    def _unexpected(self, lane: Lane, key: str, error: Exception) -> None:
        self._problem(lane, key, Cause.UNEXPECTED, {"answer": f"{type(error).__name__}: {error}"})

    def _redis_unavailable(self, lane: Lane, key: str, error: RedisError) -> Outcome:
        """Try again soon; it counts as no attempt, since nothing is wrong with the work. What was sent to NetSuite is in the ledger as an
        intent. Raises RedisError where not even that can be recorded: the message of the work is then not acknowledged.
        """
        again_at = seconds(self._client) + random.uniform(1, 2) * REDIS_SECONDS
        outcome = Outcome(OutcomeKind.WAITING, reason=why(error), again_at=again_at)
        self.settle(lane, key, outcome)
        log.warning("%s continues in some seconds. %s", key, outcome.reason)
        return outcome

    def settle(self, lane: Lane, key: str, outcome: Outcome, succession: Succession | None = None) -> None:
        """Close the work, in the same step with what follows from it; or let it wait until the outcome's time. Of an outcome that waits
        without a time the next step is on its way, as a message.
        """
        limit = succession.limit_after(outcome) if succession else 0
        taken: Taken | None = None
        if outcome.children is not None:
            taken = self._work.spawn(key, lane, outcome.children, limit=limit)
        elif outcome.kind not in (OutcomeKind.WAITING, OutcomeKind.UNKNOWN):
            taken = self._work.close(lane, key, outcome.kind, limit=limit)
        elif outcome.again_at is None:
            self._work.hand_over(lane, key)
        else:
            # A run that has not even listed its projects has not begun: it waits for that however long.
            far = key not in ROOTS and outcome.again_at - seconds(self._client) > RUN_WAITS_SECONDS
            self._work.later(lane, key, at=outcome.again_at, outcome=outcome.kind if far else None)
        if succession and taken and self.may_begin(lane, taken):
            succession.next = taken

    def may_begin(self, lane: Lane, taken: Taken) -> bool:
        """Whether work that was just taken is to be begun; what has taken down its workers again and again becomes a problem instead."""
        if taken.deaths <= MOST_DEATHS:
            return True
        self.give_up(lane, taken.key, taken.deaths)
        return False

    def give_up(self, lane: Lane, key: str, tries: int) -> None:
        """Work that took its worker down again and again becomes a problem instead of the next victim."""
        facts = {"attempts": str(tries), "answer": "its worker died each time without reporting an error"}
        self._problem(lane, key, Cause.ATTEMPTS_EXHAUSTED, facts)

    def _again(self, lane: Lane, key: str, error: SyncError, responses: Responses) -> Outcome:
        """Try again later. An attempt counts only when the trouble is this work's: the remote answered it before, or others since."""
        named = getattr(error, "retry_after", None) or 0.0
        down = getattr(error, "down", "")
        remote = down or responses.failed
        if remote in responses.answered:
            remote = ""
        if isinstance(error, NoRoom):
            return self._no_room(lane, key, error, remote if down else "", named)
        if remote and self._is_down(Remote(remote), key, str(error), surely=bool(down)):
            return self._remote_down(lane, key, Remote(remote), str(error), named=named)
        failures = self._work.failed(key)
        if failures >= MOST_ATTEMPTS:
            facts = {"attempts": str(failures), "answer": str(error)}
            return self._problem(lane, key, Cause.ATTEMPTS_EXHAUSTED, facts)
        wait = max(back_off(failures), named)
        outcome = Outcome(OutcomeKind.WAITING, reason=str(error), again_at=seconds(self._client) + wait)
        self.settle(lane, key, outcome)
        self._note(key, Happening(What.FAILED, {"answer": str(error)}, outcome.again_at or 0))
        log.info("%s: next attempt in %.0f s, after attempt %d failed: %s", key, wait, failures, error)
        return outcome

    def _no_room(self, lane: Lane, key: str, error: NoRoom, remote: str, named: float) -> Outcome:
        """Wait for room; it counts as no attempt. A `remote` that has none for several works in a row is paused for all."""
        if remote:
            noted = self._holds.note(remote, key, cause=Cause.REMOTE_DOWN, answer=str(error))
            if noted.again or noted.works >= WORKS_BEFORE_PAUSE:
                return self._remote_down(lane, key, Remote(remote), str(error), named=named)
        again_at = seconds(self._client) + (named or 1.0) + random.uniform(0, 1)
        outcome = Outcome(OutcomeKind.WAITING, reason=str(error), again_at=again_at)
        self.settle(lane, key, outcome)
        if error.down:
            self._note(key, Happening(What.FAILED, {"answer": str(error)}, again_at))
        return outcome

    def _is_down(self, remote: Remote, key: str, answer: str, *, surely: bool) -> bool:
        """Note a failure, and give whether it shows that the remote is down: nobody was answered since this work failed before, several
        works failed in a row, or (`surely`) a gateway or the network says so. But work that fails again and again while others are
        answered in between is in trouble by itself, and its attempts are counted. Where there are hardly any others, the remote is
        asked something small.
        """
        noted = self._holds.note(remote, key, cause=Cause.REMOTE_DOWN, answer=answer)
        if noted.again:
            return noted.works > FEW_WORKS or not self._answers(remote)
        if noted.works < WORKS_BEFORE_PAUSE and not (surely and self._work.failures(key) < FAILURES_OF_ONE_WORK):
            return False
        self._work.failed(key)
        return True

    def _answers(self, remote: Remote) -> bool:
        """Whether a remote answers a small request now; if so its pause is over."""
        with track_responses() as responses, suppress(SyncError):
            self._pings[remote]()
        if remote in responses.answered:
            self._over(remote)
        return remote in responses.answered

    def _unconfirmed(self, key: str) -> Record | None:
        """The record of a write whose result is not known; None where there is no such write."""
        record = None
        if key.startswith("code:"):
            record = self._ledger.code(CodeKey.parse(key))
        elif key.startswith("invoice:"):
            record = self._ledger.invoice(InvoiceKey.parse(key))
        return record if record and record.in_doubt else None

    def _hold(self, lane: Lane, key: str, error: Misconfigured) -> Outcome:
        """Pause the work that needs the login or permission and report it once; the problem closes itself when a later attempt gets
        through. A refusal that may be about this record alone is a problem of this record; of the next different one no more.
        """
        scope = error.scope or REMOTE_OF_CAUSE.get(error.cause, "")
        if not scope:
            return self._problem(lane, key, error.cause, error.facts)
        answer = str(error) or error.cause
        if not is_of_role(scope):
            noted = self._holds.note(scope, key, cause=error.cause, answer=answer)
            if not noted.times and noted.works < REFUSALS_BEFORE_PAUSE:
                return self._problem(lane, key, error.cause, error.facts)
        until = self._holds.pause(scope, key, first=HOLD_SECONDS, cause=error.cause, answer=answer).ends
        self._say_once(scope, error.cause, error.facts)
        self._work.later(lane, key, at=until)
        self._note(key, Happening(What.HELD, {"remote": remote_of(scope), "answer": answer}, until))
        return Outcome(OutcomeKind.WAITING, reason=answer, cause=error.cause, again_at=until)

    def _remote_down(self, lane: Lane, key: str, remote: Remote, answer: str, *, named: float) -> Outcome:
        """Nobody else tries for some seconds: the trouble is the remote's, not this work's. Others go first then: should it be this
        work's after all, their answers show it.
        """
        until = self._pause(remote, key, answer, named=named) + random.uniform(0.5, 2)
        self._work.later(lane, key, at=until)
        self._note(key, Happening(What.HELD, {"remote": remote, "answer": answer}, until))
        return Outcome(OutcomeKind.WAITING, reason=answer, again_at=until)

    def _note_trouble(self, key: str, remote: Remote, answer: str) -> None:
        """Count a write without an answer as a sign that the remote is down; enough of them pause it."""
        noted = self._holds.note(remote, key, cause=Cause.REMOTE_DOWN, answer=answer)
        if noted.again or noted.works >= WORKS_BEFORE_PAUSE:
            self._pause(remote, key, answer)

    def _pause(self, remote: Remote, key: str, answer: str, *, named: float = 0.0) -> float:
        """Pause a remote that is down; gives the end. A pause that comes again and again is a problem."""
        first = random.uniform(2, 5)
        noted = self._holds.pause(remote, key, first=first, named=named, cause=Cause.REMOTE_DOWN, answer=answer)
        if noted.times >= DOWN_TIMES_BEFORE_PROBLEM:
            facts = {"remote": NAMES[remote], "times": str(noted.times), "answer": answer}
            self._say_once(remote, Cause.REMOTE_DOWN, facts)
        return noted.ends

    def _note(self, key: str, happening: Happening) -> None:
        """Into the journal of a code or an invoice; other work has none."""
        if key.startswith("code:"):
            self._ledger.journal.tell(CodeKey.parse(key), happening)
        elif key.startswith("invoice:"):
            self._ledger.journal.tell(InvoiceKey.parse(key), happening)

    def _say_once(self, scope: str, cause: Cause, facts: Mapping[str, str]) -> None:
        if self._ledger.report(f"remote:{scope}", cause, facts, at=seconds(self._client)):
            log.error("%s", describe(cause, facts).sentence)

    def _over(self, scope: str) -> None:
        self._holds.over(scope)
        if self._ledger.resolve(f"remote:{scope}"):
            log.warning("%s is working again; resuming paused work", scope)

    def _problem(self, lane: Lane, key: str, cause: Cause, facts: Mapping[str, str]) -> Outcome:
        """End the work as a problem for a person. But an unconfirmed write is looked up until its result is known, if ever more rarely."""
        unconfirmed = self._unconfirmed(key)
        if unconfirmed and cause is Cause.ATTEMPTS_EXHAUSTED:
            cause, facts = Cause.UNCONFIRMED_WRITE, {**facts, "name": unconfirmed.name}
        outcome = Outcome(OutcomeKind.BLOCKED, reason=self._tell(key, cause, facts), cause=cause)
        if unconfirmed:
            now = seconds(self._client)
            wait = min(max((now - unconfirmed.sent_at) / 2, LONGEST_BACK_OFF_SECONDS), LONGEST_DOUBT_SECONDS)
            outcome = replace(outcome, kind=OutcomeKind.UNKNOWN, again_at=now + wait)
        self.settle(lane, key, outcome)
        return outcome

    def _tell(self, key: str, cause: Cause, facts: Mapping[str, str]) -> str:
        sentence = describe(cause, facts).sentence
        log.warning("%s: %s", key, sentence)
        self._ledger.report(key, cause, facts, at=seconds(self._client))
        return sentence
