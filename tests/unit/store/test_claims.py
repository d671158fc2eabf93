"""Claims: one attempt owns work in progress and renews its claim; a request meanwhile repeats the work; unbegun work is no death."""

from __future__ import annotations

import pytest

from tests.kit.container import Redis
from tests.kit.waiting import lasts
from tests.unit.store.conftest import PREFIX
from worker.domain.outcomes import Children, OutcomeKind
from worker.domain.work import SCAN_OF_ALL, Claim, Lane, RunKind, resolution_of, scan_of
from worker.store.client import Value
from worker.store.connection import seconds
from worker.store.lanes import Claimed, Lanes
from worker.store.ledger import Ledger
from worker.store.runs import Run, Runs
from worker.store.scripts import Script, texts

KEY = scan_of(17)
CODE = "code:17:1"


@pytest.fixture
def work(client: Redis) -> Lanes:
    return Lanes(client, PREFIX)


@pytest.fixture
def runs(client: Redis) -> Runs:
    return Runs(client, PREFIX)


@pytest.fixture
def other_worker(client: Redis) -> Lanes:
    """The lanes of the test as another worker sees them."""
    return Lanes(client, PREFIX)


def dispatched(work: Lanes, lane: Lane = Lane.SCANS) -> list[str]:
    return [one.key for one in work.take(lane, limit=10)]


def begun(work: Lanes, key: str = KEY, lane: Lane = Lane.SCANS) -> None:
    work.add(lane, [key])
    assert dispatched(work, lane) == [key]
    assert work.claim(lane, key, Claim.IN_LANE) is Claimed.BEGUN


def let_claims_end(client: Redis, lane: Lane = Lane.SCANS) -> None:
    """Let enough time pass for claims to end without a renewal or a worker."""
    hand = f"{PREFIX}hand:{lane}"
    client.zadd(hand, dict.fromkeys(client.zrange(hand, 0, -1), 1))


def run_of(runs: Runs, *keys: str) -> Run:
    run, _ = runs.begin(RunKind.SCAN, "test", keys)
    return run


def now(runs: Runs, run: Run) -> Run:
    current = runs.run(run.id)
    assert current is not None
    return current


# One attempt at a time


@pytest.mark.parametrize("how", Claim)
def test_work_that_one_worker_has_begun_is_begun_by_no_other(work: Lanes, other_worker: Lanes, how: Claim) -> None:
    begun(work)
    assert other_worker.claim(Lane.SCANS, KEY, how) is Claimed.BUSY
    assert (work.is_begun(Lane.SCANS, KEY), other_worker.token(KEY)) == (True, "")


def test_a_claim_whose_response_was_lost_can_be_repeated(work: Lanes, client: Redis) -> None:
    begun(work)
    keys = [f"{PREFIX}waiting:scans", f"{PREFIX}hand:scans", f"{PREFIX}tries", f"{PREFIX}again", f"{PREFIX}asked"]
    keys += [f"{PREFIX}run:none", f"{PREFIX}begun", f"{PREFIX}unbegun"]
    args: list[Value] = [KEY, 40, work.token(KEY), Claim.REQUEST.value, "", PREFIX]
    assert Script(client, "lanes/claim", texts)(keys=keys, args=args) == [str(int(Claimed.BEGUN)), ""]
    work.close(Lane.SCANS, KEY, None)
    assert work.depth(Lane.SCANS) == (0, 0), "it did not ask for another attempt"


def test_a_claim_that_is_renewed_does_not_end_and_one_that_is_not_does(
    work: Lanes, other_worker: Lanes, client: Redis
) -> None:
    begun(work)
    token = work.token(KEY)
    let_claims_end(client)
    work.renew(Lane.SCANS, KEY, token)
    assert dispatched(other_worker) == []
    assert other_worker.claim(Lane.SCANS, KEY) is Claimed.BUSY
    let_claims_end(client)
    assert [one.deaths for one in other_worker.take(Lane.SCANS, limit=1)] == [1]
    assert other_worker.claim(Lane.SCANS, KEY, Claim.IN_LANE) is Claimed.BEGUN
    before = client.zscore(f"{PREFIX}hand:scans", KEY)
    work.renew(Lane.SCANS, KEY, token)
    assert client.zscore(f"{PREFIX}hand:scans", KEY) == before, "another worker has claimed it by now"


def test_a_worker_that_lost_its_claim_ends_and_schedules_nothing(
    work: Lanes, runs: Runs, other_worker: Lanes, client: Redis
) -> None:
    run = run_of(runs, KEY)
    begun(work)
    let_claims_end(client)
    assert other_worker.claim(Lane.SCANS, KEY) is Claimed.BEGUN
    work.postpone(Lane.SCANS, KEY, at=seconds(client) + 60)
    assert (work.depth(Lane.SCANS), work.is_begun(Lane.SCANS, KEY)) == ((0, 1), True)
    other_worker.close(Lane.SCANS, KEY, OutcomeKind.ALREADY)
    assert dict(now(runs, run).counts) == {"already": 1}


@pytest.mark.parametrize("end", ["close", "spawn"])
def test_a_worker_that_lost_its_claim_removes_no_later_request(
    work: Lanes, other_worker: Lanes, client: Redis, end: str
) -> None:
    begun(work)
    let_claims_end(client)
    other_worker.claim(Lane.SCANS, KEY)
    other_worker.close(Lane.SCANS, KEY, None)
    other_worker.request(Lane.SCANS, [KEY])
    if end == "close":
        work.close(Lane.SCANS, KEY, None)
    else:
        work.spawn(KEY, Lane.SCANS, Children([CODE], Lane.ITEMS))
        assert work.depth(Lane.ITEMS) == (1, 0), "the ledger knows of it"
    assert dispatched(other_worker) == [KEY]


def test_what_a_claim_leaves_to_be_done_waits_though_redis_was_emptied(work: Lanes, client: Redis) -> None:
    begun(work)
    client.flushall()
    work.postpone(Lane.SCANS, KEY, at=5)
    assert work.waits_until(Lane.SCANS, KEY) == 5


def test_work_is_handed_over_to_a_message_of_its_next_step(work: Lanes, other_worker: Lanes) -> None:
    begun(work)
    work.hand_over(Lane.SCANS, KEY)
    assert (work.is_in_progress(Lane.SCANS, KEY), work.is_begun(Lane.SCANS, KEY)) == (True, False)
    assert other_worker.claim(Lane.SCANS, KEY, Claim.IN_LANE) is Claimed.BEGUN


def test_a_worker_begins_what_it_takes_for_itself(work: Lanes, other_worker: Lanes) -> None:
    work.add(Lane.ITEMS, [CODE])
    assert [one.key for one in work.take(Lane.ITEMS, limit=1, begin=True)] == [CODE]
    assert other_worker.claim(Lane.ITEMS, CODE) is Claimed.BUSY
    work.close(Lane.ITEMS, CODE, OutcomeKind.CREATED)
    assert work.depth(Lane.ITEMS) == (1, 0), "the other one asked for it"


def test_another_thread_gives_back_what_this_one_has_begun(work: Lanes, other_worker: Lanes) -> None:
    begun(work)
    other_worker.postpone(Lane.SCANS, KEY, at=0, token=work.token(KEY))
    assert work.depth(Lane.SCANS) == (1, 0)
    work.close(Lane.SCANS, KEY, None)
    assert work.depth(Lane.SCANS) == (1, 0), "its own end comes too late"


# Messages that no worker begins


def test_a_message_that_no_worker_begins_is_no_death(work: Lanes, client: Redis) -> None:
    work.add(Lane.SCANS, [KEY])
    for _ in range(20):
        assert [one.deaths for one in work.take(Lane.SCANS, limit=1)] == [0]
        let_claims_end(client)


def test_messages_for_a_queue_without_a_reader_become_rarer(work: Lanes, client: Redis) -> None:
    """The interval grows to 15 minutes and starts small again once a worker has come."""

    def is_lease_of(length: float) -> bool:
        begun = seconds(client)
        assert dispatched(work) == [KEY]
        ends, now = float(client.zscore(f"{PREFIX}hand:scans", KEY)), seconds(client)
        let_claims_end(client)
        return lasts(ends, length, begun=begun, now=now)

    work.add(Lane.SCANS, [KEY])
    for length in (40, 80, 160, 320, 640, 900, 900):
        assert is_lease_of(length), length
    assert dispatched(work) == [KEY]
    work.claim(Lane.SCANS, KEY, Claim.IN_LANE)
    work.postpone(Lane.SCANS, KEY, at=0)
    assert is_lease_of(40)


def test_of_several_messages_for_one_piece_of_work_one_begins_it(
    work: Lanes, other_worker: Lanes, client: Redis
) -> None:
    work.add(Lane.SCANS, [KEY])
    for _ in range(3):
        assert dispatched(work) == [KEY]
        let_claims_end(client)
    dispatched(work)
    assert work.claim(Lane.SCANS, KEY, Claim.IN_LANE) is Claimed.BEGUN
    assert other_worker.claim(Lane.SCANS, KEY, Claim.IN_LANE) is Claimed.BUSY
    work.close(Lane.SCANS, KEY, None)
    assert other_worker.claim(Lane.SCANS, KEY, Claim.IN_LANE) is Claimed.NOT_DUE
    assert work.depth(Lane.SCANS) == (0, 0)


def test_a_late_message_begins_due_work_and_none_that_is_scheduled(work: Lanes, client: Redis) -> None:
    """Work that waits for its turn is begun, and work that waits for its time is not."""
    work.add(Lane.SCANS, [KEY], at=seconds(client) + 60)
    assert work.claim(Lane.SCANS, KEY, Claim.IN_LANE) is Claimed.NOT_DUE
    work.add(Lane.SCANS, [KEY], at=1)
    assert work.claim(Lane.SCANS, KEY, Claim.IN_LANE) is Claimed.BEGUN


def test_taking_back_spares_work_that_a_living_worker_renews(work: Lanes, client: Redis) -> None:
    begun(work)
    begun(work, scan_of(18))
    client.zadd(f"{PREFIX}hand:scans", {scan_of(18): seconds(client) + 20})
    work.add(Lane.SCANS, [scan_of(19)])
    dispatched(work)
    work.take_back(Lane.SCANS)
    assert sorted(dispatched(work)) == [scan_of(18), scan_of(19)]


# Requests during an attempt

ENDS = ["done", "blocked", "skipped", "waiting", "waiting for long", "children"]


def end_of(work: Lanes, client: Redis, how: str) -> None:
    match how:
        case "waiting":
            work.postpone(Lane.SCANS, KEY, at=seconds(client) + 30)
        case "waiting for long":
            work.postpone(Lane.SCANS, KEY, at=seconds(client) + 900, outcome=OutcomeKind.UNKNOWN)
        case "children":
            work.spawn(KEY, Lane.SCANS, Children([CODE], Lane.ITEMS, {"codes": 1}))
        case _:
            work.close(Lane.SCANS, KEY, OutcomeKind("already" if how == "done" else how))


@pytest.mark.parametrize("asks", ["a request", "a retry", "a message of another application"])
@pytest.mark.parametrize("end", ENDS)
def test_what_is_asked_for_during_an_attempt_is_repeated_however_that_ends(
    work: Lanes, runs: Runs, other_worker: Lanes, client: Redis, end: str, asks: str
) -> None:
    run = run_of(runs, KEY)
    begun(work)
    if asks == "a request":
        other_worker.request(Lane.SCANS, [KEY])
    elif asks == "a retry":
        other_worker.retry(Lane.SCANS, [KEY])
    else:
        assert other_worker.claim(Lane.SCANS, KEY, Claim.REQUEST) is Claimed.BUSY
    end_of(work, client, end)
    assert not now(runs, run).ended, "the run waits for the second attempt"
    assert dict(now(runs, run).counts) == {}
    assert dispatched(work) == [KEY]
    work.claim(Lane.SCANS, KEY, Claim.IN_LANE)
    work.close(Lane.SCANS, KEY, OutcomeKind.ALREADY)
    assert now(runs, run).ended
    assert dict(now(runs, run).counts) == {"already": 1}
    assert work.depth(Lane.SCANS) == (0, 0)


def test_children_of_a_repeated_attempt_are_counted_by_the_second_one(work: Lanes, runs: Runs, client: Redis) -> None:
    """The children are dispatched at once, and the run counts each of them once."""
    run = run_of(runs, KEY)
    begun(work)
    work.request(Lane.SCANS, [KEY])
    work.spawn(KEY, Lane.SCANS, Children([CODE], Lane.ITEMS, {"codes": 1}))
    assert dispatched(work, Lane.ITEMS) == [CODE], "it is begun immediately"
    assert dispatched(work) == [KEY]
    work.claim(Lane.SCANS, KEY)
    work.spawn(KEY, Lane.SCANS, Children([CODE], Lane.ITEMS, {"codes": 1}))
    assert (dict(now(runs, run).counts), now(runs, run).open_keys) == ({"codes": 1}, 1)
    work.claim(Lane.ITEMS, CODE, Claim.IN_LANE)
    work.close(Lane.ITEMS, CODE, OutcomeKind.CREATED)
    assert dict(now(runs, run).counts) == {"codes": 1, "created": 1}
    assert now(runs, run).ended


def test_a_message_of_the_lane_during_an_attempt_asks_for_nothing(work: Lanes, other_worker: Lanes) -> None:
    begun(work)
    assert other_worker.claim(Lane.SCANS, KEY, Claim.IN_LANE) is Claimed.BUSY
    work.close(Lane.SCANS, KEY, None)
    assert work.depth(Lane.SCANS) == (0, 0)


def test_the_lane_of_upkeep_has_work_of_no_run(work: Lanes, runs: Runs) -> None:
    run_of(runs, SCAN_OF_ALL)
    begun(work, "reconcile:all", Lane.UPKEEP)
    work.close(Lane.UPKEEP, "reconcile:all", OutcomeKind.ALREADY)
    assert work.depth(Lane.UPKEEP) == (0, 0)


# Runs older than they are kept


def older_than_kept(client: Redis, run: Run) -> None:
    """Delete the run's hash, as after seven days; an older version could recreate it by a count."""
    client.delete(f"{PREFIX}run:{run.id}")


@pytest.mark.parametrize("end", ENDS)
def test_work_of_a_run_that_is_gone_ends_and_leaves_nothing_of_the_run(
    work: Lanes, runs: Runs, client: Redis, end: str
) -> None:
    run = run_of(runs, KEY, resolution_of(17))
    begun(work)
    older_than_kept(client, run)
    end_of(work, client, end)
    assert client.keys(f"{PREFIX}run:{run.id}") == []
    assert work.requeue_orphans(runs.some_open_keys(RunKind.SCAN)) == 0
    assert (runs.current(RunKind.SCAN), runs.run(run.id), runs.latest(5)) == (None, None, [])


def test_leftovers_of_an_expired_run_from_an_older_version_are_deleted(work: Lanes, runs: Runs, client: Redis) -> None:
    """They are read as no run, and the next run deletes them."""
    run = run_of(runs, KEY)
    older_than_kept(client, run)
    client.hincrby(f"{PREFIX}run:{run.id}", "created", 1)
    assert (runs.current(RunKind.SCAN), runs.run(run.id), runs.latest(5)) == (None, None, [])
    assert work.requeue_orphans(runs.some_open_keys(RunKind.SCAN)) == 0
    again, joined = runs.begin(RunKind.SCAN, "test", [KEY])
    assert not joined
    assert runs.is_open(again, KEY)
    assert client.keys(f"{PREFIX}run:{run.id}*") == []


def test_a_run_is_kept_while_in_use_and_still_has_an_expiry(work: Lanes, runs: Runs, client: Redis) -> None:
    """Upkeep and every further request renew the time for which its keys are kept."""
    run = run_of(runs, KEY)
    names = [f"{PREFIX}run:{run.id}", f"{PREFIX}run:{run.id}:open"]
    for look_after in (
        lambda: work.requeue_orphans(runs.some_open_keys(RunKind.SCAN)),
        lambda: runs.begin(RunKind.SCAN, "again", [KEY]),
    ):
        for name in names:
            client.expire(name, 10)
        look_after()
        assert [client.ttl(name) > 6 * 86_400 for name in names] == [True, True]


def test_a_run_of_a_kind_that_only_a_newer_version_knows_is_passed_over(runs: Runs, client: Redis) -> None:
    run = run_of(runs, KEY)
    client.hset(f"{PREFIX}run:painting-1", mapping={"kind": "painting", "trigger": "x", "started_at": "1"})
    client.zadd(f"{PREFIX}runs", {"painting-1": run.started_at})
    assert [one.id for one in runs.latest(5)] == [run.id]


# One piece of work after the other


@pytest.mark.parametrize("with_children", [False, True])
def test_work_ends_and_the_next_one_begins_in_one_step(
    work: Lanes, runs: Runs, other_worker: Lanes, with_children: bool
) -> None:
    """No other worker takes the free place in between."""
    next_key = scan_of(18)
    run = run_of(runs, KEY, next_key)
    begun(work)
    work.add(Lane.SCANS, [next_key])
    if with_children:
        taken = work.spawn(KEY, Lane.SCANS, Children([CODE], Lane.ITEMS), limit=1)
    else:
        taken = work.close(Lane.SCANS, KEY, OutcomeKind.ALREADY, limit=1)
    assert taken is not None
    assert (taken.key, taken.correlation_id) == (next_key, run.id)
    assert other_worker.claim(Lane.SCANS, next_key, Claim.IN_LANE) is Claimed.BUSY
    assert work.waiting(Lane.ITEMS) == with_children
    work.close(Lane.SCANS, next_key, OutcomeKind.ALREADY)
    assert now(runs, run).open_keys == with_children


def test_beginning_work_returns_which_ledger_there_is(work: Lanes, client: Redis) -> None:
    """It does so in the same step, whether a message claims the work or it follows on other work."""
    ledger, next_key, last_key = Ledger(client, PREFIX), scan_of(18), scan_of(19)
    begun(work)
    assert work.ledger_at_claim(KEY) == ledger.state.opened_at() == ""
    ledger.state.open(since=0)
    work.add(Lane.SCANS, [next_key])
    assert work.close(Lane.SCANS, KEY, OutcomeKind.ALREADY, limit=1)
    assert work.ledger_at_claim(next_key) == ledger.state.opened_at() != ""
    assert work.ledger_at_claim(KEY) is None, "its work has ended"
    client.delete(f"{PREFIX}ledger")
    work.add(Lane.SCANS, [last_key])
    assert work.spawn(next_key, Lane.SCANS, Children([CODE], Lane.ITEMS), limit=1)
    assert work.ledger_at_claim(last_key) == ""
    client.hset(f"{PREFIX}ledger", "since", "5.5")
    begun(work, CODE, Lane.ITEMS)
    assert work.ledger_at_claim(CODE) == ledger.state.opened_at() == "5.5", "of a ledger that version 0.1.0 opened"


def test_nothing_follows_where_nothing_is_due_or_the_lane_is_full(work: Lanes) -> None:
    begun(work)
    assert work.close(Lane.SCANS, KEY, OutcomeKind.ALREADY, limit=4) is None
    begun(work)
    begun(work, scan_of(18))
    work.add(Lane.SCANS, [scan_of(19)])
    assert work.close(Lane.SCANS, KEY, OutcomeKind.ALREADY, limit=1) is None
    assert work.waiting(Lane.SCANS) == 1


def test_a_worker_that_lost_its_claim_ends_no_work_and_continues(
    work: Lanes, other_worker: Lanes, client: Redis
) -> None:
    begun(work)
    let_claims_end(client)
    assert other_worker.claim(Lane.SCANS, KEY, Claim.REQUEST) is Claimed.BEGUN
    work.add(Lane.SCANS, [scan_of(18)])
    taken = work.close(Lane.SCANS, KEY, OutcomeKind.ALREADY, limit=2)
    assert taken is not None
    assert taken.key == scan_of(18)
    assert work.is_begun(Lane.SCANS, KEY)
