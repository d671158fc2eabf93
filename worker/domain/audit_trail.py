"""The audit trail of one code or one invoice, stored as short stable codes. Sentences are built when read, so they may change between versions."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause, cause_of, describe
from worker.domain.texts import shortened

LONGEST_FACT = 160
"""Maximum length of a response or name in the journal, enough to recognize it. The open problem has the whole text."""


class EventKind(StrEnum):
    """Event codes of the journal. They are stored, so their meaning never changes."""

    QUEUED = "queued"
    SENT = "sent"
    NO_ANSWER = "no_answer"
    ALREADY_EXISTS = "already_exists"
    CHECKED = "checked"
    FOUND = "found"
    CREATED = "created"
    POSTED_ELSEWHERE = "posted_elsewhere"
    ADOPTED = "adopted"
    SETTLED = "settled"
    ALREADY_BILLED = "already_billed"
    WRITTEN_BACK = "written_back"
    WAITING_FOR_ITEMS = "waiting_for_items"
    FAILED = "failed"
    REMOTE_PAUSED = "remote_paused"
    SETTLING = "settling"
    PAUSED = "paused"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    CLEARED = "cleared"
    DECIDED = "decided"
    DECISION_UNDONE = "decision_undone"


STORED_AS = {
    EventKind.QUEUED: "planned",
    EventKind.CHECKED: "looked",
    EventKind.ALREADY_BILLED: "named",
    EventKind.WAITING_FOR_ITEMS: "items_first",
    EventKind.REMOTE_PAUSED: "held",
    EventKind.SETTLING: "held_back",
    EventKind.CLEARED: "forgotten",
    EventKind.DECISION_UNDONE: "decision_taken_back",
    EventKind.ALREADY_EXISTS: "exists",
}
"""Codes of the journal that differ from the event's: the first that the event ever had, so that versions before and after a renaming agree."""
_KINDS = {STORED_AS.get(kind, kind.value): kind for kind in EventKind}

ENDS = frozenset(
    {
        EventKind.FOUND,
        EventKind.CREATED,
        EventKind.ADOPTED,
        EventKind.SETTLED,
        EventKind.ALREADY_BILLED,
        EventKind.WRITTEN_BACK,
    }
)
"""Events after which the record exists in NetSuite and the journal says so."""
SENTENCES = {
    EventKind.QUEUED: "Queued again{by_whom}",
    EventKind.SENT: "Sent to NetSuite (attempt {attempt}), after saving the intent",
    EventKind.NO_ANSWER: "NetSuite did not confirm the write of {sent_clock}: {answer}",
    EventKind.ALREADY_EXISTS: "Not created, because NetSuite already has one: {answer}",
    EventKind.CHECKED: "Checked NetSuite for the write of {sent_clock}: not there yet",
    EventKind.FOUND: "Found in NetSuite with the external id of wbs-sync: {id}",
    EventKind.CREATED: "Created in NetSuite: {id}",
    EventKind.POSTED_ELSEWHERE: "Posted in {period}, not in the period of its date {date}",
    EventKind.ADOPTED: "Matching record entered by hand found in NetSuite and adopted: {id}",
    EventKind.SETTLED: "Entered by hand in NetSuite with the same vendor, number and amount: {id}",
    EventKind.ALREADY_BILLED: "Procore already has its bill id: {id}",
    EventKind.WRITTEN_BACK: "Bill id saved to Procore: origin id {origin_id}",
    EventKind.WAITING_FOR_ITEMS: "Waiting for {count} Items",
    EventKind.FAILED: "Attempt failed: {answer}",
    EventKind.REMOTE_PAUSED: "All {remote} work is paused: {answer}",
    EventKind.SETTLING: "Waiting before the write, because Redis is new, or was lost or restarted",
    EventKind.PAUSED: "Paused: {why}",
    EventKind.SKIPPED: "Skipped: {why}",
    EventKind.DECIDED: "Decision by {by}: {decided}{noted}",
    EventKind.DECISION_UNDONE: "Decision undone by {by}, which was: {why}{noted}",
    EventKind.CLEARED: "Cleared from the ledger by {by}; recorded with id {id} since {known_clock}: {why}{noted}",
}


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event. `facts`: placeholders of its sentence; `again_at`: time of the next attempt in unix seconds, 0 = not known."""

    kind: EventKind
    facts: Mapping[str, str] = field(default_factory=dict)
    again_at: float = 0


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A line of the journal: an event that occurred `times` times in a row, first `at`, last `until` (unix seconds of Redis' clock)."""

    at: int
    until: int
    times: int
    event: AuditEvent

    @classmethod
    def of(cls, line: str) -> JournalEntry | None:
        """Return the entry from the line that the store has (`event_args`); None for an event of a kind that only a newer version knows."""
        at, until, times, again_at, code, *facts = json.loads(f"[{line}]")
        kind = _KINDS.get(code)
        return cls(at, until, times, AuditEvent(kind, facts[0] if facts else {}, again_at)) if kind else None

    @property
    def sentence(self) -> str:
        """The entry as a sentence. Never raises: a missing fact is shown as `?`."""
        kind, facts = self.event.kind, self.event.facts
        if kind is EventKind.BLOCKED:
            cause = cause_of(facts.get("cause", ""))
            return f"Problem ({cause}): {describe(cause, facts).sentence}"
        by_whom = f" (requested by: {facts['by']})" if facts.get("by") else ""
        noted = f" ({facts['note']})" if facts.get("note") else ""
        bill = f", NetSuite id {facts['id']}" if kind is EventKind.DECIDED and facts.get("id") else ""
        decided = facts.get("what", "?").replace("_", " ") + bill
        clocks = {f"{name}_clock": clock(float(facts.get(name) or 0)) for name in ("sent", "known")}
        return SENTENCES[kind].format_map(_Facts(facts, by_whom=by_whom, noted=noted, decided=decided, **clocks))


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def clock(at: float) -> str:
    """Format a time in UTC to the second; `?` for none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "?"


def event_args(event: AuditEvent | None) -> tuple[str, int]:
    """Return the arguments by which a script adds an event: its JSON without the brackets ("" for no event), and `again_at` in whole unix
    seconds.
    """
    if event is None:
        return "", 0
    facts = {name: shortened(value, LONGEST_FACT) for name, value in event.facts.items() if value}
    code = STORED_AS.get(event.kind, event.kind.value)
    parts = [code, facts] if facts else [code]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return text[1:-1], math.ceil(event.again_at)


def event_of_record(record: Record, *, of_code: bool) -> AuditEvent | None:
    """Return the event that writing a record adds to the journal.

    None for a code on the usual path: recorded, sent once, created or adopted. Its record contains all of that, and there are as many
    records as codes. An invoice's path is recorded step by step.
    """
    match record.state:
        case State.BLOCKED:
            return AuditEvent(EventKind.BLOCKED, {"cause": (record.cause or Cause.UNEXPECTED).stored, **record.facts})
        case State.UNKNOWN:
            return AuditEvent(EventKind.NO_ANSWER, {"answer": record.detail, "sent": str(int(record.at))})
        case State.SKIPPED:
            return AuditEvent(EventKind.SKIPPED, {"why": record.detail})
        case State.INTENT if record.attempts > 1 or not of_code:
            return AuditEvent(EventKind.SENT, {"attempt": str(record.attempts)})
        case State.CREATED if not of_code:
            return AuditEvent(EventKind.ALREADY_BILLED, {"id": record.remote_id})
        case _:
            return None


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One line of the history: `what` is a stable code; times in unix seconds, `next_attempt_at` 0 if none was set."""

    at: float
    until: float
    times: int
    what: str
    sentence: str
    next_attempt_at: float = 0


def history(record: Record | None, entries: Sequence[JournalEntry], *, of_code: bool) -> list[HistoryStep]:
    """Return the history in order: the beginning from the record, the journal, and the end from the record."""
    # The record has nothing from before it was last cleared, which was about another Item or bill.
    begins = max((place for place, one in enumerate(entries, 1) if one.event.kind is EventKind.CLEARED), default=0)
    earlier, entries = entries[:begins], entries[begins:]
    steps = [_step(entry) for entry in earlier]
    if record and entries and (first := entries[0].event).kind is EventKind.QUEUED and not record.by:
        # The request is the first thing known of the record, so it is the beginning and not a separate step.
        record, entries = replace(record, by=first.facts.get("by", ""), seen=record.seen and entries[0].at), entries[1:]
    steps += [_beginning(record, entries)] if record and (record.seen or record.done) else []
    steps += [_step(entry) for entry in entries]
    if record and record.seen and (end := _end(record, entries, of_code=of_code)):
        steps.append(HistoryStep(record.at, record.at, 1, end.kind, JournalEntry(0, 0, 1, end).sentence))
    return steps


def _step(entry: JournalEntry) -> HistoryStep:
    kind, again_at = entry.event.kind, entry.event.again_at
    return HistoryStep(entry.at, entry.until, entry.times, kind, entry.sentence, again_at)


def _beginning(record: Record, entries: Sequence[JournalEntry]) -> HistoryStep:
    if not record.seen:
        sentence = f"In NetSuite: {record.remote_id}. Earlier history is not kept"
        return HistoryStep(record.at, record.at, 1, "known", sentence)
    # An invoice gets its record at its first write or its end, which may be moments after the first entry of its journal.
    seen = min([record.seen, *(entry.at for entry in entries[:1])])
    return HistoryStep(seen, seen, 1, "seen", f"First seen (requested by: {record.by or 'separate request'})")


def _end(record: Record, entries: Sequence[JournalEntry], *, of_code: bool) -> AuditEvent | None:
    """Return the end of the usual path, which is not in the journal; None if the journal has it."""
    if record.done and not any(entry.event.kind in ENDS for entry in entries):
        kind = EventKind.CREATED if record.state is State.CREATED else EventKind.ADOPTED
        return AuditEvent(kind, {"id": record.remote_id})
    if record.state is State.INTENT and of_code and record.attempts == 1:
        return AuditEvent(EventKind.SENT, {"attempt": "1"})
    return None
