"""Tasks that create the Items of WBS codes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from config.names import TaskName
from tasks.messages import CreateItem, OneProject, ScanProjects, read
from tasks.results import (
    Ended,
    ItemEnded,
    ProjectScanned,
    Series,
    Started,
    ended,
    item_ended,
    project_scanned,
    started,
)
from worker.app import app
from worker.context import is_dispatched
from worker.domain.identities import CodeKey
from worker.domain.work import SCAN_OF_ALL, Lane, RunKind, resolution_of, scan_of
from worker.runtime.current import current
from worker.runtime.pool import has_spare_thread


@app.task(name=TaskName.SCAN_PROJECTS.value, lanes=(Lane.SCANS,))
def scan_projects(**arguments: Any) -> Started:
    """Start a scan, or join the one in progress: {"run": id, "joined": bool}."""
    message = read(ScanProjects, arguments)
    requested = None if is_dispatched() else current().wbs_scan.request(message.trigger, message.project_ids)
    current().runner.run(SCAN_OF_ALL)
    return started(requested or (current().runs.current(RunKind.SCAN), True))


@app.task(name=TaskName.SCAN_PROJECT.value, lanes=(Lane.SCANS, Lane.ITEMS))
def scan_project(**arguments: Any) -> ProjectScanned:
    """Find the codes of one project that need an Item, then those of the next waiting projects: {"outcome": "already", "more": 40}."""
    message = read(OneProject, arguments)
    outcome, *others = current().runner.run_series(scan_of(message.project_id), may_continue=has_spare_thread)
    return project_scanned(outcome, len(others))


@app.task(name=TaskName.PLAN_CODES.value, lanes=(Lane.SCANS, Lane.ITEMS))
def plan_codes(**arguments: Any) -> Ended:
    """Look up the waiting codes of one project again, because their last look-up is out of date."""
    message = read(OneProject, arguments)
    return ended(current().runner.run(resolution_of(message.project_id)), noun="project")


# A code that was looked up too long ago queues its project in the lane of scans.
@app.task(name=TaskName.CREATE_ITEM.value, lanes=(Lane.ITEMS, Lane.SCANS))
def create_item(**arguments: Any) -> ItemEnded:
    """Create the Item of one code: {"outcome": "created", "item": "24-017-01-100.S", "item_id": "5871"}."""
    message = read(CreateItem, arguments)
    key = CodeKey(message.project_id, message.wbs_code_id)
    return item_ended(current().runner.run(str(key)))


@app.task(name=TaskName.CREATE_ITEMS.value, lanes=(Lane.ITEMS, Lane.SCANS))
def create_items(**arguments: Any) -> Series:
    """Create the Item of one waiting code, then those of the next waiting codes, for some seconds: {"created": 19, "adopted": 1}."""
    message = read(CreateItem, arguments)
    key = CodeKey(message.project_id, message.wbs_code_id)
    outcomes = current().runner.run_series(str(key), may_continue=has_spare_thread)
    return Counter(outcome.kind for outcome in outcomes)
