"""Which waiting work is dispatched now. The caller sends the messages; this decides, and gives up what kills its workers."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping

from worker.domain.scopes import REMOTES_OF_LANE, Remote
from worker.domain.work import Lane, RunKind
from worker.services.attempts import Attempts
from worker.store.holds import Holds
from worker.store.work import Work

ENOUGH_ITEMS = 2
"""So many waiting Items for each slot keep the makers busy until the next project has been looked through."""


def lane_limits(netsuite_concurrency: int) -> dict[Lane, int]:
    """How much of each lane may be in hand at once: enough that no slot of the gate idles, little enough that nothing waits
    long in the broker, where nobody can overtake it. Makers of Items go on from one to the next without a message; an eighth more of them than there are
    slots wait at the gate, so that a slot is taken over while its last maker still records what it made.
    """
    return {
        Lane.SCANS: 4,
        Lane.ITEMS: netsuite_concurrency + netsuite_concurrency // 8,
        Lane.LISTINGS: 4,
        Lane.EXPORTS: 2 * netsuite_concurrency + 2,
        Lane.UPKEEP: 2,
    }


class Dispatch:
    """Feeds the lanes."""

    def __init__(self, *, work: Work, holds: Holds, attempts: Attempts, limits: Mapping[Lane, int]) -> None:
        self._work = work
        self._holds = holds
        self._attempts = attempts
        self._limits = limits
        self._many_items_wait, self._counted_at = False, float("-inf")

    def take_in_strays(self) -> None:
        """Work that a run waits for and no lane holds waits again."""
        for kind in RunKind:
            self._work.take_in_strays(kind)
        self._work.forget_ended_invoices()

    def take_back(self) -> None:
        """Let the work of workers that died be dispatched now, not when their claims end."""
        for lane in Lane:
            self._work.take_back(lane)

    def lift(self, remotes: Collection[Remote] = tuple(Remote)) -> None:
        """Let work that was held because of these remotes try now."""
        held_until = self._holds.lift(remotes)
        for lane in Lane:
            if set(REMOTES_OF_LANE[lane]) & set(remotes):
                self._work.hurry(lane, until=held_until)

    def next(self, lanes: Iterable[Lane]) -> dict[str, str]:
        """Keys whose messages are to be sent now, each with the correlation id of who asked for it; they count as in hand from here on.
        A lane that is held keeps what it has.
        """
        given: dict[str, str] = {}
        for lane in self._holds.free(lanes):
            given |= self._taken(lane)
        return given

    def limit(self, lane: Lane, *, lately: float = 0.0) -> int:
        """How much work of a lane may be claimed now. Scans are limited to one while enough Items wait to keep every slot busy: more scanning
        would only take CPU from creating them. `lately`: the most seconds that the count of waiting Items may be old.
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
        return {one.key: one.correlation_id for one in taken if self._attempts.may_begin(lane, one)}
