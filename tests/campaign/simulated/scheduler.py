"""Virtual time and virtual threads: exactly one runs at a time, and a seeded order of wake-ups decides which.

A virtual thread is an OS thread that waits for its turn; threads are kept and used again, so a schedule costs no thread
starts. Whoever gives up its turn looks for the next event itself and hands over directly: one switch, not two.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FOREVER = 1e18


class Killed(BaseException):
    """The virtual process is dead: its threads unwind, and nothing that they call has an effect."""


class Stuck(Exception):
    """Nothing is left that could ever happen, though somebody still waits."""


@dataclass(eq=False)
class Process:
    """A virtual operating-system process. `skew`: how far its wall clock is off, in seconds."""

    name: str
    skew: float = 0.0
    dead: bool = False
    stalled_until: float = 0.0
    threads: list[VThread] = field(default_factory=list)
    things: dict[str, Any] = field(default_factory=dict)


class VThread:
    """One virtual thread."""

    __slots__ = ("done", "gate", "job", "name", "note", "process", "token")

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.process = process
        self.gate = threading.Lock()
        self.gate.acquire()
        self.token = 0
        self.done = False
        self.note: dict[str, Any] = {}
        self.job: Callable[[], None] | None = None


@dataclass(frozen=True)
class Tick:
    """An event that only looks whether there is anything to do."""

    job: Callable[[], None]

    def __call__(self) -> None:
        self.job()


class Hands:
    """OS threads that run virtual ones, kept between schedules."""

    def __init__(self) -> None:
        self._idle: list[_Hand] = []

    def run(self, work: Callable[[], None]) -> None:
        """Let some thread do `work`."""
        hand = self._idle.pop() if self._idle else _Hand(self._idle)
        hand.start(work)


class _Hand:
    def __init__(self, idle: list[_Hand]) -> None:
        self._idle = idle
        self._ready = threading.Lock()
        self._ready.acquire()
        self._work: Callable[[], None] | None = None
        threading.Thread(target=self._run, daemon=True, name="campaign-hand").start()

    def start(self, work: Callable[[], None]) -> None:
        self._work = work
        self._ready.release()

    def _run(self) -> None:
        while True:
            self._ready.acquire()
            work, self._work = self._work, None
            assert work is not None
            work()
            self._idle.append(self)


HANDS = Hands()


class Scheduler:
    """One schedule's time. All methods are called by the one thread whose turn it is."""

    def __init__(self, start: float) -> None:
        self.now = start
        self.start = start
        self.main = VThread("main", Process("main"))
        self.current = self.main
        self.crash: BaseException | None = None
        self.switches = 0
        self._events: list[tuple[float, int, VThread | Callable[[], None], int]] = []
        self._numbers = itertools.count()
        self._live: list[VThread] = []
        self._closing = False

    # What anybody may ask for

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Call `what` at a time; it must not wait for anything."""
        heapq.heappush(self._events, (max(when, self.now), next(self._numbers), what, 0))

    def spawn(self, process: Process, name: str, job: Callable[[], None], *, delay: float = 0.0) -> VThread:
        """A new virtual thread; it starts after `delay`."""
        thread = VThread(name, process)
        thread.job = job
        process.threads.append(thread)
        self._live.append(thread)
        HANDS.run(lambda: self._run(thread))
        self._push(self.now + delay, thread)
        return thread

    def pause(self, seconds: float) -> None:
        """The current thread sleeps."""
        thread = self.current
        if thread.process.dead:
            raise Killed
        if not seconds and not self._events:
            return
        until = self.now + seconds
        if not self._events or (self._events[0][0] > until and thread.process.stalled_until <= until):
            # Nobody else comes first: what `_push` and `_give_up` would do, without the queue.
            thread.token += 1
            self.now = until
            return
        self._push(until, thread)
        self._give_up(thread)

    def park(self, until: float = FOREVER) -> None:
        """The current thread sleeps until somebody wakes it, or until that time."""
        thread = self.current
        if thread.process.dead:
            raise Killed
        thread.token += 1
        if until < FOREVER:
            heapq.heappush(self._events, (max(until, self.now), next(self._numbers), thread, thread.token))
        self._give_up(thread)

    def wake(self, thread: VThread) -> None:
        """Let a parked thread continue now."""
        if not thread.done:
            self._push(self.now, thread)

    def kill(self, process: Process) -> None:
        """The process ends here and now; its threads never do anything again."""
        process.dead = True
        process.stalled_until = 0.0
        for thread in process.threads:
            if thread is not self.current:
                self.wake(thread)
        if self.current.process is process:
            raise Killed

    def next_event(self) -> float:
        """When something happens next, ticks left out; a time far away if never."""
        times = [
            when for when, _, who, token in self._events
            if not isinstance(who, Tick) and (not isinstance(who, VThread) or (token == who.token and not who.done))
        ]  # fmt: skip
        return min(times, default=FOREVER)

    def check(self) -> None:
        """Raise Killed in a thread whose process is dead."""
        if self.current.process.dead:
            raise Killed

    # For the thread that runs a schedule

    def run_until(self, end: float) -> None:
        """Let everything happen until `end`, or until somebody wakes the main thread."""
        self.park(end)
        if self.crash is not None:
            raise self.crash

    def close(self) -> None:
        """Unwind all threads that are left."""
        self._closing = True
        for thread in self._live:
            if not thread.done:
                thread.process.dead = True
                self.current = thread
                thread.gate.release()
                self.main.gate.acquire()
        self.current = self.main

    # The inside

    def _push(self, when: float, thread: VThread) -> None:
        thread.token += 1
        heapq.heappush(self._events, (when, next(self._numbers), thread, thread.token))

    def _give_up(self, thread: VThread) -> None:
        if self._closing:
            raise Killed
        heir = self._next()
        if heir is not thread:
            self._hand_over(heir)
            thread.gate.acquire()
        if thread.process.dead:
            raise Killed

    def _hand_over(self, heir: VThread) -> None:
        self.switches += 1
        self.current = heir
        heir.gate.release()

    def _next(self) -> VThread:
        events = self._events
        while events:
            when, _, who, token = heapq.heappop(events)
            if not isinstance(who, VThread):
                self.now = max(self.now, when)
                yielding, self.current = self.current, self.main
                try:
                    who()
                except BaseException as error:  # raised in the main thread
                    self.crash = error
                    return self.main
                finally:
                    self.current = yielding
                continue
            if token != who.token or who.done:
                continue
            stalled_until = who.process.stalled_until
            if stalled_until > when:
                heapq.heappush(events, (stalled_until, next(self._numbers), who, token))
                continue
            self.now = max(self.now, when)
            return who
        if self.current is not self.main or self.crash is None:
            self.crash = self.crash or Stuck("no event is left")
        return self.main

    def _run(self, thread: VThread) -> None:
        thread.gate.acquire()
        try:
            if not thread.process.dead and thread.job is not None:
                thread.job()
        except Killed:
            pass
        except BaseException as error:
            self.crash = self.crash or error
        thread.done = True
        if self._closing:
            self.main.gate.release()
            return
        if self.crash is not None:
            self._hand_over(self.main)
            return
        self._hand_over(self._next())


class VLock:
    """threading.Lock for virtual threads."""

    def __init__(self, scheduler: Callable[[], Scheduler]) -> None:
        self._scheduler = scheduler
        self._holder: VThread | None = None
        self._waiting: list[VThread] = []

    def __enter__(self) -> bool:
        scheduler = self._scheduler()
        me = scheduler.current
        while self._holder is not None and not self._holder.done and not self._holder.process.dead:
            self._waiting.append(me)
            scheduler.park()
        self._holder = me
        return True

    def acquire(self, *, blocking: bool = True) -> bool:
        """Take it; without `blocking` False at once when another thread has it."""
        holder = self._holder
        if not blocking and holder is not None and not holder.done and not holder.process.dead:
            return False
        return self.__enter__()

    def release(self) -> None:
        """Give it back."""
        self.__exit__()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        if self._waiting:
            self._scheduler().wake(self._waiting.pop(0))
