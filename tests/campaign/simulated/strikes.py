"""Faults of a moment: at a time, or when the work has reached a certain stage."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, Any

from tests.campaign.simulated import edits
from tests.campaign.simulated.faults import RESTARTS, Fault, Kind
from tests.campaign.simulated.scheduler import Process, VThread
from tests.campaign.simulated.workers import Message
from worker.domain.work import WorkKey

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

PREFIX = "wbs:"
Spot = tuple[str, int]


class Strikes:
    """What strikes once."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.emptied = False
        self._snapshots: deque[tuple[float, Any]] = deque()
        self._come: dict[str, int] = {}
        self._at: dict[Spot, list[Fault]] = {}
        for fault in rig.striker.faults:
            if fault.nth:
                self._at.setdefault((fault.stage, fault.nth), []).append(fault)

    def comes_to(self, stage: str, name: str = "") -> None:
        """The current thread reaches the next place of this stage; `name`: the last part of its work's lock."""
        number = self._come.get(stage, 0) + 1
        self._come[stage] = number
        if not self._at:
            return
        self.at_stage(stage, number, self._rig.scheduler.current, name)

    def at_stage(self, stage: str, number: int, thread: VThread, name: str) -> None:
        """Faults that wait for this place of this stage strike here."""
        if self._rig.faults_over:
            return
        for fault in self._at.pop((stage, number), ()):
            self.strike_now(fault, thread, name)

    def strike_now(self, fault: Fault, thread: VThread | None = None, name: str = "") -> None:
        """A fault of a moment: on the worker at this spot, or on one of the dice's."""
        dice = random.Random(fault.seed)
        if self._struck(fault, dice, thread, name):
            self._rig.striker.struck[fault.kind] += 1
        if fault.kind in (Kind.KILL, Kind.POWER_CUT, Kind.MACHINE_LOST) and (target := self._target(dice, thread)):
            if fault.kind is Kind.MACHINE_LOST:
                self._rig.floor.disks.pop(target.things["number"], None)
            # Last, since it unwinds the thread at this spot.
            self._rig.floor.kill(target)

    def _struck(self, fault: Fault, dice: random.Random, thread: VThread | None, name: str) -> bool:
        """Do it; False when there was nothing to strike."""
        match fault.kind:
            case Kind.STALL | Kind.LONG_STALL | Kind.PAUSE:
                return self._stall(fault, self._target(dice, thread))
            case Kind.LOCK_DELETED:
                return self._delete_lock(dice, thread, name)
            case Kind.STORE_BACK | Kind.POWER_CUT:
                return self._store_back(fault, dice)
            case Kind.STORE_EMPTIED | Kind.MACHINE_LOST:
                return self._empty()
            case Kind.STORE_DOWN:
                return self._go_away(fault)
            case Kind.BEAT_AWAY:
                self._rig.beats.away_until = self._rig.scheduler.now + fault.lasts
                return True
            case Kind.KILL:
                return any(not one.dead for one in self._rig.floor.workers)
            case _:
                return edits.edit(self._rig, fault.kind, dice, name)

    def _target(self, dice: random.Random, thread: VThread | None) -> Process | None:
        """Mostly the worker at this spot."""
        alive = [one for one in self._rig.floor.workers if not one.dead]
        if thread and thread.process in alive and dice.random() < 0.85:
            return thread.process
        return dice.choice(alive) if alive else None

    def _stall(self, fault: Fault, target: Process | None) -> bool:
        if target is None:
            return False
        self._rig.floor.stall(target, fault.lasts)
        if target is self._rig.scheduler.current.process:
            self._rig.scheduler.pause(0)
        return True

    def _lose_claim(self, work: str) -> Message:
        """A piece of work loses its claim, as after the store lost its last second. Returns a message for it."""
        for key in self._rig.store.keys(f"{PREFIX}hand:"):
            self._rig.store.call("ZREM", key, work)
        self._rig.store.call("HDEL", f"{PREFIX}begun", work)
        asked = WorkKey.parse(work)
        return Message(asked.kind.task, asked.arguments, self._rig.scheduler.now)

    def _delete_lock(self, dice: random.Random, thread: VThread | None, name: str) -> bool:
        """The lock at this spot is gone; often the broker delivers the holder's message once more just then."""
        locks = self._rig.store.keys(f"{PREFIX}lock:")
        locks = [key for key in locks if name and key.endswith(f":{name}")] or locks
        if not locks:
            return False
        key = dice.choice(locks)
        self._rig.note("LOCK DELETED", key)
        self._rig.store.call("DEL", key)
        message = thread.note.get("message") if thread else None
        if isinstance(message, Message) and dice.random() < 0.8:
            pause, work = dice.uniform(0.1, 6), key.removeprefix(f"{PREFIX}lock:")
            if pause < 3 and work.startswith(("code:", "invoice:")):
                # A holder that stands still for long finds that out by its clock. In a short pause another worker gets as far as it,
                # if the claim is lost too.
                twin, pause = self._lose_claim(work), pause / 3
            else:
                twin = message.again(self._rig.scheduler.now)
            self._rig.floor.deliver(twin, 0.01)
            if thread is self._rig.scheduler.current:
                self._rig.scheduler.pause(pause)
        return True

    def _store_back(self, fault: Fault, dice: random.Random) -> bool:
        """Restart now with the data of a moment ago: the snapshot of a moment that has to be taken before."""
        snapshots = [one for one in self._snapshots if self._rig.scheduler.now - one[0] <= 1.0]
        if not snapshots:
            return False
        taken_at, kept = dice.choice(snapshots)
        self._rig.note("THE STORE RESTARTS, writes gone since", round(self._rig.scheduler.now - taken_at, 3))
        self._rig.troubles.losses.append((taken_at, self._rig.scheduler.now))
        self._rig.store.restore(kept)
        self._stay_away(fault.lasts)
        return True

    def _go_away(self, fault: Fault) -> bool:
        self._rig.note("THE STORE GOES AWAY", round(fault.lasts, 1))
        self._stay_away(fault.lasts)
        return True

    def _stay_away(self, seconds: float) -> None:
        now = self._rig.scheduler.now
        self._rig.store_away_until = now + seconds
        self._rig.troubles.absences.append((now, now + seconds))

    def _empty(self) -> bool:
        self._rig.note("THE STORE IS EMPTIED")
        self.emptied = True
        self._rig.troubles.losses.append((0.0, self._rig.scheduler.now))
        self._rig.store.empty()
        self._rig.floor.all_meet()
        return True

    def lose_all(self) -> None:
        """The store is emptied now, unless the faults are over."""
        if not self._rig.faults_over:
            self._empty()

    def keep_snapshots(self) -> None:
        """Called every fifth of a second while a restart is still planned."""
        self._snapshots.append((self._rig.scheduler.now, self._rig.store.snapshot()))
        while len(self._snapshots) > 6:
            self._snapshots.popleft()
        waiting = {fault for faults in self._at.values() for fault in faults}
        planned = [fault for fault in self._rig.striker.faults if fault.kind in RESTARTS]
        if not self._rig.faults_over and any(not fault.nth or fault in waiting for fault in planned):
            self._rig.scheduler.at(self._rig.scheduler.now + 0.2, self.keep_snapshots)
