"""The catalogue of metrics: names, help texts and labels; and its families, to which values are added."""

from __future__ import annotations

from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

CATALOGUE_OF_METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "wbs_sync_scrape_timestamp_seconds": ("Time at which these metrics were read, by Redis' clock.", ()),
    "wbs_sync_last_resume_timestamp_seconds": (
        "Time at which a worker last dispatched waiting work. Beat requests it every 5 seconds: an old value means that no work is done.",
        (),
    ),
    "wbs_sync_workers": ("Running workers that take messages from a queue; none while Redis rejects their heartbeats.", ("queue",)),
    "wbs_sync_queue_messages": ("Messages in a Celery queue that no worker has fetched.", ("queue",)),
    "wbs_sync_process_last_seen_timestamp_seconds": (
        "Time of the last heartbeat of a worker, beat or the webhook receiver; each sends one every 2 seconds. A process that stopped without notice is listed for 6 hours, or until one with the same name starts; not while Redis rejects heartbeats.",
        ("process",),
    ),
    "wbs_sync_waiting_work": ("Pieces of work waiting in a lane, including those not due yet.", ("lane",)),
    "wbs_sync_work_in_progress": ("Pieces of work dispatched or started by a worker.", ("lane",)),
    "wbs_sync_oldest_due_work_timestamp_seconds": (
        "Time since which the longest overdue work of a lane has been due; none while nothing is due.",
        ("lane",),
    ),
    "wbs_sync_retrying_work": ("Pieces of work whose last attempt failed and that are retried automatically.", ()),
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
    "wbs_sync_netsuite_requests_waiting": ("Requests waiting for a slot now.", ("priority",)),
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
    "wbs_sync_consecutive_pauses": (
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
    "wbs_sync_run_pending_work": ("Pieces of work that the run in progress is waiting for; 0 while no run is in progress.", ("run",)),
    "wbs_sync_verify_findings": ("Findings of the last verify.", ()),
    "wbs_sync_ledger_open": ("1 = there is a ledger; 0 = a worker restores it from NetSuite before its first piece of work, and nothing is written until then.", ()),
    "wbs_sync_ledger_rebuilt_items": ("Items found so far by the rebuild in progress; 0 while there is none.", ()),
    "wbs_sync_webhook_receivers": (
        "Running webhook receivers; none if no receiver has run in the last 3 days, or while Redis rejects its heartbeats.",
        (),
    ),
    "wbs_sync_webhook_requests_total": (
        "Webhook requests by response. accepted: 204; unauthorized: 401, the Authorization header is not WEBHOOK_AUTHORIZATION; unavailable: 503, Redis did not respond in time.",
        ("result",),
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

    def all(self) -> list[Metric]:
        """Return all families, including those without a value."""
        return list(self._families.values())


def _family(name: str) -> Metric:
    help_text, labels = CATALOGUE_OF_METRICS[name]
    return (CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily)(name, help_text, labels=labels)
