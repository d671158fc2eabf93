"""Identifies the Redis store: the first process that connects to a store without an id gives it one.

A process keeps the id of its store in memory and in DATA_DIR, and passes it whenever it takes a lock. A different id in Redis proves that
the earlier store was lost, with any intent in it, even if NetSuite shows no record of wbs-sync yet: nothing is written into the new store
before the settle window since its start has passed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from worker.store import local_file
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime
from worker.store.scripts import Script, text

log = logging.getLogger(__name__)

MEET_EVERY_SECONDS = 1.0
"""Seconds between two comparisons of the store by a worker process, also while it is idle."""


class StoreIdentity:
    """The store that this process knows. `file`: keeps its id after the process ends; None to keep it in memory only."""

    def __init__(self, client: Redis, prefix: str, file: Path | None = None, *, runtime: Runtime = REAL) -> None:
        self._keys = Keys(prefix)
        self._prefix = prefix
        self._file = file
        self._runtime = runtime
        self._meet = Script(client, "store/meet", text)
        kept = local_file.read(file).get(prefix) if file else None
        self._known = kept if isinstance(kept, str) else ""

    def meet(self) -> None:
        """Compare the store with the one this process knows; the current store is the known one from here on."""
        self.learn(self._meet(keys=[self._keys.store, self._keys.ledger], args=self.args()))

    def args(self) -> Sequence[str]:
        """Return the id this process knows ("" for none) and a unique part of a new id."""
        return [self._known, self._runtime.token(4)]

    def learn(self, store_id: str) -> None:
        """Keep the id that a script returned."""
        if store_id == self._known:
            return
        if self._known:
            log.warning("Redis was replaced since this process connected: its previous data is lost")
        self._known = store_id
        if self._file:
            local_file.write(self._file, {**local_file.read(self._file), self._prefix: store_id})
