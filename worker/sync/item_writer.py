"""Creates, finds or adopts the Item of one WBS code."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from worker.clients.remotes import Remotes
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.errors import Blocked, OutcomeUnknown, SyncError, Transient
from worker.domain.identities import CodeKey, is_our_item, item_external_id, same_external_id
from worker.domain.items import ADOPTED_ITEMS, OTHER_CHARGE, FoundItem, ItemNeed, item_for
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.policy import Policy
from worker.domain.problems import Cause, describe
from worker.domain.series import Deviation, Series
from worker.engine.exactly_once import ExactlyOnce
from worker.store.locks import Lock
from worker.store.stores import Stores
from worker.sync.field_sources import FIELDS, FieldSources, from_text
from worker.sync.refusal_names import RefusalNames

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ItemWriter:
    """Writes Items, each exactly once."""

    stores: Stores
    remotes: Remotes
    policy: Policy
    once: ExactlyOnce
    fields: FieldSources
    refusal_names: RefusalNames

    def locked(self, key: CodeKey, attempt: Callable[[Record | None, Lock], Outcome]) -> Outcome:
        """Attempt the code's Item under its lock; return its outcome if there is nothing to do."""
        return self.once.locked(key, "", attempt)

    def make(self, key: CodeKey, record: Record, lock: Lock) -> Outcome:
        """Adopt or create the Item of a code that is waiting or unconfirmed. Raises Transient and Misconfigured if nothing was sent."""
        waiting = replace(record, state=State.WAITING, detail="")
        candidate = _Candidate(self, key, waiting, self._need(key, record), lock)
        try:
            return self.once.make(candidate, record, lock)
        except Blocked as error:
            return self._refused(key, record, error, lock)

    def read_back_is_due(self, at: float) -> bool:
        """Return whether the next created Item is read back (`at`: unix seconds)."""
        return self.once.differences.is_due(self.once.differences.state(Series.ITEMS), at)

    def adopted_by(self, project_id: int, found: Sequence[FoundItem]) -> dict[str, str]:
        """Return the external ids of the codes that have adopted some of these Items, by the Items' ids.

        An Item that was named by hand keeps its name when its code is renamed, and the next code with that text would adopt it too.
        """
        without_ours = [item.id for item in found if not is_our_item(item.external_id)]
        codes = self.stores.adopted_items.by(project_id, without_ours)
        return {item_id: self.external_id(key) for item_id, key in codes.items()}

    def external_id(self, key: CodeKey) -> str:
        """Return the external id of a code's Item."""
        return item_external_id(self.remotes.company_id, key.project_id, key.wbs_code_id)

    def record_found(
        self, key: CodeKey, item: FoundItem, name: str, *, ours: bool, at: float, event: AuditEvent | None = None
    ) -> Outcome:
        """Record the id of an existing Item. Its fields are not changed, except an empty external id if the setting allows it."""
        state = State.CREATED if ours else State.ADOPTED
        if not self.stores.ledger.write(key, Record(state, item.name or name, item.id, at=at), event):
            # Another code has adopted it since it was looked up.
            return outcome_now(self.stores.ledger.code(key))
        if not ours and self.policy.marks_adopted and item.external_id is None:
            # Only now: else the Item of another code could be marked as this one's.
            self._mark(item, self.external_id(key), at=at)
        return Outcome(OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED, item.name or name, item.id)

    def record_created(self, key: CodeKey, item: FoundItem, need: ItemNeed, lock: Lock) -> Outcome:
        """Record the id of an Item that was just created, release its lock, and read the Item back if that is due."""
        # The series as it is after the write: another Item may have been found under another name meanwhile.
        series = self.stores.ledger.write_created(key, Record(State.CREATED, item.name, item.id, at=lock.now()), lock)
        self.once.differences.accepts(Series.ITEMS, series)
        if self.once.differences.is_due(series, lock.at):
            self._read_back(need)
        return Outcome(OutcomeKind.CREATED, item.name, item.id)

    def note_name(self, need: ItemNeed, item: FoundItem) -> None:
        """Count an Item whose name NetSuite changed, or reset the count."""
        words = f"name {item.name!r} instead of {need.name!r}"
        differs = {Deviation.NAME: words} if item.name != need.name else {}
        self.once.differences.note(Series.ITEMS, need.name, differs)

    def _need(self, key: CodeKey, record: Record) -> ItemNeed:
        fields = from_text(record.facts[FIELDS]) if FIELDS in record.facts else {}
        return ItemNeed(self.external_id(key), record.name, record.description, fields)

    def _refused(self, key: CodeKey, record: Record, error: Blocked, lock: Lock) -> Outcome:
        """Record a problem. While a write may still appear, the Item is looked up as well."""
        error = self.refusal_names.explained(error, Series.ITEMS, f"the Item {record.name!r}")
        if paused := self.once.refused(Series.ITEMS, key, record.name, error):
            return paused
        facts: Mapping[str, str] = {"code": record.code, "name": record.name, **error.facts}
        now = self.stores.ledger.code(key) or record
        if not self.once.is_unsettled(now, lock):
            blocked = replace(
                record, state=State.BLOCKED, at=lock.at, cause=error.cause, facts=facts, fence=lock.fence, attempts=0
            )
            self.stores.ledger.write(key, blocked)
            return outcome_of(blocked)
        self.stores.ledger.report(str(key), error.cause, facts, at=lock.now())
        later = self.once.look_later(key, now, lock)
        return replace(later, cause=error.cause, reason=describe(error.cause, facts).sentence)

    def _read_back(self, need: ItemNeed) -> None:
        """Read the created Item back to check that NetSuite keeps the names that are sent."""
        try:
            item = self.remotes.netsuite.item_by_external_id(need.external_id)
        except SyncError as error:
            log.info("Item %s was created but could not be read back: %s", need.name, error)
            return
        if item:
            self.note_name(need, item)

    def _mark(self, item: FoundItem, external_id: str, *, at: float) -> None:
        """Set the external id of an adopted Item. The Item is adopted whatever NetSuite responds: the mark is a convenience. A rejection is
        one problem for all Items.
        """
        try:
            self.remotes.netsuite.set_item_external_id(item, external_id)
        except (Transient, OutcomeUnknown) as error:
            log.warning("Item %s was adopted, but its external id may not have been set: %s", item.name, error)
        except SyncError as error:
            facts = {"name": item.name, "answer": str(error) or type(error).__name__}
            if self.stores.ledger.report(ADOPTED_ITEMS, Cause.EXTERNAL_ID_NOT_SET, facts, at=at):
                log.warning("%s", describe(Cause.EXTERNAL_ID_NOT_SET, facts).sentence)
        else:
            self.stores.ledger.resolve(ADOPTED_ITEMS)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The Item that a code needs, for one attempt (`worker/engine/exactly_once.py`)."""

    writer: ItemWriter
    key: CodeKey
    waiting: Record
    need: ItemNeed
    lock: Lock
    series: ClassVar[Series] = Series.ITEMS

    @property
    def name(self) -> str:
        return self.need.name

    def look_up(self, sent: Record | None, *, exists: bool = False) -> FoundItem | None:
        """Find the Item by external id, which NetSuite shows immediately, then by external id or name in SuiteQL, which may lag behind writes."""
        if sent is None and not self.waiting.attempts:
            # Nothing was ever sent, and its code was looked up recently.
            return None
        if item := self.writer.remotes.netsuite.item_by_external_id(self.need.external_id):
            return item_for(self.need, [item], {})
        found = self.writer.remotes.netsuite.find_items(
            external_ids=[self.need.external_id], names=[self.need.name], ignoring_case=exists
        )
        return item_for(self.need, found, self.writer.adopted_by(self.key.project_id, found))

    def same(self, found: FoundItem, sent: Record | None) -> bool:
        ours = same_external_id(found.external_id, self.need.external_id)
        if ours and sent:
            # Its write got no answer, so it was not read back either.
            self.writer.note_name(self.need, found)
        return ours

    def reserve(self) -> Outcome | None:
        return None

    def create(self, leaving: Callable[[], None]) -> FoundItem:
        item_id = self.writer.remotes.netsuite.create_item(self.need, before_sending=leaving)
        return FoundItem(item_id, self.need.name, self.need.external_id, OTHER_CHARGE, "", inactive=False)

    def accept(self, found: FoundItem, *, ours: bool, sent: Record | None = None, created: bool = False) -> Outcome:
        if created:
            return self.writer.record_created(self.key, found, self.need, self.lock)
        event = AuditEvent(EventKind.FOUND if ours else EventKind.ADOPTED, {"id": found.id})
        return self.writer.record_found(self.key, found, self.need.name, ours=ours, at=self.lock.at, event=event)

    def given_up(self, record: Record) -> Blocked:
        facts = {"name": record.name, "answer": record.detail or "no Item was created"}
        return Blocked(cause=Cause.ITEM_REJECTED, facts=facts)


def outcome_now(record: Record | None) -> Outcome:
    """Return the current ledger record of a code as an outcome."""
    return outcome_of(record) if record else Outcome(OutcomeKind.WAITING, reason="not known yet")
