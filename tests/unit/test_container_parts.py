"""Parts of the container: each is built once per process, on every supported Python."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from threading import RLock

from worker.connections import Connections
from worker.container import Container
from worker.container.container import Flow
from worker.part import Part, part
from worker.store.stores import Stores

THREADS = 16


class SlowParts:
    """Parts whose construction lets every other thread run first."""

    def __init__(self) -> None:
        self.building = RLock()
        self.built: list[str] = []
        self.begun = threading.Barrier(THREADS)

    @part
    def engine(self) -> object:
        """Return a part that is built from another part."""
        self.built.append("engine")
        return self.wheel, object()

    @part
    def wheel(self) -> object:
        """Return a part that another part needs."""
        self.built.append("wheel")
        threading.Event().wait(0.01)
        return object()

    def first_use(self, number: int) -> object:
        """Return what a thread gets that starts together with all the others."""
        self.begun.wait()
        return self.engine if number % 2 else (self.wheel, self.engine)[1]


def test_threads_that_begin_together_share_one_part() -> None:
    parts = SlowParts()
    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(parts.first_use, range(THREADS)))
    assert all(each is seen[0] for each in seen)
    assert sorted(parts.built) == ["engine", "wheel"]


def test_the_container_builds_every_part_that_way() -> None:
    attributes = [vars(kind) for kind in (Container, Flow, Stores, Connections)]
    unlocked = [name for kind in attributes for name, value in kind.items() if type(value) is functools.cached_property]
    assert not unlocked
    assert any(isinstance(value, Part) for kind in attributes for value in kind.values())
