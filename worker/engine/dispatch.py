"""Decides which waiting work is dispatched now, and gives up work that kills its workers. The caller sends the messages."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping

from worker.domain.scopes import Remote
from worker.domain.work import Lane, RunKind, WorkKey
from worker.engine.settlement import Settlement
from worker.store.holds import Holds
from worker.store.lanes import Lanes
from worker.store.runs import Runs

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


class Dispatch:
    """Dispatches the work of the lanes."""

    def __init__(
        self, *, work: Lanes, runs: Runs, holds: Holds, settlement: Settlement, limits: Mapping[Lane, int]
    ) -> None:
        self._work = work
        self._runs = runs
        self._holds = holds
        self._settlement = settlement
        self._limits = limits
        self._many_items_wait, self._counted_at = False, float("-inf")

    def take_in_strays(self) -> None:
        """Queue work again that a run waits for and no lane has."""
        for kind in RunKind:
            self._work.requeue_orphans(self._runs.some_open_keys(kind))
        self._work.forget_ended_invoices()

    def take_back(self) -> None:
        """Make the work of dead workers due now, not when their claims end."""
        for lane in Lane:
            self._work.take_back(lane)

    def lift(self, remotes: Collection[Remote] = tuple(Remote)) -> None:
        """Make work due now that was paused because of these remotes."""
        held_until = self._holds.lift(remotes)
        for lane in Lane:
            if set(lane.remotes) & set(remotes):
                self._work.make_due_now(lane, until=held_until)

    def next(self, lanes: Iterable[Lane]) -> dict[str, str]:
        """Return the keys whose messages are to be sent now, each with the correlation id of its request; they count as claimed from here on.
        The work of a paused lane stays there.
        """
        given: dict[str, str] = {}
        for lane in self._holds.free(lanes):
            given |= self._taken(lane)
        return given

    def limit(self, lane: Lane, *, lately: float = 0.0) -> int:
        """Return how much work of a lane may be claimed now. Scans are limited to one while enough Items wait to keep every slot busy: more
        scanning would only take CPU from creating them. `lately`: maximum age of the count of waiting Items in seconds.
        """
        if lane is Lane.SCANS:
            if time.monotonic() - self._counted_at >= lately:
                enough = ENOUGH_ITEMS * self._limits[Lane.ITEMS]
                self._many_items_wait = self._work.waiting(Lane.ITEMS) > enough
                self._counted_at = time.monotonic()
            if self._many_items_wait:
                return 1
        return self._limits[lane]

    def _taken(self, lane: Lane) -> dict[str, str]:
        taken = self._work.take(lane, limit=self.limit(lane))
        return {one.key: one.correlation_id for one in taken if _is_known(one.key) and self._settlement.may_begin(one)}


def _is_known(key: str) -> bool:
    """Return False for work of a kind that only a newer version knows: it counts as claimed, and is dispatched again when overdue, to a newer
    worker.
    """
    if WorkKey.known(key):
        return True
    log.warning("%s is left for a worker of a newer version", key)
    return False
