"""The session of a command: settings, the running server, and sending work to the workers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from config.loading import load_settings
from config.names import DISPATCHED_HEADER, QueueName, TaskName
from config.settings import Settings
from worker.app import app
from worker.cli.output import Fault, print_fault, progress
from worker.container import Container
from worker.domain.outcomes import OutcomeKind
from worker.domain.work import RunKind
from worker.inspect.liveness import HOW_TO_START
from worker.local.embedded import find_running
from worker.store.connection import try_tls
from worker.store.runs import Run

POLL_SECONDS = 0.2
CHECK_WORKERS_SECONDS = 1.0
RESTART_SECONDS = 3.0
"""Seconds without a worker, such as during a restart, before a waiting command gives up."""
QUEUES_OF_RUN = {RunKind.SCAN: (QueueName.SCANS, QueueName.ITEMS), RunKind.EXPORT: (QueueName.EXPORTS,)}
RECORDS_OF_RUN = {RunKind.SCAN: "codes", RunKind.EXPORT: "invoices"}


def open_container(*, may_claim: bool = True) -> Container:
    """Return a container with validated settings and the Redis of REDIS_URL, or the server that `wbs-sync up` started for this data directory.
    `may_claim`: whether it may claim an unowned ledger.
    """
    settings = load_settings()
    container = Container(settings, redis_url=redis_url(settings))
    container.ownership.may_claim = may_claim
    container.require_own()
    return container


def redis_url(settings: Settings) -> str:
    """Return the Redis address, and set it in the environment, where the Celery app reads it."""
    url = settings.redis_address or find_running(settings.data_dir)
    if not url:
        raise Fault(f"No Redis: set REDIS_URL or start `wbs-sync up` (not running for {settings.data_dir}).")
    try_tls(url)
    os.environ["REDIS_URL"] = url
    return url


def send(task: TaskName, **arguments: Any) -> None:
    """Send a message for work that is already in its lane, so that it does not wait for the next `ledger.resume`. A lost message costs seconds."""
    app.send_task(task.value, kwargs=arguments, ignore_result=True, headers={DISPATCHED_HEADER: True})


def watch(container: Container, run: Run) -> Run:
    """Show a progress bar until a run has ended, and return the run. Raises Fault if no worker is running for it."""
    workers, noun = _Workers(container, QUEUES_OF_RUN[run.kind]), RECORDS_OF_RUN[run.kind]
    with progress() as bars:
        projects = bars.add_task("projects", total=None, note="")
        things = bars.add_task(noun, total=None, note="")
        while True:
            now = container.runs.run(run.id)
            if now is None:
                raise Fault(f"The run {run.id} is no longer in Redis.")
            counts = now.counts
            settled = sum(counts.get(kind.value, 0) for kind in OutcomeKind)
            bars.update(projects, completed=counts.get("projects_done", 0), total=counts.get("projects") or None)
            bars.update(things, completed=settled, total=max(counts.get(noun, 0), settled) or None)
            if now.ended:
                _fill(bars, projects, things)
                return now
            workers.require()
            time.sleep(POLL_SECONDS)


def follow(container: Container, unfinished: Callable[[], int], *, count: int, noun: str) -> None:
    """Show a progress bar until all work has ended. `count`: pieces of work; `unfinished`: returns how many have not ended. Raises Fault if a
    queue has no worker.
    """
    workers = _Workers(container, tuple(QueueName))
    with progress() as bars:
        bar = bars.add_task(noun, total=count, note="")
        while left := unfinished():
            bars.update(bar, completed=count - left)
            workers.require()
            time.sleep(POLL_SECONDS)
        bars.update(bar, completed=count)


class _Workers:
    """Checks at intervals whether a worker takes messages from these queues."""

    def __init__(self, container: Container, queues: Collection[QueueName]) -> None:
        self._container = container
        self._queues = {queue.value for queue in queues}
        self._next_check = self._gone_since = time.monotonic()
        self._has_said = False

    def require(self) -> None:
        """Raise Fault if one of the queues has had no worker for some seconds. The work stays queued."""
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + CHECK_WORKERS_SECONDS
        alive = self._container.liveness.now()
        missing = sorted(self._queues.intersection(alive.missing_queues))
        if not missing or alive.rejection:
            self._gone_since = now
            self._say(alive.faults if missing else [])
        elif now - self._gone_since > RESTART_SECONDS:
            raise Fault(
                f"No worker is running for: {', '.join(missing)}. The work stays queued until one starts. {HOW_TO_START}"
            )

    def _say(self, sentences: Sequence[str]) -> None:
        """Print why it is not known whether workers are running, once until it is known again."""
        if sentences and not self._has_said:
            print_fault(f"{' '.join(sentences)} The work stays queued.")
        self._has_said = bool(sentences)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Return whether the condition became true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _fill(bars: Any, *tasks: Any) -> None:
    """Fill the bars at the end: work blocked as a whole, such as an unreadable project, is never counted."""
    for task in tasks:
        bars.update(
            task, completed=bars.tasks[task].total or bars.tasks[task].completed, total=bars.tasks[task].total or 0
        )
