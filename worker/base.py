"""The base of every task: after each one, waiting work is given out."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from celery import Celery, Task
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.names import TaskName
from worker.current import current
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.work import EXPORTS_OF_ALL, LANE_OF_WORD, SCAN_OF_ALL, Lane

log = logging.getLogger(__name__)


class WorkTask(Task):
    """Sends the messages of waiting work when a task has ended, whatever its end: so a lane never waits for the next beat."""

    abstract = True
    lanes: tuple[Lane, ...] = tuple(Lane)
    """Lanes that this task's end may have made room in or put work into."""

    def after_return(self, *_: Any) -> None:
        """Called by Celery in the worker after success and failure."""
        try:
            give_out(self.app, self.lanes)
        except (RedisError, OperationalError) as error:
            # The task itself has ended well; the next one, or the next resume, gives out what waits.
            log.warning("Waiting work could not be given out: %s", type(error).__name__)


def give_out(app: Celery, lanes: Iterable[Lane]) -> int:
    """Send the messages of work whose turn it is; how many were sent. What cannot be sent counts as in hand and comes back when overdue."""
    keys = [key for key in current().dispatch.next(lanes) if _is_ours(key)]
    for key in keys:
        task, arguments = message_of(key)
        # Who waits for such work asks the ledger; a stored result would only cost memory.
        app.send_task(task.value, kwargs=arguments, ignore_result=True)
    return len(keys)


def _is_ours(key: str) -> bool:
    """Work of a kind that only a newer version knows counts as in hand, and is given out again when overdue: by a newer worker."""
    ours = key.partition(":")[0] in LANE_OF_WORD
    if not ours:
        log.warning("%s is left to a worker of a newer version", key)
    return ours


def message_of(key: str) -> tuple[TaskName, dict[str, Any]]:
    """The task and arguments that do a piece of waiting work."""
    if key == SCAN_OF_ALL:
        return TaskName.SCAN_PROJECTS, {"trigger": "resume"}
    if key == EXPORTS_OF_ALL:
        return TaskName.EXPORT_APPROVED, {"trigger": "resume"}
    kind, _, rest = key.partition(":")
    if kind == "scan":
        return TaskName.SCAN_PROJECT, {"project_id": int(rest)}
    if kind == "plan":
        return TaskName.PLAN_CODES, {"project_id": int(rest)}
    if kind == "exports":
        return TaskName.EXPORT_PROJECT, {"project_id": int(rest)}
    if kind == "code":
        code = CodeKey.parse(key)
        return TaskName.CREATE_ITEMS, {"project_id": code.project_id, "wbs_code_id": code.wbs_code_id}
    invoice = InvoiceKey.parse(key)
    return TaskName.EXPORT, {"project_id": invoice.project_id, "invoice_id": invoice.invoice_id}
