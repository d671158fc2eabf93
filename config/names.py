"""The names that other apps and operators use: tasks and queues. They never change; a breaking change gets a new name."""

from __future__ import annotations

from enum import StrEnum


class QueueName(StrEnum):
    """One queue per kind of work, so that an interactive export never waits behind a scan."""

    SCANS = "scans"
    ITEMS = "items"
    EXPORTS = "exports"
    UPKEEP = "upkeep"


class TaskName(StrEnum):
    """Every task, as `<noun>.<verb>`."""

    SCAN_PROJECTS = "wbs.scan_projects"
    SCAN_PROJECT = "wbs.scan_project"
    PLAN_CODES = "wbs.plan_codes"
    CREATE_ITEM = "wbs.create_item"
    CREATE_ITEMS = "wbs.create_items"
    EXPORT_APPROVED = "invoices.export_approved"
    EXPORT_PROJECT = "invoices.export_project"
    EXPORT = "invoices.export"
    MAKE_ITEMS = "invoices.make_items"
    CREATE_BILL = "invoices.create_bill"
    RESUME = "ledger.resume"
    RECONCILE = "ledger.reconcile"


CORRELATION_HEADER = "correlation_id"
"""The optional message header with the id of the request for which the message was sent."""
DISPATCHED_HEADER = "dispatched"
"""The header of a message that was dispatched for waiting work, and requests nothing new. Other applications do not set it."""
REFUSED = "messages.refused"
"""The name under which an invalid message is shown: a task that fails with the reason. It is never enqueued."""

QUEUE_OF_TASK: dict[TaskName, QueueName] = {
    TaskName.SCAN_PROJECTS: QueueName.SCANS,
    TaskName.SCAN_PROJECT: QueueName.SCANS,
    TaskName.PLAN_CODES: QueueName.SCANS,
    TaskName.CREATE_ITEM: QueueName.ITEMS,
    TaskName.CREATE_ITEMS: QueueName.ITEMS,
    TaskName.EXPORT_APPROVED: QueueName.EXPORTS,
    TaskName.EXPORT_PROJECT: QueueName.EXPORTS,
    TaskName.EXPORT: QueueName.EXPORTS,
    TaskName.MAKE_ITEMS: QueueName.EXPORTS,
    TaskName.CREATE_BILL: QueueName.EXPORTS,
    TaskName.RESUME: QueueName.UPKEEP,
    TaskName.RECONCILE: QueueName.UPKEEP,
}
