"""Traces what a process of the product does, line by line in a file, so that a test knows what a process had claimed when it was killed.

Each line is one JSON object with `at` (unix seconds) and `what`:

    ready                           the worker takes messages
    received, run, ran              a message was fetched, its task begins, has ended (`id`, `task`, `key` of its work)
    failed                          a task raised (`id`, `error`)
    begin, end                      an attempt at a piece of work (`key`, `outcome` or `error`)
    lock, slot                      taken (`name`, `token`)
    given back                      what the process held when it ended without its last tasks
    intending, intent               before and after the note that a write leaves (`key`, `sent_at`, `noted`)
    told                            how that write ended for the client (`external_id`, `error` or the new `id`)

    struck                          the process sends itself the signal that was asked for (`signal`)

Every line is in the file when the next thing happens: a write outlives the process that made it.

A file `{stem}.{process id}.strike` with the words `intent SIGKILL` (or `told`, or `SIGSTOP`) asks the process to send itself that signal
at its next intent, before the request leaves, or when it knows how a write ended, before it records that.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests.utils
from celery import signals

from config.names import TaskName
from worker.clients.netsuite.client import NetSuite
from worker.container import Container
from worker.domain.work import WorkKey, WorkKind
from worker.engine.attempts import Attempts
from worker.store.gate import Gate
from worker.store.ledger import Ledger
from worker.store.locks import Locks

Note = Callable[..., None]


def begin(stem: Path) -> None:
    """Write to `{stem}.{process id}.trace` from now on. Requests carry `{name of the stem}/{process id}` as their User-Agent."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(f"{stem}.{os.getpid()}.trace", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    agent = f"{stem.name}/{os.getpid()}"
    vars(requests.utils)["default_user_agent"] = lambda name="": agent

    def note(what: str, **fields: Any) -> None:
        os.write(file, json.dumps({"at": time.time(), "what": what, **fields}).encode() + b"\n")

    asked = Path(f"{stem}.{os.getpid()}.strike")

    def strike(point: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            at, name = asked.read_text().split()
            if at == point:
                asked.unlink()
                note("struck", signal=name)
                os.kill(os.getpid(), signal.Signals[name])

    _messages(note)
    _work(note)
    _writes(note, strike)


KIND_OF_TASK = {
    **{kind.task: kind for kind in WorkKind if kind is not WorkKind.RECONCILE},
    TaskName.CREATE_ITEM: WorkKind.CREATE_ITEM,
    TaskName.MAKE_ITEMS: WorkKind.EXPORT,
    TaskName.CREATE_BILL: WorkKind.EXPORT,
}


def key_of(task: str, arguments: Mapping[str, Any]) -> str:
    """Return the key of the work that a message is about; empty for upkeep."""
    kind = KIND_OF_TASK.get(task)
    return str(WorkKey(kind, tuple(arguments.get(name, 0) for name in kind.ids))) if kind else ""


def _messages(note: Note) -> None:
    def ready(**_: Any) -> None:
        note("ready")

    def received(request: Any, **_: Any) -> None:
        note("received", id=request.id, task=request.name, key=key_of(request.name, request.kwargs))

    def run(task_id: str, task: Any, kwargs: Any, **_: Any) -> None:
        note("run", id=task_id, task=task.name, key=key_of(task.name, kwargs))

    def ran(task_id: str, state: str, **_: Any) -> None:
        note("ran", id=task_id, state=state)

    def failed(task_id: str, exception: BaseException, **_: Any) -> None:
        note("failed", id=task_id, error=type(exception).__name__, words=str(exception)[:300])

    signals.worker_ready.connect(ready, weak=False)
    signals.task_received.connect(received, weak=False)
    signals.task_prerun.connect(run, weak=False)
    signals.task_postrun.connect(ran, weak=False)
    signals.task_failure.connect(failed, weak=False)


def _work(note: Note) -> None:
    make, hold, slot, give_back = Attempts.make_claimed, Locks.hold, Gate.slot, Container.give_back

    def made(self: Attempts, key: WorkKey, *args: Any, **options: Any) -> Any:
        note("begin", key=str(key))
        try:
            outcome = make(self, key, *args, **options)
        except BaseException as error:
            note("end", key=str(key), error=type(error).__name__)
            raise
        note("end", key=str(key), outcome=outcome.kind.value, reason=outcome.reason)
        return outcome

    @contextlib.contextmanager
    def held(self: Locks, *args: Any, **options: Any) -> Iterator[Any]:
        with hold(self, *args, **options) as lock:
            if lock:
                note("lock", name=lock.key, token=lock.token)
            yield lock

    @contextlib.contextmanager
    def taken(self: Gate, precedence: Any, **options: Any) -> Iterator[str]:
        with slot(self, precedence, **options) as token:
            note("slot", name=str(precedence), token=token)
            yield token

    def given_back(self: Container) -> None:
        note("given back")
        give_back(self)

    vars_of(Container, give_back=given_back)
    vars_of(Attempts, make_claimed=made)
    vars_of(Locks, hold=held)
    vars_of(Gate, slot=taken)


def _writes(note: Note, strike: Callable[[str], None]) -> None:
    intend, create_item, create_bill = Ledger.intend, NetSuite.create_item, NetSuite.create_bill

    def intended(self: Ledger, key: Any, intent: Any, lock: Any) -> bool:
        note("intending", key=str(key), sent_at=intent.sent_at)
        noted = intend(self, key, intent, lock)
        note("intent", key=str(key), sent_at=intent.sent_at, noted=noted)
        if noted:
            strike("intent")
        return noted

    def noting_result(create: Callable[..., str]) -> Callable[..., str]:
        def create_and_note(self: NetSuite, record: Any, **options: Any) -> str:
            try:
                made = create(self, record, **options)
            except BaseException as error:
                note("told", external_id=record.external_id, error=type(error).__name__, words=str(error)[:200])
                strike("told")
                raise
            note("told", external_id=record.external_id, id=made)
            strike("told")
            return made

        return create_and_note

    vars_of(Ledger, intend=intended)
    vars_of(NetSuite, create_item=noting_result(create_item), create_bill=noting_result(create_bill))


def vars_of(owner: type, **methods: Any) -> None:
    """Replace methods of a class of the product."""
    for name, method in methods.items():
        setattr(owner, name, method)
