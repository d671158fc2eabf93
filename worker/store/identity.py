"""Detects that the Redis store was lost. Each store has an id: the first process that connects to a new store gives it one.

A process keeps the id of its store in memory and in DATA_DIR, and passes it whenever it takes a lock. Another id in Redis proves that the
earlier store was lost, with any intent in it, even if NetSuite shows no record of wbs-sync yet. Nothing is written to NetSuite then until the
settle window since the start of the new store has passed.
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
"""Seconds between two comparisons of the store's id by a worker process, also while it is idle."""


class StoreIdentity:
    """The id of the store that this process knows. `file`: where the id is kept; None = in memory only."""

    def __init__(self, client: Redis, prefix: str, file: Path | None = None, *, runtime: Runtime = REAL) -> None:
        self._keys = Keys(prefix)
        self._prefix = prefix
        self._file = file
        self._runtime = runtime
        self._meet = Script(client, "store/meet", text)
        kept = local_file.read(file).get(prefix) if file else None
        self._known = kept if isinstance(kept, str) else ""

    def meet(self) -> None:
        """Compare the id of the current store with the known one, record a loss if they differ, and keep the current id."""
        self.learn(self._meet(keys=[self._keys.store, self._keys.ledger], args=self.args()))

    def args(self) -> Sequence[str]:
        """Return the two arguments of the scripts that compare the id: the known id ("" for none), and a unique part for a new one."""
        return [self._known, self._runtime.token(4)]

    def learn(self, store_id: str) -> None:
        """Keep the id of the current store, which a script returned."""
        if store_id == self._known:
            return
        if self._known:
            log.warning("Redis was replaced since this process connected: its previous data is lost")
        self._known = store_id
        if self._file:
            local_file.write(self._file, {**local_file.read(self._file), self._prefix: store_id})
