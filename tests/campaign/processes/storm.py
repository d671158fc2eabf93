"""A plan at work: machines, people and apps, and the faults that strike meanwhile; what struck whom is noted for the questions."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import kombu

from config.celery_options import celery_options
from config.names import QueueName
from tests.campaign.processes.clock import shifted
from tests.campaign.processes.deeds import AWAY, Deeds
from tests.campaign.processes.plan import ABSENT_MACHINE, REFUSALS, Deed, Fault, Plan, Step, Weather
from tests.campaign.processes.story import Story
from tests.campaign.processes.traces import Process, Traces
from tests.kit.site import PREFIX, Site, kill_redis
from tests.real.redis_faults import refusing
from worker.domain.problems import record_of
from worker.domain.work import RunKind, lane_of
from worker.local.supervisor import Supervisor
from worker.store.lanes import Lanes
from worker.store.ledger import Ledger

TICK = 0.05
AIM_SECONDS = 1.5
HANG_SECONDS = 60.0
"""A worker that hangs is killed by its supervisor within these."""


@dataclass(slots=True)
class Death:
    """A worker that was killed, and its work in progress: what it had begun, and dispatched work that it had fetched."""

    process: Process
    at: float
    keys: frozenset[str]


def held(begun: Iterable[str], fetched: Iterable[str], work: Lanes, ledger: Ledger) -> frozenset[str]:
    """Return the work that a killed worker leaves behind: what it had begun, without what it had settled, and dispatched work that it had
    fetched.

    A worker settles an attempt before its trace says that the attempt ended. Work that has left its lane and has a final record was settled.
    """

    def is_settled(key: str) -> bool:
        lane, about = lane_of(key), record_of(key)
        record = ledger.record(about) if about else None
        left = not work.is_in_progress(lane, key) and work.waits_until(lane, key) is None
        return left and record is not None and not record.unfinished

    dispatched = {key for key in fetched if key and work.is_in_progress(lane_of(key), key)}
    return frozenset({key for key in begun if not is_settled(key)} | dispatched)


@dataclass(slots=True)
class Term:
    """A process that was asked to end. `left`: locks of its that were there when it had ended.

    A slot at the gate stays until its lease ends, since NetSuite continues a request whose client has gone.
    """

    name: str
    pid: int
    asked: float
    ended: float | None = None
    redis_was_away: bool = False
    left: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Outage:
    """Redis was gone. `beating`: when each worker that lived through it was back at work; `away`: those of which that is still to come."""

    down: float
    back: float | None = None
    away: set[tuple[str, int]] = field(default_factory=set)
    beating: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """A process that hung."""

    agent: str
    begin: float
    end: float


class Storm:
    """Plays the steps of a plan on a site."""

    def __init__(self, site: Site, plan: Plan, story: Story) -> None:
        self.site, self.plan, self.story = site, plan, story
        self.traces = Traces(site.traces)
        self.struck: Counter[Fault] = Counter()
        self.facts: Counter[str] = Counter()
        self.deaths: list[Death] = []
        self.terms: list[Term] = []
        self.outages: list[Outage] = []
        self.pauses: list[Pause] = []
        self.cuts: list[float] = []
        self.deleted: set[str] = set()
        self._kinds: dict[str, tuple[str, ...]] = {}
        self._machines: dict[str, Supervisor] = {}
        self._weather: dict[str, Weather] = {}
        self._ending: list[threading.Thread] = []
        self._stopped: dict[tuple[str, int], float] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.deeds = Deeds(site, plan, story, self.struck)

    # Before and after

    def set_out(self) -> None:
        """Items that people made before, then the machines; returns when all workers take messages."""
        self.deeds.before()
        if seconds := self.plan.setup.beat_clock:
            self.site.beat_env = shifted(seconds, self.site.folder)
            self.struck[Fault.BEAT_CLOCK] += bool(self.site.beat_env)
            self.story.tell(f"BEAT'S CLOCK {seconds:+.0f} s" if self.site.beat_env else "(beat's clock: no C compiler)")
        for machine, kinds in self.plan.setup.machines.items():
            self._start(machine, tuple(kinds))
        beats = sum("beat" in kinds for kinds in self._kinds.values())
        self.struck[Fault.TWO_BEATS] += beats > 1
        self._until(lambda: len(self._ready()) == len(self._workers()), 120)

    def run(self) -> None:
        """All steps and all weather, and what follows from them; then no further fault."""
        began = time.time()
        self.story.began = began
        if self.plan.setup.lag:
            self.site.stage.settings("netsuite", suiteql_lag=self.plan.setup.lag)
            self.struck[Fault.NS_LAG] += 1
        for step in self.plan.steps:
            self._at(began + step.at, partial(self._step, step))
        for spell in self.plan.weather:
            self._at(began + spell.at, partial(self._begin, spell))
        while self._agenda:
            at, _, job = heapq.heappop(self._agenda)
            while time.time() < at:
                self.tick()
                time.sleep(max(0.0, min(TICK, at - time.time())))
            job()
        self.site.stage.settings("netsuite", suiteql_lag=0.0)
        self.story.tell("FAULTS STOP")

    def rests(self) -> str:
        """What still moves, or is not as it should be at rest; empty when nothing does."""
        self.tick()
        try:
            left = self.site.left_over()
            queues = {
                queue: self.site.redis.llen(f"{PREFIX}{queue}") for queue in QueueName if queue != QueueName.UPKEEP
            }
            runs = [run for run in map(self.site.container.runs.current, RunKind) if run and not run.ended]
        except AWAY as error:
            return f"Redis is away: {type(error).__name__}"
        left |= {queue: count for queue, count in queues.items() if count}
        left |= {run.id: f"{run.open_keys} open" for run in runs}
        if any(thread.is_alive() for thread in self._ending):
            left["machines"] = "one is still ending"
        living = {(name, pid) for name, pid in self._workers()}
        for process in self.traces:
            if (process.name, process.pid) in living and process.attempts_in_hand():
                left[process.agent] = f"works on {process.attempts_in_hand()}"
        if missing := self._names() - {name for name, _ in self._ready()}:
            left["not up"] = sorted(missing)
        if any(outage.back is None or outage.away for outage in self.outages):
            left["no heartbeat since the outage"] = [sorted(outage.away) for outage in self.outages]
        return json.dumps(left, default=str) if left else ""

    def tick(self) -> None:
        """Look at what the processes wrote, who has ended, and whose heart beats again."""
        self.traces.refresh()
        alive = {pair for supervisor in self._machines.values() for pair in supervisor.alive().items()}
        for supervisor in self.site.supervisors:
            alive |= set(supervisor.alive().items())
        for term in self.terms:
            if term.ended is None and (term.name, term.pid) not in alive:
                self._ended(term)
        for outage in self.outages:
            outage.away &= alive
            for name, pid in list(outage.away) if outage.back else []:
                file = self.site.heartbeat(name)
                if file.exists() and file.stat().st_mtime > (outage.back or 0):
                    outage.away.discard((name, pid))
                    outage.beating[name] = file.stat().st_mtime - (outage.back or 0)

    def deliver_again(self) -> None:
        """Do what the visibility timeout does after a quarter of an hour: messages that were not acknowledged return."""
        options = celery_options(redis_url="", key_prefix=PREFIX)["broker_transport_options"] | {
            "visibility_timeout": 0
        }
        with kombu.Connection(self.site.server.url, transport_options=options) as connection:
            connection.default_channel.qos.restore_visible(num=1000, interval=1)

    # Steps

    def _step(self, step: Step) -> None:
        dice = random.Random(step.dice)
        if isinstance(step.what, Deed):
            self.deeds.do(step, dice, redis_is_away=self._redis_is_away)
            return
        moments: dict[Fault, Callable[[], bool]] = {
            Fault.KILL_WORKER: lambda: self._kill_worker(step, dice),
            Fault.KILL_BEAT: lambda: self._kill_beat(dice),
            Fault.KILL_REDIS: lambda: self._kill_redis(step),
            Fault.PAUSE: lambda: self._pause(step, dice),
            Fault.TERM: lambda: self._term(step, dice),
            Fault.ROLLING: lambda: self._roll(dice),
            Fault.CUT: self._cut,
            Fault.QUEUE_DELETED: lambda: self._delete_queue(dice),
            Fault.AGAIN: self._again,
            Fault.KIND_ABSENT: lambda: self._absent(step),
            Fault.BEAT_RECORD: lambda: self._damage_record(dice),
            Fault.HANG: lambda: self._hang(step, dice),
            **dict.fromkeys(REFUSALS, lambda: self._refuse(step)),
        }
        try:
            self.struck[step.what] += moments[step.what]()
        except AWAY:
            self.story.tell(f"({step.what}: Redis is away)")

    def _kill_worker(self, step: Step, dice: random.Random) -> bool:
        struck = self._signal(step, dice, signal.SIGKILL)
        if struck is None:
            return False
        process, at = struck
        keys = self._held_by(process)
        self.deaths.append(Death(process, at, keys))
        self.story.tell(
            "KILL -9", process.agent, step.point, "which had in hand:", ", ".join(sorted(keys)) or "nothing"
        )
        self.facts["kills"] += 1
        return True

    def _held_by(self, process: Process) -> frozenset[str]:
        """The work that a worker has begun and not settled, and dispatched work that it has fetched."""
        begun = frozenset(process.attempts_in_hand())
        if self._redis_is_away:
            return begun
        fetched = {line["key"] for line in process.fetched_and_not_begun().values()}
        container = self.site.container
        return held(begun, fetched, container.work, container.ledger)

    def _suspend(self, step: Step, dice: random.Random) -> tuple[Process, float] | None:
        """Suspend a worker; gives it and when. None when there is none to suspend."""
        struck = self._signal(step, dice, signal.SIGSTOP)
        if struck:
            process, began = struck
            self._stopped[process.name, process.pid] = began
            for outage in self.outages:
                outage.away.discard((process.name, process.pid))
        return struck

    def _hang(self, step: Step, dice: random.Random) -> bool:
        struck = self._suspend(step, dice)
        if struck is None:
            return False
        process, began = struck
        self.story.tell(f"{process.agent} HANGS")
        keys = self._held_by(process)
        self._at(time.time() + 0.2, lambda: self._until_killed(process, keys, began))
        return True

    def _until_killed(self, process: Process, keys: frozenset[str], began: float) -> None:
        pair = process.name, process.pid
        if pair not in self._stopped:
            return  # its machine was stopped meanwhile
        if pair in self._processes():
            if time.time() - began > HANG_SECONDS:
                raise TimeoutError(f"{process.agent} hangs and its supervisor leaves it so")
            self._at(time.time() + 0.2, lambda: self._until_killed(process, keys, began))
            return
        del self._stopped[pair]
        self.pauses.append(Pause(process.agent, began, time.time()))
        self.deaths.append(Death(process, began, keys))
        self.facts["kills"] += 1
        self.story.tell(
            f"{process.agent} IS KILLED BY ITS SUPERVISOR, with in hand:", ", ".join(sorted(keys)) or "nothing"
        )

    def _refuse(self, step: Step) -> bool:
        """Redis answers and refuses. For people and other apps that is as good as gone; every worker has to live through it."""
        if self._redis_is_away:
            return False
        still = {pair for pair in self._workers() if pair not in self._stopped}
        refusal = contextlib.ExitStack()
        refusal.enter_context(refusing(self.site.server.url, REFUSALS[Fault(step.what)]))
        self.outages.append(Outage(time.time(), away=still))
        self.story.tell(f"{step.what.upper()}, for {step.lasts:.1f} s")
        self._at(time.time() + step.lasts, lambda: self._accept(refusal))
        return True

    def _accept(self, refusal: contextlib.ExitStack) -> None:
        refusal.close()
        self.outages[-1].back = time.time()
        self.story.tell("REDIS TAKES WRITES AGAIN")

    def _signal(self, step: Step, dice: random.Random, number: signal.Signals) -> tuple[Process, float] | None:
        """Send a worker a signal, or let it send it to itself at the point that is asked for: who it was, and when."""
        if step.point and (process := self._struck(step, number)):
            return process, float(process.of("struck")[-1]["at"])
        process = self._target(step, dice)
        if process is None:
            return None
        os.kill(process.pid, number)
        at = time.time()
        self.traces.refresh()
        return process, at

    def _struck(self, step: Step, number: signal.Signals) -> Process | None:
        """Return the busiest worker, if it reaches the point within a moment."""
        able = self._able()
        if not able:
            return None
        process = max(able, key=lambda one: len(one.attempts_in_hand()))
        struck, until = len(process.of("struck")), time.time() + AIM_SECONDS
        process.strike.write_text(f"{step.point} {number.name}")
        while len(process.of("struck")) == struck and time.time() < until:
            self.tick()
            time.sleep(0.01)
        # Who takes the file away before the process has read it keeps it from being struck.
        with contextlib.suppress(FileNotFoundError):
            process.strike.unlink()
            return None
        self._until(lambda: len(process.of("struck")) > struck, 60)
        return process

    def _kill_beat(self, dice: random.Random) -> bool:
        beats = [(name, pid) for name, pid in self._processes() if name.startswith("beat")]
        if beats:
            name, pid = dice.choice(beats)
            os.kill(pid, signal.SIGKILL)
            self.story.tell("KILL -9", name)
            self.facts["kills"] += 1
        return bool(beats)

    def _kill_redis(self, step: Step) -> bool:
        if self._redis_is_away:
            return False
        still = {pair for pair in self._workers() if pair not in self._stopped}
        kill_redis(self.site.server)
        self.outages.append(Outage(time.time(), away=still))
        self.story.tell(f"KILL -9 Redis, for {step.lasts:.1f} s")
        self.facts["kills"] += 1
        self._at(time.time() + step.lasts, self._revive)
        return True

    def _revive(self) -> None:
        if self.site.server.revive():
            self.outages[-1].back = time.time()
            self.story.tell("REDIS IS BACK")
        else:
            self._at(time.time() + 0.05, self._revive)

    def _pause(self, step: Step, dice: random.Random) -> bool:
        struck = self._suspend(step, dice)
        if struck is None:
            return False
        process, began = struck
        self.story.tell(f"STOP {process.agent} {step.point} for {step.lasts:.1f} s")
        self._at(began + step.lasts, lambda: self._continue(process.name, process.pid))
        return True

    def _continue(self, name: str, pid: int) -> None:
        began = self._stopped.pop((name, pid), None)
        if began is not None and (name, pid) in self._processes():
            os.kill(pid, signal.SIGCONT)
            self.story.tell(f"CONTINUE {name}/{pid}")
        if began is not None:
            self.pauses.append(Pause(f"{name}/{pid}", began, time.time()))

    def _term(self, step: Step, dice: random.Random) -> bool:
        process = self._target(step, dice)
        if process is None:
            return False
        self.story.tell("TERM", process.agent, "which works on:", ", ".join(process.attempts_in_hand()) or "nothing")
        self._asked_to_end(process.name, process.pid)
        os.kill(process.pid, signal.SIGTERM)
        return True

    def _roll(self, dice: random.Random) -> bool:
        """A new machine starts with the same processes; when its workers take messages, the old one is stopped by its supervisor."""
        old = dice.choice(list(self._machines))
        new = f"{old}{len(self.site.supervisors)}"
        self.story.tell(f"ROLLING RESTART: machine {new} starts in the place of {old}")
        self._start(new, self._kinds[old])
        self._at(time.time() + 0.5, lambda: self._retire(old, new, time.time() + 20))
        return True

    def _retire(self, old: str, new: str, latest: float) -> None:
        if old not in self._machines:
            return  # another new machine has taken its place already
        ready = {name for name, _ in self._ready()}
        if time.time() < latest and not {f"{kind}-{new}" for kind in self._kinds[new] if kind != "beat"} <= ready:
            self._at(time.time() + 0.1, lambda: self._retire(old, new, latest))
            return
        self.story.tell(f"machine {old} is stopped")
        self._stop(old)

    def _stop(self, machine: str) -> None:
        supervisor = self._machines[machine]
        for name, pid in supervisor.alive().items():
            self._continue(name, pid)
            if not name.startswith("beat"):
                self._asked_to_end(name, pid)
        del self._machines[machine]
        thread = threading.Thread(target=supervisor.stop)
        thread.start()
        self._ending.append(thread)

    def _absent(self, step: Step) -> bool:
        """The machine with all workers of one kind is stopped in order, and starts again minutes later."""
        if ABSENT_MACHINE not in self._machines:
            return False
        kinds = self._kinds[ABSENT_MACHINE]
        self.story.tell(f"ABSENT for {step.lasts:.0f} s: {', '.join(kinds)}")
        self._stop(ABSENT_MACHINE)
        self._at(time.time() + step.lasts, lambda: self._start(f"{ABSENT_MACHINE}-again", kinds))
        return True

    def _damage_record(self, dice: random.Random) -> bool:
        """What beat keeps of its last runs is unreadable when it starts again."""
        key = f"{PREFIX}schedule"
        if dice.random() < 0.5:
            self.site.redis.hset(key, mapping={"scan": "\0\0\0\0", "export": "nan", "verify": "9" * 400})
        else:
            self.site.redis.set(key, "no hash at all")
        self.story.tell("THE RECORD OF BEAT'S LAST RUNS IS DAMAGED")
        return self._kill_beat(dice)

    def _cut(self) -> bool:
        self.site.redis.client_kill_filter(_type="normal", skipme=True)
        self.cuts.append(time.time())
        self.story.tell("EVERY CONNECTION TO REDIS IS CUT")
        return True

    def _delete_queue(self, dice: random.Random) -> bool:
        queues, until = [f"{PREFIX}{queue}" for queue in QueueName], time.time() + AIM_SECONDS
        while not (full := [queue for queue in queues if self.site.redis.llen(queue)]) and time.time() < until:
            time.sleep(0.002)
        queue = dice.choice(full or queues)
        with self.site.redis.pipeline(transaction=True) as together:
            texts, _ = together.lrange(queue, 0, -1).delete(queue).execute()
        lost = {json.loads(text)["headers"]["id"] for text in texts}
        self.deleted |= lost
        self.story.tell(f"QUEUE DELETED: {queue} with {len(lost)} messages")
        self.facts["messages deleted"] += len(lost)
        return bool(lost)

    def _again(self) -> bool:
        self.deliver_again()
        self.story.tell("MESSAGES IN HAND ARE DELIVERED AGAIN")
        return True

    # Weather

    def _begin(self, spell: Weather) -> None:
        # A step that took its time may have held up the end of the last one.
        self._end(self._weather.get(spell.remote))
        self._weather[spell.remote] = spell
        self.story.tell("WEATHER:", "; ".join(f"{fault}" for fault, _ in spell.rules))
        self.site.stage.faults(spell.remote, [rule for _, rule in spell.rules], spell.dice)
        self._at(time.time() + spell.lasts, lambda: self._end(spell))

    def _end(self, spell: Weather | None) -> None:
        if spell is None or self._weather.get(spell.remote) is not spell:
            return
        del self._weather[spell.remote]
        remote = self.site.stage.netsuite if spell.remote == "netsuite" else self.site.stage.procore
        for (fault, _), rule in zip(spell.rules, remote.faults.as_json()["rules"], strict=True):
            self.struck[fault] += rule["struck"]
        remote.faults.clear()

    # Machines and processes

    def _start(self, machine: str, kinds: tuple[str, ...]) -> None:
        self._kinds[machine] = kinds
        self._machines[machine] = self.site.supervised(machine, kinds, times=self.plan.setup.times)

    def _processes(self) -> list[tuple[str, int]]:
        """Names and process ids of all that run on a machine that is not being stopped."""
        return [pair for supervisor in self._machines.values() for pair in supervisor.alive().items()]

    def _workers(self) -> list[tuple[str, int]]:
        return [(name, pid) for name, pid in self._processes() if not name.startswith("beat")]

    def _names(self) -> set[str]:
        return {f"{kind}-{machine}" for machine in self._machines for kind in self._kinds[machine] if kind != "beat"}

    def _ready(self) -> list[tuple[str, int]]:
        ready = {(process.name, process.pid) for process in self.traces if process.ready()}
        return [pair for pair in self._workers() if pair in ready]

    def _target(self, step: Step, dice: random.Random) -> Process | None:
        """Return a worker that takes messages and does not hang; an aimed step waits a moment for one in mid-write."""
        until = time.time() + (AIM_SECONDS if step.aimed else 0)
        while True:
            able = self._able()
            writing = [process for process in able if process.writes_in_hand()]
            if writing and step.aimed:
                oldest = min(writing, key=lambda process: min(process.writes_in_hand().values()))
                return oldest if step.what is Fault.TERM else dice.choice(writing)
            if time.time() >= until:
                busy = [process for process in able if process.attempts_in_hand()]
                return dice.choice(busy or able) if able else None
            time.sleep(0.01)

    def _able(self) -> list[Process]:
        """Return workers that take messages, do not hang and are not ending."""
        self.tick()
        ending = {(term.name, term.pid) for term in self.terms}
        pairs = [pair for pair in self._ready() if pair not in self._stopped and pair not in ending]
        return [process for pair in sorted(pairs) if (process := self.traces.find(*pair))]

    def _asked_to_end(self, name: str, pid: int) -> None:
        self.terms.append(Term(name, pid, time.time(), redis_was_away=self._redis_is_away))
        for outage in self.outages:
            outage.away.discard((name, pid))

    def _ended(self, term: Term) -> None:
        term.ended = time.time()
        self.traces.refresh()
        process = self.traces.find(term.name, term.pid)
        self.story.tell(f"{term.name}/{term.pid} has ended {term.ended - term.asked:.1f} s after TERM")
        if process is None:
            return
        try:
            held = {key: self.site.redis.get(key) for key in self.site.redis.keys(f"{PREFIX}lock:*")}
            # What could not be given back because Redis was gone ends by itself.
            back = max((outage.back or term.ended for outage in self.outages), default=0.0)
            term.left = [key for key, token in held.items() if token in process.tokens(back)]
        except AWAY:
            term.redis_was_away = True

    @property
    def _redis_is_away(self) -> bool:
        return bool(self.outages) and self.outages[-1].back is None

    # Time

    def _at(self, at: float, job: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at, next(self._numbers), job))

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        until = time.time() + seconds
        while not condition():
            if time.time() > until:
                raise TimeoutError("the workers did not start")
            self.tick()
            time.sleep(TICK)
