"""Lanes: work that waits, is dispatched or is claimed. Waiting work is stored here, not in the broker.

Each lane has two sorted sets: `waiting`, scored by when the work is due, and `hand` (work in progress), scored by when its dispatch or claim
ends; then it is due again. Only work in progress has messages, a few times as many as there are slots. So a backlog of any length costs the
broker nothing and never seems overdue.

Work in progress is dispatched, or a worker has begun it: then the hash `begun` has its claim. A claim belongs to one attempt and is renewed
while that attempt makes progress; meanwhile no other worker begins the work. A claim that expires counts as the death of a worker, a message
that no worker takes does not.

Work may be part of a run (`worker.store.runs`): one script removes ended work from its lane and counts it for its run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from worker.context import current_correlation
from worker.domain.outcomes import Children, OutcomeKind
from worker.domain.work import Claim, Lane, lane_of
from worker.store.client import Redis, Value
from worker.store.keys import Keys
from worker.store.runs import counted_as
from worker.store.runtime import REAL, Runtime
from worker.store.scripts import Script, flag, texts

CLAIM_SECONDS = 40.0
"""Seconds until a claim that is not renewed expires; its worker then counts as dead."""
RENEWED_EVERY_SECONDS = 5.0
DISPATCH_SECONDS, LONGEST_DISPATCH_SECONDS = 40.0, 900.0
"""Seconds within which a message must be received; then its work waits again. Doubles with each message that no worker takes, up to the
longest.
"""


class Claimed(IntEnum):
    """The result of a claim."""

    BEGUN = 1
    BUSY = 0
    """Another worker has claimed it."""
    NOT_DUE = -1
    """It is in no lane, or due later: another attempt has ended or postponed it."""


class Taken(NamedTuple):
    """Work that was taken from its lane. `deaths`: number of workers that died or stalled with it; `correlation_id`: of its request, "" =
    unknown.
    """

    key: str
    deaths: int
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """Numbers of works in a lane. `due_since`: when the longest due work became due (unix seconds); 0 if none is due, or only work that is due
    before all else.
    """

    waiting: int
    in_progress: int
    due_since: float


class _Begun(NamedTuple):
    """Work that a thread has begun: its claim, and the id of the ledger at that time ("" = none)."""

    claim: str
    ledger: str | None


_NOT_BEGUN = _Begun("", None)


class Lanes:
    """All lanes. Every change is one atomic script."""

    def __init__(self, client: Redis, prefix: str, *, runtime: Runtime = REAL) -> None:
        self._client = client
        self._prefix = prefix
        self._keys = Keys(prefix)
        self._runtime = runtime
        # The claims of the current thread and of the thread that started it, by key of the work.
        self._claims: ContextVar[Mapping[str, _Begun]] = ContextVar("claims", default=MappingProxyType({}))
        self._add = Script(client, "lanes/add", flag)
        self._take = Script(client, "lanes/take", texts)
        self._claim = Script(client, "lanes/claim", texts)
        self._renew = Script(client, "lanes/renew", flag)
        self._hand_over = Script(client, "lanes/hand_over", flag)
        self._close = Script(client, "lanes_and_runs/close", texts)
        self._postpone = Script(client, "lanes_and_runs/postpone", flag)
        self._spawn = Script(client, "lanes_and_runs/spawn", texts)
        self._make_due_now = Script(client, "lanes/make_due_now", flag)
        self._take_back = Script(client, "lanes/take_back", flag)
        self._backlog = Script(client, "lanes/backlog", texts)
        self._forget_ended = Script(client, "lanes/forget_ended_invoices", flag)

    def add(self, lane: Lane, keys: Collection[str], *, at: float = 0) -> None:
        """Queue work in its lane, due at `at` (unix seconds, 0 = before all else). Work in progress is not changed."""
        self._queue("add", lane, keys, at)

    def request(self, lane: Lane, keys: Collection[str], *, at: float = 0) -> None:
        """Queue work. Work in progress is repeated after its attempt, which may have begun before the change that is the reason for the
        request.
        """
        self._queue("request", lane, keys, at)

    def retry(self, lane: Lane, keys: Collection[str]) -> None:
        """Request work, due before all else, and clear its counts of failed attempts and deaths."""
        self._queue("retry", lane, keys, 0)

    def _queue(self, how: str, lane: Lane, keys: Collection[str], at: float) -> None:
        known = self._keys
        names = [known.waiting(lane), known.dispatched(lane), known.again, known.deaths, known.failures, known.asked]
        names.append(self._current_of(lane))
        for batch in _in_batches(list(keys)):
            self._add(keys=names, args=[how, at, current_correlation(), self._prefix, *batch])

    def make_due_now(self, lane: Lane, *, until: float) -> None:
        """Make work due now that is due at `until` (unix seconds) or before."""
        self._make_due_now(keys=[self._keys.waiting(lane)], args=[until])

    def take_back(self, lane: Lane) -> None:
        """Move work in progress back to waiting, except work with a claim that its worker is renewing."""
        least = CLAIM_SECONDS - 1.5 * RENEWED_EVERY_SECONDS
        self._take_back(keys=[self._keys.waiting(lane), self._keys.dispatched(lane), self._keys.begun], args=[least])

    def take(self, lane: Lane, *, limit: int, at_most: int | None = None, begin: bool = False) -> list[Taken]:
        """Move due work from waiting to in progress, longest due first, until `limit` works are in progress; at most `at_most`. With `begin`
        the caller claims the work, else it has to send messages for it.
        """
        token = self._runtime.token(8) if begin else ""
        args = self._take_args(limit, at_most or limit, token)
        return self._taken(self._take(keys=self._closing_keys(lane), args=args), token)

    def _take_args(self, limit: int, at_most: int, token: str) -> list[Value]:
        return [limit, at_most, DISPATCH_SECONDS, LONGEST_DISPATCH_SECONDS, CLAIM_SECONDS, self._prefix, token]

    def _taken(self, flat: list[str], token: str) -> list[Taken]:
        taken = []
        for key, deaths, correlation_id, ledger in zip(*[iter(flat)] * 4, strict=True):
            taken.append(Taken(key, int(deaths), correlation_id))
            if token:
                self._keep_claim(key, _Begun(token, ledger))
        return taken

    def claim(self, lane: Lane, key: str, how: Claim = Claim.REQUEST) -> Claimed:
        """Begin work now, unless another worker has claimed it. Further calls of this thread for the work use this claim."""
        token = self._runtime.token(8)
        names = [self._keys.waiting(lane), self._keys.dispatched(lane), self._keys.deaths, self._keys.again]
        names += [self._keys.asked, self._current_of(lane), self._keys.begun, self._keys.unbegun]
        args: list[Value] = [key, CLAIM_SECONDS, token, how.value, current_correlation(), self._prefix]
        claimed, *ledger = self._claim(keys=names, args=args)
        if ledger:
            self._keep_claim(key, _Begun(token, *ledger))
        return Claimed(int(claimed))

    def token(self, key: str) -> str:
        """Return the claim by which this thread has begun a piece of work; "" if it has not."""
        return self._claims.get().get(key, _NOT_BEGUN).claim

    def ledger_at_claim(self, key: str) -> str | None:
        """Return `LedgerState.opened_at` as of when this thread began a piece of work ("" = no ledger); None if it has not begun it."""
        return self._claims.get().get(key, _NOT_BEGUN).ledger

    def renew(self, lane: Lane, key: str, token: str) -> None:
        """Renew the claim of an attempt that makes progress."""
        self._renew(keys=[self._keys.dispatched(lane), self._keys.begun], args=[key, token, CLAIM_SECONDS])

    def hand_over(self, lane: Lane, key: str) -> None:
        """End this thread's claim on work that continues with a separate message."""
        self._hand_over(
            keys=[self._keys.dispatched(lane), self._keys.begun], args=[key, self._released(key), DISPATCH_SECONDS]
        )

    def close(self, lane: Lane, key: str, outcome: OutcomeKind | None, *, limit: int = 0) -> Taken | None:
        """End work in its lane and in its run, which counts the outcome once. With a `limit`, also take and claim the next work of the lane.

        One script. Work that was requested meanwhile waits again instead, and its run waits for the next attempt.
        """
        token = self._runtime.token(8) if limit else ""
        take_args = self._take_args(limit, 1, token) if limit else []
        args: list[Value] = [key, counted_as(lane, outcome), self._prefix, self._released(key), *take_args]
        taken = self._taken(self._close(keys=self._closing_keys(lane), args=args), token)
        return taken[0] if taken else None

    def postpone(
        self, lane: Lane, key: str, *, at: float, outcome: OutcomeKind | None = None, token: str | None = None
    ) -> None:
        """End an attempt and postpone its work until `at` (unix seconds), or make it due now if it was requested meanwhile. With an outcome,
        its run counts that and does not wait for the work. `token`: the claim, if another thread has it. One script.
        """
        token = self._released(key) if token is None else token
        args: list[Value] = [key, counted_as(lane, outcome), self._prefix, at, current_correlation(), token]
        self._postpone(keys=[*self._lane_keys(lane), self._keys.again], args=args)

    def failed(self, key: str) -> int:
        """Count a failed attempt. Return the number of failed attempts since the work last ended or was retried by request."""
        return int(self._client.hincrby(self._keys.failures, key, 1))

    def failures(self, key: str) -> int:
        """Return the number of failed attempts since the work last ended or was retried by request."""
        return int(self._client.hget(self._keys.failures, key) or 0)

    def spawn(self, parent: str, lane: Lane, children: Children, *, limit: int = 0) -> Taken | None:
        """End `parent`, queue its children, and add them to its run. A second call changes nothing in the run. `limit`: as in `close`. One
        script.
        """
        keys = [*self._closing_keys(lane), self._keys.waiting(children.into), self._keys.dispatched(children.into)]
        counts: list[Value] = [part for name, count in children.counts.items() for part in (name, count)]
        at = "" if children.at is None else children.at
        token = self._runtime.token(8) if limit else ""
        take_args = self._take_args(limit, 1, token) if limit else []
        args: list[Value] = [parent, self._prefix, self._released(parent), len(children.counts), *counts, at]
        taken = self._taken(self._spawn(keys=keys, args=[*args, len(take_args), *take_args, *children.keys]), token)
        return taken[0] if taken else None

    def requeue_orphans(self, keys: Collection[str]) -> int:
        """Queue those of some work that are in no lane, because their worker died between two steps. Return how many. If some had just ended,
        their next attempt finds that.
        """
        orphans = set(keys) - self.pending(keys, due_before=float("inf"))
        for key in orphans:
            self.add(lane_of(key), [key])
        return len(orphans)

    def waits_until(self, lane: Lane, key: str) -> float | None:
        """Return when waiting work is due (unix seconds, 0 = before all else); None if it is not waiting."""
        score = self._client.zscore(self._keys.waiting(lane), key)
        return None if score is None else float(score)

    def last_due(self, lane: Lane, keys: Collection[str]) -> float:
        """Return when the last of some waiting work is due (unix seconds); 0 if none of it is waiting."""
        scores = self._client.zmscore(self._keys.waiting(lane), list(keys)) if keys else []
        return max((float(score) for score in scores if score is not None), default=0.0)

    def is_in_progress(self, lane: Lane, key: str) -> bool:
        """Return whether work is in progress: dispatched or claimed, even if its worker has died since."""
        return self._client.zscore(self._keys.dispatched(lane), key) is not None

    def is_begun(self, lane: Lane, key: str) -> bool:
        """Return whether a worker has begun work and not ended it. A worker that has died counts until its work is taken again."""
        return self.is_in_progress(lane, key) and bool(self._client.hexists(self._keys.begun, key))

    def pending(self, keys: Collection[str], *, due_before: float) -> set[str]:
        """Return those of some work that are in progress, or waiting and due before a time (unix seconds)."""
        found: set[str] = set()
        for lane in Lane:
            for batch in _in_batches([key for key in keys if lane_of(key) is lane]):
                waits = self._client.zmscore(self._keys.waiting(lane), batch)
                hands = self._client.zmscore(self._keys.dispatched(lane), batch)
                found |= {
                    key
                    for key, until, hand in zip(batch, waits, hands, strict=True)
                    if hand is not None or (until is not None and until < due_before)
                }
        return found

    def waiting(self, lane: Lane) -> int:
        """Return how much work of a lane is waiting."""
        return int(self._client.zcard(self._keys.waiting(lane)))

    def depth(self, lane: Lane) -> tuple[int, int]:
        """Return how much work of a lane is waiting, and how much is in progress."""
        return int(self._client.zcard(self._keys.waiting(lane))), int(self._client.zcard(self._keys.dispatched(lane)))

    def backlog(self, lane: Lane) -> Backlog:
        """Return how much work of a lane is waiting and in progress, and since when work is due."""
        waiting, in_progress, since = self._backlog(keys=[self._keys.waiting(lane), self._keys.dispatched(lane)])
        return Backlog(int(waiting), int(in_progress), float(since))

    def oldest_invoice(self) -> tuple[str, float] | None:
        """Return the invoice that has been unfinished work for longest, and since when (unix seconds); None without one."""
        first = self._client.zrange(self._keys.invoices_since, 0, 0, withscores=True)
        return (str(first[0][0]), float(first[0][1])) if first else None

    def forget_ended_invoices(self, *, at_most: int = 100) -> None:
        """Remove invoices that are in no lane from the index of `oldest_invoice`, oldest first."""
        lane = Lane.EXPORTS
        self._forget_ended(
            keys=[self._keys.invoices_since, self._keys.waiting(lane), self._keys.dispatched(lane)], args=[at_most]
        )

    def failing(self) -> int:
        """Return how many pieces of work have failed and are retried."""
        return int(self._client.hlen(self._keys.failures))

    def _keep_claim(self, key: str, begun: _Begun) -> None:
        self._claims.set({**self._claims.get(), key: begun})

    def _released(self, key: str) -> str:
        """Return this thread's claim on a piece of work ("" for none), and forget it."""
        claims = dict(self._claims.get())
        begun = claims.pop(key, None)
        if begun is None:
            return ""
        self._claims.set(claims)
        return begun.claim

    def _current_of(self, lane: Lane) -> str:
        """Return the Redis key with the id of the run that may wait for a lane's work; upkeep is part of no run."""
        return self._keys.current_run(lane.run)

    def _lane_keys(self, lane: Lane) -> list[str]:
        names = [self._keys.waiting(lane), self._keys.dispatched(lane), self._keys.deaths, self._current_of(lane)]
        return [*names, self._keys.asked, self._keys.begun]

    def _closing_keys(self, lane: Lane) -> list[str]:
        return [*self._lane_keys(lane), self._keys.failures, self._keys.again, self._keys.unbegun]


def _in_batches(keys: list[str], size: int = 1000) -> list[list[str]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]
