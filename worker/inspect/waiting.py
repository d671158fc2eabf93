"""Finds the invoice and the code that have waited longest without a result or a problem, and why they wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from worker.domain.audit_trail import clock
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import State
from worker.domain.series import Series
from worker.domain.work import Lane
from worker.inspect.pauses import Pauses
from worker.store.stores import Stores


class Reason(StrEnum):
    """Reasons why a record is waiting."""

    PAUSED = "paused"
    SERIES_STOPPED = "series_stopped"
    UNCONFIRMED = "unconfirmed"
    IN_PROGRESS = "in_progress"
    NOT_BEGUN = "not_begun"
    SCHEDULED = "scheduled"
    DUE = "due"
    IN_NO_LANE = "in_no_lane"


@dataclass(frozen=True, slots=True)
class WaitingRecord:
    """One invoice or code (`record`). `since`: unix seconds; `sentence`: the reason with its times and messages."""

    record: str
    key: str
    name: str
    since: float
    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Finds the longest-waiting records with a fixed number of commands, however many are waiting."""

    stores: Stores
    pauses: Pauses

    def oldest(self) -> list[WaitingRecord]:
        """Return the longest-waiting invoice and code, if any. Raises RedisError."""
        return [*self._invoice(), *self._code()]

    def _invoice(self) -> Iterator[WaitingRecord]:
        if oldest := self.stores.work.oldest_invoice():
            key = InvoiceKey.parse(oldest[0])
            record = self.stores.ledger.invoice(key)
            name = record.name if record and record.name else f"id {key.invoice_id}"
            reason, sentence = self._why(Lane.EXPORTS, key, in_doubt=bool(record and record.in_doubt))
            yield WaitingRecord("invoice", str(key), name, oldest[1], reason, sentence)

    def _code(self) -> Iterator[WaitingRecord]:
        for group in self.stores.ledger.unfinished():
            if (group.kind, group.state) == ("code", State.WAITING) and group.count:
                key = CodeKey.parse(group.oldest)
                record = self.stores.ledger.code(key)
                reason, sentence = self._why(Lane.ITEMS, key, in_doubt=False)
                name = record.name if record else f"id {key.wbs_code_id}"
                yield WaitingRecord("code", str(key), name, group.since, reason, sentence)

    def _why(self, lane: Lane, key: InvoiceKey | CodeKey, *, in_doubt: bool) -> tuple[Reason, str]:
        work = str(key)
        if self.stores.work.is_begun(lane, work):
            return Reason.IN_PROGRESS, "a worker is processing it."
        if paused := self.pauses.of(lane, work):
            return Reason.PAUSED, paused[0].sentence
        series = Series.ITEMS if lane is Lane.ITEMS else Series.BILLS
        if self.stores.ledger.is_problem(series.problem_key):
            return Reason.SERIES_STOPPED, f"writing {series} is stopped: see `wbs-sync problems`."
        due, in_hand = self.stores.work.waits_until(lane, work), self.stores.work.is_in_progress(lane, work)
        if in_doubt:
            again = f" at {clock(due)}" if due else ""
            return Reason.UNCONFIRMED, f"NetSuite did not confirm its write; the record is looked up again{again}."
        if in_hand:
            return Reason.NOT_BEGUN, "it is dispatched, and no worker has started it."
        if due is None:
            return Reason.IN_NO_LANE, "it is in no lane; the next scan or export picks it up."
        if due > self.stores.now():
            return Reason.SCHEDULED, f"the next attempt is at {clock(due)}.{self._last_event(key)}"
        return Reason.DUE, "it is due, and no worker has claimed it."

    def _last_event(self, key: InvoiceKey | CodeKey) -> str:
        entries = self.stores.ledger.journal.of(key)
        return f" {entries[-1].sentence}." if entries else ""
