"""The composition root: everything one process needs, built once from the settings, after the fork if there is one.

Three floors, each on the one before: the stores in Redis, the clients of both remotes, the services.
"""

from worker.container.services import Container

__all__ = ["Container"]
