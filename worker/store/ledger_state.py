"""The state of the ledger as a whole: its owner, whether it is open, and the progress of a rebuild.

Without an open ledger nothing is written to NetSuite: a lost ledger is rebuilt from NetSuite first (`worker.engine.recovery`). Locks read the
same state to determine since when the ledger is complete (`worker.store.locks`).
"""

from __future__ import annotations

from collections.abc import Mapping

from worker.store import locks
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.scripts import Script, flag, text


class LedgerState:
    """The owner of the ledger, its opening and rebuild, and the Redis server on which it was last checked."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = keys = Keys(prefix)
        self._state = keys.ledger
        self._open = Script(client, "ledger/open", flag)
        self._unchecked_server = Script(client, "ledger/unchecked_server", text)

    def owner(self) -> str | None:
        """Return the company and account that the ledger belongs to; None if it is unowned."""
        owner = self._client.get(self._keys.belongs_to)
        return None if owner is None else str(owner)

    def claim_for(self, owner: str) -> None:
        """Set the owner (company and account) of an unowned ledger. Does nothing if it has an owner."""
        self._client.set(self._keys.belongs_to, owner, nx=True)

    def is_open(self) -> bool:
        """Return whether the ledger is open. Nothing is written to NetSuite before."""
        return bool(self._client.exists(self._state))

    def opened_at(self) -> str:
        """Return the id of this ledger, which no other ledger has; "" if there is no ledger."""
        since, opened_at = self._client.hmget(self._state, ["since", "opened_at"])
        return str(opened_at or since or "")

    def open(self, *, since: float, adoptions_known: bool = True) -> None:
        """Open the ledger. `since`: the last moment at which an intent may have been lost (unix seconds), 0 for never.

        A loss of the store that a process has reported counts as well. In a new store, nothing is written before every running process has had
        the time to report a loss. `adoptions_known`: False if the adopted Items of the lost ledger are not known.
        """
        self._open(
            keys=[self._state, self._keys.rebuild, self._keys.store],
            args=[since, locks.KEPT_SECONDS, int(not adoptions_known)],
        )

    def rebuild_counts(self) -> dict[str, int]:
        """Return the counts of a rebuild in progress or interrupted; empty if there is none."""
        return {name: int(count) for name, count in self._client.hgetall(self._keys.rebuild).items()}

    def save_rebuild(self, counts: Mapping[str, int]) -> None:
        """Save the progress of a rebuild, for the process that continues it and for status commands. Opening the ledger deletes it."""
        self._client.hset(self._keys.rebuild, mapping=dict(counts))

    def has_lost_adoptions(self) -> bool:
        """Return whether this ledger replaced a lost one, and no machine has restored the adopted Items of that one yet."""
        return bool(self._client.hget(self._state, "adoptions_lost"))

    def mark_adoptions_restored(self) -> None:
        """Record that a machine has restored the adoptions of the earlier ledger."""
        self._client.hdel(self._state, "adoptions_lost")

    def unchecked_server(self, *, runs_for: float) -> str:
        """Return the run id of the server if the ledger has not been checked for lost work on it, and it has been running for `runs_for`
        seconds; else "".
        """
        return self._unchecked_server(keys=[self._state], args=[runs_for])

    def mark_checked(self, server: str) -> None:
        """Record that the ledger was checked for lost work on this server."""
        self._client.hset(self._state, "looked_through", server)

    def mark_clean_stop(self) -> None:
        """Record that the server is about to save everything and stop, so that the next start has lost nothing."""
        self._client.hdel(self._state, "server")
