"""The base currencies that Procore has named on invoices so far, in all projects."""

from __future__ import annotations

from collections.abc import Collection

from worker.store.client import Redis
from worker.store.keys import Keys


class Currencies:
    """One small set, from which nothing is ever removed."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key = Keys(prefix).base_currencies

    def all(self) -> list[str]:
        """Return the currencies, sorted."""
        return sorted(self._client.smembers(self._key))

    def add(self, codes: Collection[str]) -> None:
        """Add currencies (ISO codes). A caller that adds and then reads sees what others added before."""
        if new := set(codes).difference(self.all()):
            self._client.sadd(self._key, *sorted(new))
