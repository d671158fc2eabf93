"""The journal of a simulator: the requests that it received and the records that were written in it, in order."""

from __future__ import annotations

import threading
import time
from typing import Any

Entry = dict[str, Any]


class Journal:
    """An append-only list of entries. Every entry has `n` (running number from 1) and `at` (unix seconds).

    A request's entry has `method`, `path`, `status` and more; a record's entry has `write`, `type` and `id`.
    Both have `request_id`, which links a record to the request that wrote it.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._last = 0
        self._lock = threading.Lock()

    def add(self, **fields: Any) -> Entry:
        """Append an entry made of `fields` and return it."""
        with self._lock:
            self._last += 1
            entry: Entry = {"n": self._last, "at": time.time(), **fields}
            self._entries.append(entry)
        return entry

    def entries(self, since: int = 0) -> list[Entry]:
        """Return the entries with a number above `since`, oldest first."""
        with self._lock:
            first = self._last - len(self._entries)  # the number before that of the oldest entry
            return self._entries[max(0, since - first) :]

    def requests(self, since: int = 0) -> list[Entry]:
        """Return the entries of HTTP requests above `since`."""
        return [entry for entry in self.entries(since) if "method" in entry]

    def writes(self, since: int = 0) -> list[Entry]:
        """Return the entries of created, updated and deleted records above `since`."""
        return [entry for entry in self.entries(since) if "write" in entry]

    def clear(self) -> None:
        """Delete all entries. Their numbers are not used again, so that `since` stays valid."""
        with self._lock:
            self._entries = []
