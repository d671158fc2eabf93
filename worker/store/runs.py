"""Runs: a scan or an export of all, which a person starts and watches to its end.

A run is a hash of counts and the set of its open keys: the work that it still waits for. A key is removed from the set once, so work that is
done twice counts once; the run has ended when the set is empty. Work ends in its lane and counts for its run in one script, so both are in
`worker.store.lanes` (`Lanes.close`, `Lanes.later` and `Lanes.spawn`; their scripts are in `lua/lanes_and_runs/`).

What a run has sent is the difference between the counters of all workers (the hash `sent`) at its beginning and at its end. A count for each
piece of work would have to pass through every thread that does a part of it, and would be lost with a worker that dies.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.domain.outcomes import OutcomeKind
from worker.domain.plans import Requests
from worker.domain.work import Lane, RunKind
from worker.observability.correlation import current, new_id
from worker.store.client import Redis, Value
from worker.store.keys import Keys
from worker.store.scripts import Script, number, texts

log = logging.getLogger(__name__)

RUN_TTL_SECONDS = 7 * 86_400
"""How long a run is kept after it began, was joined, or some of its open keys were last read."""


@dataclass(frozen=True, slots=True)
class Run:
    """The current state of a run. `counts`: by field, outcomes and what was listed; `open_keys`: number of works left. Times in unix seconds.

    `requests`: what all workers have sent for scans (for exports) from its beginning to its end, or until now, without logins. None for a
    run that a process of an older version began or ended.
    `correlation_id`: of the request that began it; its own id if that had none.
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
        """Whether it waits for no more work."""
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
        args: list[Value] = [fresh, kind.value, trigger, self._prefix, RUN_TTL_SECONDS, current(), *keys]
        while True:
            run_id, joined = self._begin(keys=[self._keys.current_run(kind), self._keys.runs], args=args)
            is_joined = joined == "1"
            # Missing only if the server was restarted in between and lost its last second.
            if run := self.run(run_id):
                log.info("%s %s (%s): %s", run.id, "is joined" if is_joined else "begins", trigger, run.correlation_id)
                return run, is_joined

    def count(self, kind: RunKind, name: str, number: int) -> None:
        """Add to a count of the run of this kind in progress; do nothing without one."""
        if number:
            self._count(keys=[self._keys.current_run(kind)], args=[self._prefix, name, number])

    def some_open_keys(self, kind: RunKind, *, at_most: int = 100) -> set[str]:
        """Return some keys that the run in progress waits for, chosen at random: repeated calls find all. Keeps the run for another
        `RUN_TTL_SECONDS`.
        """
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
        until = None if ended else self._sent_so_far(kind)
        return _run(run_id, fields, int(self._client.scard(self._keys.open_keys(run_id))), until)

    def current(self, kind: RunKind) -> Run | None:
        """Return the run in progress, else the last one."""
        run_id = self._client.get(self._keys.current_run(kind))
        return self.run(str(run_id)) if run_id else None

    def latest(self, at_most: int) -> list[Run]:
        """Return the runs that began last, newest first."""
        ids = self._client.zrevrange(self._keys.runs, 0, at_most - 1)
        return [run for run_id in ids if (run := self.run(str(run_id)))]

    def last_whole(self, kind: RunKind) -> Run | None:
        """Return the last ended run over everything, however long ago; its id is not kept."""
        fields = self._client.hgetall(self._keys.last_whole_run(kind))
        return _run("", fields, 0) if fields else None

    def _sent_so_far(self, kind: RunKind) -> Requests:
        counted = self._client.hmget(self._keys.sent, [f"{remote}:{kind}" for remote in ("procore", "netsuite")])
        return Requests(*(int(count or 0) for count in counted))


def counted_as(lane: Lane, outcome: OutcomeKind | None) -> str:
    """Return the field under which a run counts an outcome; "" for None. A project whose listing was blocked is no blocked code or invoice."""
    if outcome is None:
        return ""
    of_project = lane in (Lane.SCANS, Lane.LISTINGS) and outcome in (OutcomeKind.BLOCKED, OutcomeKind.SKIPPED)
    return f"projects_{outcome}" if of_project else outcome.value


def _run(run_id: str, fields: dict[str, str], open_keys: int, sent_so_far: Requests | None = None) -> Run:
    """Build a run from its hash. `sent_so_far`: today's counters, for a run in progress."""
    ended = fields.pop("ended_at", None)
    fields.pop("whole", None)
    correlation_id = fields.pop("correlation_id", run_id)
    kind, trigger, started = RunKind(fields.pop("kind")), fields.pop("trigger"), float(fields.pop("started_at"))
    begun, until = _sent(fields, "from"), _sent(fields, "until") or sent_so_far
    # A field that is no number was written by a newer version.
    counts = {name: int(value) for name, value in fields.items() if value.isdigit()}
    requests = until - begun if begun and until else None
    return Run(
        run_id, kind, trigger, started, float(ended) if ended else None, open_keys, counts, correlation_id, requests
    )


def _sent(fields: dict[str, str], when: str) -> Requests | None:
    """Remove the counters of a moment from a run's fields and return them; None if an older version did not record them."""
    procore, netsuite = fields.pop(f"procore_{when}", None), fields.pop(f"netsuite_{when}", None)
    return Requests(int(procore), int(netsuite)) if procore and netsuite else None


_KINDS = frozenset(kind.value for kind in RunKind)
