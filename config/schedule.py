"""The schedule of beat (UTC)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from config.names import TaskName
from config.setting_types import cron
from config.settings import Settings

RESUME_EVERY_SECONDS = 5.0
"""Seconds between two `ledger.resume`: the delay after which due work, or the work of a dead worker or lost message, is dispatched."""


def beat_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the entries of beat's schedule. Two beats at once are harmless: resume claims work atomically, and a scan, export or comparison
    joins the one in progress.
    """
    entries: dict[str, dict[str, Any]] = {
        "resume": {
            "task": TaskName.RESUME.value,
            # No expiry: a worker would compare it with its own clock, and could drop the message that starts waiting work.
            # worker/runtime/beat.py sends none while enough of them are in the queue.
            "schedule": RESUME_EVERY_SECONDS,
        }
    }
    if settings.scan_cron:
        entries["scan"] = {
            "task": TaskName.SCAN_PROJECTS.value,
            "schedule": cron(settings.scan_cron),
            "kwargs": {"trigger": "schedule"},
        }
    if settings.export_cron:
        entries["export"] = {
            "task": TaskName.EXPORT_APPROVED.value,
            "schedule": cron(settings.export_cron),
            "kwargs": {"trigger": "schedule"},
        }
    if settings.verify_cron:
        entries["verify"] = {"task": TaskName.RECONCILE.value, "schedule": cron(settings.verify_cron)}
    return entries


def next_due(text: str, after: float) -> float:
    """Return the first time after `after` at which a cron line (UTC) is due; both in unix seconds."""
    moment = datetime.fromtimestamp(after, UTC)
    schedule = cron(text)
    # Celery calculates from the current time, and rounds times in the past.
    schedule.nowfun = lambda: moment
    begin, wait, _ = schedule.remaining_delta(moment)
    due: datetime = begin + wait
    return due.timestamp()


def next_runs(settings: Settings) -> dict[str, Callable[[float], float]]:
    """Return the runs with a schedule, each with a function of a time that returns the next scheduled time (both unix seconds)."""
    lines = {"scan": settings.scan_cron, "export": settings.export_cron, "verify": settings.verify_cron}
    return {run: partial(next_due, line) for run, line in lines.items() if line}
