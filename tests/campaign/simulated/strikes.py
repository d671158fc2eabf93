"""Faults of a moment: at a time, or when a create has come to a certain stage."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, Any

from tests.campaign.simulated import edits
from tests.campaign.simulated.faults import Fault, Kind
from tests.campaign.simulated.scheduler import VThread
from tests.campaign.simulated.workers import Message

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

PREFIX = "wbs:"


class Strikes:
    """What strikes once. `losses`: (what was kept until, when it happened) of every store that lost writes."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.losses: list[tuple[float, float]] = []
        self.emptied = False
        self._snapshots: deque[tuple[float, Any]] = deque()
        self._fired: set[int] = set()
        self._intents = 0

    def intending(self, lock_key: str) -> None:
        """A worker is about to note an intent."""
        self._intents += 1
        self.at_stage("intending", self._intents, self._rig.scheduler.current, lock_key.rsplit(":", 1)[1])

    def at_stage(self, stage: str, number: int, thread: VThread, name: str) -> None:
        """A create has come to a stage: faults that wait for it strike here. `name`: the last part of its lock's name."""
        if self._rig.faults_over:
            return
        for place, fault in enumerate(self._rig.striker.faults):
            if fault.nth == number and fault.stage == stage and place not in self._fired:
                self._fired.add(place)
                self.strike_now(fault, thread, name)

    def strike_now(self, fault: Fault, thread: VThread | None = None, name: str = "") -> None:
        """A fault of a moment: on the worker at this spot, or on one of the dice's."""
        dice = random.Random(fault.seed)
        self._rig.striker.struck[fault.kind] += 1
        alive = [one for one in self._rig.floor.workers if not one.dead]
        mine = thread.process if thread and thread.process in alive else None
        if fault.kind in (Kind.KILL, Kind.STALL, Kind.PAUSE):
            target = mine if mine and dice.random() < 0.85 else dice.choice(alive) if alive else None
            if target is None:
                return
            if fault.kind is Kind.KILL:
                self._rig.floor.kill(target)
            else:
                self._rig.floor.stall(target, fault.lasts)
                if target is self._rig.scheduler.current.process:
                    self._rig.scheduler.pause(0)
        elif fault.kind is Kind.LOCK_DELETED:
            self._delete_lock(dice, thread, name)
        elif fault.kind is Kind.STORE_BACK:
            self._store_back(fault, dice)
        elif fault.kind is Kind.STORE_EMPTIED:
            self._rig.note("THE STORE IS EMPTIED")
            self.emptied = True
            self.losses.append((0.0, self._rig.scheduler.now))
            self._rig.store.empty()
        elif fault.kind is Kind.STORE_DOWN:
            self._rig.note("THE STORE GOES AWAY", round(fault.lasts, 1))
            self._rig.store_away_until = self._rig.scheduler.now + fault.lasts
        elif fault.kind is Kind.BEAT_AWAY:
            self._rig.beats.away_until = self._rig.scheduler.now + fault.lasts
        else:
            edits.edit(self._rig, fault.kind, dice, name)

    def _delete_lock(self, dice: random.Random, thread: VThread | None, name: str) -> None:
        """The lock at this spot is gone; often the broker delivers the holder's message once more just then."""
        locks = self._rig.store.keys(f"{PREFIX}lock:")
        locks = [key for key in locks if name and key.endswith(f":{name}")] or locks
        if not locks:
            return
        key = dice.choice(locks)
        self._rig.note("LOCK DELETED", key)
        self._rig.store.call("DEL", key)
        message = thread.note.get("message") if thread else None
        if isinstance(message, Message) and dice.random() < 0.8:
            twin = Message(message.task, message.arguments, self._rig.scheduler.now, message.expires, message.rest)
            self._rig.floor.deliver(twin, 0.01)
            if thread is self._rig.scheduler.current:
                self._rig.scheduler.pause(dice.uniform(0.1, 6))

    def _store_back(self, fault: Fault, dice: random.Random) -> None:
        """Restart now with what stood a moment ago: the snapshot of a moment that has to be taken before."""
        snapshots = [one for one in self._snapshots if self._rig.scheduler.now - one[0] <= 1.0]
        if not snapshots:
            return
        taken_at, kept = dice.choice(snapshots)
        self._rig.note("THE STORE RESTARTS, writes gone since", round(self._rig.scheduler.now - taken_at, 3))
        self.losses.append((taken_at, self._rig.scheduler.now))
        self._rig.store.restore(kept)
        self._rig.store_away_until = self._rig.scheduler.now + fault.lasts

    def keep_snapshots(self) -> None:
        """Called every fifth of a second while a restart is still planned."""
        self._snapshots.append((self._rig.scheduler.now, self._rig.store.snapshot()))
        while len(self._snapshots) > 6:
            self._snapshots.popleft()
        waiting = [fault for place, fault in enumerate(self._rig.striker.faults)
                   if fault.kind is Kind.STORE_BACK and place not in self._fired]  # fmt: skip
        if waiting and not self._rig.faults_over:
            self._rig.scheduler.at(self._rig.scheduler.now + 0.2, self.keep_snapshots)
