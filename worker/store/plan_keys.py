"""The key with which an installation signs its plans."""

from __future__ import annotations

from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime


class PlanKeys:
    """One key for each installation, created with the first saved plan. If Redis is lost, so is the key, and earlier plans are not accepted."""

    def __init__(self, client: Redis, prefix: str, *, runtime: Runtime = REAL) -> None:
        self._client = client
        self._runtime = runtime
        self._place = Keys(prefix).plan_key

    def get(self) -> str:
        """Return the key; "" if no plan was ever saved."""
        return str(self._client.get(self._place) or "")

    def get_or_make(self) -> str:
        """Return the key; create it if there is none."""
        self._client.set(self._place, self._runtime.token(32), nx=True)
        return self.get()
