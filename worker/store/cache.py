"""Answers worth keeping for a while: links to NetSuite records, facts of the account, the list of projects.

Keys carry the NetSuite account, because internal ids of one account mean something else in another.
"""

from __future__ import annotations

import json
from typing import Any

from worker.store.client import Redis
from worker.store.keys import Keys


class Cache:
    """Small JSON values with an end."""

    def __init__(self, client: Redis, prefix: str, account: str) -> None:
        self._client = client
        self._keys, self._account = Keys(prefix), account
        self._own: dict[str, Any] | None = None

    def leave_no_trace(self) -> None:
        """From now on, keep and forget for this object alone: for a dry run, after which the work takes what it would have taken."""
        self._own = {}

    def get(self, key: str) -> Any:
        """The value, or None when there is none (any more)."""
        if self._own is not None and key in self._own:
            return self._own[key]
        text = self._client.get(self._key(key))
        return json.loads(str(text)) if text else None

    def put(self, key: str, value: Any, *, seconds: int) -> None:
        """Keep a value for so many seconds."""
        if self._own is not None:
            self._own[key] = value
            return
        self._client.set(self._key(key), json.dumps(value), ex=seconds)

    def forget(self, *keys: str) -> None:
        """Drop values that turned out wrong."""
        if self._own is not None:
            self._own |= dict.fromkeys(keys)
        elif keys:
            self._client.delete(*map(self._key, keys))

    def _key(self, name: str) -> str:
        return self._keys.cache(self._account, name)
