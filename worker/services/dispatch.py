"""Which waiting work is dispatched now. The caller sends the messages; this decides, and gives up what kills its workers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from worker.domain.scopes import REMOTES_OF_LANE, Remote
from worker.domain.work import Lane, RunKind
from worker.services.attempts import Attempts
from worker.store.holds import Holds
from worker.store.work import Work

ENOUGH_ITEMS = 2
"""So many waiting Items for each slot keep the makers busy until the next project has been looked through."""
MOST_DEATHS = 5
"""Work that so many workers had begun when they died or stalled is given to no further one."""


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

    def take_in_strays(self) -> None:
        """Work that a run waits for and no lane holds waits again."""
        for kind in RunKind:
            self._work.take_in_strays(kind)

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
        for lane in lanes:
            held_until, _ = self._holds.state(lane)
            if not held_until:
                given |= self._taken(lane)
        return given

    def next_one(self, lane: Lane) -> tuple[str, str]:
        """The same for a worker that has begun with it at once, its last work in this lane having ended well; ("", "") when nothing is due."""
        return next(iter(self._taken(lane, at_most=1, begin=True).items()), ("", ""))

    def _limit(self, lane: Lane) -> int:
        """Scans step back while Items enough wait for every slot: looking further ahead would only take the CPU from making them."""
        if lane is Lane.SCANS and self._work.depth(Lane.ITEMS)[0] > ENOUGH_ITEMS * self._limits[Lane.ITEMS]:
            return 1
        return self._limits[lane]

    def _taken(self, lane: Lane, *, at_most: int | None = None, begin: bool = False) -> dict[str, str]:
        given = {}
        taken = self._work.take(lane, limit=self._limit(lane), at_most=at_most, begin=begin)
        for key, deaths, correlation_id in taken:
            if deaths > MOST_DEATHS:
                self._attempts.give_up(lane, key, deaths)
            else:
                given[key] = correlation_id
        return given
