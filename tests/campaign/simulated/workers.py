"""The broker and the virtual workers: messages are lost, doubled and late, processes die and are started again."""

from __future__ import annotations

import contextlib
import functools
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as StoreAway

import tasks.invoices
import tasks.ledger
import tasks.wbs
from config.names import QUEUE_OF_TASK, QueueName, TaskName
from tests.campaign.simulated import shims
from tests.campaign.simulated.faults import MESSAGES, Kind
from tests.campaign.simulated.scheduler import Process, Tick, VThread
from worker.base import dispatch_due
from worker.container import Container
from worker.context import set_dispatched
from worker.domain.work import Lane
from worker.store.identity import MEET_EVERY_SECONDS

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

VISIBILITY = 900.0
"""When the broker delivers again what a dead worker had."""


SHORT_VISIBILITY = 60.0
"""The same where a comparison is to take longer than that: nothing may depend on its length."""


@functools.cache
def all_tasks() -> dict[str, Any]:
    """The product's tasks by name; reading them needs the settings that the shims bring."""
    modules = (tasks.wbs, tasks.invoices, tasks.ledger)
    found = [getattr(module, name.split(".")[1]) for name in QUEUE_OF_TASK for module in modules
             if hasattr(module, name.split(".")[1])]  # fmt: skip
    return {task.name: task for task in found}


@dataclass(eq=False)
class Message:
    """A task's message, and the rest of its chain. `expires`: the time after which nobody runs it, by its sender's clock."""

    task: str
    arguments: dict[str, Any]
    sent_at: float
    expires: float | None = None
    rest: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    dispatched: bool = False
    acked: bool = False

    def again(self, sent_at: float) -> Message:
        """The same message, delivered once more."""
        return replace(self, sent_at=sent_at, acked=False)


class Floor:
    """All workers of a schedule, and the messages between them."""

    def __init__(self, rig: Rig, dice: random.Random) -> None:
        self._rig = rig
        self._dice = dice
        self.workers: list[Process] = []
        self.backlog: deque[Message] = deque()
        self.unacked: dict[Message, None] = {}
        self.traveling = 0
        self.commands = 0
        self.failed_tasks: list[str] = []
        self.disks: dict[int, dict[str, Any]] = {}
        self._numbers = 0
        self.away: dict[QueueName, float] = {}
        self._visibility = SHORT_VISIBILITY if Kind.NIGHTLY in rig.kinds else VISIBILITY

    def send(
        self,
        task: str,
        arguments: dict[str, Any],
        rest: Sequence[Any] = (),
        *,
        expires: float | None = None,
        dispatched: bool = False,
    ) -> None:
        """LPUSH of a message, with the faults that may strike it on the way."""
        if self._rig.scheduler.current.process is not self._rig.scheduler.main.process:
            self._rig.scheduler.pause(self._dice.expovariate(1200))
            if self._rig.store_away_until > self._rig.scheduler.now:
                self._rig.outlast()
        message = Message(task, arguments, self._rig.scheduler.now, expires, list(rest), dispatched)
        hit = None if self._rig.faults_over else self._rig.striker.strike(MESSAGES, self._rig.scheduler.now)
        kind = hit[0] if hit else None
        if task != TaskName.RESUME or kind:
            self._rig.note("message", task, *arguments.values(), kind.name if kind else "")
        if kind is Kind.MSG_LOST:
            return
        delay = self._dice.expovariate(50)
        if kind is Kind.MSG_DELAYED and hit:
            delay = hit[1].uniform(5, 180)
        elif kind is Kind.MSG_REORDERED and hit:
            delay = hit[1].uniform(0, 6)
        self.deliver(message, delay)
        if kind is Kind.MSG_DOUBLED and hit:
            twin = message.again(self._rig.scheduler.now)
            self.deliver(twin, hit[1].choice((delay, hit[1].uniform(0, 3), hit[1].uniform(0, 120))))

    def deliver(self, message: Message, delay: float) -> None:
        self.traveling += 1

        def arrive() -> None:
            self.traveling -= 1
            self.backlog.append(message)
            self._hand_out()

        self._rig.scheduler.at(self._rig.scheduler.now + delay, arrive)

    def _hand_out(self) -> None:
        """Messages go to workers that have room: four for each thread."""
        while self.backlog:
            room = [
                one for one in self.workers
                if not one.dead and one.stalled_until <= self._rig.scheduler.now
                and len(one.things["mail"]) + one.things["busy"] < 4 * self._rig.setup.threads
            ]  # fmt: skip
            message = next((one for one in self.backlog if self._is_served(one)), None) if room else None
            if message is None:
                return
            self.backlog.remove(message)
            worker = self._dice.choice(room)
            self.unacked[message] = None
            self._rig.scheduler.at(
                self._rig.scheduler.now + self._visibility, Tick(partial(self._deliver_again, message))
            )
            worker.things["mail"].append(message)
            for thread in worker.things["idle"]:
                self._rig.scheduler.wake(thread)
                break

    def _is_served(self, message: Message) -> bool:
        """Whether workers of the kind that takes this message are there."""
        return self.away.get(QUEUE_OF_TASK[TaskName(message.task)], 0.0) <= self._rig.scheduler.now

    def _deliver_again(self, message: Message) -> None:
        """The visibility timeout: what was not acknowledged until now is delivered once more, whether its worker lives or not."""
        if message in self.unacked:
            del self.unacked[message]
            self._rig.note("DELIVERED AGAIN", message.task, *message.arguments.values())
            self.deliver(replace(message, acked=False), 0.0)

    def send_away(self, queues: Sequence[QueueName], seconds: float) -> None:
        """The workers of these queues are down: their messages wait in the broker."""
        self.away |= dict.fromkeys(queues, self._rig.scheduler.now + seconds)
        self._rig.scheduler.at(self._rig.scheduler.now + seconds + 0.01, self._hand_out)

    # Workers

    def start_worker(self, number: int, skew: float) -> None:
        """A worker process with its threads and its container, on the machine that has this number's disk."""
        self._numbers += 1
        process = Process(f"w{number}.{self._numbers}", skew)
        process.things.update(mail=deque(), busy=0, idle=[], number=number, disk=self.disks.setdefault(number, {}))
        process.things["container"] = self._container(process)
        self._rig.scheduler.spawn(process, "start", lambda: self._begin(process))

    def _begin(self, process: Process) -> None:
        """What a worker does before it takes messages."""
        self._meet(process)
        self.workers.append(process)
        for place in range(self._rig.setup.threads):
            self._rig.scheduler.spawn(process, f"t{place}", lambda: self._serve(process))
        self._hand_out()

    def _meet(self, process: Process) -> None:
        with contextlib.suppress(StoreAway):
            process.things["container"].stores.identity.meet()

    def all_meet(self) -> None:
        """What each worker does every second, played where it makes a difference: after the store was emptied."""
        for process in self.workers:
            soon = self._rig.scheduler.now + self._dice.uniform(0, MEET_EVERY_SECONDS)
            self._rig.scheduler.at(soon, functools.partial(self._meet_soon, process))

    def _meet_soon(self, process: Process) -> None:
        if not process.dead:
            self._rig.scheduler.spawn(process, "keeper", lambda: self._meet(process))

    def all_keep_up(self) -> None:
        """What each worker does with beat's messages, played where it makes a difference: those that find no work are left out."""
        for process in self.workers:
            self._rig.scheduler.spawn(process, "upkeep", partial(self._keep_up, process))

    def _keep_up(self, process: Process) -> None:
        with contextlib.suppress(StoreAway):
            box = process.things["container"]
            box.adoptions.keep_up()
            box.stores.decisions.keep_up(box.ledger.state.opened_at())

    def operator(self, name: str, job: Callable[[Container], object]) -> None:
        """A command of a person: a separate process that is never struck."""
        process = Process(name)
        process.things["container"] = self._container(process)
        self.commands += 1

        def run() -> None:
            try:
                job(process.things["container"])
            except StoreAway:
                self._rig.note("a command found the store away")
            finally:
                self.commands -= 1

        self._rig.scheduler.spawn(process, "main", run)

    def _container(self, process: Process) -> Container:
        before = self._rig.scheduler.current
        self._rig.scheduler.current = VThread("start", process)
        try:
            return Container(self._rig.settings, redis_url="redis://model", runtime=shims.RUNTIME)
        finally:
            self._rig.scheduler.current = before

    def _serve(self, process: Process) -> None:
        things, scheduler = process.things, self._rig.scheduler
        me = scheduler.current
        while True:
            while not things["mail"]:
                self._hand_out()
                if things["mail"]:
                    break
                things["idle"].append(me)
                scheduler.park()
                if me in things["idle"]:
                    things["idle"].remove(me)
            message = things["mail"].popleft()
            things["busy"] += 1
            me.note = {"message": message, "work_began_at": scheduler.now}
            self._execute(message)
            self._rig.watch.ends(message)
            self.unacked.pop(message, None)
            things["busy"] -= 1

    def _execute(self, message: Message) -> None:
        if message.expires and self._rig.worker_clock() > message.expires:
            return
        quiet = message.task == TaskName.RESUME
        if not quiet:
            self._rig.note("begins", message.task, *message.arguments.values())
        task = all_tasks()[message.task]
        set_dispatched(message.dispatched)
        lanes: tuple[Lane, ...] = task.lanes
        try:
            try:
                result = task.run(**message.arguments)
            except shims.Replaced as replaced:
                (first, arguments), *rest = replaced.steps
                self.send(first, arguments, rest, dispatched=True)
                return
            except Exception as error:  # a failed task is acknowledged, its chain ends
                self._rig.note("FAILED", message.task, f"{type(error).__name__}: {error}")
                if not isinstance(error, StoreAway):
                    self.failed_tasks.append(f"{message.task} {message.arguments}: {type(error).__name__}: {error}")
            else:
                if not quiet:
                    self._rig.note("ends", message.task, result)
                if message.rest:
                    (following, arguments), *rest = message.rest
                    self.send(following, arguments, rest, dispatched=True)
            if lanes:
                dispatch_due(shims.POST, lanes)
        except StoreAway:
            self._rig.note("the store was away after", message.task)

    def kill(self, process: Process) -> None:
        """kill -9; a new process takes its place, its messages come back when the broker misses them."""
        if process.dead:
            return
        self._rig.note("KILL", process.name)
        self._rig.troubles.deaths[process.name] = self._rig.scheduler.now
        self.workers.remove(process)
        lost = [*process.things["mail"]]
        lost += [thread.note["message"] for thread in process.threads if "message" in thread.note]
        back = [message for message in dict.fromkeys(lost) if message in self.unacked]
        for message in back:
            del self.unacked[message]
            twin = message.again(message.sent_at)
            self.deliver(twin, self._visibility + self._dice.uniform(0, 60))
        number = process.things["number"]
        self._rig.pending += 1

        def restart() -> None:
            self._rig.pending -= 1
            self.start_worker(number, process.skew)

        self._rig.scheduler.at(self._rig.scheduler.now + self._dice.uniform(0.5, 20), restart)
        self._rig.scheduler.kill(process)

    def stall(self, process: Process, seconds: float) -> None:
        """SIGSTOP and SIGCONT, a long collection, a moved machine."""
        if process.dead:
            return
        now = self._rig.scheduler.now
        self._rig.note("STALL", process.name, round(seconds, 1))
        process.stalled_until = max(process.stalled_until, now + seconds)
        self._rig.troubles.stalls.setdefault(process.name, []).append((now, now + seconds))
        self._rig.scheduler.at(process.stalled_until, self._hand_out)
