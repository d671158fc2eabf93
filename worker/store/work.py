"""Work that waits, work in hand, and the runs that wait for it: so that nothing is remembered by the broker alone.

A lane has two sorted sets: `waiting`, scored by the time before which the work need not be looked at, and `hand`, scored by
the time after which it is dispatched again. Messages are only sent for what is moved to `hand`, a few times the number of
slots, so a backlog of any length costs the broker nothing and never looks overdue.

What is in hand was dispatched, or else a worker has begun it: then the hash `begun` names its claim. A claim belongs to one attempt,
is renewed while that attempt makes progress, and nobody else begins the work meanwhile. Only a claim that ends without a word counts as a
worker's death; a message that no worker took counts as nothing.

A run (one scan, one export of all approved invoices) is a hash of counts and the set of its open keys. A key leaves the set
once, so work done twice counts once; the run has ended when the set is empty. What it sent is told by the counters of all
workers (`gate.requests_sent`) at its beginning and at its end: a count for each piece of work would have to be carried through every
thread that does a part of it, and would be lost with a worker that dies.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from worker.domain.outcomes import Children, OutcomeKind
from worker.domain.plans import Requests
from worker.domain.work import Claim, Lane, RunKind, lane_of
from worker.observability.correlation import current, new_id
from worker.store.client import Redis, Value
from worker.store.keys import Keys
from worker.store.scripts import Script, flag, number, texts

log = logging.getLogger(__name__)

CLAIM_SECONDS = 40.0
"""A claim that nobody renews ends after this: its worker counts as dead."""
RENEWED_EVERY_SECONDS = 5.0
DISPATCH_SECONDS, LONGEST_DISPATCH_SECONDS = 40.0, 900.0
"""Work that no worker has begun so long after its message was sent waits again; for longer each time, as long as no worker takes it."""
RUN_KEPT_SECONDS = 7 * 86_400
"""A run is known for so long after anybody looked after it."""


class Claimed(IntEnum):
    """The result of a claim."""

    BEGUN = 1
    BUSY = 0
    """Another worker is at it."""
    NOT_DUE = -1
    """It stands in no lane, or is due later: another attempt has ended or put it off."""


class Taken(NamedTuple):
    """Work that was given out: how many workers died or stalled with it, and whose request it goes back to ("" = not known)."""

    key: str
    deaths: int
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a lane holds. `due_since`: when the work became due that is due longest (unix seconds), 0 when none is; work that goes before
    all that waits has no such time.
    """

    waiting: int
    in_hand: int
    due_since: float


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands: `counts` by field (outcomes and what was seen), `open_keys` still to end; times in unix seconds.

    `requests`: what all workers sent for scans (for exports) from its beginning to its end, or until now; logins left out. None for a
    run that a process of an older version began or ended.
    `correlation_id`: of the request that began it; its own id where that had none.
    """

    id: str
    kind: RunKind
    trigger: str
    started_at: float
    ended_at: float | None
    open_keys: int
    counts: Mapping[str, int]
    correlation_id: str
    requests: Requests | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left to do now."""
        return self.ended_at is not None


class _Begun(NamedTuple):
    """Work that a thread has begun: its claim, and which ledger there was then ("" = none)."""

    claim: str
    ledger: str | None


_NOT_BEGUN = _Begun("", None)


class Work:
    """All lanes and runs. Every change is one atomic script."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._keys = Keys(prefix)
        # Of the attempts of the thread at hand, and of those that it starts others for: by key.
        self._claims: ContextVar[Mapping[str, _Begun]] = ContextVar("claims", default=MappingProxyType({}))
        self._add = Script(client, "work/add", flag)
        self._take = Script(client, "work/take", texts)
        self._claim = Script(client, "work/claim", texts)
        self._renew = Script(client, "work/renew", flag)
        self._hand_over = Script(client, "work/hand_over", flag)
        self._close = Script(client, "work/close", texts)
        self._later = Script(client, "work/postpone", flag)
        self._spawn = Script(client, "work/spawn", texts)
        self._hurry = Script(client, "work/make_due_now", flag)
        self._take_back = Script(client, "work/take_back", flag)
        self._backlog = Script(client, "work/backlog", texts)
        self._forget_ended = Script(client, "work/forget_ended_invoices", flag)
        self._begin = Script(client, "runs/begin", texts)
        self._open_keys = Script(client, "runs/open_keys", texts)
        self._count = Script(client, "runs/count", number)

    def add(self, lane: Lane, keys: Collection[str], *, at: float = 0) -> None:
        """Let work wait in its lane until `at` (0 = now). What is in hand already is left there."""
        self._let_wait("add", lane, keys, at)

    def request(self, lane: Lane, keys: Collection[str], *, at: float = 0) -> None:
        """The same for work that somebody asks for: an attempt in progress may have begun before, so it is repeated when that has ended,
        whatever its end.
        """
        self._let_wait("request", lane, keys, at)

    def try_again(self, lane: Lane, keys: Collection[str]) -> None:
        """The same at once, before all that waits, its failed attempts forgotten."""
        self._let_wait("retry", lane, keys, 0)

    def _let_wait(self, how: str, lane: Lane, keys: Collection[str], at: float) -> None:
        known = self._keys
        names = [known.waiting(lane), known.dispatched(lane), known.again, known.deaths, known.failures, known.asked]
        names.append(self._current_of(lane))
        for some in _in_batches(list(keys)):
            self._add(keys=names, args=[how, at, current(), self._prefix, *some])

    def hurry(self, lane: Lane, *, until: float) -> None:
        """Let what waits for a time up to `until` be looked at now."""
        self._hurry(keys=[self._keys.waiting(lane)], args=[until])

    def take_back(self, lane: Lane) -> None:
        """Let all that is in hand be dispatched again, but for what a living worker renews."""
        least = CLAIM_SECONDS - 1.5 * RENEWED_EVERY_SECONDS
        self._take_back(keys=[self._keys.waiting(lane), self._keys.dispatched(lane), self._keys.begun], args=[least])

    def take(self, lane: Lane, *, limit: int, at_most: int | None = None, begin: bool = False) -> list[Taken]:
        """Move work that is due from waiting to in hand, up to `limit` in hand, `at_most` so much of it; overdue work first.
        With `begin` the caller has begun it, else messages are sent for it.
        """
        token = secrets.token_hex(8) if begin else ""
        args = self._take_args(limit, at_most or limit, token)
        return self._taken(self._take(keys=self._closing_keys(lane), args=args), token)

    def _take_args(self, limit: int, at_most: int, token: str) -> list[Value]:
        return [limit, at_most, DISPATCH_SECONDS, LONGEST_DISPATCH_SECONDS, CLAIM_SECONDS, self._prefix, token]

    def _taken(self, flat: list[str], token: str) -> list[Taken]:
        taken = []
        for key, deaths, correlation_id, ledger in zip(*[iter(flat)] * 4, strict=True):
            taken.append(Taken(key, int(deaths), correlation_id))
            if token:
                self._hold(key, _Begun(token, ledger))
        return taken

    def claim(self, lane: Lane, key: str, how: Claim = Claim.REQUEST) -> Claimed:
        """Begin with it now, unless another worker is at it. What this thread does with the work from here on it does by this claim."""
        token = secrets.token_hex(8)
        names = [self._keys.waiting(lane), self._keys.dispatched(lane), self._keys.deaths, self._keys.again]
        names += [self._keys.asked, self._current_of(lane), self._keys.begun, self._keys.unbegun]
        args: list[Value] = [key, CLAIM_SECONDS, token, how.value, current(), self._prefix]
        claimed, *ledger = self._claim(keys=names, args=args)
        if ledger:
            self._hold(key, _Begun(token, *ledger))
        return Claimed(int(claimed))

    def token(self, key: str) -> str:
        """The claim by which this thread has begun a piece of work; "" when it has not."""
        return self._claims.get().get(key, _NOT_BEGUN).claim

    def ledger_at_claim(self, key: str) -> str | None:
        """Which ledger there was when this thread began a piece of work, "" for none, as of `Ledger.opened_at`; None when it has not begun it."""
        return self._claims.get().get(key, _NOT_BEGUN).ledger

    def renew(self, lane: Lane, key: str, token: str) -> None:
        """The attempt with this claim makes progress."""
        self._renew(keys=[self._keys.dispatched(lane), self._keys.begun], args=[key, token, CLAIM_SECONDS])

    def hand_over(self, lane: Lane, key: str) -> None:
        """The next step of the same work follows by a message of its own."""
        self._hand_over(
            keys=[self._keys.dispatched(lane), self._keys.begun], args=[key, self._released(key), DISPATCH_SECONDS]
        )

    def close(self, lane: Lane, key: str, outcome: OutcomeKind | None, *, limit: int = 0) -> Taken | None:
        """The work has ended; its run counts the outcome once. With a `limit` the caller takes the next work of the lane in the same
        step, and has begun it.
        """
        token = secrets.token_hex(8) if limit else ""
        next_one = self._take_args(limit, 1, token) if limit else []
        args: list[Value] = [key, _field(lane, outcome), self._prefix, self._released(key), *next_one]
        taken = self._taken(self._close(keys=self._closing_keys(lane), args=args), token)
        return taken[0] if taken else None

    def later(
        self, lane: Lane, key: str, *, at: float, outcome: OutcomeKind | None = None, token: str | None = None
    ) -> None:
        """Look at it again at `at`, or at once if somebody asked for it meanwhile. With an outcome, its run counts that and does not
        wait for it. `token`: the claim, where another thread gives the work back.
        """
        token = self._released(key) if token is None else token
        args: list[Value] = [key, _field(lane, outcome), self._prefix, at, current(), token]
        self._later(keys=[*self._lane_keys(lane), self._keys.again], args=args)

    def count(self, kind: RunKind, name: str, number: int) -> None:
        """Count something more for the run of this kind that goes on, if one does."""
        if number:
            self._count(keys=[self._keys.current_run(kind)], args=[self._prefix, name, number])

    def failed(self, key: str) -> int:
        """Count a failed attempt at a key; gives how many since it last ended."""
        return int(self._client.hincrby(self._keys.failures, key, 1))

    def failures(self, key: str) -> int:
        """How often it failed since it last ended or somebody asked for it anew."""
        return int(self._client.hget(self._keys.failures, key) or 0)

    def begin(self, kind: RunKind, trigger: str, keys: Collection[str]) -> tuple[Run, bool]:
        """Start a run with its first keys, or join the one that goes on: (run, joined)."""
        fresh = new_id(kind)
        args: list[Value] = [fresh, kind.value, trigger, self._prefix, RUN_KEPT_SECONDS, current(), *keys]
        while True:
            run_id, joined = self._begin(keys=[self._keys.current_run(kind), self._keys.runs], args=args)
            is_joined = joined == "1"
            # Gone again at once only if the server was started anew in between and lost its last second.
            if run := self.run(run_id):
                log.info("%s %s (%s): %s", run.id, "is joined" if is_joined else "begins", trigger, run.correlation_id)
                return run, is_joined

    def spawn(self, parent: str, lane: Lane, children: Children, *, limit: int = 0) -> Taken | None:
        """End `parent`, and in the same step let its children wait and be part of the run. A second time changes nothing in the run.
        `limit`: as of `close`.
        """
        keys = [*self._closing_keys(lane), self._keys.waiting(children.into), self._keys.dispatched(children.into)]
        counts: list[Value] = [part for name, count in children.counts.items() for part in (name, count)]
        at = "" if children.at is None else children.at
        token = secrets.token_hex(8) if limit else ""
        next_one = self._take_args(limit, 1, token) if limit else []
        args: list[Value] = [parent, self._prefix, self._released(parent), len(children.counts), *counts, at]
        taken = self._taken(self._spawn(keys=keys, args=[*args, len(next_one), *next_one, *children.keys]), token)
        return taken[0] if taken else None

    def take_in_strays(self, kind: RunKind, *, at_most: int = 100) -> int:
        """Let open keys of the run that goes on wait again if they stand in no lane: their caller died between two steps.

        Looks at some, chosen by chance; called again and again it finds all. Work that ended just now is found ended. A run that
        somebody looks after so is kept.
        """
        strays = set(
            self._open_keys(keys=[self._keys.current_run(kind)], args=[self._prefix, RUN_KEPT_SECONDS, at_most])
        )
        strays -= self.going_on(strays, due_before=float("inf"))
        for key in strays:
            self.add(lane_of(key), [key])
        return len(strays)

    def run(self, run_id: str) -> Run | None:
        """A run by its id; None when it was never there, is older than runs are kept, or is of a kind that only a newer version knows."""
        fields = self._client.hgetall(self._keys.run(run_id))
        if fields.get("kind") not in _KINDS:
            return None
        kind, ended = RunKind(fields["kind"]), "ended_at" in fields
        until = None if ended else self._sent_so_far(kind)
        return _run(run_id, fields, int(self._client.scard(self._keys.open_keys(run_id))), until)

    def _sent_so_far(self, kind: RunKind) -> Requests:
        counted = self._client.hmget(self._keys.sent, [f"{remote}:{kind}" for remote in ("procore", "netsuite")])
        return Requests(*(int(count or 0) for count in counted))

    def last_whole(self, kind: RunKind) -> Run | None:
        """The last run over everything that has ended, however long ago; its id is not kept."""
        fields = self._client.hgetall(self._keys.last_whole_run(kind))
        return _run("", fields, 0) if fields else None

    def current(self, kind: RunKind) -> Run | None:
        """The run that goes on, or else the last one."""
        run_id = self._client.get(self._keys.current_run(kind))
        return self.run(str(run_id)) if run_id else None

    def latest(self, at_most: int) -> list[Run]:
        """The runs that began last, newest first."""
        ids = self._client.zrevrange(self._keys.runs, 0, at_most - 1)
        return [run for run_id in ids if (run := self.run(str(run_id)))]

    def is_open(self, run: Run, key: str) -> bool:
        """Whether a run still waits for a key."""
        return bool(self._client.sismember(self._keys.open_keys(run.id), key))

    def waits_until(self, lane: Lane, key: str) -> float | None:
        """When a waiting key is looked at next; None when it does not wait."""
        score = self._client.zscore(self._keys.waiting(lane), key)
        return None if score is None else float(score)

    def last_due(self, lane: Lane, keys: Collection[str]) -> float:
        """When the last of these keys that wait is looked at next; 0 when none waits."""
        scores = self._client.zmscore(self._keys.waiting(lane), list(keys)) if keys else []
        return max((float(score) for score in scores if score is not None), default=0.0)

    def in_hand(self, lane: Lane, key: str) -> bool:
        """Whether it was dispatched, or a worker has begun it, or had when it died."""
        return self._client.zscore(self._keys.dispatched(lane), key) is not None

    def is_begun(self, lane: Lane, key: str) -> bool:
        """Whether a worker has begun it, and has not ended or died."""
        return self.in_hand(lane, key) and bool(self._client.hexists(self._keys.begun, key))

    def going_on(self, keys: Collection[str], *, due_before: float) -> set[str]:
        """Those of some work that are in hand, or wait and are due before a time (unix seconds)."""
        found: set[str] = set()
        for lane in Lane:
            for some in _in_batches([key for key in keys if lane_of(key) is lane]):
                waits = self._client.zmscore(self._keys.waiting(lane), some)
                hands = self._client.zmscore(self._keys.dispatched(lane), some)
                found |= {
                    key
                    for key, until, hand in zip(some, waits, hands, strict=True)
                    if hand is not None or (until is not None and until < due_before)
                }
        return found

    def waiting(self, lane: Lane) -> int:
        """How much waits."""
        return int(self._client.zcard(self._keys.waiting(lane)))

    def depth(self, lane: Lane) -> tuple[int, int]:
        """How much waits and how much is in hand."""
        return int(self._client.zcard(self._keys.waiting(lane))), int(self._client.zcard(self._keys.dispatched(lane)))

    def backlog(self, lane: Lane) -> Backlog:
        """The same, and how long it has been due."""
        waiting, in_hand, since = self._backlog(keys=[self._keys.waiting(lane), self._keys.dispatched(lane)])
        return Backlog(int(waiting), int(in_hand), float(since))

    def oldest_invoice(self) -> tuple[str, float] | None:
        """The invoice that has been work for longest without an end, and since when (unix seconds); None when there is none."""
        first = self._client.zrange(self._keys.invoices_since, 0, 0, withscores=True)
        return (str(first[0][0]), float(first[0][1])) if first else None

    def forget_ended_invoices(self, *, at_most: int = 100) -> None:
        """Keep `oldest_invoice` right: the oldest that are in no lane any more are no work."""
        lane = Lane.EXPORTS
        self._forget_ended(
            keys=[self._keys.invoices_since, self._keys.waiting(lane), self._keys.dispatched(lane)], args=[at_most]
        )

    def failing(self) -> int:
        """How many pieces of work have failed and are tried again."""
        return int(self._client.hlen(self._keys.failures))

    def _hold(self, key: str, begun: _Begun) -> None:
        self._claims.set({**self._claims.get(), key: begun})

    def _released(self, key: str) -> str:
        """The claim of this thread on a piece of work, which it ends."""
        claims = dict(self._claims.get())
        begun = claims.pop(key, None)
        if begun is None:
            return ""
        self._claims.set(claims)
        return begun.claim

    def _current_of(self, lane: Lane) -> str:
        """The run that may wait for work of a lane; upkeep is part of none."""
        return self._keys.current_run(lane.run)

    def _lane_keys(self, lane: Lane) -> list[str]:
        names = [self._keys.waiting(lane), self._keys.dispatched(lane), self._keys.deaths, self._current_of(lane)]
        return [*names, self._keys.asked, self._keys.begun]

    def _closing_keys(self, lane: Lane) -> list[str]:
        return [*self._lane_keys(lane), self._keys.failures, self._keys.again, self._keys.unbegun]


def _run(run_id: str, fields: dict[str, str], open_keys: int, sent_so_far: Requests | None = None) -> Run:
    """A run out of its hash; `sent_so_far`: the counters of now, for one that goes on."""
    ended = fields.pop("ended_at", None)
    fields.pop("whole", None)
    correlation_id = fields.pop("correlation_id", run_id)
    kind, trigger, started = RunKind(fields.pop("kind")), fields.pop("trigger"), float(fields.pop("started_at"))
    begun, until = _sent(fields, "from"), _sent(fields, "until") or sent_so_far
    # What is no number here is of a newer version.
    counts = {name: int(value) for name, value in fields.items() if value.isdigit()}
    requests = until - begun if begun and until else None
    return Run(
        run_id, kind, trigger, started, float(ended) if ended else None, open_keys, counts, correlation_id, requests
    )


def _sent(fields: dict[str, str], when: str) -> Requests | None:
    """Takes the counters of a moment out of a run's fields; None where they were not noted."""
    procore, netsuite = fields.pop(f"procore_{when}", None), fields.pop(f"netsuite_{when}", None)
    return Requests(int(procore), int(netsuite)) if procore and netsuite else None


_KINDS = frozenset(kind.value for kind in RunKind)


def _field(lane: Lane, outcome: OutcomeKind | None) -> str:
    """What a run counts. A project that could not be looked through is no code and no invoice."""
    if outcome is None:
        return ""
    of_project = lane in (Lane.SCANS, Lane.LISTINGS) and outcome in (OutcomeKind.BLOCKED, OutcomeKind.SKIPPED)
    return f"projects_{outcome}" if of_project else outcome.value


def _in_batches(keys: list[str], size: int = 1000) -> list[list[str]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]
