"""The container of this process. Beat and Flower have none, so this module does not import it: the import costs 20 MB and 0.3 s."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.container import Container

_container: Container | None = None


def use(container: Container | None) -> None:
    """Set the container of this process. Called by the worker at its start, and by tests."""
    global _container
    _container = container


def current() -> Container:
    """Return the container of this process. Raises RuntimeError before `use`."""
    if _container is None:
        raise RuntimeError("the container is built when a worker process starts")
    return _container
