"""The ledger never forgets what is in NetSuite, and its problems open and close with their records."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.domain.errors import SeriesStopped
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause
from worker.domain.series import Deviation, Series
from worker.store import ledger as ledger_module
from worker.store.keys import Keys
from worker.store.ledger import LEAVES_WITHIN_SECONDS, Ledger, Restored, decode, encode
from worker.store.locks import LeaseKeeper, Locks
from worker.store.series import SeriesState, SeriesStates

CODE = CodeKey(17, 901)
INVOICE = InvoiceKey(17, 417)
CREATED = Record(State.CREATED, "24-017-01-100.S", "5871", at=1_700_000_000.5)
INTENT = Record(State.INTENT, "24-017-01-100.S", at=5.0, sent_at=5.0, attempts=1, fence=3)
WAITING = Record(State.WAITING, "24-017-01-100.S", at=1.0, code="01-100.S", description="Concrete")
BLOCKED = Record(State.BLOCKED, "x", at=100.0, cause=Cause.NAME_TOO_LONG, facts={"name": "x", "limit": "60"})


@pytest.fixture
def ledger(client: Redis) -> Ledger:
    """Return an open ledger."""
    ledger = Ledger(client, PREFIX)
    ledger.state.open(since=0)
    return ledger


@pytest.fixture
def locks(client: Redis, keeper: LeaseKeeper) -> Locks:
    return Locks(client, PREFIX, keeper)


@pytest.mark.parametrize("key", [CODE, INVOICE])
def test_a_written_record_is_read_back(ledger: Ledger, key: CodeKey | InvoiceKey) -> None:
    assert ledger.write(key, BLOCKED)
    assert (ledger.code(CODE) if key is CODE else ledger.invoice(INVOICE)) == BLOCKED


def test_a_record_that_was_never_written_is_none(ledger: Ledger) -> None:
    assert ledger.code(CODE) is None
    assert ledger.codes(17) == {}
    assert ledger.codes(17, []) == {}
    assert ledger.invoices(17, [417]) == {}
    assert ledger.projects() == []


def test_a_code_and_an_invoice_of_the_same_numbers_are_kept_apart(ledger: Ledger) -> None:
    ledger.write(CodeKey(17, 5), CREATED)
    assert ledger.invoice(InvoiceKey(17, 5)) is None


def test_a_projects_records_are_read_together_or_as_requested(ledger: Ledger) -> None:
    """Only the records that were asked for are returned, and none for an unknown code."""
    for number in (1, 2, 3):
        ledger.write(CodeKey(17, number), replace(CREATED, remote_id=str(number)))
    ledger.write(CodeKey(18, 1), CREATED)
    assert {code: record.remote_id for code, record in ledger.codes(17).items()} == {1: "1", 2: "2", 3: "3"}
    assert set(ledger.codes(17, [2, 3, 99])) == {2, 3}
    assert ledger.projects() == [17, 18]


@pytest.mark.parametrize("done", [State.CREATED, State.ADOPTED])
@pytest.mark.parametrize("state", [state for state in State if state not in (State.CREATED, State.ADOPTED)])
def test_a_record_in_netsuite_is_never_reverted(ledger: Ledger, done: State, state: State) -> None:
    recorded = replace(CREATED, state=done)
    ledger.write(CODE, recorded)
    cause = Cause.ITEM_REJECTED if state is State.BLOCKED else None
    assert not ledger.write(CODE, Record(state, "other", fence=99, cause=cause))
    assert ledger.code(CODE) == recorded
    assert ledger.problems() == []


def test_a_record_known_to_be_in_netsuite_may_be_written_again(ledger: Ledger) -> None:
    ledger.write(CODE, CREATED)
    renamed = replace(CREATED, name="renamed in NetSuite")
    assert ledger.write(CODE, renamed)
    assert ledger.code(CODE) == renamed


@pytest.mark.parametrize("doubt", [State.INTENT, State.UNKNOWN])
def test_an_earlier_lock_holder_cannot_overwrite_a_later_ones_doubt(ledger: Ledger, doubt: State) -> None:
    """A record in doubt takes no write with a lower fence."""
    ledger.write(CODE, Record(doubt, "x", fence=7))
    assert not ledger.write(CODE, Record(State.WAITING, "x", fence=6))
    assert not ledger.write(CODE, Record(State.INTENT, "x", fence=6))
    assert ledger.code(CODE) == Record(doubt, "x", fence=7)
    assert ledger.write(CODE, Record(State.UNKNOWN, "x", fence=7))
    assert ledger.write(CODE, Record(State.INTENT, "x", fence=8))


def test_a_record_in_netsuite_ends_every_doubt_whatever_its_fence(ledger: Ledger) -> None:
    ledger.write(CODE, Record(State.UNKNOWN, "x", fence=7))
    assert ledger.write(CODE, CREATED)
    assert ledger.code(CODE) == CREATED


def test_a_code_that_is_not_in_doubt_may_be_planned_by_anybody(ledger: Ledger) -> None:
    ledger.write(CODE, Record(State.SKIPPED, "x", fence=7))
    assert ledger.write(CODE, WAITING)


# Intents


@pytest.mark.parametrize("key", [CODE, INVOICE])
def test_an_intent_is_recorded_only_by_the_holder_of_the_lock(
    ledger: Ledger, locks: Locks, key: CodeKey | InvoiceKey
) -> None:
    with locks.hold(str(key)) as lock:
        assert lock is not None
        intent = replace(INTENT, sent_at=lock.now())
        assert ledger.intend(key, intent, lock)
    assert (ledger.code(CODE) if key is CODE else ledger.invoice(INVOICE)) == intent


def test_a_write_with_an_old_intent_is_not_sent(ledger: Ledger, locks: Locks, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be sent later than its settle time is counted from."""
    monkeypatch.setattr(ledger_module, "LEAVES_WITHIN_SECONDS", LEAVES_WITHIN_SECONDS)
    with locks.hold(str(CODE)) as lock:
        assert lock is not None
        assert not ledger.intend(CODE, replace(INTENT, sent_at=lock.now() - 2), lock)


@pytest.mark.parametrize("now_held_by", [None, "another"])
def test_a_write_is_not_announced_under_a_lock_that_was_lost(
    ledger: Ledger, locks: Locks, client: Redis, now_held_by: str | None
) -> None:
    with locks.hold(str(CODE)) as lock:
        assert lock is not None
        client.delete(lock.key)
        if now_held_by:
            client.set(lock.key, now_held_by)
        assert not ledger.intend(CODE, replace(INTENT, sent_at=lock.now()), lock)
    assert ledger.code(CODE) is None


def test_a_write_is_not_announced_for_a_record_in_netsuite(ledger: Ledger, locks: Locks) -> None:
    ledger.write(CODE, CREATED)
    with locks.hold(str(CODE)) as lock:
        assert lock is not None
        assert not ledger.intend(CODE, replace(INTENT, sent_at=lock.now()), lock)
    assert ledger.code(CODE) == CREATED


@pytest.mark.parametrize("key", [CODE, INVOICE])
def test_a_write_of_a_stopped_series_is_not_announced(
    ledger: Ledger, locks: Locks, client: Redis, key: CodeKey | InvoiceKey
) -> None:
    """A worker that checked before the stop, and waited for its turn since, sends nothing either."""
    series, other_series = (Series.ITEMS, Series.BILLS) if key is CODE else (Series.BILLS, Series.ITEMS)
    states = SeriesStates(client, PREFIX)
    with locks.hold(str(key)) as lock:
        assert lock is not None
        states.stop(other_series, Deviation.TOTAL)
        noted = replace(INTENT, sent_at=lock.now())
        assert ledger.intend(key, noted, lock)
        states.stop(series, Deviation.TOTAL)
        with pytest.raises(SeriesStopped):
            ledger.intend(key, replace(INTENT, sent_at=lock.now(), attempts=2), lock)
        assert (ledger.code(CODE) if key is CODE else ledger.invoice(INVOICE)) == noted
        states.resume(series)
        assert ledger.intend(key, replace(INTENT, sent_at=lock.now(), attempts=2), lock)


def created(ledger: Ledger, locks: Locks, key: CodeKey, record: Record) -> SeriesState:
    with locks.hold(str(key)) as lock:
        assert lock is not None
        return ledger.write_created(key, record, lock)


def test_recording_a_created_record_returns_the_state_of_its_series(
    ledger: Ledger, locks: Locks, client: Redis
) -> None:
    """The state is the one after this record."""
    states = SeriesStates(client, PREFIX)
    assert created(ledger, locks, CODE, CREATED) == states.state(Series.ITEMS)
    states.differs(Series.ITEMS, Deviation.NAME)
    states.agrees(Series.ITEMS, (), at=5.0)
    series = created(ledger, locks, CodeKey(17, 902), replace(CREATED, remote_id="5872"))
    assert series == states.state(Series.ITEMS)
    assert (series.in_a_row, series.agreed_at) == ({Deviation.NAME: 1}, 5.0)


def test_recording_what_was_created_releases_its_lock(ledger: Ledger, locks: Locks) -> None:
    """It does so in the same step: no worker gets the lock before the record is done."""
    with locks.hold(str(CODE), reads=ledger.place(CODE)) as lock:
        assert lock is not None
        assert ledger.intend(CODE, replace(INTENT, sent_at=lock.now()), lock)
        with locks.hold(str(CODE)) as too_early:
            assert too_early is None, "an intent keeps the lock"
        ledger.write_created(CODE, CREATED, lock)
        with locks.hold(str(CODE), reads=ledger.place(CODE)) as next_lock:
            assert next_lock is not None
            record = ledger.read_with(next_lock)
            assert record
            assert record.done


def test_recording_a_created_record_does_not_release_a_lock_of_another(
    ledger: Ledger, locks: Locks, client: Redis
) -> None:
    with locks.hold(str(CODE)) as lock:
        assert lock is not None
        client.delete(lock.key)
        with locks.hold(str(CODE)) as next_lock:
            assert next_lock is not None
            ledger.write_created(CODE, CREATED, lock)
            assert ledger.code(CODE) == CREATED, "a write that NetSuite confirmed is still recorded"
            assert client.get(next_lock.key) == next_lock.token


def test_adopted_items_are_those_of_adopted_records_alone(ledger: Ledger) -> None:
    adopted = Record(State.ADOPTED, "x", "77", at=1.0)
    named_so = replace(CREATED, name='an "adopted" child')
    blocked = replace(BLOCKED, facts={"name": "adopted", "limit": "60"})
    for number, record in enumerate((adopted, named_so, blocked, CREATED, WAITING)):
        ledger.write(CodeKey(17, number), record)
    assert ledger.adopted(17) == {0: "77"}
    assert ledger.adopted(18) == {}


def test_several_problems_are_closed_at_once(ledger: Ledger) -> None:
    for key in ("project:17:budget", "project:17:budget_rows", "project:18:budget"):
        ledger.report(key, Cause.PROJECT_NOT_READABLE, {"project": "x", "what": "budget", "answer": "no"}, at=1.0)
    assert ledger.resolve("project:17:budget", "project:17:budget_rows", "project:17:nothing")
    assert not ledger.resolve("project:17:budget", "project:17:budget_rows")
    assert [one.key for one in ledger.problems()] == ["project:18:budget"]


@pytest.mark.parametrize("key", [CODE, INVOICE])
def test_a_record_is_read_with_its_lock(ledger: Ledger, locks: Locks, key: CodeKey | InvoiceKey) -> None:
    for record in (None, BLOCKED, CREATED):
        if record:
            ledger.write(key, record)
        with locks.hold(str(key), reads=ledger.place(key)) as lock:
            assert lock is not None
            assert ledger.read_with(lock) == record


# A ledger that was lost


@pytest.mark.parametrize("record", [CREATED, WAITING, BLOCKED, Record(State.UNKNOWN, "x"), Record(State.SKIPPED)])
def test_without_a_ledger_results_are_still_recorded(client: Redis, record: Record) -> None:
    ledger = Ledger(client, PREFIX)
    assert ledger.write(CODE, record)
    assert ledger.code(CODE) == record


def test_records_in_netsuite_are_restored_where_the_ledger_has_none(ledger: Ledger) -> None:
    ledger.write(CodeKey(17, 1), WAITING)
    known = {CodeKey(17, 1): CREATED, CodeKey(17, 2): CREATED, CodeKey(18, 3): CREATED}
    assert ledger.restore(known) == Restored(2, [])
    assert ledger.codes(17) == {1: WAITING, 2: CREATED}
    assert ledger.projects() == [17, 18]
    assert ledger.restore(known) == Restored(0, [])
    assert ledger.restore({}) == Restored(0, [])


def test_restoring_names_codes_with_another_item_and_keeps_that_item(ledger: Ledger) -> None:
    """A record that is in doubt is not changed and not named."""
    ledger.write(CodeKey(17, 1), CREATED)
    ledger.write(CodeKey(18, 2), replace(CREATED, state=State.ADOPTED))
    ledger.write(CodeKey(18, 3), INTENT)
    restored = {key: replace(CREATED, remote_id="9999") for key in (CodeKey(17, 1), CodeKey(18, 2), CodeKey(18, 3))}
    assert ledger.restore(restored) == Restored(0, [CodeKey(17, 1), CodeKey(18, 2)])
    assert ledger.codes(17) == {1: CREATED}


def test_invoices_are_restored_among_invoices(ledger: Ledger) -> None:
    ledger.write(CodeKey(17, 417), CREATED)
    bill = Record(State.CREATED, "ACME-1", "88001", at=5.0)
    assert ledger.restore({INVOICE: bill}).new == 1
    assert (ledger.invoice(INVOICE), ledger.code(CodeKey(17, 417))) == (bill, CREATED)


# Planning


def test_planning_records_codes_that_are_new_or_not_done(ledger: Ledger) -> None:
    ledger.write(CodeKey(17, 1), BLOCKED)
    ledger.write(CodeKey(17, 2), Record(State.SKIPPED))
    assert sorted(ledger.add_waiting(17, dict.fromkeys((1, 2, 3), WAITING))) == [1, 2, 3]
    assert ledger.codes(17) == dict.fromkeys((1, 2, 3), WAITING)
    assert ledger.projects() == [17]


@pytest.mark.parametrize("state", [State.CREATED, State.ADOPTED, State.INTENT, State.UNKNOWN])
def test_planning_does_not_change_records_that_are_done_or_in_doubt(ledger: Ledger, state: State) -> None:
    recorded = Record(state, "x", "5871" if state in (State.CREATED, State.ADOPTED) else "", fence=0)
    ledger.write(CODE, recorded)
    assert ledger.add_waiting(17, {901: WAITING}) == []
    assert ledger.code(CODE) == recorded


def test_a_blocked_code_planned_again_keeps_its_problem_until_created(ledger: Ledger) -> None:
    """The problem closes once the Item exists."""
    ledger.write(CODE, BLOCKED)
    ledger.add_waiting(17, {901: WAITING})
    assert [one.key for one in ledger.problems()] == [str(CODE)]
    ledger.write(CODE, CREATED)
    assert ledger.problems() == []


# Problems


def test_a_blocked_record_opens_a_problem_with_its_sentence(ledger: Ledger) -> None:
    ledger.write(CODE, BLOCKED)
    (open_problem,) = ledger.problems()
    assert (open_problem.key, open_problem.since, dict(open_problem.facts)) == (
        str(CODE),
        100.0,
        {"name": "x", "limit": "60"},
    )
    assert open_problem.problem.cause is Cause.NAME_TOO_LONG


@pytest.mark.parametrize("record", [CREATED, replace(CREATED, state=State.ADOPTED), Record(State.SKIPPED)])
def test_a_result_without_a_problem_closes_the_open_one(ledger: Ledger, record: Record) -> None:
    ledger.write(CODE, BLOCKED)
    ledger.write(CODE, record)
    assert ledger.problems() == []


@pytest.mark.parametrize("record", [WAITING, Record(State.INTENT, fence=1), Record(State.UNKNOWN, fence=1)])
def test_a_problem_stays_open_with_its_time_while_its_work_is_in_progress(ledger: Ledger, record: Record) -> None:
    ledger.write(CODE, BLOCKED)
    ledger.write(CODE, record)
    (open_problem,) = ledger.problems()
    assert (open_problem.key, open_problem.since, open_problem.problem.cause) == (str(CODE), 100.0, Cause.NAME_TOO_LONG)


def test_the_same_cause_again_keeps_its_time_and_shows_the_newest_facts(ledger: Ledger) -> None:
    """The time is the one at which the problem was opened."""
    ledger.write(CODE, BLOCKED)
    ledger.write(CODE, replace(BLOCKED, at=200.0, facts={"name": "longer"}))
    (open_problem,) = ledger.problems()
    assert (open_problem.since, dict(open_problem.facts)) == (100.0, {"name": "longer"})


def test_another_cause_is_another_problem_with_its_own_time(ledger: Ledger) -> None:
    ledger.write(CODE, BLOCKED)
    ledger.write(CODE, replace(BLOCKED, at=200.0, cause=Cause.NAME_HAS_COLON))
    (open_problem,) = ledger.problems()
    assert (open_problem.since, open_problem.problem.cause) == (200.0, Cause.NAME_HAS_COLON)


def test_a_cause_that_only_another_version_knows_hides_no_problem(ledger: Ledger, client: Redis) -> None:
    """It is shown as unexpected, with its name."""
    ledger.write(CODE, BLOCKED)
    (stored,) = client.hgetall(f"{PREFIX}problems").values()
    client.hset(f"{PREFIX}problems", "verify:x:code:17:902", stored.replace("name_too_long", "drift"))
    problems = {one.key: one.problem for one in ledger.problems()}
    assert set(problems) == {str(CODE), "verify:x:code:17:902"}
    assert problems["verify:x:code:17:902"].cause is Cause.UNEXPECTED
    assert problems["verify:x:code:17:902"].sentence.endswith(": drift")


def test_a_problem_without_facts_is_stored_and_shown(ledger: Ledger) -> None:
    for at in (100.0, 200.0):
        ledger.write(CODE, replace(BLOCKED, at=at, facts={}))
    (open_problem,) = ledger.problems()
    assert (open_problem.since, dict(open_problem.facts)) == (100.0, {})


def test_problems_come_oldest_first(ledger: Ledger) -> None:
    ledger.write(InvoiceKey(17, 1), replace(BLOCKED, at=300.0))
    ledger.write(CodeKey(17, 2), replace(BLOCKED, at=200.0))
    ledger.report("remote:netsuite", Cause.NETSUITE_LOGIN, {}, at=250.0)
    assert [one.key for one in ledger.problems()] == ["code:17:2", "remote:netsuite", "invoice:17:1"]


def test_a_problem_of_no_single_record_is_opened_once_and_closed_once(ledger: Ledger) -> None:
    assert ledger.report("remote:netsuite", Cause.NETSUITE_LOGIN, {"answer": "401"}, at=1.0)
    assert not ledger.report("remote:netsuite", Cause.NETSUITE_LOGIN, {"answer": "401"}, at=2.0)
    assert ledger.resolve("remote:netsuite")
    assert not ledger.resolve("remote:netsuite")


def test_a_problem_reported_again_keeps_its_time_until_its_cause_changes(ledger: Ledger) -> None:
    """The newest facts are shown."""
    ledger.report("remote:netsuite", Cause.NETSUITE_LOGIN, {"answer": "401"}, at=100.0)
    ledger.report("remote:netsuite", Cause.NETSUITE_LOGIN, {"answer": "401 again"}, at=200.0)
    (open_problem,) = ledger.problems()
    assert (open_problem.since, dict(open_problem.facts)) == (100.0, {"answer": "401 again"})
    assert not ledger.report("remote:netsuite", Cause.REMOTE_DOWN, {}, at=300.0)
    (open_problem,) = ledger.problems()
    assert (open_problem.since, open_problem.problem.cause) == (300.0, Cause.REMOTE_DOWN)


def test_a_successful_record_closes_its_reported_problems(ledger: Ledger) -> None:
    ledger.report(str(CODE), Cause.RETRIES_EXHAUSTED, {}, at=100.0)
    ledger.write(CODE, WAITING)
    assert ledger.is_problem(str(CODE))
    ledger.write(CODE, CREATED)
    assert not ledger.is_problem(str(CODE))


# What a record costs


def test_a_synced_code_costs_little_memory(server: Redis) -> None:
    ledger = Ledger(server, PREFIX)
    ledger.write(CODE, replace(WAITING, state=State.CREATED, remote_id="5871", attempts=3, sent_at=1.5, fence=12))
    text = server.hget(f"{PREFIX}codes:17", "901")
    assert len(text) <= 100
    assert set(json.loads(text)) == {"state", "name", "remote_id", "at", "seen"}
    assert server.keys(f"{PREFIX}journal:*") == [], "work that succeeded immediately has no journal"


RECORDS = st.builds(
    Record,
    state=st.sampled_from([State.WAITING, State.INTENT, State.UNKNOWN, State.BLOCKED, State.SKIPPED]),
    name=st.text(max_size=20),
    at=st.floats(0, 2e9),
    sent_at=st.floats(0, 2e9),
    attempts=st.integers(0, 9),
    code=st.text(max_size=10),
    cause=st.none() | st.sampled_from(list(Cause)),
    detail=st.text(max_size=20),
    facts=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    for_invoice=st.booleans(),
    write_back_due=st.booleans(),
)


@given(RECORDS)
def test_every_unfinished_record_can_be_read_from_its_text(record: Record) -> None:
    assert decode(encode(record)) == record


@pytest.mark.parametrize("due", [Decimal("1234.50"), Decimal("-0.05"), Decimal("0.00"), None])
def test_an_invoices_payment_due_is_read_back_as_an_amount(ledger: Ledger, due: Decimal | None) -> None:
    """It comes from its own field, whatever the facts for sentences contain."""
    facts = {"invoice": "A-1", "currency": "CAD"}
    ledger.write(INVOICE, Record(State.CREATED, "A-1", "88", facts=facts, payment_due=due))
    record = ledger.invoice(INVOICE)
    assert record is not None
    assert record.payment_due == due


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ({"payment_due": "1,000.10"}, Decimal("1000.10")),
        ({"total": "1,000.10"}, Decimal("1000.10")),
        ({"payment_due": "0.00"}, Decimal("0.00")),
        ({"payment_due": "5.00", "currency": "CAD", "base_currency": "USD"}, None),
        ({"payment_due": "1e3"}, None),
        ({"vendor": "Acme"}, None),
    ],
)
def test_a_record_of_0_1_0_has_its_payment_due_in_its_facts(
    client: Redis, ledger: Ledger, facts: dict[str, str], due: Decimal | None
) -> None:
    text = json.dumps({"state": "created", "name": "A-1", "remote_id": "88", "at": 5.0, "facts": facts})
    client.hset(Keys(PREFIX).invoices(17), "417", text)
    record = ledger.invoice(INVOICE)
    assert record is not None
    assert record.payment_due == due
