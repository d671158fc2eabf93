"""Runs: scans and exports, each followed from its start until its last work has ended.

A run is a hash of counts and the set of its open keys: the work that it still waits for. A key is removed from the set only once, so work
that is done twice counts once. The run has ended when the set is empty. One script ends work in its lane and counts it for its run, so these
methods are in `worker.store.lanes` (`Lanes.close`, `Lanes.postpone` and `Lanes.spawn`; their scripts are in `lua/lanes_and_runs/`).

The requests of a run are the difference between the counters of all workers (the hash `sent`) at its beginning and at its end. A count for
each piece of work would have to be passed to every thread that does a part of it, and would be lost if a worker dies.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.context import current_correlation, new_id
from worker.domain.outcomes import OutcomeKind
from worker.domain.plans import Requests
from worker.domain.work import Lane, RunKind
from worker.store.client import Redis, Value
from worker.store.keys import Keys
from worker.store.scripts import Script, number, texts

log = logging.getLogger(__name__)

RUN_TTL_SECONDS = 7 * 86_400
"""Seconds for which a run is kept after it began, was joined, or had some of its open keys read."""


@dataclass(frozen=True, slots=True)
class Run:
    """The current state of a run. `counts`: of outcomes and of listed records, by field; `open_keys`: number of works left. Times in unix
    seconds.

    `requests`: sent by all workers for scans (or exports) from its beginning to its end, or until now, without logins; None if a process of
    an older version began or ended the run. `correlation_id`: of the request that began it; its own id if that had none.
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
        """Return whether all its work has ended."""
        return self.ended_at is not None


class Runs:
    """The runs of an installation, at most one of each kind in progress. Every change is one atomic script."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._keys = Keys(prefix)
        self._begin = Script(client, "runs/begin", texts)
        self._open_keys = Script(client, "runs/open_keys", texts)
        self._count = Script(client, "runs/count", number)

    def begin(self, kind: RunKind, trigger: str, keys: Collection[str]) -> tuple[Run, bool]:
        """Begin a run with its first keys, or add them to the one in progress: return (run, joined)."""
        fresh = new_id(kind)
        args: list[Value] = [fresh, kind.value, trigger, self._prefix, RUN_TTL_SECONDS, current_correlation(), *keys]
        while True:
            run_id, joined = self._begin(keys=[self._keys.current_run(kind), self._keys.runs], args=args)
            is_joined = joined == "1"
            # It is missing only if the server restarted meanwhile and lost its last second.
            if run := self.run(run_id):
                log.info("%s %s (%s): %s", run.id, "is joined" if is_joined else "begins", trigger, run.correlation_id)
                return run, is_joined

    def count(self, kind: RunKind, name: str, number: int) -> None:
        """Add a number to a count of the run of this kind in progress; do nothing without one."""
        if number:
            self._count(keys=[self._keys.current_run(kind)], args=[self._prefix, name, number])

    def some_open_keys(self, kind: RunKind, *, at_most: int = 100) -> set[str]:
        """Return some keys that the run in progress waits for, chosen at random, so that repeated calls find all. Extends its expiry."""
        args: list[Value] = [self._prefix, RUN_TTL_SECONDS, at_most]
        return set(self._open_keys(keys=[self._keys.current_run(kind)], args=args))

    def is_open(self, run: Run, key: str) -> bool:
        """Return whether a run still waits for a key."""
        return bool(self._client.sismember(self._keys.open_keys(run.id), key))

    def run(self, run_id: str) -> Run | None:
        """Return a run; None if it never existed, has expired, or is of a kind that only a newer version knows."""
        fields = self._client.hgetall(self._keys.run(run_id))
        if fields.get("kind") not in _KINDS:
            return None
        kind, ended = RunKind(fields["kind"]), "ended_at" in fields
        until = None if ended else sent_so_far(self._client, self._keys, kind)
        return _run(run_id, fields, int(self._client.scard(self._keys.open_keys(run_id))), until)

    def current(self, kind: RunKind) -> Run | None:
        """Return the run in progress, else the last one; None without any."""
        run_id = self._client.get(self._keys.current_run(kind))
        return self.run(str(run_id)) if run_id else None

    def latest(self, at_most: int) -> list[Run]:
        """Return the runs that began last, newest first."""
        ids = self._client.zrevrange(self._keys.runs, 0, at_most - 1)
        return [run for run_id in ids if (run := self.run(str(run_id)))]

    def last_whole(self, kind: RunKind) -> Run | None:
        """Return the last ended run over everything, whatever its age; its id is not kept."""
        fields = self._client.hgetall(self._keys.last_whole_run(kind))
        return _run("", fields, 0) if fields else None


def sent_so_far(client: Redis, keys: Keys, precedence: str) -> Requests:
    """Return how many requests all workers have sent so far with a precedence; a run's kind is the precedence of its requests."""
    counted = client.hmget(keys.sent, [f"{remote}:{precedence}" for remote in ("procore", "netsuite")])
    return Requests(*(int(count or 0) for count in counted))


def counted_as(lane: Lane, outcome: OutcomeKind | None) -> str:
    """Return the field under which a run counts an outcome; "" for None. A blocked or skipped project is not counted as a code or invoice."""
    if outcome is None:
        return ""
    of_project = lane in (Lane.SCANS, Lane.LISTINGS) and outcome in (OutcomeKind.BLOCKED, OutcomeKind.SKIPPED)
    return f"projects_{outcome}" if of_project else outcome.value


def _run(run_id: str, fields: dict[str, str], open_keys: int, sent_so_far: Requests | None = None) -> Run:
    """Return a run from its hash. `sent_so_far`: the current counters, for a run in progress."""
    ended = fields.pop("ended_at", None)
    fields.pop("whole", None)
    correlation_id = fields.pop("correlation_id", run_id)
    kind, trigger, started = RunKind(fields.pop("kind")), fields.pop("trigger"), float(fields.pop("started_at"))
    begun, until = _sent(fields, "from"), _sent(fields, "until") or sent_so_far
    # A newer version may have written fields that are not numbers.
    counts = {name: int(value) for name, value in fields.items() if value.isdigit()}
    requests = until - begun if begun and until else None
    return Run(
        run_id, kind, trigger, started, float(ended) if ended else None, open_keys, counts, correlation_id, requests
    )


def _sent(fields: dict[str, str], when: str) -> Requests | None:
    """Remove the counters at the beginning (`from`) or end (`until`) from a run's fields, and return them; None if an older version wrote
    none.
    """
    procore, netsuite = fields.pop(f"procore_{when}", None), fields.pop(f"netsuite_{when}", None)
    return Requests(int(procore), int(netsuite)) if procore and netsuite else None


_KINDS = frozenset(kind.value for kind in RunKind)
