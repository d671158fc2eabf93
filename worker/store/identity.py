"""Which store this is: an id that a Redis without one is given by the first process that meets it.

A process keeps the id of the store it works with, in memory and in DATA_DIR, and passes it whenever it takes a lock. Another id
in Redis then proves that the store it knew was lost, with any intent in it, even when NetSuite shows nothing of ours yet: nothing
is written into the new store before the settle window has passed since that store began.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from pathlib import Path

from worker.store import local_file
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.scripts import Script, text

log = logging.getLogger(__name__)

MEET_EVERY_SECONDS = 1.0
"""How often a worker process compares the store with the one it knows, also while it has nothing to do."""


class StoreIdentity:
    """The store that this process knows. `file`: where its id outlives the process; None for one that forgets it."""

    def __init__(self, client: Redis, prefix: str, file: Path | None = None) -> None:
        self._keys = Keys(prefix)
        self._prefix = prefix
        self._file = file
        self._meet = Script(client, "store/meet", text)
        kept = local_file.read(file).get(prefix) if file else None
        self._known = kept if isinstance(kept, str) else ""

    def meet(self) -> None:
        """Compare the store with the one this process knows; from here on it knows the store that is there."""
        self.learn(self._meet(keys=[self._keys.store, self._keys.ledger], args=self.args()))

    def args(self) -> Sequence[str]:
        """The id this process knows ("" for none) and a part of an id that no other call has."""
        return [self._known, secrets.token_hex(4)]

    def learn(self, store_id: str) -> None:
        """Keep the id that a script returned."""
        if store_id == self._known:
            return
        if self._known:
            log.warning("Redis was replaced since this process connected: its previous data is lost")
        self._known = store_id
        if self._file:
            local_file.write(self._file, {**local_file.read(self._file), self._prefix: store_id})
