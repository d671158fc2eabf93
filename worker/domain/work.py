"""The table of all kinds of work, the lanes they wait in, and the keys of pieces of work. A key is text built from ids, the same in every process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.scopes import PROCORE_VENDORS, WRITING, Remote

ALL = "all"
"""The last part of the key of work that exists once, instead of ids."""


class RunKind(StrEnum):
    """Kinds of runs, which users start and follow until they end. Only one run of each kind is in progress at a time."""

    SCAN = "scan"
    EXPORT = "export"


class Lane(StrEnum):
    """Where work waits its turn. `run`: the kind of run that may wait for the lane's work; None for upkeep, which is part of no run. `remotes`:
    the systems that the work needs. `needs`: the permissions that all of its work needs; any other refused permission pauses only the work that
    needs it.
    """

    run: RunKind | None
    remotes: tuple[Remote, ...]
    needs: tuple[str, ...]

    SCANS = "scans", RunKind.SCAN, (Remote.PROCORE, Remote.NETSUITE), ("netsuite:item:query",)
    ITEMS = (
        "items",
        RunKind.SCAN,
        (Remote.NETSUITE,),
        ("netsuite:item:query", "netsuite:item:view", "netsuite:item:create", WRITING),
    )
    LISTINGS = "listings", RunKind.EXPORT, (Remote.PROCORE,), ()
    EXPORTS = (
        "exports",
        RunKind.EXPORT,
        (Remote.PROCORE, Remote.NETSUITE),
        (
            "netsuite:item:query",
            "netsuite:transaction:query",
            "netsuite:vendor:query",
            "netsuite:job:query",
            "netsuite:vendorBill:view",
            "netsuite:vendorBill:create",
            PROCORE_VENDORS,
            WRITING,
        ),
    )
    UPKEEP = "upkeep", None, (Remote.PROCORE, Remote.NETSUITE), ()

    def __new__(
        cls, name: str, run: RunKind | None = None, remotes: tuple[Remote, ...] = (), needs: tuple[str, ...] = ()
    ) -> Lane:
        """Called by Python for each row above."""
        lane = str.__new__(cls, name)
        lane._value_ = name
        lane.run, lane.remotes, lane.needs = run, remotes, needs
        return lane

    @property
    def writes(self) -> bool:
        """Whether its work creates records in NetSuite."""
        return WRITING in self.needs

    def waits_for(self, scope: str) -> bool:
        """Return whether its work waits while this scope is paused."""
        return scope in (self.needs if ":" in scope else self.remotes)


class Claim(StrEnum):
    """Why a worker begins a piece of work, which decides what happens if another worker has claimed it."""

    REQUEST = "request"
    """A request: the work begins even if it is not in its lane, or again after the attempt in progress."""
    IN_LANE = "in lane"
    """Its lane dispatched it: it is begun if the lane still has it, and not if another attempt is in progress or has completed it."""
    ASIDE = "aside"
    """Other work needs it: it is begun unless another worker has claimed it."""


class WorkKind(Enum):
    """A kind of work, one row each: the first word of its keys; its lane; the name of its spans in traces; the task that does it, by its
    published name; the names of the ids in its keys, which are arguments of the task; the type of its ledger record's key; and further arguments.

    Its handler is in the registry `Container.handlers` (worker/container/container.py).
    """

    SCAN_ALL = "scan", Lane.SCANS, "scan", "wbs.scan_projects", (), None, {"trigger": "resume"}
    SCAN_PROJECT = "scan", Lane.SCANS, "scan", "wbs.scan_project", ("project_id",)
    RESOLVE_CODES = "plan", Lane.SCANS, "look up codes", "wbs.plan_codes", ("project_id",)
    CREATE_ITEM = "code", Lane.ITEMS, "create Item", "wbs.create_items", ("project_id", "wbs_code_id"), CodeKey
    EXPORT_ALL = "exports", Lane.LISTINGS, "list invoices", "invoices.export_approved", (), None, {"trigger": "resume"}
    LIST_INVOICES = "exports", Lane.LISTINGS, "list invoices", "invoices.export_project", ("project_id",)
    EXPORT = "invoice", Lane.EXPORTS, "export invoice", "invoices.export", ("project_id", "invoice_id"), InvoiceKey
    RECONCILE = "reconcile", Lane.UPKEEP, "compare", "ledger.reconcile", ()

    def __init__(
        self,
        word: str,
        lane: Lane,
        span: str,
        task: str,
        ids: tuple[str, ...],
        record: type[CodeKey] | type[InvoiceKey] | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        self.word = word
        self.lane = lane
        self.span = span
        self.task = task
        self.ids = ids
        self.record = record
        self.arguments = arguments or {}


_KINDS = {(kind.word, len(kind.ids)): kind for kind in WorkKind}
_LANES = {kind.word: kind.lane for kind in WorkKind}


@dataclass(frozen=True, slots=True)
class WorkKey:
    """The key of one piece of work. Its text, `code:17:901` or `scan:all`, is what Redis has."""

    kind: WorkKind
    ids: tuple[int, ...] = ()

    def __str__(self) -> str:
        return ":".join((self.kind.word, *self.parts))

    @classmethod
    def parse(cls, text: str) -> WorkKey:
        """Return the key with this text. Raises ValueError for work of no kind that this version knows."""
        word, _, rest = text.partition(":")
        ids = () if rest == ALL else tuple(int(part) for part in rest.split(":"))
        if (kind := _KINDS.get((word, len(ids)))) is None:
            raise ValueError(f"{text} is work of no known kind")
        return cls(kind, ids)

    @classmethod
    def known(cls, text: str) -> WorkKey | None:
        """Return the key with this text; None for work of a kind that only a newer version knows."""
        try:
            return cls.parse(text)
        except ValueError:
            return None

    @property
    def parts(self) -> tuple[str, ...]:
        """Its ids as text, or `all`."""
        return tuple(str(number) for number in self.ids) or (ALL,)

    @property
    def lane(self) -> Lane:
        """The lane it waits in."""
        return self.kind.lane

    @property
    def record(self) -> CodeKey | InvoiceKey | None:
        """The key of its record in the ledger; None for work without one."""
        return self.kind.record(*self.ids) if self.kind.record else None

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of its task."""
        return {**self.kind.arguments, **dict(zip(self.kind.ids, self.ids, strict=True))}


SCAN_OF_ALL = str(WorkKey(WorkKind.SCAN_ALL))
EXPORTS_OF_ALL = str(WorkKey(WorkKind.EXPORT_ALL))
RECONCILE_ALL = str(WorkKey(WorkKind.RECONCILE))
"""The comparison of both systems with the ledger."""


def scan_of(project_id: int) -> str:
    """Return the key of scanning one project."""
    return str(WorkKey(WorkKind.SCAN_PROJECT, (project_id,)))


def resolution_of(project_id: int) -> str:
    """Return the key of looking up again the codes of one project that wait."""
    return str(WorkKey(WorkKind.RESOLVE_CODES, (project_id,)))


def exports_of(project_id: int) -> str:
    """Return the key of finding one project's invoices to export."""
    return str(WorkKey(WorkKind.LIST_INVOICES, (project_id,)))


def lane_of(key: str) -> Lane:
    """Return the lane that a key waits in. Raises KeyError for a key of a newer version."""
    return _LANES[key.partition(":")[0]]
