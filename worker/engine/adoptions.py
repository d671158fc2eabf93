"""Keeps adopted Items across the loss of Redis and across versions: fills their index, and restores them from the copy in DATA_DIR.

If the Item has no wbs-sync external id, NetSuite has no trace of the adoption. It is found again by name only if neither Item, code nor
project was renamed since; otherwise a second Item would be created for the code.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from worker.clients.remotes import Remotes
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.errors import NoRoom, SyncError
from worker.domain.findings import Finding
from worker.domain.identities import CodeKey, code_of_item, is_our_item
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record, State
from worker.domain.problems import FindingKind
from worker.store.runtime import ThreadLock
from worker.store.stores import Stores

log = logging.getLogger(__name__)

COPIED_EVERY_SECONDS = 60.0
INDEXED_EVERY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Restored:
    """The number of codes whose adopted Item was restored to the ledger; `whole`: none is left undecided."""

    count: int
    whole: bool


@dataclass(slots=True)
class Adoptions:
    """Keeps the index of adopted Items and its copy up to date, for one process."""

    stores: Stores
    remotes: Remotes
    _guard: ThreadLock = field(init=False)
    _copied_at: float = field(default=float("-inf"), init=False)
    _copied_of: str = field(default="", init=False)
    _indexed_at: float = field(default=float("-inf"), init=False)
    _indexed_of: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._guard = self.stores.runtime.thread_lock()

    def catch_up(self, ledger_opened_at: str) -> None:
        """Fill the index and restore adoptions from the copy of an earlier ledger, before this process works with a ledger that is new to it.

        Raises NoRoom while another thread does it, and NetSuite's errors.
        """
        if not self._guard.acquire(blocking=False):
            raise NoRoom("looking up adopted Items", retry_after=1.0)
        try:
            if self._indexed_of != ledger_opened_at:
                self._index(ledger_opened_at)
            self._copy(ledger_opened_at)
        finally:
            self._guard.release()

    def keep_up(self) -> None:
        """At intervals, copy new adoptions by workers of any version, and restore what could not be restored yet."""
        opened_at, now = self.stores.ledger.state.opened_at(), self.stores.runtime.monotonic()
        if not opened_at or (opened_at == self._copied_of and now < self._copied_at + COPIED_EVERY_SECONDS):
            return
        self._copied_of, self._copied_at = opened_at, now
        if now >= self._indexed_at + INDEXED_EVERY_SECONDS:
            self._index(opened_at)
        try:
            self._copy(opened_at)
        except SyncError as error:
            log.warning("Could not look up adopted Items: %s", error)

    def _index(self, ledger_opened_at: str) -> None:
        self.stores.adopted_items.index()
        self._indexed_at, self._indexed_of = self.stores.runtime.monotonic(), ledger_opened_at

    def has_copy(self) -> bool:
        """Return whether this machine has the adoptions."""
        return self.stores.adopted_items.has_copy()

    def restore(self) -> Restored:
        """Record the adoptions of the copy that are missing in the ledger. A code that has another Item by now becomes a problem."""
        copied = self.stores.adopted_items.copied()
        records = self.stores.ledger.records_of(copied)
        missing = {key: item_id for key, item_id in copied.items() if not _is_recorded(records.get(key), item_id)}
        items = self.remotes.netsuite.items(list(missing.values())) if missing else {}
        found = {key: item for key, item_id in missing.items() if (item := items.get(item_id))}
        # The next scan handles a deleted Item; an Item with the external id of another code belongs to that code.
        done = [
            self._restore(key, item)
            for key, item in found.items()
            if not is_our_item(item.external_id) or code_of_item(item.external_id) == key
        ]
        restored = Restored(done.count(True), whole=None not in done)
        if restored.count:
            log.warning("Restored %d adopted Items from DATA_DIR", restored.count)
        return restored

    def _restore(self, key: CodeKey, item: FoundItem) -> bool | None:
        """Return True if it is recorded now, False if the ledger has a newer record, None if that is not known yet."""
        with self.stores.locks.hold(str(key)) as lock:
            record = self.stores.ledger.code(key)
            if lock is None or (record and record.in_doubt):
                return None
            if record and record.done:
                if not _is_recorded(record, item.id):
                    report_another_item(self.stores, self.remotes, key, item, at=lock.at)
                return False
            adopted = Record(State.ADOPTED, item.name, item.id, at=lock.at)
            return self.stores.ledger.write(key, adopted, AuditEvent(EventKind.ADOPTED, {"id": item.id}))

    def _copy(self, ledger_opened_at: str) -> None:
        """Update the copy. A copy of an earlier ledger is restored first, and not changed until that is complete."""
        if not self.stores.adopted_items.copy_is_of(ledger_opened_at):
            if not self.restore().whole:
                return
            self.stores.ledger.state.mark_adoptions_restored()
        self.stores.adopted_items.keep_copy(ledger_opened_at)


def _is_recorded(record: Record | None, item_id: str) -> bool:
    return record is not None and record.done and record.remote_id == item_id


def report_another_item(stores: Stores, remotes: Remotes, key: CodeKey, item: FoundItem, *, at: float) -> None:
    """Open a problem for a code that has another Item in the ledger, until `verify` finds that they agree."""
    record = stores.ledger.code(key)
    recorded = record.remote_id if record else ""
    if remotes.netsuite.item(recorded):
        kind = FindingKind.DUPLICATE_ITEM
        words = f"The code of the Item {item.name} has 2 Items: ids {recorded}, {item.id}."
    else:
        kind = FindingKind.ITEM_REPLACED
        words = f"The Item {item.name}: the ledger has Item {recorded}, NetSuite has {item.id}."
    log.error("%s", words)
    finding = Finding(kind, str(key), words)
    stores.ledger.report(finding.problem_key, finding.cause, finding.facts, at=at)
