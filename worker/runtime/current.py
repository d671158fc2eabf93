"""This process's container. Beat and Flower have none, so it is not imported here: it would cost each 20 MB and a third of a second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.container import Container

_container: Container | None = None
_guard = threading.Lock()


def use(container: Container | None) -> None:
    """Set this process's container (the worker at its start, tests for themselves)."""
    global _container
    with _guard:
        _container = container


def current() -> Container:
    """This process's container. RuntimeError before `use`."""
    if _container is None:
        raise RuntimeError("the container is built when a worker process starts")
    return _container
