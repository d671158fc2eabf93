"""Runs one attempt at one piece of work, under one claim, and settles its result: done, retry later, paused, or a problem. Every attempt is
settled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from worker.context import Responses, span, track_responses
from worker.domain.errors import (
    Blocked,
    Misconfigured,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import Cause
from worker.domain.scopes import WRITING, Remote
from worker.domain.work import Claim, WorkKey
from worker.engine.recovery import Recovery
from worker.engine.remote_failures import RemoteFailures
from worker.engine.settings_agreement import SettingsAgreement
from worker.engine.settlement import LaneBatch, Settlement
from worker.store.connection import is_unavailable
from worker.store.lanes import RENEWED_EVERY_SECONDS, Claimed
from worker.store.stores import Stores

STALLED_SECONDS = 900.0
"""Seconds without a response after which an attempt counts as stalled: its claim is no longer renewed. No single request takes this long."""

Handler = Callable[[WorkKey], Outcome]
"""Does the work with this key, as far as one attempt gets."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Runs attempts and settles their work in the lanes."""

    stores: Stores
    recovery: Recovery
    agreement: SettingsAgreement
    settlement: Settlement
    failures: RemoteFailures
    _under_way: list[tuple[WorkKey, str]] = field(default_factory=list, init=False)

    def make(self, key: WorkKey, handler: Handler, claim: Claim, *, batch: LaneBatch | None = None) -> Outcome:
        """Claim the work, run its handler, and settle the outcome. If another worker has claimed it, return that. An unexpected exception is
        reported as a problem and raised again.

        `batch`: takes the next work of the lane in the step that settles this one.
        """
        claimed = self.stores.work.claim(key.lane, str(key), claim)
        if claimed is Claimed.BUSY:
            return self.settlement.busy()
        if claimed is Claimed.NOT_DUE:
            return Outcome(OutcomeKind.ALREADY, reason="another attempt completed or rescheduled it")
        paused_until, troubled = self.failures.state(key)
        if paused_until:
            return self.failures.wait_for_pause(key, paused_until)
        return self.make_claimed(key, handler, troubled=troubled, batch=batch)

    def make_claimed(
        self, key: WorkKey, handler: Handler, *, troubled: Collection[str] = (), batch: LaneBatch | None
    ) -> Outcome:
        """Run and settle a work that this thread has just claimed: no pause of its lane is known. `troubled`: scopes that failed lately."""
        with span(key.kind.span, work=str(key)):
            return self._made(key, handler, troubled, batch)

    def give_back(self) -> None:
        """Return the work of all attempts in progress to its lane: this process is ending before they complete."""
        for key, token in list(self._under_way):
            self.stores.work.postpone(key.lane, str(key), at=0, token=token)

    @contextmanager
    def _under_claim(self, key: WorkKey, responses: Responses) -> Iterator[None]:
        """Renew the claim during the block while requests keep completing."""
        work, clock = self.stores.work, self.stores.runtime.monotonic
        token = work.token(str(key))
        count, at = 0, clock()

        def renew() -> None:
            nonlocal count, at
            if responses.count != count:
                count, at = responses.count, clock()
            if clock() - at < STALLED_SECONDS:
                work.renew(key.lane, str(key), token)

        self._under_way.append((key, token))
        try:
            with self.stores.keeper.keeping(renew, every=RENEWED_EVERY_SECONDS):
                yield
        finally:
            self._under_way.remove((key, token))

    def _made(self, key: WorkKey, handler: Handler, troubled: Collection[str], batch: LaneBatch | None) -> Outcome:
        with track_responses() as responses, self._under_claim(key, responses):
            try:
                return self._tried(key, handler, troubled, responses, batch)
            finally:
                for scope in troubled:
                    if scope in responses.answered:
                        self.failures.end_pause(scope)

    def _tried(
        self,
        key: WorkKey,
        handler: Handler,
        troubled: Collection[str],
        responses: Responses,
        batch: LaneBatch | None,
    ) -> Outcome:
        try:
            self._require_ready(key, troubled)
            outcome = handler(key)
        except Misconfigured as error:
            return self.failures.refused(key, error)
        except (Transient, OutcomeUnknown) as error:
            return self.failures.failed(key, error, responses)
        except RedisError as error:
            if not is_unavailable(error):
                self.settlement.unexpected(key, error)
                raise
            return self.settlement.redis_unavailable(key, error)
        except Blocked as error:
            return self.settlement.problem(key, error.cause, error.facts)
        except UnexpectedAnswer as error:
            facts = {"answer": str(error), key.kind.word: f"id {key.parts[-1]}"}
            return self.settlement.problem(key, Cause.UNREADABLE_RESPONSE, facts)
        except (NotFound, NotPermitted) as error:
            facts = {"project": f"id {key.parts[0]}", "what": "data", "answer": str(error)}
            return self.settlement.problem(key, Cause.PROJECT_NOT_READABLE, facts)
        except Exception as error:
            self.settlement.unexpected(key, error)
            raise
        if responses.failed and responses.failed not in responses.answered:
            # The response to a write is missing: this work looks it up later, and other work does not try meanwhile.
            self.failures.note_unconfirmed(key, Remote(responses.failed), outcome.reason)
        self.settlement.complete(key, outcome, batch)
        return outcome

    def _require_ready(self, key: WorkKey, troubled: Collection[str]) -> None:
        """Raise unless all workers agree about what is written, if the work writes, and there is a ledger."""
        if key.lane.writes:
            self.agreement.require()
            if WRITING in troubled:
                self.failures.end_pause(WRITING)
        self.recovery.ensure_ledger(self.stores.work.ledger_at_claim(str(key)))
