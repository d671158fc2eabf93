"""What is kept of responses: links to NetSuite records and facts of the account, for a while, and the base currencies, permanently."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from worker.store.client import Redis
from worker.store.keys import Keys


class Cache:
    """Small JSON values that expire. Their keys contain the NetSuite account: an internal id names another record in another account."""

    def __init__(self, client: Redis, prefix: str, account: str) -> None:
        self._client = client
        self._keys, self._account = Keys(prefix), account
        self._own: dict[str, Any] | None = None

    def leave_no_trace(self) -> None:
        """From now on, keep changes in this object instead of Redis: real work must not use what a dry run has cached."""
        self._own = {}

    def get(self, key: str) -> Any:
        """Return a cached value; None if it is missing or has expired."""
        if self._own is not None and key in self._own:
            return self._own[key]
        text = self._client.get(self._key(key))
        return json.loads(str(text)) if text else None

    def put(self, key: str, value: Any, *, seconds: int) -> None:
        """Cache a JSON value for `seconds`."""
        if self._own is not None:
            self._own[key] = value
            return
        self._client.set(self._key(key), json.dumps(value), ex=seconds)

    def forget(self, *keys: str) -> None:
        """Delete cached values that have been found outdated."""
        if self._own is not None:
            self._own |= dict.fromkeys(keys)
        elif keys:
            self._client.delete(*map(self._key, keys))

    def _key(self, name: str) -> str:
        return self._keys.cache(self._account, name)


class Currencies:
    """The base currencies that Procore has named on invoices so far, in all projects: one small set."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key = Keys(prefix).base_currencies

    def all(self) -> list[str]:
        """Return the currencies (ISO codes), sorted."""
        return sorted(self._client.smembers(self._key))

    def add(self, codes: Collection[str]) -> None:
        """Add currencies. A caller that adds first and reads then sees all that others added before."""
        if new := set(codes).difference(self.all()):
            self._client.sadd(self._key, *sorted(new))
