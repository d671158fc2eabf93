"""What Prometheus is told: the business facts of the whole installation, from Redis alone, in a number of commands that does not grow.

Nothing here reads the ledger. What is counted stands in sorted sets, kept by the scripts that write records and problems.
Moments are told as unix seconds (Redis' clock), as Prometheus wants them: how long ago is for the query.
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
from worker.services.liveness import Alive, Liveness
from worker.services.pauses import Pauses
from worker.services.waiting import Waiting
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.gate import Gate
from worker.store.ledger import Ledger
from worker.store.limits import RateLimits
from worker.store.open_problems import Handling
from worker.store.server_state import server_state
from worker.store.verifications import Verifications
from worker.store.webhook_counts import ANSWERS, WebhookCounts
from worker.store.work import Run, Work

VERIFY = "verify"
RUN_OUTCOMES = tuple(kind.value for kind in OutcomeKind)

CATALOGUE_OF_METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "wbs_sync_scrape_timestamp_seconds": ("When these facts were read, by Redis' clock.", ()),
    "wbs_sync_last_resume_timestamp_seconds": (
        "When a worker last gave out waiting work. Beat asks for it every 5 seconds: if it grows old, nobody works.",
        (),
    ),
    "wbs_sync_workers": ("Workers that run and take messages from a queue.", ("queue",)),
    "wbs_sync_queue_messages": ("Messages in a queue of Celery's that no worker has fetched.", ("queue",)),
    "wbs_sync_process_last_seen_timestamp_seconds": (
        "When a worker, beat or the receiver of webhooks last showed that it runs, which each does every 2 seconds. A process that stopped without saying so is kept for 6 hours, or until one of the same name starts.",
        ("process",),
    ),
    "wbs_sync_waiting_work": ("Pieces of work that wait in a lane, those that are not due yet too.", ("lane",)),
    "wbs_sync_work_in_hand": ("Pieces of work that are dispatched or begun by a worker.", ("lane",)),
    "wbs_sync_oldest_due_work_timestamp_seconds": (
        "When the work of a lane became due that has been due longest and still waits; none while nothing is due.",
        ("lane",),
    ),
    "wbs_sync_failing_work": ("Pieces of work whose last attempt failed and that are tried again by themselves.", ()),
    "wbs_sync_unfinished_records": (
        "WBS codes without an Item and invoices without a bill, as far as they are known. intent: a write has just left; unknown: its answer did not come; write_back: the bill stands, and Procore does not know yet.",
        ("record", "state"),
    ),
    "wbs_sync_oldest_unfinished_timestamp_seconds": (
        "The oldest of them: when it was first seen, or, for intent and unknown, when its write may have been sent; none while there is none.",
        ("record", "state"),
    ),
    "wbs_sync_oldest_waiting_timestamp_seconds": (
        "Since when the invoice and the code wait that have waited longest without an end or a problem, and why they wait now; none while none waits.",
        ("record", "reason"),
    ),
    "wbs_sync_records_total": (
        "WBS codes that got their Item and invoices that got their bill since this ledger began, made by us or adopted.",
        ("record", "outcome"),
    ),
    "wbs_sync_problems": ("Open problems that a person has to mend, without those that somebody ignores.", ("cause", "owner")),
    "wbs_sync_ignored_problems": ("Open problems that somebody ignores until they change.", ("cause", "owner")),
    "wbs_sync_oldest_problem_timestamp_seconds": (
        "Since when the oldest problem of an owner is open that nobody ignores; none while there is none.",
        ("owner",),
    ),
    "wbs_sync_netsuite_slots": ("Most requests that may be under way in NetSuite at once (NETSUITE_CONCURRENCY).", ()),
    "wbs_sync_netsuite_slots_in_use": ("Requests under way in NetSuite now.", ()),
    "wbs_sync_netsuite_requests_waiting": ("Requests that wait for a slot now.", ("precedence",)),
    "wbs_sync_procore_rate_limit_requests": ("Requests that a window of Procore's rate limit takes.", ("window",)),
    "wbs_sync_procore_rate_limit_requests_left": ("Requests that are left in it.", ("window",)),
    "wbs_sync_procore_rate_limit_reset_timestamp_seconds": ("When the window ends, and the next one begins.", ("window",)),
    "wbs_sync_remote_pauses_total": (
        "Pauses that have begun because a remote was down or refused a login or a permission.",
        ("remote",),
    ),
    "wbs_sync_pause_ends_timestamp_seconds": (
        "When paused work is tried again: a remote that is down or refuses a login or permission, or a rate limit that is used up; none while nothing is paused.",
        ("remote", "work", "cause"),
    ),
    "wbs_sync_remote_holds": (
        "How often in a row work was paused because its remote was down or refused a login or a permission, for each kind of record and permission that is paused and for all work of a remote; 0 or none as soon as work gets through.",
        ("remote", "work"),
    ),
    "wbs_sync_last_run_started_timestamp_seconds": ("When the last run over everything began that has ended.", ("run",)),
    "wbs_sync_last_run_finished_timestamp_seconds": ("When the last run over everything ended.", ("run",)),
    "wbs_sync_last_run_duration_seconds": ("How long it took.", ("run",)),
    "wbs_sync_last_run_results": (
        "What it came to: codes of a scan and invoices of an export by outcome; codes and invoices of verify by whether they are right, and what it could not compare.",
        ("run", "outcome"),
    ),
    "wbs_sync_schedule_set": ("1 = the settings have a schedule for the run; 0 = it starts by hand alone.", ("run",)),
    "wbs_sync_run_due_timestamp_seconds": (
        "When the schedule wants the next run after the last one that has ended; none without a schedule.",
        ("run",),
    ),
    "wbs_sync_run_in_progress_since_timestamp_seconds": ("When the run began that goes on now; none while none does.", ("run",)),
    "wbs_sync_run_open_work": ("Pieces of work that the run still waits for; 0 while none goes on.", ("run",)),
    "wbs_sync_verify_findings": ("Disagreements that the last verify found.", ()),
    "wbs_sync_ledger_open": ("1 = there is a ledger; 0 = it is rebuilt from NetSuite, and nothing is written until then.", ()),
    "wbs_sync_ledger_rebuilt_items": ("Items that the rebuild which goes on has found so far; 0 while none does.", ()),
    "wbs_sync_webhook_receivers": (
        "Receivers of webhooks that run; none where no receiver has run in the last 3 days.",
        (),
    ),
    "wbs_sync_webhook_requests_total": (
        "Webhooks by answer. accepted: 204; unauthorized: 401, the Authorization header is not WEBHOOK_AUTHORIZATION; unavailable: 503, Redis did not answer in time.",
        ("answer",),
    ),
    "wbs_sync_netsuite_certificate_expiry_timestamp_seconds": (
        "When the certificate for the login to NetSuite ends; none where neither NETSUITE_CERTIFICATE_EXPIRES nor the key's file says so.",
        (),
    ),
    "wbs_sync_redis_memory_used_bytes": ("Memory that the Redis server uses.", ()),
    "wbs_sync_redis_memory_limit_bytes": ("Its maxmemory, or without one the memory of its machine.", ()),
    "wbs_sync_redis_append_only": ("1 = the server keeps an append-only file; 0 = a restart may lose what was done.", ()),
    "wbs_sync_redis_save_failing": ("1 = the last save of this kind failed, such as on a full disk.", ("kind",)),
    "wbs_sync_redis_last_snapshot_timestamp_seconds": (
        "When the last snapshot succeeded; of a server that makes none, its start.",
        (),
    ),
    "wbs_sync_data_directory_free_bytes": ("Free space where DATA_DIR is, on the machine that serves these metrics.", ()),
    "wbs_sync_build_info": ("The version that tells this, and its Python.", ("version", "python")),
}  # fmt: skip
"""Every metric: what it tells, in the reader's words, and its labels. docs/metrics.md shows this table."""


class Metrics(Collector):
    """Reads the facts anew at each `collect`."""

    def __init__(
        self,
        client: Redis,
        *,
        ledger: Ledger,
        handling: Handling,
        work: Work,
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
        """`due`: for the runs that have a schedule, when it wants the next one after a moment (both unix seconds); `queue_lengths`:
        how many messages wait in each queue, named without the prefix; `certificate_expiry`: of the login to NetSuite, None = not known.
        """
        self._client = client
        self._ledger = ledger
        self._handling = handling
        self._work = work
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
        """All of it in Prometheus' text format."""
        # One of its own: the process' own registry has Flower's metrics.
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry).decode()

    def describe(self) -> Iterator[Metric]:
        """Empty families, so that registering reads nothing."""
        return iter(Families().told())

    def collect(self) -> Iterator[Metric]:
        """Every family of the catalogue with its facts of now. Raises RedisError."""
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
        self._runs(told)
        told.put("ledger_open", self._ledger.is_open())
        told.put("ledger_rebuilt_items", self._ledger.rebuild_so_far().get("items", 0))
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
        """Nothing where the user of REDIS_URL may not ask, or a service keeps it to itself."""
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

    def _runs(self, told: Families) -> None:
        opened_at = self._ledger.opened_at()
        began = dict.fromkeys((*RunKind, VERIFY), float(opened_at) if opened_at else None)
        for kind in RunKind:
            going_on, last = self._work.current(kind), self._work.last_whole(kind)
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
    """The metrics of the catalogue, to be filled. Names without their common beginning."""

    def __init__(self) -> None:
        self._families: dict[str, Any] = {name: _family(name) for name in CATALOGUE_OF_METRICS}

    def put(self, name: str, value: float, *labels: str) -> None:
        """One fact."""
        self._families[f"wbs_sync_{name}"].add_metric([str(label) for label in labels], value)

    def put_known(self, name: str, moment: float | None, *labels: str) -> None:
        """A moment, if there is one."""
        if moment:
            self.put(name, moment, *labels)

    def told(self) -> list[Metric]:
        """All families, also those without a fact."""
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
