"""Webhooks of Procore become work that waits, like any other; nothing is done here, and no remote is asked."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from worker.domain import correlation
from worker.domain.webhooks import Event, work_of
from worker.domain.work import Lane
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.projects import ProjectList
from worker.store.work import Work

log = logging.getLogger(__name__)

KNOWN_SECONDS = 86_400
"""How long an event is known again: twice as long as Procore tries to deliver it (guide/webhooks)."""
GATHER_SECONDS = 10.0
"""A budget is edited line by line, with an event for each: one scan of the project, a little later, sees them all."""


class Taken(StrEnum):
    """What became of an event."""

    QUEUED = "queued"
    KNOWN = "known"
    NOT_OURS = "not ours"
    NOT_UNDERSTOOD = "not understood"


class Webhooks:
    """Takes events. Whoever delivers one again gets the same end; a lost one is found by the next scan or export."""

    def __init__(
        self,
        client: Redis,
        prefix: str,
        *,
        company_id: int,
        invoice_resources: Collection[str],
        projects: ProjectList,
        work: Work,
    ) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._company_id = company_id
        self._invoice_resources = frozenset(invoice_resources)
        self._projects = projects
        self._work = work

    def take(self, body: Any) -> Taken:
        """Let the work that an event asks for wait, under `webhook-` and the event's id as its correlation id; when this returns, it
        stands in Redis. RedisError when it could not be noted.
        """
        event = Event.read(body)
        if event is None:
            log.warning("Received an event in an unknown format, with %s", _names(body))
            return Taken.NOT_UNDERSTOOD
        with correlation.of(f"webhook-{event.id}"):
            taken = self._take(event)
            log.info("%s: %s", event.label, taken)
        return taken

    def _take(self, event: Event) -> Taken:
        asked = work_of(event, invoice_resources=self._invoice_resources)
        if asked is None or event.company_id != self._company_id or not self._is_listed(event.project_id):
            return Taken.NOT_OURS
        seen = self._keys.webhook(event.id)
        if self._client.exists(seen):
            return Taken.KNOWN
        self._let_wait(*asked)
        # Only now: who dies before this line does the work twice, not never.
        self._client.set(seen, 1, ex=KNOWN_SECONDS)
        return Taken.QUEUED

    def _is_listed(self, project_id: int | None) -> bool:
        """Of others, such as those that the app may not read, each event would cost a new list of projects and end as a problem."""
        return project_id is not None and self._projects.get(project_id) is not None

    def _let_wait(self, lane: Lane, key: str) -> None:
        # An attempt in progress may have read Procore before this change.
        self._work.request(lane, [key], at=seconds(self._client) + GATHER_SECONDS if lane is Lane.SCANS else 0)


def _names(body: Any) -> str:
    """Enough to see what sent it; no value, since nobody knows what is in it."""
    return ", ".join(sorted(map(str, body)))[:200] or "nothing" if isinstance(body, Mapping) else "not a JSON object"
