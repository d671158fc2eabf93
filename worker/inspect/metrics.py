"""Business metrics of the whole installation for Prometheus, from Redis alone, with a fixed number of commands.

Nothing here reads the ledger. Counts come from sorted sets, maintained by the scripts that write records and problems. Times are unix
seconds of Redis' clock, as Prometheus recommends: queries compute ages.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import ResponseError

from worker.domain.outcomes import OutcomeKind
from worker.domain.problems import CATALOGUE, Owner
from worker.domain.scopes import Remote, doing, remote_of
from worker.domain.work import Lane, RunKind
from worker.inspect.liveness import Alive, Liveness
from worker.inspect.metric_families import Families
from worker.inspect.pauses import Pauses
from worker.inspect.waiting import Waiting
from worker.store.server_state import server_state
from worker.store.stores import Stores
from worker.store.webhook_counts import ANSWERS

VERIFY = "verify"
RUN_OUTCOMES = tuple(kind.value for kind in OutcomeKind)

Schedule = Mapping[str, Callable[[float], float]]
"""For each run with a schedule: returns the next scheduled time after a time (both unix seconds)."""


@dataclass(frozen=True, slots=True, eq=False)
class Metrics(Collector):
    """Reads the values again at each `collect`. `certificate_expiry`: of the NetSuite login certificate, None = not known."""

    stores: Stores
    liveness: Liveness
    pauses: Pauses
    waiting: Waiting
    schedule: Schedule
    certificate_expiry: Callable[[], float | None]

    def text(self) -> str:
        """Return all metrics in the Prometheus text format."""
        # Not the default registry, which has Flower's metrics.
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry).decode()

    def describe(self) -> Iterator[Metric]:
        """Return empty families, so that registering reads nothing."""
        return iter(Families().all())

    def collect(self) -> Iterator[Metric]:
        """Yield every family of the catalogue with its current values. Raises RedisError."""
        families = Families()
        families.put("scrape_timestamp_seconds", self.stores.now())
        families.put_known("last_resume_timestamp_seconds", self.stores.gate.last_noted())
        alive = self.liveness.now()
        self._processes(families, alive)
        self._webhooks(families, alive)
        self._server(families)
        self._lanes(families)
        self._records(families)
        self._problems(families)
        self._remotes(families)
        self._runs(families)
        families.put("ledger_open", self.stores.ledger.state.is_open())
        families.put("ledger_rebuilt_items", self.stores.ledger.state.rebuild_counts().get("items", 0))
        families.put_known("netsuite_certificate_expiry_timestamp_seconds", self.certificate_expiry())
        with suppress(OSError):
            families.put("data_directory_free_bytes", shutil.disk_usage(self.stores.installation.data_dir).free)
        families.put("build_info", 1, version("wbs-sync"), platform.python_version())
        return iter(families.all())

    def _processes(self, families: Families, alive: Alive) -> None:
        for queue in self.liveness.queues:
            if not alive.rejection:
                families.put("workers", sum(queue in process.queues for process in alive.processes), queue)
            families.put("queue_messages", self.stores.schedule_runs.messages_in(queue), queue)
        last_seen: dict[str, float] = {}
        for process in (*alive.processes, *(() if alive.rejection else alive.silent)):
            # If two processes have the same name, which is a mistake, the older time shows that one of them is silent.
            last_seen[process.name] = min(process.seen, last_seen.get(process.name, process.seen))
        for name, at in last_seen.items():
            families.put("process_last_seen_timestamp_seconds", at, name)

    def _webhooks(self, families: Families, alive: Alive) -> None:
        if counts := self.stores.webhook_counts.total():
            if not alive.rejection:
                families.put("webhook_receivers", len(alive.receivers))
            for answer in ANSWERS:
                families.put("webhook_requests_total", counts.get(answer, 0), answer)

    def _server(self, families: Families) -> None:
        """Add the state of the server; nothing if the user of REDIS_URL may not read it, or a managed service does not report it."""
        try:
            state = server_state(self.stores.redis)
        except ResponseError:
            return
        families.put("redis_memory_used_bytes", state.memory_used)
        families.put_known("redis_memory_limit_bytes", state.memory_limit)
        families.put("redis_append_only", state.append_only)
        for kind, succeeded in state.saves.items():
            families.put("redis_save_failing", not succeeded, kind)
        families.put_known("redis_last_snapshot_timestamp_seconds", state.saved_at)

    def _lanes(self, families: Families) -> None:
        for lane in Lane:
            backlog = self.stores.work.backlog(lane)
            families.put("waiting_work", backlog.waiting, lane)
            families.put("work_in_progress", backlog.in_progress, lane)
            families.put_known("oldest_due_work_timestamp_seconds", backlog.due_since, lane)
        families.put("retrying_work", self.stores.work.failing())

    def _records(self, families: Families) -> None:
        for group in self.stores.ledger.unfinished():
            families.put("unfinished_records", group.count, group.kind, group.state)
            families.put_known("oldest_unfinished_timestamp_seconds", group.since, group.kind, group.state)
        for waiting in self.waiting.oldest():
            families.put("oldest_waiting_timestamp_seconds", waiting.since, waiting.record, waiting.reason)
        for (kind, outcome), count in self.stores.ledger.totals().items():
            families.put("records_total", count, kind, outcome)

    def _problems(self, families: Families) -> None:
        oldest: dict[Owner, float] = {}
        for group in self.stores.handling.counted():
            owner = CATALOGUE[group.cause].owner
            families.put("problems", group.open, group.cause, owner)
            families.put("ignored_problems", group.ignored, group.cause, owner)
            if group.open:
                oldest[owner] = min(group.since, oldest.get(owner, group.since))
        for owner, since in oldest.items():
            families.put("oldest_problem_timestamp_seconds", since, owner)

    def _remotes(self, families: Families) -> None:
        families.put("netsuite_slots", self.stores.gate.caps()[0])
        families.put("netsuite_slots_in_use", self.stores.gate.in_use())
        for precedence, count in self.stores.gate.waiting().items():
            families.put("netsuite_requests_waiting", count, precedence)
        for window in self.stores.procore_limits.windows():
            families.put("procore_rate_limit_requests", window.limit, window.name)
            families.put("procore_rate_limit_requests_left", window.left, window.name)
            families.put("procore_rate_limit_reset_timestamp_seconds", window.ends, window.name)
        for remote, begun in self.stores.breakers.begun().items():
            families.put("remote_pauses_total", begun, remote)
        paused = self.pauses.all()
        # All work of a remote has a sample even if it is not paused.
        counts = {(remote, doing(remote)): 0 for remote in Remote}
        counts |= {(remote_of(pause.scope), pause.work): pause.times for pause in paused if pause.scope}
        for (remote, work), times in counts.items():
            families.put("consecutive_pauses", times, remote, work)
        for pause in paused:
            families.put("pause_ends_timestamp_seconds", pause.ends, pause.remote, pause.work, pause.cause)

    def _runs(self, families: Families) -> None:
        opened_at = self.stores.ledger.state.opened_at()
        began = dict.fromkeys((*RunKind, VERIFY), float(opened_at) if opened_at else None)
        for kind in RunKind:
            current, last = self.stores.runs.current(kind), self.stores.runs.last_whole(kind)
            in_progress = current if current and not current.ended else None
            if in_progress:
                families.put("run_in_progress_since_timestamp_seconds", in_progress.started_at, kind)
            families.put("run_pending_work", in_progress.open_keys if in_progress else 0, kind)
            if last and last.ended_at:
                counts = {outcome: last.counts.get(outcome, 0) for outcome in RUN_OUTCOMES}
                _ended(families, kind, last.started_at, last.ended_at, counts)
                began[kind] = last.started_at
        verified = self.stores.verifications.last()
        if verified:
            _ended(families, VERIFY, verified.started_at, verified.ended_at, verified.counts)
            families.put("verify_findings", verified.counts["finding"])
            began[VERIFY] = verified.started_at
        for run in (*RunKind, VERIFY):
            families.put("schedule_set", run in self.schedule, run)
        for run, after in began.items():
            if run in self.schedule and after is not None:
                families.put("run_due_timestamp_seconds", self.schedule[run](after), run)


def _ended(families: Families, run: str, started_at: float, ended_at: float, counts: Mapping[str, int]) -> None:
    families.put("last_run_started_timestamp_seconds", started_at, run)
    families.put("last_run_finished_timestamp_seconds", ended_at, run)
    families.put("last_run_duration_seconds", ended_at - started_at, run)
    for outcome, count in counts.items():
        families.put("last_run_results", count, run, outcome)
