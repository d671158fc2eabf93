"""Beats, and the question that they also answer: is anything left to happen?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.names import TaskName
from tests.campaign.simulated.scheduler import FOREVER, Tick
from worker.domain.work import Lane
from worker.engine.recovery import LOOK_THROUGH_AFTER_SECONDS

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

PREFIX = "wbs:"
BEAT = 5.0
NAMES_A_PAUSE = ("remote:", "series:")
"""How the keys of problems begin because of which other work waits."""
LONG_PAUSE_SECONDS = 2000.0
"""Longer than any settle window and any back-off: what still waits for the same cause then waits for a person."""
_LANE_KEYS = [f"{PREFIX}{place}:{lane}" for lane in Lane for place in ("waiting", "hand")]


class Beats:
    """One beat or two."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.away_until = 0.0
        self.paused = False
        self._left: set[str] = set()
        self._left_since = rig.scheduler.now

    def begin(self, offset: float) -> None:
        """A beat: a resume every five seconds; those that would find nothing to do are left out, since they change nothing."""
        self._next_tick(self._rig.scheduler.start + offset, offset)

    def _next_tick(self, when: float, offset: float) -> None:
        self._rig.scheduler.at(when, Tick(lambda: self._tick(offset)))

    def _tick(self, offset: float) -> None:
        now = self._rig.scheduler.now
        self._rig.watch.look(now)
        self._note_pauses(now)
        if self.paused and self.at_rest():
            self._rig.scheduler.wake(self._rig.scheduler.main)
        elif self.work_due(now):
            if now >= self.away_until and self._rig.store_away_until <= now:
                self._rig.floor.send(TaskName.RESUME.value, {}, expires=self._rig.expiry_of_resume())
        elif self.at_rest():
            self._rig.scheduler.wake(self._rig.scheduler.main)
        elif self.quiet():
            upcoming = min(self.next_due(), self.look_through_at(), self._rig.scheduler.next_event())
            ticks = max(1, int((upcoming - now) // BEAT))
            self._next_tick(now + BEAT * min(ticks, 200), offset)
            return
        self._next_tick(now + BEAT, offset)

    def quiet(self) -> bool:
        """Whether nobody is doing anything, and nothing is on its way."""
        floor = self._rig.floor
        busy = floor.traveling or floor.backlog or floor.unacked or floor.commands
        # A message that was delivered again is unowned, and the worker that hung continues with it when it wakes.
        busy = busy or any(one.things["busy"] for one in floor.workers if not one.dead)
        return not busy and not self._rig.wires.in_flight

    def lanes(self) -> dict[str, float]:
        """Return all work that waits or is in progress, with its time."""
        found: dict[str, float] = {}
        for key in _LANE_KEYS:
            found |= self._rig.store.data.get(key, {})
        return found

    def next_due(self) -> float:
        """When the first piece of work is to be looked at."""
        data = self._rig.store.data
        return min((min(data[key].values()) for key in _LANE_KEYS if data.get(key)), default=FOREVER)

    def look_through_at(self) -> float:
        """Return when a resume looks up lost results after a restart of the store; a time far in the future if it did."""
        store = self._rig.store
        ledger = store.data.get(f"{PREFIX}ledger", {})
        if not ledger or ledger.get("looked_through") == store.run_id:
            return FOREVER
        return store.began + LOOK_THROUGH_AFTER_SECONDS + 1

    def work_due(self, now: float) -> bool:
        """Whether a resume would find anything to do."""
        if self.next_due() <= now + 0.001 or self.look_through_at() <= now:
            return True
        return any(not self._rig.store.data.get(f"{PREFIX}run:{run}", {}).get("ended_at")
                   and not self._run_waits(run) for run in self.current_runs())  # fmt: skip

    def _run_waits(self, run: str) -> bool:
        lanes = self.lanes()
        return all(key in lanes for key in self._rig.store.data.get(f"{PREFIX}run:{run}:open", {}))

    def current_runs(self) -> list[str]:
        """Return the ids of the current runs."""
        self._rig.store.expire()
        keys = (f"{PREFIX}run:current:scan", f"{PREFIX}run:current:export")
        return [str(self._rig.store.data[key]) for key in keys if key in self._rig.store.data]

    def _note_pauses(self, now: float) -> None:
        """Whether all that is left has been waiting for a long time for a cause that an open problem names: that is a rest, too."""
        # Work that waits for long has its plan made again now and then.
        lanes = {key for key in self.lanes() if not key.startswith("plan:")}
        named = any(key.startswith(NAMES_A_PAUSE) for key in self._rig.store.data.get(f"{PREFIX}problems", {}))
        if not lanes or lanes != self._left or not named or not self._rig.faults_over:
            self._left, self._left_since = lanes, now
        self.paused = now - self._left_since >= LONG_PAUSE_SECONDS

    def open_runs(self) -> list[str]:
        """Those of them that have not ended."""
        data = self._rig.store.data
        return [run for run in self.current_runs() if "ended_at" not in data.get(f"{PREFIX}run:{run}", {})]

    def at_rest(self) -> bool:
        """Whether nothing will ever happen again by itself."""
        return (
            self.quiet()
            and self._rig.store_away_until <= self._rig.scheduler.now
            and not self._rig.pending
            and (not self.lanes() or self.paused)
            and self.look_through_at() == FOREVER
            and self._rig.faults_over
        )
