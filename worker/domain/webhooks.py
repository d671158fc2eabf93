"""Reads Procore's webhooks and decides which work they request.

A body contains no record, only what changed where, so its work is what a scan or an export would do anyway. Its fields are those of
guide/payload-formats: v2.0 and v3.0 with numbers, v4.0 with texts and other names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from worker.domain.identities import InvoiceKey
from worker.domain.work import Lane, scan_of

BUDGET_RESOURCES = frozenset({"Budget Line Items", "Budget Changes", "Budget Modifications"})
"""Resources whose change may mean a newly budgeted code (docs/remotes.md)."""
_EVENT_ID = re.compile(r"[0-9A-Za-z]{1,64}")
_ID = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Event:
    """A change in Procore. `id`: the same in each delivery of the event; `project_id`: None for a record of the company."""

    id: str
    company_id: int
    project_id: int | None
    resource: str
    resource_id: int
    deleted: bool

    @property
    def label(self) -> str:
        """A description of the event for users."""
        of = f"project {self.project_id}" if self.project_id else f"company {self.company_id}"
        return f"{self.resource[:100]!r} {self.resource_id} of {of} {'was deleted' if self.deleted else 'changed'}"

    @classmethod
    def read(cls, body: Any) -> Self | None:
        """Return the event in a body of any documented format; None for any other body."""
        if not isinstance(body, Mapping):
            return None
        event_id = str(body.get("ulid") or body.get("id") or "")
        company_id, project_id, resource_id = (
            _id(body.get(f"{what}_id")) for what in ("company", "project", "resource")
        )
        resource, change = (
            body.get("resource_name", body.get("resource_type")),
            body.get("event_type", body.get("reason")),
        )
        if not (_EVENT_ID.fullmatch(event_id) and company_id and resource_id and isinstance(resource, str)):
            return None
        return cls(event_id, company_id, project_id, resource, resource_id, deleted=change == "delete")


def work_of(event: Event, *, invoice_resources: Collection[str]) -> tuple[Lane, str] | None:
    """Return the work that an event requests; None if it requests none. `invoice_resources`: resource names of subcontractor invoices."""
    if event.project_id is None:
        return None
    if event.resource in BUDGET_RESOURCES:
        return Lane.SCANS, scan_of(event.project_id)
    if event.resource in invoice_resources and not event.deleted:
        return Lane.EXPORTS, str(InvoiceKey(event.project_id, event.resource_id))
    return None


def _id(value: Any) -> int | None:
    """Return a Procore id from a number or its digits."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not _ID.fullmatch(str(value)):
        return None
    return int(value) if 0 < int(value) < 2**63 else None
