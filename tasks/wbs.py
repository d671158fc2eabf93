"""Tasks that create the Items of WBS codes."""

from __future__ import annotations

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
    going_on,
    item_ended,
    project_scanned,
)
from worker.app import app
from worker.domain.delivery import is_dispatched
from worker.domain.identities import CodeKey
from worker.domain.work import Lane
from worker.runtime.current import current
from worker.runtime.pool import thread_to_spare


@app.task(name=TaskName.SCAN_PROJECTS.value, lanes=(Lane.SCANS,))
def scan_projects(**arguments: Any) -> Started:
    """Start a scan, or join the one in progress: {"run": id, "joined": bool}."""
    message = read(ScanProjects, arguments)
    if is_dispatched():
        return going_on(current().wbs_scan.go_on())
    run, joined = current().wbs_scan.scan(message.trigger, message.project_ids)
    return {"run": run.id, "joined": joined}


@app.task(name=TaskName.SCAN_PROJECT.value, lanes=(Lane.SCANS, Lane.ITEMS))
def scan_project(**arguments: Any) -> ProjectScanned:
    """Find the codes of one project that need an Item, then those of the next waiting projects: {"outcome": "already", "more": 40}."""
    message = read(OneProject, arguments)
    outcome, more = current().wbs_scan.scan_series(message.project_id, go_on=thread_to_spare)
    return project_scanned(outcome, more)


@app.task(name=TaskName.PLAN_CODES.value, lanes=(Lane.SCANS, Lane.ITEMS))
def plan_codes(**arguments: Any) -> Ended:
    """Plan the waiting codes of one project again, because their plan is out of date."""
    message = read(OneProject, arguments)
    return ended(current().wbs_scan.plan_codes(message.project_id), noun="project")


# A code with an outdated plan queues its project in the lane of scans.
@app.task(name=TaskName.CREATE_ITEM.value, lanes=(Lane.ITEMS, Lane.SCANS))
def create_item(**arguments: Any) -> ItemEnded:
    """Create the Item of one code: {"outcome": "created", "item": "24-017-01-100.S", "item_id": "5871"}."""
    message = read(CreateItem, arguments)
    key = CodeKey(message.project_id, message.wbs_code_id)
    return item_ended(current().wbs_scan.make_item(key))


@app.task(name=TaskName.CREATE_ITEMS.value, lanes=(Lane.ITEMS, Lane.SCANS))
def create_items(**arguments: Any) -> Series:
    """Create the Item of one waiting code, then those of the next waiting codes, for some seconds: {"created": 19, "adopted": 1}."""
    message = read(CreateItem, arguments)
    key = CodeKey(message.project_id, message.wbs_code_id)
    return current().wbs_scan.make_items(key, go_on=thread_to_spare)
