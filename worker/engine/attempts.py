"""Runs one attempt at one piece of work, under one claim, and settles its result: done, retry later, paused, or a problem. Every attempt is
settled.
"""

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
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Outcome, OutcomeKind, Record, busy
from worker.domain.problems import Cause, describe
from worker.domain.responses import Responses, track_responses
from worker.domain.scopes import NAMES, WRITING, Remote, is_of_role, remote_of
from worker.domain.story import Happening, What
from worker.domain.work import Claim, Lane, WorkKey
from worker.engine.recovery import Recovery
from worker.engine.settings_agreement import SettingsAgreement
from worker.observability.spans import span
from worker.store.client import Redis
from worker.store.connection import is_unavailable, seconds, why
from worker.store.holds import Holds
from worker.store.lanes import RENEWED_EVERY_SECONDS, Claimed, Lanes, Taken
from worker.store.leases import LeaseKeeper
from worker.store.ledger import Ledger

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 12
LONGEST_BACK_OFF_SECONDS = 120.0
LONGEST_DOUBT_SECONDS = 1800.0
"""Maximum seconds until the next look-up of an unconfirmed write that could not be looked up. It is looked up until its result is known."""
STALLED_SECONDS = 900.0
"""Seconds without a response after which an attempt counts as stalled: its claim is no longer renewed. No single request takes this long."""
HOLD_SECONDS = 30.0
"""Seconds of the first pause for a login or a permission. Someone has to act, so an early retry is of little use."""
WORKS_BEFORE_PAUSE = 3
"""Number of different works that must fail in a row, with no success in between, before the remote counts as down."""
FEW_WORKS = 9
"""Number of failing works up to which each may fail because of itself; above it, they are not examined."""
FAILURES_OF_ONE_WORK = 2
"""Failures of one work, while the remote answers others in between, after which its failures no longer pause the remote."""
REFUSALS_BEFORE_PAUSE = 2
"""Number of different records refused in a row for a missing permission that shows that the role is missing it."""
RUN_WAITS_SECONDS = 60.0
"""Seconds ahead beyond which a run does not wait for scheduled work: it counts the work as waiting or unknown and ends."""
MOST_DEATHS = 5
"""Number of workers that may die or stall while processing a work; after that it is dispatched to no further worker."""
JUST_RECORDED = (OutcomeKind.CREATED, OutcomeKind.ADOPTED)
"""Outcomes that closed their problem in the step that recorded them."""
TROUBLE_TAKEN_UP_EVERY_SECONDS = 600.0
REDIS_SECONDS = 3.0
"""Minimum seconds until work is retried after Redis did not respond or rejected a command."""
DOWN_TIMES_BEFORE_PROBLEM = 5
REMOTE_OF_CAUSE = {
    Cause.PROCORE_LOGIN: Remote.PROCORE,
    Cause.NETSUITE_LOGIN: Remote.NETSUITE,
    Cause.NETSUITE_KEY: Remote.NETSUITE,
    Cause.NETSUITE_PERMISSION: Remote.NETSUITE,
}


def back_off(failures: int) -> float:
    """Return the seconds to wait after this many failures: doubling up to two minutes, with random jitter to avoid retry storms."""
    longest = min(2.0**failures, LONGEST_BACK_OFF_SECONDS)
    return random.uniform(longest / 2, longest)


@dataclass
class Succession:
    """The works of one lane that a thread runs one after the other, without a message for each.

    `go_on`: returns whether to take another after an outcome; `limit`: how many works of the lane may be in progress then. `next`: the work
    taken.
    """

    go_on: Callable[[Outcome], bool]
    limit: Callable[[], int]
    next: Taken | None = None

    def limit_after(self, outcome: Outcome) -> int:
        """Return how many works may be in progress when the next one is taken; 0 = take none."""
        return self.limit() if self.go_on(outcome) else 0

    def pop(self) -> Taken | None:
        """Return the work taken, once."""
        taken, self.next = self.next, None
        return taken


class Attempts:
    """Runs attempts and settles their work in the lanes."""

    def __init__(
        self,
        client: Redis,
        *,
        work: Lanes,
        ledger: Ledger,
        holds: Holds,
        recovery: Recovery,
        keeper: LeaseKeeper,
        agreement: SettingsAgreement,
        pings: Mapping[Remote, Callable[[], object]],
    ) -> None:
        """`pings`: a small request per remote that shows whether it responds."""
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
        """Claim the work, run the attempt, and settle its outcome. If another worker has claimed it, return that. An unexpected exception is
        reported as a problem and raised again.

        `claim`: by default a request by a user, unless the lane sent the message that this thread processes. `succession`: takes the next
        work of the lane in the step that settles this one.
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
        """Run and settle a work that this thread has just claimed, after the last work in this lane succeeded: nothing pauses it."""
        with span(WorkKey.parse(key).kind.span, work=key):
            return self._made(lane, key, attempt, troubled, succession)

    @contextmanager
    def _under_claim(self, lane: Lane, key: str, responses: Responses) -> Iterator[None]:
        """Renew the claim during the block while requests keep completing."""
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
        """Every ten minutes, mark the remote of each open remote problem without a known pause as failing, so that its next successful
        response closes the problem.

        Such problems come from version 0.1.0, which stores pauses under other keys, and from pauses that were dropped after a week without
        use.
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
        """Return the work of all attempts in progress to its lane: this process is ending before they complete."""
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
            if lane.writes:
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
            named = WorkKey.parse(key)
            facts = {"answer": str(error), named.kind.word: f"id {named.parts[-1]}"}
            return self._problem(lane, key, Cause.ANSWER_NOT_UNDERSTOOD, facts)
        except (NotFound, NotPermitted) as error:
            facts = {"project": f"id {WorkKey.parse(key).parts[0]}", "what": "data", "answer": str(error)}
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
        """Schedule another attempt soon without counting this one, because nothing is wrong with the work. A write that was sent is in the
        ledger as an intent. Raises RedisError if not even that can be recorded: the message is then not acknowledged.
        """
        again_at = seconds(self._client) + random.uniform(1, 2) * REDIS_SECONDS
        outcome = Outcome(OutcomeKind.WAITING, reason=why(error), again_at=again_at)
        self.settle(lane, key, outcome)
        log.warning("%s continues in some seconds. %s", key, outcome.reason)
        return outcome

    def settle(self, lane: Lane, key: str, outcome: Outcome, succession: Succession | None = None) -> None:
        """Close the work together with what follows from it, or schedule it for the outcome's time. If a waiting outcome has no time, a
        message for its next step is already sent.
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
            far = WorkKey.parse(key).ids and outcome.again_at - seconds(self._client) > RUN_WAITS_SECONDS
            self._work.later(lane, key, at=outcome.again_at, outcome=outcome.kind if far else None)
        if succession and taken and self.may_begin(lane, taken):
            succession.next = taken

    def may_begin(self, lane: Lane, taken: Taken) -> bool:
        """Return whether to start work that was just taken. Work that repeatedly took down its workers becomes a problem instead."""
        if taken.deaths <= MOST_DEATHS:
            return True
        self.give_up(lane, taken.key, taken.deaths)
        return False

    def give_up(self, lane: Lane, key: str, tries: int) -> None:
        """Turn work that repeatedly took down its worker into a problem instead of dispatching it to another worker."""
        facts = {"attempts": str(tries), "answer": "its worker died each time without reporting an error"}
        self._problem(lane, key, Cause.ATTEMPTS_EXHAUSTED, facts)

    def _again(self, lane: Lane, key: str, error: SyncError, responses: Responses) -> Outcome:
        """Schedule a retry. The attempt counts only if the work itself is at fault: the remote responded to it before, or to others since."""
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
        """Schedule work for which there is no room; this attempt does not count. A `remote` without room for several works in a row is paused
        for all.
        """
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
        """Record a failure, and return whether it shows that the remote is down: no other request succeeded since this work last failed,
        several works failed in a row, or (`surely`) a gateway or the network reports it. Work that keeps failing while others succeed is at
        fault itself, and its attempts are counted. If there is hardly any other work, the remote is pinged.
        """
        noted = self._holds.note(remote, key, cause=Cause.REMOTE_DOWN, answer=answer)
        if noted.again:
            return noted.works > FEW_WORKS or not self._answers(remote)
        if noted.works < WORKS_BEFORE_PAUSE and not (surely and self._work.failures(key) < FAILURES_OF_ONE_WORK):
            return False
        self._work.failed(key)
        return True

    def _answers(self, remote: Remote) -> bool:
        """Return whether a remote responds to a ping now. If it does, its pause ends."""
        with track_responses() as responses, suppress(SyncError):
            self._pings[remote]()
        if remote in responses.answered:
            self._over(remote)
        return remote in responses.answered

    def _unconfirmed(self, key: str) -> Record | None:
        """Return the record of an unconfirmed write, or None if there is none."""
        of = WorkKey.parse(key).record
        if of is None:
            return None
        record = self._ledger.code(of) if isinstance(of, CodeKey) else self._ledger.invoice(of)
        return record if record and record.in_doubt else None

    def _hold(self, lane: Lane, key: str, error: Misconfigured) -> Outcome:
        """Pause the work that needs the login or permission and report one problem, which closes when a later attempt succeeds. The first
        refusal that may concern one record alone becomes a problem of that record; a refusal of a second record does not.
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
        """Let other work go first for some seconds, because the remote seems at fault, not this work. If this work is at fault after all, the
        responses to the others show it.
        """
        until = self._pause(remote, key, answer, named=named) + random.uniform(0.5, 2)
        self._work.later(lane, key, at=until)
        self._note(key, Happening(What.HELD, {"remote": remote, "answer": answer}, until))
        return Outcome(OutcomeKind.WAITING, reason=answer, again_at=until)

    def _note_trouble(self, key: str, remote: Remote, answer: str) -> None:
        """Count an unconfirmed write as a sign that the remote is down; enough of them pause it."""
        noted = self._holds.note(remote, key, cause=Cause.REMOTE_DOWN, answer=answer)
        if noted.again or noted.works >= WORKS_BEFORE_PAUSE:
            self._pause(remote, key, answer)

    def _pause(self, remote: Remote, key: str, answer: str, *, named: float = 0.0) -> float:
        """Pause a remote that is down and return the end of the pause. Repeated pauses become a problem."""
        first = random.uniform(2, 5)
        noted = self._holds.pause(remote, key, first=first, named=named, cause=Cause.REMOTE_DOWN, answer=answer)
        if noted.times >= DOWN_TIMES_BEFORE_PROBLEM:
            facts = {"remote": NAMES[remote], "times": str(noted.times), "answer": answer}
            self._say_once(remote, Cause.REMOTE_DOWN, facts)
        return noted.ends

    def _note(self, key: str, happening: Happening) -> None:
        """Add an event to the journal of a code or invoice; other work has no journal."""
        if record := WorkKey.parse(key).record:
            self._ledger.journal.tell(record, happening)

    def _say_once(self, scope: str, cause: Cause, facts: Mapping[str, str]) -> None:
        if self._ledger.report(f"remote:{scope}", cause, facts, at=seconds(self._client)):
            log.error("%s", describe(cause, facts).sentence)

    def _over(self, scope: str) -> None:
        self._holds.over(scope)
        if self._ledger.resolve(f"remote:{scope}"):
            log.warning("%s is working again; resuming paused work", scope)

    def _problem(self, lane: Lane, key: str, cause: Cause, facts: Mapping[str, str]) -> Outcome:
        """End the work as a problem. An unconfirmed write is still looked up, at growing intervals, until its result is known."""
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
