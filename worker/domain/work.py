"""Pieces of work and the lanes they wait in. A key is text built from ids, the same for everyone who names that work."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Lane(StrEnum):
    """Where work of one kind waits its turn."""

    SCANS = "scans"
    ITEMS = "items"
    LISTINGS = "listings"
    EXPORTS = "exports"
    UPKEEP = "upkeep"


class Claim(StrEnum):
    """Why a worker begins a piece of work, and so what becomes of that where another worker is at it."""

    REQUEST = "request"
    """Somebody asks for it: it is begun wherever it stands, or repeated after the attempt in progress."""
    IN_LANE = "in lane"
    """Its lane has it: it is begun if that is still so, and left alone if another attempt is in progress or has ended it."""
    ASIDE = "aside"
    """Other work needs it: it is begun unless another worker is at it."""


class RunKind(StrEnum):
    """What a person starts and watches to its end. One of each kind at a time."""

    SCAN = "scan"
    EXPORT = "export"


RUN_OF_LANE = {
    Lane.SCANS: RunKind.SCAN,
    Lane.ITEMS: RunKind.SCAN,
    Lane.LISTINGS: RunKind.EXPORT,
    Lane.EXPORTS: RunKind.EXPORT,
}
"""Upkeep is part of no run."""

LANE_OF_WORD = {
    "scan": Lane.SCANS,
    "plan": Lane.SCANS,
    "code": Lane.ITEMS,
    "exports": Lane.LISTINGS,
    "invoice": Lane.EXPORTS,
    "reconcile": Lane.UPKEEP,
}
SCAN_OF_ALL = "scan:all"
EXPORTS_OF_ALL = "exports:all"
RECONCILE_ALL = "reconcile:all"
"""The comparison of both systems with the ledger."""


def scan_of(project_id: int) -> str:
    """The work of scanning one project."""
    return f"scan:{project_id}"


def plan_of(project_id: int) -> str:
    """The work of planning anew the codes of one project that wait with an old plan."""
    return f"plan:{project_id}"


def exports_of(project_id: int) -> str:
    """The work of finding one project's invoices to export."""
    return f"exports:{project_id}"


def lane_of(key: str) -> Lane:
    """The lane that a key waits in, by its first word."""
    return LANE_OF_WORD[key.partition(":")[0]]


def work_behind(problem: str) -> Sequence[str]:
    """The work whose end decides about a problem, by the problem's key; none for what no work of ours mends."""
    kind, _, rest = problem.partition(":")
    if kind == "project":
        project_id, _, what = rest.partition(":")
        return (exports_of(int(project_id)) if what.startswith("commitment") else scan_of(int(project_id)),)
    return (problem,) if kind in LANE_OF_WORD else ()
