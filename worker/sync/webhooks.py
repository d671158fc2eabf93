"""Turns Procore's webhooks into queued work; does no work itself and queries no remote."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.context import correlated
from worker.domain.webhooks import Event, work_of
from worker.domain.work import Lane
from worker.store.keys import Keys
from worker.store.stores import Stores

log = logging.getLogger(__name__)

KNOWN_SECONDS = 86_400
"""Seconds for which an event is recognized again: twice as long as Procore tries to deliver it (guide/webhooks)."""
GATHER_SECONDS = 10.0
"""Seconds until the scan after a budget change. A budget is edited line by line, with an event for each line: one scan covers them all."""


class Taken(StrEnum):
    """The result of an event."""

    QUEUED = "queued"
    KNOWN = "known"
    NOT_OURS = "not ours"
    NOT_UNDERSTOOD = "not understood"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Receives events. Delivering an event again has the same result; the next scan or export picks up a lost one.

    `invoice_resources`: names of Procore's resources whose events are about invoices. The receiver needs no account profile, so no policy.
    """

    stores: Stores
    invoice_resources: Collection[str]

    def take(self, body: Any) -> Taken:
        """Queue the work for an event, with `webhook-` and the event's id as its correlation id; when this returns, it is in Redis. Raises
        RedisError if it could not be recorded.
        """
        event = Event.read(body)
        if event is None:
            log.warning("Received an event in an unknown format, with %s", _names(body))
            return Taken.NOT_UNDERSTOOD
        with correlated(f"webhook-{event.id}"):
            taken = self._take(event)
            log.info("%s: %s", event.label, taken)
        return taken

    def _take(self, event: Event) -> Taken:
        asked = work_of(event, invoice_resources=self.invoice_resources)
        if (
            asked is None
            or event.company_id != self.stores.installation.company_id
            or not self._is_listed(event.project_id)
        ):
            return Taken.NOT_OURS
        seen = Keys(self.stores.prefix).webhook(event.id)
        if self.stores.redis.exists(seen):
            return Taken.KNOWN
        self._queue(*asked)
        # Only now: a process that dies before this line does the work twice, not never.
        self.stores.redis.set(seen, 1, ex=KNOWN_SECONDS)
        return Taken.QUEUED

    def _is_listed(self, project_id: int | None) -> bool:
        """Return whether the project is listed: for others, such as those the app may not read, each event would cost a new list of projects
        and end as a problem.
        """
        return project_id is not None and self.stores.listed_projects.get(project_id) is not None

    def _queue(self, lane: Lane, key: str) -> None:
        # An attempt in progress may have read Procore before this change.
        self.stores.work.request(lane, [key], at=self.stores.now() + GATHER_SECONDS if lane is Lane.SCANS else 0)


def _names(body: Any) -> str:
    """Return enough of an event to identify its sender; no values, because its content is unknown."""
    return ", ".join(sorted(map(str, body)))[:200] or "nothing" if isinstance(body, Mapping) else "not a JSON object"
