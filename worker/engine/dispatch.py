"""Decides which waiting work is dispatched now, and gives up work that kills its workers. The caller sends the messages."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from worker.domain.scopes import Remote
from worker.domain.work import Lane, RunKind, WorkKey
from worker.engine.settlement import Settlement
from worker.store.stores import Stores

log = logging.getLogger(__name__)

ENOUGH_ITEMS = 2
"""Waiting Items per slot that keep all creators busy until the next project has been scanned."""


def lane_limits(netsuite_concurrency: int) -> dict[Lane, int]:
    """Maximum work of each lane in progress: enough that no slot of the gate is idle, little enough that nothing waits long in the broker,
    where it cannot be overtaken. Creators of Items continue from one to the next without a message; an eighth more of them than there are
    slots wait at the gate, so that a slot is taken over while its last holder still records its result.
    """
    return {
        Lane.SCANS: 4,
        Lane.ITEMS: netsuite_concurrency + netsuite_concurrency // 8,
        Lane.LISTINGS: 4,
        Lane.EXPORTS: 2 * netsuite_concurrency + 2,
        Lane.UPKEEP: 2,
    }


@dataclass(slots=True)
class Dispatch:
    """Dispatches the work of the lanes. `limits`: maximum work of each lane in progress (`lane_limits`)."""

    stores: Stores
    settlement: Settlement
    limits: Mapping[Lane, int]
    _enough_items_wait: bool = field(default=False, init=False)
    _counted_at: float = field(default=float("-inf"), init=False)

    def requeue_orphans(self) -> None:
        """Queue work again that a run waits for and no lane has."""
        for kind in RunKind:
            self.stores.work.requeue_orphans(self.stores.runs.some_open_keys(kind))
        self.stores.work.forget_ended_invoices()

    def take_back(self) -> None:
        """Make the work of dead workers due now, not when their claims end."""
        for lane in Lane:
            self.stores.work.take_back(lane)

    def lift(self, remotes: Collection[Remote] = tuple(Remote)) -> None:
        """Make work due now that was paused because of these remotes."""
        held_until = self.stores.breakers.lift(remotes)
        for lane in Lane:
            if set(lane.remotes) & set(remotes):
                self.stores.work.make_due_now(lane, until=held_until)

    def next(self, lanes: Iterable[Lane]) -> dict[str, str]:
        """Return the keys whose messages are to be sent now, each with the correlation id of its request; they count as claimed from here on.
        The work of a paused lane stays there.
        """
        given: dict[str, str] = {}
        for lane in self.stores.breakers.free(lanes):
            given |= self._taken(lane)
        return given

    def limit(self, lane: Lane, *, max_age: float = 0.0) -> int:
        """Return how much work of a lane may be claimed now. Scans are limited to one while enough Items wait to keep every slot busy: more
        scanning would only take CPU from creating them. `max_age`: of the count of waiting Items, in seconds.
        """
        if lane is Lane.SCANS:
            clock = self.stores.runtime.monotonic
            if clock() - self._counted_at >= max_age:
                enough = ENOUGH_ITEMS * self.limits[Lane.ITEMS]
                self._enough_items_wait = self.stores.work.waiting(Lane.ITEMS) > enough
                self._counted_at = clock()
            if self._enough_items_wait:
                return 1
        return self.limits[lane]

    def _taken(self, lane: Lane) -> dict[str, str]:
        taken = self.stores.work.take(lane, limit=self.limit(lane))
        return {one.key: one.correlation_id for one in taken if _is_known(one.key) and self.settlement.may_begin(one)}


def _is_known(key: str) -> bool:
    """Return False for work of a kind that only a newer version knows: it counts as claimed, and is dispatched again when overdue, to a newer
    worker.
    """
    if WorkKey.known(key):
        return True
    log.warning("%s is left for a worker of a newer version", key)
    return False
