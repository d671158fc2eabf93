"""Cached responses: links to NetSuite records, facts of the account.

Keys contain the NetSuite account, because internal ids of one account have another meaning in another.
"""

from __future__ import annotations

import json
from typing import Any

from worker.store.client import Redis
from worker.store.keys import Keys


class Cache:
    """Small JSON values that expire."""

    def __init__(self, client: Redis, prefix: str, account: str) -> None:
        self._client = client
        self._keys, self._account = Keys(prefix), account
        self._own: dict[str, Any] | None = None

    def leave_no_trace(self) -> None:
        """Keep changes in this object from now on, not in Redis: for a dry run, which must leave no cached values to the real work."""
        self._own = {}

    def get(self, key: str) -> Any:
        """Return a value; None if it is missing or has expired."""
        if self._own is not None and key in self._own:
            return self._own[key]
        text = self._client.get(self._key(key))
        return json.loads(str(text)) if text else None

    def put(self, key: str, value: Any, *, seconds: int) -> None:
        """Cache a value for `seconds`."""
        if self._own is not None:
            self._own[key] = value
            return
        self._client.set(self._key(key), json.dumps(value), ex=seconds)

    def forget(self, *keys: str) -> None:
        """Delete values that turned out to be wrong."""
        if self._own is not None:
            self._own |= dict.fromkeys(keys)
        elif keys:
            self._client.delete(*map(self._key, keys))

    def _key(self, name: str) -> str:
        return self._keys.cache(self._account, name)
