"""The key with which an installation signs its plans."""

from __future__ import annotations

from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime


class PlanKeys:
    """Stores one key for the installation, created with its first saved plan. It is lost with Redis; then, earlier plans are refused."""

    def __init__(self, client: Redis, prefix: str, *, runtime: Runtime = REAL) -> None:
        self._client = client
        self._runtime = runtime
        self._name = Keys(prefix).plan_key

    def get(self) -> str:
        """Return the key; "" if no plan was ever saved."""
        return str(self._client.get(self._name) or "")

    def get_or_create(self) -> str:
        """Return the key, which is created for the first saved plan."""
        self._client.set(self._name, self._runtime.token(32), nx=True)
        return self.get()
