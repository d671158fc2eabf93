"""Taking away what a probe made: this one, and one before that was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.clients.netsuite.sandbox import BILLS, SandboxNetSuite, Standing
from worker.clients.procore.sandbox import SandboxProcore
from worker.domain.errors import Blocked, NotFound, NotPermitted, SyncError
from worker.domain.identities import probe_external_ids_of


@dataclass(frozen=True, slots=True)
class Left:
    """A record that could not be taken away. `inactive`: an Item that is in nobody's way any more."""

    kind: str
    id: str
    inactive: bool
    why: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many records were deleted, and what is left."""

    deleted: int
    left: Sequence[Left]


class Cleaning:
    """Finds the probe's records by the beginning of their external ids, and deletes them; an Item that cannot be is made inactive."""

    def __init__(self, netsuite: SandboxNetSuite, procore: SandboxProcore) -> None:
        self._netsuite = netsuite
        self._stem = probe_external_ids_of(procore.company_id)
        self._procore = procore

    def records(self, made: Iterable[Standing] = ()) -> Cleaned:
        """In NetSuite: `made` by this run, since a query may not show them yet, and whatever else a query shows. Bills go first."""
        standing = {(one.record_type, one.id): one for one in (*made, *self._netsuite.standing(self._stem))}
        left, deleted = [], 0
        for record in sorted(standing.values(), key=lambda one: one.record_type != BILLS):
            remains = self._take_away(record)
            if remains is None:
                deleted += 1
            else:
                left.append(remains)
        return Cleaned(deleted, left)

    def origin_ids(self, invoices: Iterable[tuple[int, int]]) -> list[Left]:
        """In Procore: origin ids that a probe wrote to these (project, invoice)."""
        left = []
        for project_id, invoice_id in invoices:
            try:
                told = self._procore.invoice_as_told(project_id, invoice_id)
                if str(told.get("origin_id") or "").startswith(self._stem):
                    self._procore.set_origin_id(told, None)
            except (Blocked, NotFound, NotPermitted):
                left.append(Left("origin id of invoice", str(invoice_id), False, "Procore does not take it away"))
        return left

    def _take_away(self, record: Standing) -> Left | None:
        kind = "vendor bill" if record.record_type == BILLS else "Item"
        try:
            self._netsuite.delete(record)
        except SyncError as error:
            why = str(error)
        else:
            return None
        if record.record_type == BILLS:
            return Left(kind, record.id, False, why)
        try:
            if not record.inactive:
                self._netsuite.inactivate(record)
        except SyncError:
            return Left(kind, record.id, False, why)
        return Left(kind, record.id, True, why)
