"""Upkeep tasks: dispatch due and interrupted work, and compare Procore, NetSuite and the ledger."""

from __future__ import annotations

from typing import Any

from config.names import TaskName
from tasks.messages import Nothing, read
from tasks.results import Compared, compared
from worker.app import app
from worker.base import resume_work
from worker.context import is_dispatched
from worker.domain.work import RECONCILE_ALL, Lane
from worker.runtime.current import current


# Every few seconds: in Flower it would push all other tasks off the page.
@app.task(name=TaskName.RESUME.value, lanes=(), ignore_result=True, send_events=False)
def resume(**arguments: Any) -> dict[str, int]:
    """Dispatch due work, and work that a dead worker had claimed: {"given_out": number of messages sent}."""
    read(Nothing, arguments)
    current().stores.gate.note_use()
    return {"given_out": resume_work(app)}


@app.task(name=TaskName.RECONCILE.value, lanes=(Lane.UPKEEP,))
def reconcile(**arguments: Any) -> Compared:
    """Compare Procore, NetSuite and the ledger, and keep a problem open for each finding. Only one comparison is in progress at a time over all
    workers, in steps of less than a minute: {"checked": n, "findings": n}, with "goes_on" until it has ended.
    """
    read(Nothing, arguments)
    if not is_dispatched():
        current().verification.queue()
    return compared(current().runner.run(RECONCILE_ALL))
