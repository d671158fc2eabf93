"""The arguments of every task: JSON, ids only; unknown keys are ignored. docs/messages/ has their JSON schemas."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.names import TaskName

Id = Annotated[int, Field(gt=0, lt=2**63, strict=True, description="Procore's numeric id")]


class InvalidMessage(Exception):
    """The arguments of a task do not match the published schema. The message names each wrong argument."""


class Message(BaseModel):
    """Base class. Unknown keys are ignored, because producers and workers are deployed at different times."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ScanProjects(Message):
    """wbs.scan_projects: scan all or some projects; joins a scan in progress."""

    trigger: str = Field("app", max_length=100, description="Who or what requested it; shown to people")
    project_ids: tuple[Id, ...] = Field((), max_length=10_000, description="Empty: all projects")


class OneProject(Message):
    """wbs.scan_project, wbs.plan_codes and invoices.export_project."""

    project_id: Id


class CreateItem(Message):
    """wbs.create_item and wbs.create_items: create the Item of one WBS code."""

    project_id: Id
    wbs_code_id: Id


class ExportApproved(Message):
    """invoices.export_approved: export all invoices in the statuses of EXPORT_STATUSES; joins an export in progress."""

    trigger: str = Field("app", max_length=100, description="Who or what requested it; shown to people")


class OneInvoice(Message):
    """invoices.export and invoices.create_bill."""

    project_id: Id
    invoice_id: Id


class MakeItems(OneInvoice):
    """invoices.make_items: create the missing Items of an invoice."""

    wbs_code_ids: tuple[Id, ...] = Field(max_length=10_000)


class Nothing(Message):
    """ledger.resume and ledger.reconcile take no arguments."""


MESSAGES: dict[TaskName, type[Message]] = {
    TaskName.SCAN_PROJECTS: ScanProjects,
    TaskName.SCAN_PROJECT: OneProject,
    TaskName.PLAN_CODES: OneProject,
    TaskName.CREATE_ITEM: CreateItem,
    TaskName.CREATE_ITEMS: CreateItem,
    TaskName.EXPORT_APPROVED: ExportApproved,
    TaskName.EXPORT_PROJECT: OneProject,
    TaskName.EXPORT: OneInvoice,
    TaskName.MAKE_ITEMS: MakeItems,
    TaskName.CREATE_BILL: OneInvoice,
    TaskName.RESUME: Nothing,
    TaskName.RECONCILE: Nothing,
}
MessageT = TypeVar("MessageT", bound=Message)


def read(message: type[MessageT], arguments: dict[str, Any]) -> MessageT:
    """Return the validated arguments. Raises InvalidMessage; its text repeats no value."""
    try:
        return message.model_validate(arguments)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)[:5]
        reasons = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
        raise InvalidMessage("; ".join(reasons)) from None
