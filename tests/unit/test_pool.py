"""The pool of a worker that is asked to end: running tasks get their time, tasks not begun are left, and no wait is unlimited."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from celery import concurrency, signals

from config.celery_options import celery_options
from tests.kit.waiting import eventually
from worker.runtime import current, pool
from worker.runtime.pool import TaskPool


class Held:
    """A container that only records whether its locks and slots were given back."""

    def __init__(self) -> None:
        self.given_back = threading.Event()
        self.give_back: Callable[[], Any] = self.given_back.set


@pytest.fixture
def held() -> Iterator[Held]:
    holder = Held()
    current.use(holder)  # type: ignore[arg-type]
    yield holder
    current.use(None)
    for _, receiver in ends_of_pools():
        signals.worker_shutdown.disconnect(receiver)


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Yield an event that tasks wait for; it is set at the end, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


def given(threads: TaskPool, job: Callable[[], object]) -> Future[Any]:
    """Hand a job to the pool, as Celery's consumer does."""
    handed: Future[Any] = threads.apply_async(job, (), {}, callback=lambda _: None).f
    return handed


def begun(threads: TaskPool, job: Callable[[], object]) -> None:
    """Hand a job to the pool, and return once a thread has begun it."""
    started = threading.Event()

    def announce() -> None:
        started.set()
        job()

    given(threads, announce)
    assert started.wait(60)


def ends_at_once() -> bool:
    """Return whether the process ends without waiting for its threads once Celery has closed its connections."""
    return bool(ends_of_pools())


def ends_of_pools() -> list[tuple[Any, Callable[..., Any]]]:
    """Return the functions of a pool that Celery calls when the worker has closed its connections."""
    return [entry for entry in signals.worker_shutdown.receivers if entry[1].__module__ == pool.__name__]


def test_a_worker_uses_this_pool() -> None:
    assert concurrency.get_implementation(celery_options(redis_url="", key_prefix="")["worker_pool"]) is TaskPool


def test_running_tasks_end_and_tasks_without_a_thread_are_left(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "TASK_SECONDS", 120)
    done: list[str] = []
    waiting: list[Future[Any]] = []
    threads = TaskPool(1)

    def slow() -> None:
        # Until the pool has left what waits.
        eventually(lambda: waiting and waiting[0].cancelled())
        done.append("begun")

    begun(threads, slow)
    waiting.append(given(threads, lambda: done.append("fetched")))
    threads.on_stop()
    assert done == ["begun"]
    assert not held.given_back.is_set()
    assert not ends_at_once()


def test_a_task_that_does_not_end_is_given_back_and_abandoned(
    held: Held, released: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool, "TASK_SECONDS", 0.01)
    threads = TaskPool(2)
    begun(threads, released.wait)
    threads.on_stop()
    assert held.given_back.is_set()
    assert not released.is_set(), "no caller waited for it"
    assert "1 tasks have not ended" in caplog.text
    assert ends_at_once()


def test_a_redis_that_does_not_respond_keeps_no_worker_from_ending(
    held: Held, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "TASK_SECONDS", 0.01)
    monkeypatch.setattr(pool, "RELEASE_SECONDS", 0.01)
    held.give_back = released.wait
    threads = TaskPool(1)
    begun(threads, released.wait)
    threads.on_stop()
    assert not released.is_set()


def test_a_thread_is_spare_while_no_task_waits_and_the_worker_runs(held: Held, released: threading.Event) -> None:
    """A worker that ends has none to spare."""
    threads = TaskPool(2)
    begun(threads, released.wait)
    begun(threads, released.wait)
    assert pool.has_spare_thread()
    given(threads, released.wait)
    assert not pool.has_spare_thread(), "a third task waits for a thread"
    released.set()
    eventually(pool.has_spare_thread)
    threads.on_stop()
    assert not pool.has_spare_thread(), "the worker ends"
