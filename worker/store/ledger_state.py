"""The state of the ledger as a whole: which company it belongs to, whether it is open, and how far a rebuild has come.

Without an open ledger nothing is written to NetSuite: a lost Redis is rebuilt from NetSuite first (`worker.engine.recovery`). Locks read the
same state, to find out how long the ledger can be trusted (`worker.store.locks`).
"""

from __future__ import annotations

from collections.abc import Mapping

from worker.store import locks
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.scripts import Script, flag, text


class LedgerState:
    """Owner, opening and rebuild of the ledger, and which Redis server it was last checked on."""

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
        """Let an unowned ledger belong to a company and account. Does nothing if it has an owner."""
        self._client.set(self._keys.belongs_to, owner, nx=True)

    def is_open(self) -> bool:
        """Return whether there is a ledger: without one, nothing is written to NetSuite."""
        return bool(self._client.exists(self._state))

    def opened_at(self) -> str:
        """Return the id of this ledger, which no other has; "" if there is none."""
        since, opened_at = self._client.hmget(self._state, ["since", "opened_at"])
        return str(opened_at or since or "")

    def open(self, *, since: float, adoptions_known: bool = True) -> None:
        """Open the ledger. `since`: the last moment at which an intent may have been lost (unix seconds), 0 for never.

        A loss of the store that a process reported before counts too. In a store that has just begun, nothing is written before every
        running process has had the time to report one.
        """
        self._open(
            keys=[self._state, self._keys.rebuild, self._keys.store],
            args=[since, locks.KEPT_SECONDS, int(not adoptions_known)],
        )

    def rebuild_counts(self) -> dict[str, int]:
        """Return the counts of a rebuild in progress or interrupted; empty if there is none."""
        return {name: int(count) for name, count in self._client.hgetall(self._keys.rebuild).items()}

    def save_rebuild(self, counts: Mapping[str, int]) -> None:
        """Save the progress of a rebuild, for a process that continues it and for status commands. Opening the ledger ends it."""
        self._client.hset(self._keys.rebuild, mapping=dict(counts))

    def has_lost_adoptions(self) -> bool:
        """Return whether this ledger replaced a lost one, and no machine has restored the adopted Items of that one yet."""
        return bool(self._client.hget(self._state, "adoptions_lost"))

    def mark_adoptions_restored(self) -> None:
        """Record that a machine has restored the adoptions of the earlier ledger."""
        self._client.hdel(self._state, "adoptions_lost")

    def unchecked_server(self, *, runs_for: float) -> str:
        """Return the server (its run id) whose ledger has not been checked for lost work yet, if it has been running for that many seconds;
        else "".
        """
        return self._unchecked_server(keys=[self._state], args=[runs_for])

    def mark_checked(self, server: str) -> None:
        """Record that this server's ledger was checked for lost work."""
        self._client.hset(self._state, "looked_through", server)

    def mark_clean_stop(self) -> None:
        """Record that the server is about to save everything and stop, so that the next start has lost nothing."""
        self._client.hdel(self._state, "server")
