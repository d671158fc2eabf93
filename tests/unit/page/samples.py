"""A report as from the ledger of a small company."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from worker.domain.plans import Requests
from worker.inspect.report import (
    GateUse,
    InvoiceTotals,
    ProblemsOfCause,
    ProblemsOfOwner,
    ProjectRow,
    Report,
    ReportedProblem,
    RunRow,
    StatusCounts,
)
from worker.store.gate import Use

AT = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC."""


def report(name: str = "Harbor View", **changes: Any) -> Report:
    """Return a report of two projects, two problems of one cause, one run and a minute of gate use; every text from outside contains `name`."""
    problems = [
        ReportedProblem(f"{name}, code {place}", f"Project {name} has no number.", AT - place) for place in (1, 2)
    ]
    made = Report(
        at=AT,
        company_id=4590,
        account_id="TSTDRV1234567",
        ledger_open=True,
        ledger_notice="",
        projects=[
            ProjectRow(1, "24-001", name, StatusCounts(done=12), StatusCounts(done=3, skipped=1)),
            ProjectRow(2, "", name, StatusCounts(done=1, waiting=1, blocked=2), StatusCounts(blocked=1)),
        ],
        invoices={
            "created": InvoiceTotals(3, 3, Decimal("12345.60")),
            "blocked": InvoiceTotals(2, 1, Decimal("-0.05")),
            "skipped": InvoiceTotals(1),
        },
        problems=[
            ProblemsOfOwner(
                "project accountant",
                [ProblemsOfCause("project_number_missing", "Number it.", problems)],
                InvoiceTotals(2, 1, Decimal("1000.00")),
            )
        ],
        waiting=1,
        in_hand=0,
        runs=[RunRow("scan", name, AT - 60, 11.24, 0, {"projects": 2, "created": 13, "blocked": 2}, Requests(6, 1234))],
        gate=GateUse(1, 5, [Use(AT - 60 + 5 * place, place % 6) for place in range(12)]),
    )
    return replace(made, **changes)
