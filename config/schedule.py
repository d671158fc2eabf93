"""What beat starts, and when (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from config.cron import cron
from config.names import TaskName
from config.settings import Settings

RESUME_EVERY_SECONDS = 5.0
"""How soon work of a dead worker, a lost message or a wait that ended is picked up."""


def beat_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Beat's entries. Two beats at once are harmless: resume claims work atomically, a scan joins the one that runs,
    and a second verification finds the same.
    """
    entries: dict[str, dict[str, Any]] = {
        "resume": {
            "task": TaskName.RESUME.value,
            # No time after which it expires: the worker would read beat's time by its own clock, and drop the one message
            # that wakes what waits. worker/runtime/beat.py sends none while enough of them wait.
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
    """When a cron line (UTC) wants the next run after a moment; both in unix seconds."""
    moment = datetime.fromtimestamp(after, UTC)
    schedule = cron(text)
    # Celery reckons from the present, and rounds what is past.
    schedule.nowfun = lambda: moment
    begin, wait, _ = schedule.remaining_delta(moment)
    due: datetime = begin + wait
    return due.timestamp()
