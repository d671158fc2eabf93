"""The audit trail of one code or one invoice, stored as short stable codes. Sentences are built when read, so they may change between versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause, cause_of, describe

LONGEST_FACT = 160
"""Maximum length of a response or name in the journal, enough to recognize it. The open problem has the whole text."""


class What(StrEnum):
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
    What.QUEUED: "planned",
    What.CHECKED: "looked",
    What.ALREADY_BILLED: "named",
    What.WAITING_FOR_ITEMS: "items_first",
    What.REMOTE_PAUSED: "held",
    What.SETTLING: "held_back",
    What.CLEARED: "forgotten",
    What.DECISION_UNDONE: "decision_taken_back",
    What.ALREADY_EXISTS: "exists",
}
"""Codes of the journal that differ from the event's: the first that the event ever had, so that versions before and after a renaming agree."""

ENDS = frozenset({What.FOUND, What.CREATED, What.ADOPTED, What.SETTLED, What.ALREADY_BILLED, What.WRITTEN_BACK})
"""Events after which the record exists in NetSuite and the journal says so."""
SENTENCES = {
    What.QUEUED: "Queued again{by_whom}",
    What.SENT: "Sent to NetSuite (attempt {attempt}), after saving the intent",
    What.NO_ANSWER: "NetSuite did not confirm the write of {sent_clock}: {answer}",
    What.ALREADY_EXISTS: "Not created, because NetSuite already has one: {answer}",
    What.CHECKED: "Checked NetSuite for the write of {sent_clock}: not there yet",
    What.FOUND: "Found in NetSuite with the external id of wbs-sync: {id}",
    What.CREATED: "Created in NetSuite: {id}",
    What.POSTED_ELSEWHERE: "Posted in {period}, not in the period of its date {date}",
    What.ADOPTED: "Matching record entered by hand found in NetSuite and adopted: {id}",
    What.SETTLED: "Entered by hand in NetSuite with the same vendor, number and amount: {id}",
    What.ALREADY_BILLED: "Procore already has its bill id: {id}",
    What.WRITTEN_BACK: "Bill id saved to Procore: origin id {origin_id}",
    What.WAITING_FOR_ITEMS: "Waiting for {count} Items",
    What.FAILED: "Attempt failed: {answer}",
    What.REMOTE_PAUSED: "All {remote} work is paused: {answer}",
    What.SETTLING: "Waiting for the settle window, because Redis was lost or restarted",
    What.PAUSED: "Paused: {why}",
    What.SKIPPED: "Skipped: {why}",
    What.DECIDED: "Decision by {by}: {decided}{noted}",
    What.DECISION_UNDONE: "Decision undone by {by}, which was: {why}{noted}",
    What.CLEARED: "Cleared from the ledger by {by}; recorded with id {id} since {known_clock}: {why}{noted}",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One event. `facts`: placeholders of its sentence; `again_at`: time of the next attempt in unix seconds, 0 = not known."""

    what: What
    facts: Mapping[str, str] = field(default_factory=dict)
    again_at: float = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal: an event that occurred `times` times in a row, first `at`, last `until` (unix seconds of Redis' clock)."""

    at: int
    until: int
    times: int
    happening: Happening

    @property
    def sentence(self) -> str:
        """The entry as a sentence. Never raises: a missing fact is shown as `?`."""
        what, facts = self.happening.what, self.happening.facts
        if what is What.BLOCKED:
            cause = cause_of(facts.get("cause", ""))
            return f"Problem ({cause}): {describe(cause, facts).sentence}"
        by_whom = f" (requested by: {facts['by']})" if facts.get("by") else ""
        noted = f" ({facts['note']})" if facts.get("note") else ""
        bill = f", NetSuite id {facts['id']}" if what is What.DECIDED and facts.get("id") else ""
        decided = facts.get("what", "?").replace("_", " ") + bill
        clocks = {f"{name}_clock": clock(float(facts.get(name) or 0)) for name in ("sent", "known")}
        return SENTENCES[what].format_map(_Facts(facts, by_whom=by_whom, noted=noted, decided=decided, **clocks))


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def clock(at: float) -> str:
    """Format a time in UTC to the second; `?` for none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "?"


def told_by(record: Record, *, of_code: bool) -> Happening | None:
    """Return the event that writing a record adds to the journal.

    None for a code on the usual path: recorded, sent once, created or adopted. Its record contains all of that, and there are as many
    records as codes. An invoice's path is recorded step by step.
    """
    match record.state:
        case State.BLOCKED:
            return Happening(What.BLOCKED, {"cause": (record.cause or Cause.UNEXPECTED).stored, **record.facts})
        case State.UNKNOWN:
            return Happening(What.NO_ANSWER, {"answer": record.detail, "sent": str(int(record.at))})
        case State.SKIPPED:
            return Happening(What.SKIPPED, {"why": record.detail})
        case State.INTENT if record.attempts > 1 or not of_code:
            return Happening(What.SENT, {"attempt": str(record.attempts)})
        case State.CREATED if not of_code:
            return Happening(What.ALREADY_BILLED, {"id": record.remote_id})
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the history: `what` is a stable code; times in unix seconds, `next_attempt_at` 0 if none was set."""

    at: float
    until: float
    times: int
    what: str
    sentence: str
    next_attempt_at: float = 0


def story(record: Record | None, entries: Sequence[Entry], *, of_code: bool) -> list[Step]:
    """Return the history in order: the beginning from the record, the journal, and the end from the record."""
    # The record has nothing from before it was last cleared, which was about another Item or bill.
    begins = max((place for place, one in enumerate(entries, 1) if one.happening.what is What.CLEARED), default=0)
    earlier, entries = entries[:begins], entries[begins:]
    steps = [_told(entry) for entry in earlier]
    if record and entries and (asked := entries[0].happening).what is What.QUEUED and not record.by:
        # The request is the first thing known of the record, so it is the beginning and not a separate step.
        record, entries = replace(record, by=asked.facts.get("by", ""), seen=record.seen and entries[0].at), entries[1:]
    steps += [_beginning(record, entries)] if record and (record.seen or record.done) else []
    steps += [_told(entry) for entry in entries]
    if record and record.seen and (end := _end(record, entries, of_code=of_code)):
        steps.append(Step(record.at, record.at, 1, end.what, Entry(0, 0, 1, end).sentence))
    return steps


def _told(entry: Entry) -> Step:
    what, again_at = entry.happening.what, entry.happening.again_at
    return Step(entry.at, entry.until, entry.times, what, entry.sentence, again_at)


def _beginning(record: Record, entries: Sequence[Entry]) -> Step:
    if not record.seen:
        sentence = f"In NetSuite: {record.remote_id}. Earlier history is not kept"
        return Step(record.at, record.at, 1, "known", sentence)
    # An invoice gets its record at its first write or its end, which may be moments after the first entry of its journal.
    seen = min([record.seen, *(entry.at for entry in entries[:1])])
    return Step(seen, seen, 1, "seen", f"First seen (requested by: {record.by or 'separate request'})")


def _end(record: Record, entries: Sequence[Entry], *, of_code: bool) -> Happening | None:
    """Return the end of the usual path, which is not in the journal; None if the journal has it."""
    if record.done and not any(entry.happening.what in ENDS for entry in entries):
        what = What.CREATED if record.state is State.CREATED else What.ADOPTED
        return Happening(what, {"id": record.remote_id})
    if record.state is State.INTENT and of_code and record.attempts == 1:
        return Happening(What.SENT, {"attempt": "1"})
    return None
