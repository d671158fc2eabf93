"""Business metrics of the whole installation for Prometheus, read from Redis alone with a fixed number of commands.

Nothing here reads the ledger. Counts come from sorted sets, maintained by the scripts that write records and problems. Times are unix
seconds of Redis' clock, as Prometheus recommends: queries compute ages.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import ResponseError

from worker.domain.outcomes import OutcomeKind
from worker.domain.problems import CATALOGUE, Owner
from worker.domain.scopes import Remote, doing, remote_of
from worker.domain.work import Lane, RunKind
from worker.inspect.liveness import Alive, Liveness
from worker.inspect.pauses import Pauses
from worker.inspect.waiting import Waiting
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.gate import Gate
from worker.store.lanes import Lanes
from worker.store.ledger import Ledger
from worker.store.limits import RateLimits
from worker.store.open_problems import Handling
from worker.store.runs import Run, Runs
from worker.store.server_state import server_state
from worker.store.verifications import Verifications
from worker.store.webhook_counts import ANSWERS, WebhookCounts

VERIFY = "verify"
RUN_OUTCOMES = tuple(kind.value for kind in OutcomeKind)

CATALOGUE_OF_METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "wbs_sync_scrape_timestamp_seconds": ("Time at which these metrics were read, by Redis' clock.", ()),
    "wbs_sync_last_resume_timestamp_seconds": (
        "Time at which a worker last dispatched waiting work. Beat requests it every 5 seconds: an old value means that no work is done.",
        (),
    ),
    "wbs_sync_workers": ("Running workers that take messages from a queue.", ("queue",)),
    "wbs_sync_queue_messages": ("Messages in a Celery queue that no worker has fetched.", ("queue",)),
    "wbs_sync_process_last_seen_timestamp_seconds": (
        "Time of the last heartbeat of a worker, beat or the webhook receiver; each sends one every 2 seconds. A process that stopped without notice is listed for 6 hours, or until one with the same name starts.",
        ("process",),
    ),
    "wbs_sync_waiting_work": ("Pieces of work waiting in a lane, including those not due yet.", ("lane",)),
    "wbs_sync_work_in_hand": ("Pieces of work dispatched or started by a worker.", ("lane",)),
    "wbs_sync_oldest_due_work_timestamp_seconds": (
        "Time since which the longest overdue work of a lane has been due; none while nothing is due.",
        ("lane",),
    ),
    "wbs_sync_failing_work": ("Pieces of work whose last attempt failed and that are retried automatically.", ()),
    "wbs_sync_unfinished_records": (
        "Known WBS codes without an Item and invoices without a bill. intent: a write was just sent; unknown: NetSuite did not confirm it; write_back: the bill exists, and its id is not saved in Procore yet.",
        ("record", "state"),
    ),
    "wbs_sync_oldest_unfinished_timestamp_seconds": (
        "Time at which the oldest of them was first seen, or, for intent and unknown, at which its write may have been sent; none while there is none.",
        ("record", "state"),
    ),
    "wbs_sync_oldest_waiting_timestamp_seconds": (
        "Time since which the longest-waiting invoice and code have waited without a result or a problem, and why they wait now; none while none waits.",
        ("record", "reason"),
    ),
    "wbs_sync_records_total": (
        "WBS codes that got an Item and invoices that got a bill since this ledger was created, both created and adopted.",
        ("record", "outcome"),
    ),
    "wbs_sync_problems": ("Open problems without ignored ones.", ("cause", "owner")),
    "wbs_sync_ignored_problems": ("Problems that are ignored until they change.", ("cause", "owner")),
    "wbs_sync_oldest_problem_timestamp_seconds": (
        "Time since which the oldest problem of an owner that is not ignored has been open; none while there is none.",
        ("owner",),
    ),
    "wbs_sync_netsuite_slots": ("Maximum concurrent NetSuite requests (NETSUITE_CONCURRENCY).", ()),
    "wbs_sync_netsuite_slots_in_use": ("NetSuite requests in progress now.", ()),
    "wbs_sync_netsuite_requests_waiting": ("Requests waiting for a slot now.", ("precedence",)),
    "wbs_sync_procore_rate_limit_requests": ("Requests allowed in a window of Procore's rate limit.", ("window",)),
    "wbs_sync_procore_rate_limit_requests_left": ("Requests left in the window.", ("window",)),
    "wbs_sync_procore_rate_limit_reset_timestamp_seconds": ("Time at which the window ends and the next one begins.", ("window",)),
    "wbs_sync_remote_pauses_total": (
        "Pauses started because a system was down or refused a login or a permission.",
        ("remote",),
    ),
    "wbs_sync_pause_ends_timestamp_seconds": (
        "Time at which paused work is retried, after a system was down, refused a login or permission, or reached its rate limit; none while nothing is paused.",
        ("remote", "work", "cause"),
    ),
    "wbs_sync_remote_holds": (
        "Consecutive pauses because a system was down or refused a login or a permission, by paused kind of record and permission and for all work of a system; 0 or none as soon as work succeeds.",
        ("remote", "work"),
    ),
    "wbs_sync_last_run_started_timestamp_seconds": ("Start time of the last finished run over everything.", ("run",)),
    "wbs_sync_last_run_finished_timestamp_seconds": ("End time of the last finished run over everything.", ("run",)),
    "wbs_sync_last_run_duration_seconds": ("Duration of that run.", ("run",)),
    "wbs_sync_last_run_results": (
        "Results of that run: codes of a scan and invoices of an export by outcome; codes and invoices of verify by whether they are correct, and what could not be compared.",
        ("run", "outcome"),
    ),
    "wbs_sync_schedule_set": ("1 = the run has a schedule in the settings; 0 = it is started by hand only.", ("run",)),
    "wbs_sync_run_due_timestamp_seconds": (
        "Time at which the next run after the last finished one is scheduled; none without a schedule.",
        ("run",),
    ),
    "wbs_sync_run_in_progress_since_timestamp_seconds": ("Start time of the run in progress; none while no run is in progress.", ("run",)),
    "wbs_sync_run_open_work": ("Pieces of work that the run in progress is waiting for; 0 while no run is in progress.", ("run",)),
    "wbs_sync_verify_findings": ("Findings of the last verify.", ()),
    "wbs_sync_ledger_open": ("1 = there is a ledger; 0 = it is being rebuilt from NetSuite, and nothing is written until then.", ()),
    "wbs_sync_ledger_rebuilt_items": ("Items found so far by the rebuild in progress; 0 while there is none.", ()),
    "wbs_sync_webhook_receivers": (
        "Running webhook receivers; none if no receiver has run in the last 3 days.",
        (),
    ),
    "wbs_sync_webhook_requests_total": (
        "Webhook requests by response. accepted: 204; unauthorized: 401, the Authorization header is not WEBHOOK_AUTHORIZATION; unavailable: 503, Redis did not respond in time.",
        ("answer",),
    ),
    "wbs_sync_netsuite_certificate_expiry_timestamp_seconds": (
        "Expiry time of the NetSuite login certificate; none if neither NETSUITE_CERTIFICATE_EXPIRES nor the key file has it.",
        (),
    ),
    "wbs_sync_redis_memory_used_bytes": ("Memory used by the Redis server.", ()),
    "wbs_sync_redis_memory_limit_bytes": ("The server's maxmemory, or the memory of its machine if maxmemory is not set.", ()),
    "wbs_sync_redis_append_only": ("1 = the server has an append-only file; 0 = a restart may lose data.", ()),
    "wbs_sync_redis_save_failing": ("1 = the last save of this kind failed, for example because the disk is full.", ("kind",)),
    "wbs_sync_redis_last_snapshot_timestamp_seconds": (
        "Time of the last successful snapshot, or the start of a server that makes none.",
        (),
    ),
    "wbs_sync_data_directory_free_bytes": ("Free disk space for DATA_DIR on the machine that serves these metrics.", ()),
    "wbs_sync_build_info": ("Version of wbs-sync that serves these metrics, and its Python version.", ("version", "python")),
}  # fmt: skip
"""Every metric with its help text and its labels. docs/metrics.md shows this table."""


class Metrics(Collector):
    """Reads the values again at each `collect`."""

    def __init__(
        self,
        client: Redis,
        *,
        ledger: Ledger,
        handling: Handling,
        work: Lanes,
        runs: Runs,
        gate: Gate,
        limits: RateLimits,
        pauses: Pauses,
        verifications: Verifications,
        waiting: Waiting,
        liveness: Liveness,
        queue_lengths: Callable[[], Mapping[str, int]],
        webhook_counts: WebhookCounts,
        due: Mapping[str, Callable[[float], float]],
        certificate_expiry: Callable[[], float | None],
        data_dir: Path,
    ) -> None:
        """`due`: for the runs with a schedule, returns the next scheduled time after a time (both unix seconds); `queue_lengths`: messages
        waiting in each queue, by name without the prefix; `certificate_expiry`: of the NetSuite login certificate, None = not known.
        """
        self._client = client
        self._ledger = ledger
        self._handling = handling
        self._work = work
        self._runs = runs
        self._gate = gate
        self._limits = limits
        self._pauses = pauses
        self._verifications = verifications
        self._waiting = waiting
        self._liveness = liveness
        self._queue_lengths = queue_lengths
        self._webhook_counts = webhook_counts
        self._due = due
        self._certificate_expiry = certificate_expiry
        self._data_dir = data_dir

    def text(self) -> str:
        """Return all metrics in the Prometheus text format."""
        # One of its own: the process' own registry has Flower's metrics.
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry).decode()

    def describe(self) -> Iterator[Metric]:
        """Return empty families, so that registering reads nothing."""
        return iter(Families().told())

    def collect(self) -> Iterator[Metric]:
        """Yield every family of the catalogue with its current values. Raises RedisError."""
        told = Families()
        told.put("scrape_timestamp_seconds", seconds(self._client))
        told.put_known("last_resume_timestamp_seconds", self._gate.last_noted())
        alive = self._liveness.now()
        self._processes(told, alive)
        self._webhooks(told, alive)
        self._server(told)
        self._lanes(told)
        self._records(told)
        self._problems(told)
        self._remotes(told)
        self._write_runs(told)
        told.put("ledger_open", self._ledger.state.is_open())
        told.put("ledger_rebuilt_items", self._ledger.state.rebuild_counts().get("items", 0))
        told.put_known("netsuite_certificate_expiry_timestamp_seconds", self._certificate_expiry())
        with suppress(OSError):
            told.put("data_directory_free_bytes", shutil.disk_usage(self._data_dir).free)
        told.put("build_info", 1, version("wbs-sync"), platform.python_version())
        return iter(told.told())

    def _processes(self, told: Families, alive: Alive) -> None:
        for queue, length in self._queue_lengths().items():
            told.put("workers", sum(queue in one.queues for one in alive.processes), queue)
            told.put("queue_messages", length, queue)
        seen: dict[str, float] = {}
        for one in (*alive.processes, *alive.silent):
            # Of two that have one name, which they should not, the one that is in trouble.
            seen[one.name] = min(one.seen, seen.get(one.name, one.seen))
        for process, at in seen.items():
            told.put("process_last_seen_timestamp_seconds", at, process)

    def _webhooks(self, told: Families, alive: Alive) -> None:
        if counts := self._webhook_counts.total():
            told.put("webhook_receivers", len(alive.receivers))
            for answer in ANSWERS:
                told.put("webhook_requests_total", counts.get(answer, 0), answer)

    def _server(self, told: Families) -> None:
        """Yield nothing if the user of REDIS_URL may not read it, or a managed service does not report it."""
        try:
            state = server_state(self._client)
        except ResponseError:
            return
        told.put("redis_memory_used_bytes", state.memory_used)
        told.put_known("redis_memory_limit_bytes", state.memory_limit)
        told.put("redis_append_only", state.append_only)
        for kind, succeeded in state.saves.items():
            told.put("redis_save_failing", not succeeded, kind)
        told.put_known("redis_last_snapshot_timestamp_seconds", state.saved_at)

    def _lanes(self, told: Families) -> None:
        for lane in Lane:
            backlog = self._work.backlog(lane)
            told.put("waiting_work", backlog.waiting, lane)
            told.put("work_in_hand", backlog.in_hand, lane)
            told.put_known("oldest_due_work_timestamp_seconds", backlog.due_since, lane)
        told.put("failing_work", self._work.failing())

    def _records(self, told: Families) -> None:
        for one in self._ledger.unfinished():
            told.put("unfinished_records", one.count, one.kind, one.state)
            told.put_known("oldest_unfinished_timestamp_seconds", one.since, one.kind, one.state)
        for waiting in self._waiting.oldest():
            told.put("oldest_waiting_timestamp_seconds", waiting.since, waiting.record, waiting.reason)
        for (kind, outcome), count in self._ledger.totals().items():
            told.put("records_total", count, kind, outcome)

    def _problems(self, told: Families) -> None:
        oldest: dict[Owner, float] = {}
        for one in self._handling.counted():
            owner = CATALOGUE[one.cause].owner
            told.put("problems", one.open, one.cause, owner)
            told.put("ignored_problems", one.ignored, one.cause, owner)
            if one.open:
                oldest[owner] = min(one.since, oldest.get(owner, one.since))
        for owner, since in oldest.items():
            told.put("oldest_problem_timestamp_seconds", since, owner)

    def _remotes(self, told: Families) -> None:
        told.put("netsuite_slots", self._gate.caps()[0])
        told.put("netsuite_slots_in_use", self._gate.in_use())
        for precedence, count in self._gate.waiting().items():
            told.put("netsuite_requests_waiting", count, precedence)
        for window in self._limits.windows():
            told.put("procore_rate_limit_requests", window.limit, window.name)
            told.put("procore_rate_limit_requests_left", window.left, window.name)
            told.put("procore_rate_limit_reset_timestamp_seconds", window.ends, window.name)
        for remote, begun in self._pauses.begun().items():
            told.put("remote_pauses_total", begun, remote)
        paused = self._pauses.all()
        # All work of each remote always has its sample.
        held = {(remote, doing(remote)): 0 for remote in Remote}
        held |= {(remote_of(pause.scope), pause.work): pause.times for pause in paused if pause.scope}
        for (remote, work), times in held.items():
            told.put("remote_holds", times, remote, work)
        for pause in paused:
            told.put("pause_ends_timestamp_seconds", pause.ends, pause.remote, pause.work, pause.cause)

    def _write_runs(self, told: Families) -> None:
        opened_at = self._ledger.state.opened_at()
        began = dict.fromkeys((*RunKind, VERIFY), float(opened_at) if opened_at else None)
        for kind in RunKind:
            going_on, last = self._runs.current(kind), self._runs.last_whole(kind)
            open_work = _going_on(told, kind, going_on)
            told.put("run_open_work", open_work, kind)
            if last and last.ended_at:
                counts = {outcome: last.counts.get(outcome, 0) for outcome in RUN_OUTCOMES}
                _ended(told, kind, last.started_at, last.ended_at, counts)
                began[kind] = last.started_at
        verified = self._verifications.last()
        if verified:
            _ended(told, VERIFY, verified.started_at, verified.ended_at, verified.counts)
            told.put("verify_findings", verified.counts["finding"])
            began[VERIFY] = verified.started_at
        for run in (*RunKind, VERIFY):
            told.put("schedule_set", run in self._due, run)
        for run, after in began.items():
            if run in self._due and after is not None:
                told.put("run_due_timestamp_seconds", self._due[run](after), run)


class Families:
    """The metrics of the catalogue, without values, by name without the common prefix."""

    def __init__(self) -> None:
        self._families: dict[str, Any] = {name: _family(name) for name in CATALOGUE_OF_METRICS}

    def put(self, name: str, value: float, *labels: str) -> None:
        """Add one value."""
        self._families[f"wbs_sync_{name}"].add_metric([str(label) for label in labels], value)

    def put_known(self, name: str, moment: float | None, *labels: str) -> None:
        """Add a time, if there is one."""
        if moment:
            self.put(name, moment, *labels)

    def told(self) -> list[Metric]:
        """Return all families, including those without a value."""
        return list(self._families.values())


def _family(name: str) -> Metric:
    told, labels = CATALOGUE_OF_METRICS[name]
    return (CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily)(name, told, labels=labels)


def _going_on(told: Families, kind: str, run: Run | None) -> int:
    if run is None or run.ended:
        return 0
    told.put("run_in_progress_since_timestamp_seconds", run.started_at, kind)
    return run.open_keys


def _ended(told: Families, run: str, started_at: float, ended_at: float, counts: Mapping[str, int]) -> None:
    told.put("last_run_started_timestamp_seconds", started_at, run)
    told.put("last_run_finished_timestamp_seconds", ended_at, run)
    told.put("last_run_duration_seconds", ended_at - started_at, run)
    for outcome, count in counts.items():
        told.put("last_run_results", count, run, outcome)
