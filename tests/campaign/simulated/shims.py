"""What is put in the place of time, chance, threads and connections in the product's modules while a campaign runs."""

from __future__ import annotations

import logging
import random
import secrets
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import requests
from redis.exceptions import RedisError

import tasks.invoices
import tasks.ledger
import tasks.wbs
import worker.app
import worker.base
import worker.connections
import worker.container.container
import worker.reconcile.verification
import worker.store.local_file
from config.names import DISPATCHED_HEADER
from config.settings import Settings
from simulators.netsuite.keys import make_key_file
from tests.campaign.simulated import notes
from tests.campaign.simulated.played import rig, use
from tests.campaign.simulated.scheduler import Killed, Process, Scheduler, VLock, VThread
from tests.campaign.simulated.world import COMPANY, RETAINAGE_ITEM
from worker.base import WorkTask
from worker.clients.http import Answer, Transport
from worker.store.gate import Gate
from worker.store.runtime import Runtime

T = TypeVar("T")
Context = Any


def _scheduler() -> Scheduler:
    return rig().scheduler


class VirtualTime(types.ModuleType):
    """The `time` module of a virtual process: its wall clock may be off, its steady clock is not."""

    def time(self) -> float:
        return _scheduler().now + _scheduler().current.process.skew

    def monotonic(self) -> float:
        return _scheduler().now

    def sleep(self, seconds: float) -> None:
        _scheduler().pause(seconds)


class VirtualChance(types.ModuleType):
    """`random` and `secrets` in one, from the schedule's dice."""

    def uniform(self, low: float, high: float) -> float:
        return rig().chance.uniform(low, high)

    def token_hex(self, size: int) -> str:
        return f"{rig().chance.getrandbits(8 * size):0{2 * size}x}"


_TIME, _CHANCE = VirtualTime("time"), VirtualChance("random")
RUNTIME = Runtime(
    _TIME.monotonic, _TIME.sleep, _CHANCE.uniform, _CHANCE.token_hex, lambda: VLock(_scheduler), _TIME.time
)
"""Time, chance and locks of the store and the clients, from the schedule that is played."""


class VirtualPool:
    """ThreadPoolExecutor on virtual threads of the caller's process."""

    def __init__(self, size: int, thread_name_prefix: str = "") -> None:
        del thread_name_prefix
        self._size = size

    def __enter__(self) -> VirtualPool:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def submit(self, work: Callable[..., Any], *args: Any) -> VirtualFuture:
        """Begin at once."""
        return VirtualFuture(work, *args)

    def map(self, work: Callable[[Any], T], things: Iterable[Any]) -> Iterator[T]:
        """Results in order; the first exception is raised in the place of its result."""
        scheduler = _scheduler()
        me, todo = scheduler.current, list(enumerate(things))
        results: dict[int, Any] = {}
        errors: dict[int, Exception] = {}
        open_hands = min(self._size, len(todo))
        left = [open_hands]
        count = len(todo)

        def hand() -> None:
            while todo:
                place, thing = todo.pop(0)
                try:
                    results[place] = work(thing)
                except Killed:
                    raise
                except Exception as error:  # raised in the caller
                    errors[place] = error
            left[0] -= 1
            if not left[0]:
                scheduler.wake(me)

        for number in range(open_hands):
            child = scheduler.spawn(me.process, f"{me.name}/{number}", hand)
            child.note.update(me.note)
        while left[0]:
            scheduler.park()
        for place in range(count):
            if place in errors:
                raise errors[place]
            yield results[place]


class VirtualFuture:
    """What a virtual pool was given by `submit`: begun at once."""

    def __init__(self, work: Callable[..., Any], *args: Any) -> None:
        self._scheduler = _scheduler()
        self._done = False
        self._result: Any = None
        self._error: Exception | None = None
        self._waiting: VThread | None = None
        me = self._scheduler.current

        def hand() -> None:
            try:
                self._result = work(*args)
            except Killed:
                raise
            except Exception as error:  # raised in the caller
                self._error = error
            self._done = True
            if self._waiting:
                self._scheduler.wake(self._waiting)

        child = self._scheduler.spawn(me.process, f"{me.name}/read", hand)
        child.note.update(me.note)

    def cancel(self) -> bool:
        """Too late."""
        return False

    def exception(self) -> Exception | None:
        """Wait for the end."""
        while not self._done:
            self._waiting = self._scheduler.current
            self._scheduler.park()
        return self._error

    def result(self) -> Any:
        """Wait for the result."""
        if error := self.exception():
            raise error
        return self._result


class VirtualKeeper:
    """The lease keeper's thread; a stalled process renews nothing."""

    def __init__(self, *, runtime: Runtime) -> None:
        del runtime
        self._process: Process = _scheduler().current.process
        self._leases: list[list[Any]] = []
        self._thread: VThread | None = None

    @contextmanager
    def keeping(self, renew: Callable[[], None], *, every: float) -> Iterator[None]:
        """Renew while the block runs."""
        scheduler = _scheduler()
        lease = [scheduler.now + every + rig().chance.uniform(0, 0.5), every, renew]
        self._leases.append(lease)
        if self._thread is None:
            self._thread = scheduler.spawn(scheduler.current.process, "keeper", self._run)
        else:
            scheduler.wake(self._thread)
        try:
            yield
        finally:
            self._leases.remove(lease)

    def _run(self) -> None:
        scheduler = _scheduler()
        while True:
            if not self._leases:
                scheduler.park()
                continue
            due = min(self._leases, key=lambda lease: lease[0])
            if due[0] > scheduler.now:
                scheduler.park(due[0])
                continue
            due[0] = scheduler.now + due[1]
            try:
                due[2]()
            except RedisError:
                rig().note("a renewal failed")


class VirtualTransport(Transport):
    """Sends through the schedule's wires."""

    def __init__(self, *, remote: str, **options: Any) -> None:
        super().__init__(remote=remote, **options)
        self.remote = remote

    def send(
        self, method: str, url: str, *, headers: Any, params: Any = None, body: Any = None, form: Any = None,
        writes: bool = False, leaves_by: float | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request. The workers of a schedule pause after the last check of the clock: a harder world than the product's."""
        options = {"headers": dict(headers), "params": params, "body": body, "form": form, "writes": writes}
        try:
            reply = rig().wires.send(self.remote, method, url, options)
        except requests.RequestException as error:
            begun = not isinstance(error, requests.ConnectTimeout)
            raise self.sync_error(error, url, writes=writes, begun=begun) from error
        return Answer(reply.status, reply.headers, reply.text, False, received_at=self.runtime.time())


def campaign_settings(folder: Path) -> Settings:
    """Settings of the virtual installation."""
    key_file = folder / "key.pem"
    make_key_file(key_file)
    values: dict[str, Any] = {
        "procore_base_url": "https://procore.example",
        "procore_auth_url": "https://procore.example",
        "procore_client_id": "app",
        "procore_client_secret": "secret",
        "procore_company_id": COMPANY,
        "netsuite_account_id": "1",
        "netsuite_base_url": "https://1.suitetalk.example",
        "netsuite_client_id": "client",
        "netsuite_certificate_id": "certificate",
        "netsuite_private_key_file": key_file,
        "netsuite_retainage_item_id": RETAINAGE_ITEM,
        "netsuite_create_credits": True,
        "redis_url": "redis://127.0.0.1:1/0",
    }
    return Settings(_env_file=None, **values)


_REPLACED = (
    "worker.inspect.", "worker.reconcile.",
    "worker.context",
)  # fmt: skip


def _standing_in() -> Iterator[tuple[types.ModuleType, str, types.ModuleType]]:
    """(module, name, what to put there) for every use of time and chance in the product's inner modules."""
    instead = {time: _TIME, random: _CHANCE, secrets: _CHANCE}
    for name, module in list(sys.modules.items()):
        if name.startswith(_REPLACED):
            for thing, stand_in in instead.items():
                if getattr(module, thing.__name__, None) is thing:
                    yield module, thing.__name__, stand_in


@contextmanager
def installed() -> Iterator[Settings]:
    """All shims in place; gives the settings of the virtual installation."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        settings = campaign_settings(Path(folder))

        def put(place: Any, name: str, thing: Any) -> None:
            stack.enter_context(mock.patch.object(place, name, thing))

        put(worker.app, "settings_or_exit", lambda: settings)
        for module, name, stand_in in _standing_in():
            put(module, name, stand_in)
        put(worker.container.container, "ThreadPoolExecutor", VirtualPool)
        put(worker.reconcile.verification, "ThreadPoolExecutor", VirtualPool)
        put(worker.container.container, "LeaseKeeper", VirtualKeeper)
        put(worker.container.container, "redis_at", lambda _url: rig().client())
        put(worker.store.local_file, "read", lambda file: dict(_disk().get(file.name, {})))
        put(worker.store.local_file, "write", _written_file)
        put(worker.connections, "Transport", VirtualTransport)
        # For the report alone: it changes nothing that the campaign asks about.
        put(Gate, "note_use", lambda _gate: None)
        notes.take(put)
        put(tasks.wbs, "has_spare_thread", lambda: not _scheduler().current.process.things["mail"])
        for module in (worker.base, tasks.wbs, tasks.invoices, tasks.ledger):
            put(module, "current", lambda: _scheduler().current.process.things["container"])
        put(tasks.ledger, "app", _Post())
        put(WorkTask, "replace", _replace)
        log = logging.getLogger("worker")
        level = log.level
        log.setLevel(logging.CRITICAL + 1)
        stack.callback(lambda: log.setLevel(level))
        stack.callback(lambda: use(None))
        yield settings


def _disk() -> dict[str, dict[str, Any]]:
    """The files that the machine of the process at hand keeps; a command's are thrown away."""
    disk: dict[str, dict[str, Any]] = _scheduler().current.process.things.setdefault("disk", {})
    return disk


def _written_file(file: Path, content: Mapping[str, Any]) -> None:
    """A file of the machine at hand; of people's decisions it is noted when the first machine with workers had a copy."""
    _disk()[file.name] = dict(content)
    if file.name == "invoice-decisions.json" and "mail" in _scheduler().current.process.things:
        for owned in content.values():
            for key in owned["decisions"]:
                rig().copied.setdefault(int(key.rpartition(":")[2]), _scheduler().now)


class _Post:
    """Celery's app, as far as `dispatch_due` uses it."""

    def send_task(
        self, name: str, *, kwargs: dict[str, Any], ignore_result: bool = False, headers: dict[str, Any]
    ) -> None:
        assert ignore_result
        assert headers == {DISPATCHED_HEADER: True}
        rig().floor.send(name, kwargs, dispatched=True)


POST = _Post()


class Replaced(Exception):
    """A task gave its place to a chain of (task, arguments)."""

    def __init__(self, steps: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__("replaced")
        self.steps = steps


def _replace(_task: Any, chain: Any) -> None:
    raise Replaced([(step.task, dict(step.kwargs)) for step in chain.tasks])
