"""The journal keeps events in order and briefly, for a stated time, and its size is limited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.domain.audit_trail import LONGEST_FACT, AuditEvent, EventKind
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Children, Record, State
from worker.domain.problems import Cause
from worker.domain.work import EXPORTS_OF_ALL, SCAN_OF_ALL, Lane, RunKind, scan_of
from worker.store.keys import Keys
from worker.store.lanes import Lanes
from worker.store.ledger import FOR_AN_INVOICE, Journal, Ledger
from worker.store.locks import LeaseKeeper, Locks
from worker.store.runs import Runs

CODE = CodeKey(17, 901)
INVOICE = InvoiceKey(17, 417)
WAITING = Record(State.WAITING, "24-017-01-100.S", at=1.0, code="01-100.S")
CREATED = Record(State.CREATED, "24-017-01-100.S", "5871", at=5.0)
BLOCKED = Record(State.BLOCKED, "x", at=100.0, cause=Cause.NAME_TOO_LONG, facts={"name": "x", "limit": "60"})
CHECKED = AuditEvent(EventKind.CHECKED, {"sent": "5"})
FAILED = AuditEvent(EventKind.FAILED, {"answer": "503"}, again_at=1_800_000_000.2)


@pytest.fixture
def journal(client: Redis) -> Journal:
    return Journal(client, PREFIX)


@pytest.fixture
def ledger(client: Redis) -> Ledger:
    ledger = Ledger(client, PREFIX)
    ledger.state.open(since=0)
    return ledger


def kinds_and_counts(ledger: Ledger, key: CodeKey | InvoiceKey = CODE) -> list[tuple[EventKind, int]]:
    return [(entry.event.kind, entry.times) for entry in ledger.journal.of(key)]


# Lines


def test_lines_are_read_in_the_order_in_which_they_were_written(journal: Journal) -> None:
    assert journal.of(CODE) == []
    for event in (FAILED, CHECKED, FAILED):
        journal.add(CODE, event)
    lines = journal.of(CODE)
    assert [line.event for line in lines] == [replace(FAILED, again_at=1_800_000_001), CHECKED, lines[0].event]
    assert [line.at for line in lines] == sorted(line.at for line in lines)


def test_a_repeated_event_is_counted_on_its_line_with_the_newest_time(journal: Journal) -> None:
    for again_at in (10.0, 20.0, 30.0):
        journal.add(CODE, replace(CHECKED, again_at=again_at))
    (line,) = journal.of(CODE)
    assert (line.times, line.event.again_at) == (3, 30)
    assert line.at <= line.until


@pytest.mark.parametrize("answer", ['a "quoted", one', "a\nb", "é,1,2,3", '","found",{', "{}[]%d+(.*)$"])
def test_whatever_a_remote_answered_is_read_back_and_known_again(journal: Journal, answer: str) -> None:
    event = AuditEvent(EventKind.NO_ANSWER, {"answer": answer})
    journal.add(CODE, event)
    journal.add(CODE, event)
    (line,) = journal.of(CODE)
    assert (line.event, line.times) == (event, 2)


def test_a_long_answer_is_kept_short(journal: Journal) -> None:
    journal.add(CODE, AuditEvent(EventKind.FAILED, {"answer": "x" * 10_000}))
    (line,) = journal.of(CODE)
    assert line.event.facts == {"answer": "x" * (LONGEST_FACT - 1) + "…"}


def test_a_journal_grows_to_its_length_and_keeps_the_latest(journal: Journal) -> None:
    for number in range(65):
        journal.add(CODE, AuditEvent(EventKind.FAILED, {"answer": str(number)}))
    answers = [line.event.facts["answer"] for line in journal.of(CODE)]
    assert answers == [str(number) for number in range(5, 65)]


def test_a_journal_is_kept_for_its_time_after_the_last_line(journal: Journal, client: Redis) -> None:
    kept = 400 * 86_400
    journal.add(CODE, FAILED)
    client.expire(Keys(PREFIX).journal(CODE), 5)
    journal.add(CODE, FAILED)
    assert kept - 60 < client.ttl(Keys(PREFIX).journal(CODE)) <= kept


def test_each_code_and_each_invoice_has_its_own_journal(journal: Journal) -> None:
    for key in (CodeKey(17, 5), InvoiceKey(17, 5), CodeKey(18, 5)):
        journal.add(key, AuditEvent(EventKind.FAILED, {"answer": str(key)}))
    assert [line.event.facts["answer"] for line in journal.of(InvoiceKey(17, 5))] == ["invoice:17:5"]


# What the ledger adds


def test_an_uneventful_code_has_no_journal_and_its_record_keeps_its_start(
    ledger: Ledger, client: Redis, keeper: LeaseKeeper
) -> None:
    """The record keeps when the code was first seen and what asked for it."""
    Runs(client, PREFIX).begin(RunKind.SCAN, "schedule", [scan_of(17)])
    ledger.add_waiting(17, {901: WAITING})
    first = ledger.code(CODE)
    assert first is not None
    with Locks(client, PREFIX, keeper).hold(str(CODE)) as lock:
        assert lock is not None
        intent = replace(WAITING, state=State.INTENT, sent_at=lock.now(), attempts=1, fence=lock.fence)
        assert ledger.intend(CODE, intent, lock)
    ledger.write(CODE, CREATED)
    record = ledger.code(CODE)
    assert record == CREATED
    assert (record.seen, record.by) == (first.seen, "schedule")
    assert first.seen > 1_700_000_000
    assert kinds_and_counts(ledger) == []


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (BLOCKED, EventKind.BLOCKED),
        (Record(State.UNKNOWN, "x", at=5.0, detail="ReadTimeout"), EventKind.NO_ANSWER),
        (Record(State.SKIPPED, detail="gone"), EventKind.SKIPPED),
    ],
)
def test_writing_an_unusual_record_adds_its_event(ledger: Ledger, record: Record, what: EventKind) -> None:
    ledger.write(CODE, record)
    assert kinds_and_counts(ledger) == [(what, 1)]


def test_a_record_that_the_ledger_refuses_adds_no_event(ledger: Ledger) -> None:
    ledger.write(CODE, CREATED)
    assert not ledger.write(CODE, BLOCKED)
    assert kinds_and_counts(ledger) == []


def test_a_code_that_stays_blocked_is_one_line_until_it_is_planned_again(ledger: Ledger) -> None:
    """The line has a count, and the next line says what caused the new plan."""
    for at in (100.0, 200.0, 300.0):
        ledger.write(CODE, replace(BLOCKED, at=at))
    ledger.add_waiting(17, {901: WAITING}, by="a retry")
    ledger.add_waiting(17, {901: WAITING})
    assert kinds_and_counts(ledger) == [(EventKind.BLOCKED, 3), (EventKind.QUEUED, 1)]
    assert ledger.journal.of(CODE)[-1].event.facts == {"by": "a retry"}
    assert [one.key for one in ledger.problems()] == [str(CODE)]


def test_a_records_problem_is_in_its_journal_and_a_remotes_in_none(ledger: Ledger, client: Redis) -> None:
    """This holds for a problem that is reported without a new state of the record."""
    ledger.report(str(CODE), Cause.RETRIES_EXHAUSTED, {"attempts": "12", "answer": "503"}, at=1.0)
    ledger.report("remote:netsuite", Cause.NETSUITE_LOGIN, {"answer": "401"}, at=1.0)
    (line,) = ledger.journal.of(CODE)
    assert line.event.facts == {"cause": Cause.RETRIES_EXHAUSTED.stored, "attempts": "12", "answer": "503"}
    assert client.keys(f"{PREFIX}journal:*") == [Keys(PREFIX).journal(CODE)]


def test_the_beginning_is_kept_whatever_is_written_later_and_by_whom(ledger: Ledger, client: Redis) -> None:
    work, runs = Lanes(client, PREFIX), Runs(client, PREFIX)
    runs.begin(RunKind.EXPORT, "first", [EXPORTS_OF_ALL])
    work.spawn(EXPORTS_OF_ALL, Lane.LISTINGS, Children([str(INVOICE)], Lane.EXPORTS))
    ledger.write(INVOICE, BLOCKED)
    before = ledger.invoice(INVOICE)
    assert before is not None
    assert before.by == "first"
    work.close(Lane.EXPORTS, str(INVOICE), None)
    runs.begin(RunKind.EXPORT, "second", [EXPORTS_OF_ALL])
    for record in (Record(State.SKIPPED, detail="a draft"), Record(State.WAITING, by="else", seen=7), CREATED):
        ledger.write(INVOICE, record)
        now = ledger.invoice(INVOICE)
        assert now is not None
        assert (now.seen, now.by) == (before.seen, "first")


def test_a_run_that_waits_for_other_work_did_not_ask_for_this(ledger: Ledger, client: Redis) -> None:
    Runs(client, PREFIX).begin(RunKind.SCAN, "schedule", [scan_of(18), SCAN_OF_ALL])
    ledger.add_waiting(17, {901: WAITING})
    ledger.write(CodeKey(17, 902), BLOCKED)
    ledger.write(CodeKey(17, 903), replace(BLOCKED, for_invoice=True))
    assert [record.by for record in ledger.codes(17).values()] == ["", "", FOR_AN_INVOICE]


@pytest.mark.parametrize("trigger", ["x" * 100, "é" * 50, "a" + "é" * 50, "€" * 30, "😀" * 20, "ab😀" * 20])
def test_a_long_trigger_is_kept_as_its_beginning_without_half_a_character(
    ledger: Ledger, client: Redis, trigger: str
) -> None:
    Runs(client, PREFIX).begin(RunKind.SCAN, trigger, [scan_of(17)])
    ledger.add_waiting(17, {901: WAITING})
    record = ledger.code(CODE)
    assert record is not None
    assert trigger.startswith(record.by)
    assert 12 <= len(record.by.encode()) <= 16


def test_what_was_restored_from_netsuite_has_no_beginning(ledger: Ledger) -> None:
    ledger.restore({CODE: CREATED})
    record = ledger.code(CODE)
    assert record is not None
    assert record.seen == 0


# What it costs


def _bytes_kept(server: Redis) -> int:
    """Return the bytes of the keys alone, without what the server needs for its connections."""
    return sum(int(server.memory_usage(key, samples=0) or 0) for key in server.keys(f"{PREFIX}*"))


def test_a_code_that_was_scanned_and_made_costs_less_than_200_bytes(server: Redis, keeper: LeaseKeeper) -> None:
    """This includes its record with its start; it has no journal. Measured over projects of 100 codes."""
    ledger, projects = Ledger(server, PREFIX), range(1, 51)
    Runs(server, PREFIX).begin(RunKind.SCAN, "a long trigger" * 7, [scan_of(project) for project in projects])
    for project in projects:
        numbers = range(182_877_000 + project * 100, 182_877_100 + project * 100)
        ledger.add_waiting(project, {number: replace(WAITING, name=f"24-{project:05d}-01-100.S") for number in numbers})
        for number in numbers:
            made = Record(State.CREATED, f"24-{project:05d}-01-100.S", str(number % 1_000_000), at=1_764_000_000.123456)
            ledger.write(CodeKey(project, number), made)
    assert _bytes_kept(server) / 5_000 <= 200
    assert server.keys(f"{PREFIX}journal:*") == []


def test_a_journal_of_one_line_costs_some_hundred_bytes(server: Redis) -> None:
    """A stream would take 4,400."""
    ledger = Ledger(server, PREFIX)
    for number in range(1_000):
        ledger.journal.add(CodeKey(17, number), AuditEvent(EventKind.NO_ANSWER, {"answer": "ReadTimeout", "sent": "5"}))
    assert _bytes_kept(server) / 1_000 <= 450
