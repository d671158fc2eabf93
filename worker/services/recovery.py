"""The ledger after Redis was lost, restored from what NetSuite holds: Redis is not the only record of it.

An external id of ours names the code it stands for, so every Item that was made is found again. Items adopted by name are
found by name at the next scan, bills by external id when their invoice comes up. What cannot be found again is an intent
whose write was under way: therefore Items wait a little, and bills the whole settle window, before anything is sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from worker.clients.netsuite.client import NetSuite
from worker.domain.errors import NoRoom
from worker.domain.identities import bill_external_ids_of, code_of_item, item_external_ids_of
from worker.domain.outcomes import Record, State
from worker.store.connection import Redis, seconds
from worker.store.ledger import Ledger
from worker.store.locks import Locks

log = logging.getLogger(__name__)

REBUILD = "ledger:rebuild"
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found: Items of ours in NetSuite, those of which the ledger did not know, and queries it took."""

    items: int
    restored: int
    queries: int


class Recovery:
    """Rebuilds the ledger when there is none, before anything is written."""

    def __init__(self, client: Redis, *, netsuite: NetSuite, company_id: int, ledger: Ledger, locks: Locks) -> None:
        self._client = client
        self._netsuite = netsuite
        self._company_id = company_id
        self._ledger = ledger
        self._locks = locks

    def ensure_ledger(self) -> None:
        """Return when there is a ledger; rebuild it when there is none. Raises NoRoom while another worker does."""
        if self._ledger.is_open():
            return
        with self._locks.hold(REBUILD) as lock:
            if lock is None:
                self._wait_for_the_other()
            elif not self._ledger.is_open():
                self.rebuild()

    def rebuild(self, progress: Callable[[int], None] = lambda _items: None) -> Rebuilt:
        """Restore what NetSuite knows, and open the ledger. `progress(items)` after each query. What the ledger knows is kept."""
        items = restored = queries = 0
        for found in self._netsuite.items_made_by_us(item_external_ids_of(self._company_id)):
            at = seconds(self._client)
            records = {
                key: Record(State.CREATED, item.name, item.id, at=at)
                for item in found
                if (key := code_of_item(item.external_id))
            }
            restored += self._ledger.restore_codes(records)
            items, queries = items + len(records), queries + 1
            progress(items)
        ours = items or self._netsuite.has_bills_of_ours(bill_external_ids_of(self._company_id))
        if not self._ledger.is_open():
            # Nothing of ours in NetSuite: a first start, so no intent can have been lost.
            self._ledger.open(since=seconds(self._client) if ours else 0)
            if ours:
                log.warning("There was no ledger. It is rebuilt: %d Items; bills wait for the settle window", items)
        return Rebuilt(items, restored, queries + 1)

    def _wait_for_the_other(self) -> None:
        """A first start takes two queries, so it is waited for; the rebuild of a large company is not."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._ledger.is_open():
            if time.monotonic() > until:
                raise NoRoom("the ledger is being rebuilt", retry_after=2.0)
            time.sleep(0.1)
