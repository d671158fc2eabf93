"""The composition root: everything one process needs, built from the settings, after the fork if there is one."""

from worker.container.container import Container

__all__ = ["Container"]
