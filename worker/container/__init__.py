"""The composition root: everything one process needs, built once from the settings, after the fork if there is one.

Four modules, each on the one before: the stores in Redis, the clients of both remotes, the work itself, and what people ask about it.
"""

from worker.container.inspection import Container

__all__ = ["Container"]
