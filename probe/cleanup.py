"""Deletes the probe's records: those of this run, and of an earlier run that was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from probe.clients.netsuite import BILLS, ProbeRecord, SandboxNetSuite
from probe.clients.procore import SandboxProcore
from probe.identities import external_id_prefix
from worker.domain.errors import Blocked, NotFound, NotPermitted, SyncError


@dataclass(frozen=True, slots=True)
class Leftover:
    """A record that could not be deleted. `inactive`: an Item that was made inactive instead."""

    kind: str
    id: str
    inactive: bool
    why: str


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """How many records were deleted, and what is left."""

    deleted: int
    left: Sequence[Leftover]


class Cleanup:
    """Finds the probe's records by the prefix of their external ids and deletes them; an Item that cannot be deleted is made inactive."""

    def __init__(self, netsuite: SandboxNetSuite, procore: SandboxProcore) -> None:
        self._netsuite = netsuite
        self._prefix = external_id_prefix(procore.company_id)
        self._procore = procore

    def records(self, created: Iterable[ProbeRecord] = ()) -> CleanupResult:
        """Clean up NetSuite: records `created` by this run, which a query may not show yet, and all that a query shows. Bills first."""
        existing = {(one.record_type, one.id): one for one in (*created, *self._netsuite.probe_records(self._prefix))}
        left, deleted = [], 0
        for record in sorted(existing.values(), key=lambda one: one.record_type != BILLS):
            leftover = self._delete(record)
            if leftover is None:
                deleted += 1
            else:
                left.append(leftover)
        return CleanupResult(deleted, left)

    def origin_ids(self, invoices: Iterable[tuple[int, int]]) -> list[Leftover]:
        """Clean up Procore: clear origin ids that a probe wrote to these (project id, invoice id)."""
        left = []
        for project_id, invoice_id in invoices:
            try:
                invoice = self._procore.raw_invoice(project_id, invoice_id)
                if str(invoice.get("origin_id") or "").startswith(self._prefix):
                    self._procore.set_origin_id(invoice, None)
            except (Blocked, NotFound, NotPermitted):
                left.append(Leftover("origin id of invoice", str(invoice_id), False, "Procore does not clear it"))
        return left

    def _delete(self, record: ProbeRecord) -> Leftover | None:
        kind = "vendor bill" if record.record_type == BILLS else "Item"
        try:
            self._netsuite.delete(record)
        except SyncError as error:
            why = str(error)
        else:
            return None
        if record.record_type == BILLS:
            return Leftover(kind, record.id, False, why)
        try:
            if not record.inactive:
                self._netsuite.inactivate(record)
        except SyncError:
            return Leftover(kind, record.id, False, why)
        return Leftover(kind, record.id, True, why)
