"""The results of the tasks: small JSON objects. docs/messages/results/ has their JSON schemas.

A result is that of one attempt, and not always final: waiting and unconfirmed work continues by itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, cast

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from config.names import TaskName
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import FORMER_CAUSES, Cause
from worker.store.runs import Run

Code = Annotated[
    Cause,
    WithJsonSchema(
        {
            "description": "Cause of the problem, as `wbs-sync problems --json` names it. The last ones are earlier codes: workers of 0.1.0 return them",
            "enum": [*Cause, *FORMER_CAUSES],
            "type": "string",
        }
    ),
]
Reason = Annotated[str, Field(description="A sentence for people")]
Count = Annotated[int, Field(ge=0)]


class Started(TypedDict):
    """wbs.scan_projects and invoices.export_approved."""

    run: Annotated[str, Field(description="Id of the run, as `wbs-sync status --json` names it")]
    joined: Annotated[bool, Field(description="Whether the run was already in progress")]


class Ended(TypedDict):
    """wbs.plan_codes, invoices.export_project and invoices.make_items."""

    outcome: OutcomeKind
    cause: NotRequired[Code]
    reason: NotRequired[Reason]


class ProjectScanned(Ended):
    """wbs.scan_project."""

    more: NotRequired[
        Annotated[int, Field(ge=0, description="Number of projects that the same message scanned after this one")]
    ]


class ItemEnded(Ended):
    """wbs.create_item."""

    item: NotRequired[Annotated[str, Field(description="Name of the Item")]]
    item_id: NotRequired[Annotated[str, Field(description="NetSuite's internal id")]]


class BillEnded(Ended):
    """invoices.export and invoices.create_bill."""

    bill: NotRequired[Annotated[str, Field(description="Number of the invoice, which is the bill's document number")]]
    bill_id: NotRequired[Annotated[str, Field(description="NetSuite's internal id")]]


Series = dict[OutcomeKind, Count]
"""wbs.create_items: the number of codes by outcome."""


class Compared(TypedDict):
    """ledger.reconcile."""

    checked: Annotated[Count, Field(description="Codes and invoices that were compared")]
    findings: Annotated[Count, Field(description="Each is an open problem")]
    joined: NotRequired[
        Annotated[
            bool, Field(description="True: another comparison was in progress, and this message compared nothing")
        ]
    ]
    goes_on: NotRequired[
        Annotated[bool, Field(description="True: the comparison has not ended; the counts are those so far")]
    ]


RESULTS: dict[TaskName, Any] = {
    TaskName.SCAN_PROJECTS: Started,
    TaskName.SCAN_PROJECT: ProjectScanned,
    TaskName.PLAN_CODES: Ended,
    TaskName.CREATE_ITEM: ItemEnded,
    TaskName.CREATE_ITEMS: Series,
    TaskName.EXPORT_APPROVED: Started,
    TaskName.EXPORT_PROJECT: Ended,
    TaskName.EXPORT: BillEnded,
    TaskName.MAKE_ITEMS: Ended,
    TaskName.CREATE_BILL: BillEnded,
    TaskName.RECONCILE: Compared,
}
"""Result types by task. The result of ledger.resume is not stored, because it runs every few seconds."""


def started(requested: tuple[Run | None, bool]) -> Started:
    """Return the result of a run, and whether it was in progress already; the id is empty if Redis has no such run."""
    run, joined = requested
    return {"run": run.id if run else "", "joined": joined}


def ended(outcome: Outcome, *, noun: Literal["project", "invoice"]) -> Ended:
    """Return the result of a step that creates no record in NetSuite itself."""
    return cast(Ended, outcome.result(noun=noun))


def project_scanned(outcome: Outcome, more: int) -> ProjectScanned:
    """Return the result of one project, and how many were scanned after it: {"outcome": "already", "more": 40}."""
    result = cast(ProjectScanned, outcome.result(noun="project"))
    if more:
        result["more"] = more
    return result


def item_ended(outcome: Outcome) -> ItemEnded:
    """Return the result of one code: {"outcome": "created", "item": "24-017-01-100.S", "item_id": "5871"}."""
    return cast(ItemEnded, outcome.result(noun="item"))


def bill_ended(outcome: Outcome) -> BillEnded:
    """Return the result of one invoice: {"outcome": "created", "bill": "ACME-0417", "bill_id": "88123"}."""
    return cast(BillEnded, outcome.result(noun="bill"))


def compared(outcome: Outcome) -> Compared:
    """Return the result of one step of the comparison: {"checked": n, "findings": n}."""
    if not outcome.counts:
        return {"checked": 0, "findings": 0, "joined": True}
    result = cast(Compared, dict(outcome.counts))
    return result if outcome.kind is OutcomeKind.ALREADY else {**result, "goes_on": True}
