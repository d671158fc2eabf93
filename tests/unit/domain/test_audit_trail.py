"""A history is assembled when it is read: from the start of the record, the lines of its journal, and its current state."""

from __future__ import annotations

import pytest

from worker.domain.audit_trail import ENDS, SENTENCES, AuditEvent, EventKind, JournalEntry, history
from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause

MADE = Record(State.CREATED, "24-017", "5871", at=30.0, seen=10, by="schedule")


def entry(what: EventKind, at: int = 20, **facts: str) -> JournalEntry:
    return JournalEntry(at, at, 1, AuditEvent(what, facts))


def whats(record: Record | None, *entries: JournalEntry, of_code: bool = True) -> list[str]:
    return [str(step.what) for step in history(record, entries, of_code=of_code)]


@pytest.mark.parametrize("what", EventKind)
def test_every_event_has_a_sentence_even_without_its_facts(what: EventKind) -> None:
    assert (what in SENTENCES) is (what is not EventKind.BLOCKED)
    assert entry(what).sentence


def test_a_problem_has_the_sentence_of_the_catalogue() -> None:
    sentence = entry(EventKind.BLOCKED, cause=Cause.NAME_HAS_COLON, name="a : b").sentence
    assert sentence.startswith("Problem (name_has_colon): The Item name 'a : b' contains ' : '")


def test_a_cause_of_a_later_version_is_still_shown() -> None:
    assert entry(EventKind.BLOCKED, cause="of a later version").sentence.startswith("Problem (unexpected)")


def test_the_usual_events_are_derived_from_the_record() -> None:
    assert whats(MADE) == ["seen", "created"]
    assert [step.at for step in history(MADE, (), of_code=True)] == [10, 30.0]
    assert "requested by: schedule" in history(MADE, (), of_code=True)[0].sentence


def test_a_result_in_the_journal_is_not_shown_twice() -> None:
    for what in ENDS:
        assert whats(MADE, entry(EventKind.NO_ANSWER), entry(what), entry(EventKind.BLOCKED)) == ["seen", "no_answer", what, "blocked"]  # fmt: skip


def test_a_write_in_progress_is_shown_even_if_the_journal_has_no_event() -> None:
    intent = Record(State.INTENT, "24-017", at=30.0, sent_at=30.0, attempts=1, seen=10)
    assert whats(intent) == ["seen", "sent"]
    assert whats(intent, entry(EventKind.SENT), of_code=False) == ["seen", "sent"]


def test_the_history_begins_no_later_than_its_first_line() -> None:
    steps = history(MADE, [entry(EventKind.WAITING_FOR_ITEMS, at=7)], of_code=True)
    assert [step.at for step in steps] == [7, 7, 30.0]


def test_a_restored_record_says_that_its_earlier_history_is_unknown() -> None:
    restored = Record(State.CREATED, "24-017", "5871", at=30.0)
    assert whats(restored) == ["known"]


def test_a_code_that_was_never_seen_has_no_events() -> None:
    assert whats(None) == []
    assert whats(None, entry(EventKind.REMOTE_PAUSED)) == ["remote_paused"]
