"""What a command works with: the settings, the running server, and the way to hand work to the workers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from config.names import TaskName
from config.settings import Settings, load_settings
from worker.app import app
from worker.cli.output import Fault, progress
from worker.container import Container
from worker.domain.outcomes import OutcomeKind
from worker.embedded import find_running
from worker.store.connection import try_tls
from worker.store.work import Run

POLL_SECONDS = 0.2
NOBODY_WORKS_SECONDS = 20.0
LONGEST_IN_HAND_SECONDS = 180.0
"""A single answer of NetSuite may take two minutes; what is in hand for longer is so of a dead worker."""


def open_container() -> Container:
    """Settings, checked, and the Redis they name, or else the one that `wbs-sync up` started for this data directory."""
    settings = load_settings()
    container = Container(settings, redis_url=redis_url(settings))
    container.require_own()
    return container


def open_to_look() -> Container:
    """The same, but a Redis that is nobody's stays so: these settings may be of another company than is meant."""
    settings = load_settings()
    container = Container(settings, redis_url=redis_url(settings))
    container.require_own(claim=False)
    return container


def open_for_probe(settings: Settings) -> Container:
    """The same without the account's profile, which may be another's or broken: the probe writes a new one."""
    container = Container(settings, redis_url=redis_url(settings))
    container.claim_ledger()
    return container


def redis_url(settings: Settings) -> str:
    """The address; also put into the environment, where the Celery app reads it."""
    url = settings.redis_url.get_secret_value() if settings.redis_url else find_running(settings.data_dir)
    if url is None:
        raise Fault(f"No Redis: set REDIS_URL, or start `wbs-sync up` (none runs for {settings.data_dir}).")
    try_tls(url)
    os.environ["REDIS_URL"] = url
    return url


def send(task: TaskName, **arguments: Any) -> None:
    """Hand a task to the workers. Its work stands in the ledger already, so a lost message costs seconds, not work."""
    app.send_task(task.value, kwargs=arguments, ignore_result=True)


def watch(container: Container, run: Run, *, noun: str) -> Run:
    """Follow a run to its end with a progress bar; gives the ended run. Raises Fault when no worker touches it."""
    started = time.monotonic()
    with progress() as bars:
        projects = bars.add_task("projects", total=None, note="")
        things = bars.add_task(noun, total=None, note="")
        while True:
            now = container.work.run(run.id)
            if now is None:
                raise Fault(f"The run {run.id} is gone from Redis.")
            counts = now.counts
            settled = sum(counts.get(kind.value, 0) for kind in OutcomeKind)
            bars.update(projects, completed=counts.get("projects_done", 0), total=counts.get("projects") or None)
            bars.update(things, completed=settled, total=max(counts.get(noun, 0), settled) or None)
            if now.ended:
                _fill(bars, projects, things)
                return now
            if not counts and time.monotonic() - started > NOBODY_WORKS_SECONDS:
                raise Fault(
                    "No worker has taken the work up: is `wbs-sync up` (or a worker) running? The work stays queued."
                )
            time.sleep(POLL_SECONDS)


def follow(container: Container, going_on: Callable[[], int], *, count: int, noun: str) -> None:
    """Return when nothing goes on of so many pieces of work. Raises Fault when no worker touches it."""
    changed_at, before = time.monotonic(), (count, container.retries.depth())
    with progress() as bars:
        bar = bars.add_task(noun, total=count, note="")
        while left := going_on():
            bars.update(bar, completed=count - left)
            now = (left, container.retries.depth())
            if now != before:
                changed_at, before = time.monotonic(), now
            _, in_hand = now[1]
            if time.monotonic() - changed_at > (LONGEST_IN_HAND_SECONDS if in_hand else NOBODY_WORKS_SECONDS):
                raise Fault(
                    "No worker has taken the work up: is `wbs-sync up` (or a worker) running? The work stays queued."
                )
            time.sleep(POLL_SECONDS)
        bars.update(bar, completed=count)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether the condition came true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _fill(bars: Any, *tasks: Any) -> None:
    """What was blocked as a whole (a project that may not be read) never counted up: the bars still end full."""
    for task in tasks:
        bars.update(
            task, completed=bars.tasks[task].total or bars.tasks[task].completed, total=bars.tasks[task].total or 0
        )
