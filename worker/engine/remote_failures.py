"""Decides what a failed request shows: that this work is at fault, which counts the attempt, or that its remote, a login or a permission is,
which pauses all work that needs it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from worker.clients.remotes import Remotes
from worker.context import Responses, track_responses
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.errors import Misconfigured, NoRoom, SyncError
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import Cause, describe, of_scope, scope_of_problem
from worker.domain.scopes import NAMES, Remote, is_of_role, remote_of
from worker.domain.work import WorkKey
from worker.engine.settlement import Settlement
from worker.store.stores import Stores

log = logging.getLogger(__name__)

REFUSED_PAUSE_SECONDS = 30.0
"""Seconds of the first pause for a login or a permission. Someone has to act, so an early retry is of little use."""
FIRST_PAUSE_SECONDS = (2.0, 5.0)
"""Minimum and maximum seconds of the first pause of a remote that is down."""
AFTER_PAUSE_SECONDS = (0.5, 2.0)
"""Minimum and maximum seconds after a pause until the work that found the remote down is attempted: other work goes first."""
NO_ROOM_SECONDS = (0.0, 1.0)
"""Minimum and maximum seconds that work without room waits longer than it has to."""
WORKS_BEFORE_PAUSE = 3
"""Number of different works that must fail in a row, with no success in between, before the remote counts as down."""
FEW_WORKS = 9
"""Number of failing works up to which each may fail because of itself; above it, they are not examined."""
FAILURES_OF_ONE_WORK = 2
"""Failures of one work, while the remote answers others in between, after which its failures no longer pause the remote."""
REFUSALS_BEFORE_PAUSE = 2
"""Number of different records refused in a row for a missing permission that shows that the role is missing it."""
PROBLEMS_NOTED_EVERY_SECONDS = 600.0
DOWN_TIMES_BEFORE_PROBLEM = 5
REMOTE_OF_CAUSE = {
    Cause.PROCORE_LOGIN: Remote.PROCORE,
    Cause.NETSUITE_LOGIN: Remote.NETSUITE,
    Cause.NETSUITE_KEY: Remote.NETSUITE,
    Cause.NETSUITE_PERMISSION: Remote.NETSUITE,
}


@dataclass(slots=True)
class RemoteFailures:
    """Settles attempts that a remote made fail, and begins and ends the pauses."""

    stores: Stores
    remotes: Remotes
    settlement: Settlement
    _problems_noted_at: float = field(default=float("-inf"), init=False)

    def state(self, key: WorkKey) -> tuple[float, list[str]]:
        """Return until when the work is paused (unix seconds, Redis' clock; 0 = it is not), and the scopes of its remotes that failed lately."""
        return self.stores.breakers.state(key.lane)

    def wait_for_pause(self, key: WorkKey, until: float) -> Outcome:
        """Schedule claimed work for the end of a pause."""
        self.stores.work.postpone(key.lane, str(key), at=until)
        return Outcome(OutcomeKind.WAITING, reason="paused: see `wbs-sync status`", again_at=until)

    def failed(self, key: WorkKey, error: SyncError, responses: Responses) -> Outcome:
        """Schedule a retry. The attempt counts only if the work itself is at fault: the remote responded to it before, or to others since."""
        named = getattr(error, "retry_after", None) or 0.0
        down = getattr(error, "down", "")
        remote = down or responses.failed
        if remote in responses.answered:
            remote = ""
        if isinstance(error, NoRoom):
            return self._no_room(key, error, remote if down else "", named)
        if remote and self._is_down(Remote(remote), key, str(error), surely=bool(down)):
            return self._remote_down(key, Remote(remote), str(error), named=named)
        return self.settlement.retry(key, error, at_least=named)

    def refused(self, key: WorkKey, error: Misconfigured) -> Outcome:
        """Pause the work that needs the login or permission and report one problem, which closes when a later attempt succeeds. The first
        refusal that may concern one record alone becomes a problem of that record; a refusal of a second record does not.
        """
        scope = error.scope or REMOTE_OF_CAUSE.get(error.cause, "")
        if not scope:
            return self.settlement.problem(key, error.cause, error.facts)
        answer = str(error) or error.cause
        if not is_of_role(scope):
            noted = self.stores.breakers.count_failure(scope, str(key), cause=error.cause, answer=answer)
            if not noted.times and noted.works < REFUSALS_BEFORE_PAUSE:
                return self.settlement.problem(key, error.cause, error.facts)
        until = self.stores.breakers.pause(
            scope, str(key), first=REFUSED_PAUSE_SECONDS, cause=error.cause, answer=answer
        ).ends
        self._report_once(scope, error.cause, error.facts)
        self.stores.work.postpone(key.lane, str(key), at=until)
        self.settlement.note(
            key, AuditEvent(EventKind.REMOTE_PAUSED, {"remote": remote_of(scope), "answer": answer}, until)
        )
        return Outcome(OutcomeKind.WAITING, reason=answer, cause=error.cause, again_at=until)

    def note_unconfirmed(self, key: WorkKey, remote: Remote, answer: str) -> None:
        """Count an unconfirmed write as a sign that the remote is down; enough of them pause it."""
        noted = self.stores.breakers.count_failure(remote, str(key), cause=Cause.REMOTE_DOWN, answer=answer)
        if noted.again or noted.works >= WORKS_BEFORE_PAUSE:
            self._pause(remote, key, answer)

    def end_pause(self, scope: str) -> None:
        """End the pause of a scope whose work succeeds again, and close its problem."""
        self.stores.breakers.close(scope)
        if self.stores.ledger.resolve(of_scope(scope)):
            log.warning("%s is working again; resuming paused work", scope)

    def note_open_problems(self) -> None:
        """Every ten minutes, mark the remote of each open remote problem without a known pause as failing, so that its next successful
        response closes the problem.

        Such problems come from version 0.1.0, which stores pauses under other keys, and from pauses that were dropped after a week without
        use.
        """
        now = self.stores.runtime.monotonic()
        if now < self._problems_noted_at + PROBLEMS_NOTED_EVERY_SECONDS:
            return
        self._problems_noted_at = now
        for problem in self.stores.ledger.problems():
            scope = scope_of_problem(problem.key)
            if scope and not self.stores.breakers.is_in_trouble(scope):
                self.stores.breakers.count_failure(
                    scope, "-", cause=problem.problem.cause, answer=problem.facts.get("answer", "")
                )

    def _no_room(self, key: WorkKey, error: NoRoom, remote: str, named: float) -> Outcome:
        """Schedule work for which there is no room; this attempt does not count. A `remote` without room for several works in a row is paused
        for all.
        """
        if remote:
            noted = self.stores.breakers.count_failure(remote, str(key), cause=Cause.REMOTE_DOWN, answer=str(error))
            if noted.again or noted.works >= WORKS_BEFORE_PAUSE:
                return self._remote_down(key, Remote(remote), str(error), named=named)
        outcome = self.settlement.postpone(key, str(error), wait=(named or 1.0) + self._uniform(NO_ROOM_SECONDS))
        if error.down:
            self.settlement.note(key, AuditEvent(EventKind.FAILED, {"answer": str(error)}, outcome.again_at or 0))
        return outcome

    def _is_down(self, remote: Remote, key: WorkKey, answer: str, *, surely: bool) -> bool:
        """Record a failure, and return whether it shows that the remote is down: no other request succeeded since this work last failed,
        several works failed in a row, or (`surely`) a gateway or the network reports it. Work that keeps failing while others succeed is at
        fault itself, and its attempts are counted. If there is hardly any other work, the remote is pinged.
        """
        noted = self.stores.breakers.count_failure(remote, str(key), cause=Cause.REMOTE_DOWN, answer=answer)
        if noted.again:
            return noted.works > FEW_WORKS or not self._answers(remote)
        if noted.works < WORKS_BEFORE_PAUSE and not (
            surely and self.stores.work.failures(str(key)) < FAILURES_OF_ONE_WORK
        ):
            return False
        self.stores.work.failed(str(key))
        return True

    def _answers(self, remote: Remote) -> bool:
        """Return whether a remote responds to a ping now. If it does, its pause ends."""
        with track_responses() as responses, suppress(SyncError):
            self._ping(remote)
        if remote in responses.answered:
            self.end_pause(remote)
        return remote in responses.answered

    def _ping(self, remote: Remote) -> None:
        """Send a small request to a remote. Raises SyncError if it fails."""
        if remote is Remote.PROCORE:
            self.remotes.procore.who_am_i()
        else:
            self.remotes.netsuite.item("0")

    def _remote_down(self, key: WorkKey, remote: Remote, answer: str, *, named: float) -> Outcome:
        """Let other work go first for some seconds, because the remote seems at fault, not this work. If this work is at fault after all, the
        responses to the others show it.
        """
        until = self._pause(remote, key, answer, named=named) + self._uniform(AFTER_PAUSE_SECONDS)
        self.stores.work.postpone(key.lane, str(key), at=until)
        self.settlement.note(key, AuditEvent(EventKind.REMOTE_PAUSED, {"remote": remote, "answer": answer}, until))
        return Outcome(OutcomeKind.WAITING, reason=answer, again_at=until)

    def _pause(self, remote: Remote, key: WorkKey, answer: str, *, named: float = 0.0) -> float:
        """Pause a remote that is down and return the end of the pause. Repeated pauses become a problem."""
        first = self._uniform(FIRST_PAUSE_SECONDS)
        noted = self.stores.breakers.pause(
            remote, str(key), first=first, named=named, cause=Cause.REMOTE_DOWN, answer=answer
        )
        if noted.times >= DOWN_TIMES_BEFORE_PROBLEM:
            facts = {"remote": NAMES[remote], "times": str(noted.times), "answer": answer}
            self._report_once(remote, Cause.REMOTE_DOWN, facts)
        return noted.ends

    def _uniform(self, bounds: tuple[float, float]) -> float:
        return self.stores.runtime.uniform(*bounds)

    def _report_once(self, scope: str, cause: Cause, facts: Mapping[str, str]) -> None:
        if self.stores.ledger.report(of_scope(scope), cause, facts, at=self.stores.now()):
            log.error("%s", describe(cause, facts).sentence)
