"""Runs: started or joined, counted once however often work is done twice, and ended when the last key is done."""

from __future__ import annotations

import threading
from collections import Counter

import fakeredis
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.domain.errors import NoRoom
from worker.domain.outcomes import Children, OutcomeKind
from worker.domain.plans import Requests
from worker.domain.work import EXPORTS_OF_ALL, SCAN_OF_ALL, Lane, RunKind, exports_of, resolution_of, scan_of
from worker.store.gate import Gate, Precedence
from worker.store.lanes import Lanes
from worker.store.limits import RateLimits
from worker.store.locks import LeaseKeeper
from worker.store.runs import RUN_TTL_SECONDS, Run, Runs

CODES = ["code:17:1", "code:17:2"]


@pytest.fixture
def work(client: Redis) -> Lanes:
    return Lanes(client, PREFIX)


@pytest.fixture
def runs(client: Redis) -> Runs:
    return Runs(client, PREFIX)


def begun(runs: Runs, *keys: str) -> Run:
    run, _ = runs.begin(RunKind.SCAN, "test", keys or [SCAN_OF_ALL])
    return run


def now(runs: Runs, run: Run) -> Run:
    fresh = runs.run(run.id)
    assert fresh is not None
    return fresh


def spawn_codes(work: Lanes, parent: str = SCAN_OF_ALL, children: list[str] = CODES) -> None:
    work.spawn(parent, Lane.SCANS, Children(children, Lane.ITEMS, {"codes": len(children)}))


def test_a_run_begins_with_its_first_keys_open(runs: Runs) -> None:
    run, joined = runs.begin(RunKind.SCAN, "schedule", [scan_of(17), scan_of(18)])
    assert (joined, run.kind, run.trigger, run.open_keys, run.ended, dict(run.counts)) == (
        False,
        RunKind.SCAN,
        "schedule",
        2,
        False,
        {},
    )
    assert run.started_at > 0
    assert runs.is_open(run, scan_of(17))
    assert not runs.is_open(run, scan_of(19))


def test_a_request_during_a_run_joins_it(runs: Runs) -> None:
    run = begun(runs)
    again, joined = runs.begin(RunKind.SCAN, "somebody else", [SCAN_OF_ALL])
    assert (again.id, joined, again.trigger) == (run.id, True, "test")
    assert runs.current(RunKind.SCAN) == now(runs, run)


def test_after_a_run_has_ended_a_new_one_begins(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    work.close(Lane.SCANS, SCAN_OF_ALL, None)
    assert now(runs, run).ended
    again, joined = runs.begin(RunKind.SCAN, "test", [SCAN_OF_ALL])
    assert not joined
    assert again.id != run.id


def test_a_run_that_is_no_longer_kept_is_not_joined(runs: Runs, client: Redis) -> None:
    run = begun(runs)
    client.delete(f"{PREFIX}run:{run.id}")
    assert runs.run(run.id) is None
    assert runs.current(RunKind.SCAN) is None
    again, joined = runs.begin(RunKind.SCAN, "test", [SCAN_OF_ALL])
    assert not joined
    assert again.open_keys == 1


def test_a_scan_and_an_export_are_separate_runs(work: Lanes, runs: Runs) -> None:
    scan = begun(runs)
    export, joined = runs.begin(RunKind.EXPORT, "test", [EXPORTS_OF_ALL])
    assert not joined
    work.close(Lane.LISTINGS, EXPORTS_OF_ALL, None)
    assert now(runs, export).ended
    assert not now(runs, scan).ended


def test_joining_a_run_over_everything_does_not_list_everything_again(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    spawn_codes(work)
    begun(runs, SCAN_OF_ALL)
    assert not runs.is_open(run, SCAN_OF_ALL)
    assert now(runs, run).open_keys == len(CODES)


def test_a_run_of_some_projects_joined_for_everything_covers_everything(work: Lanes, runs: Runs) -> None:
    """The run stays open until the scan of all projects is done too."""
    run = begun(runs, scan_of(17))
    begun(runs, SCAN_OF_ALL)
    assert runs.is_open(run, SCAN_OF_ALL)
    spawn_codes(work)
    begun(runs, SCAN_OF_ALL)
    assert not runs.is_open(run, SCAN_OF_ALL)


def test_a_run_of_some_projects_joined_for_others_includes_them(work: Lanes, runs: Runs) -> None:
    run = begun(runs, scan_of(17))
    begun(runs, scan_of(18))
    work.close(Lane.SCANS, scan_of(17), None)
    assert not now(runs, run).ended
    work.close(Lane.SCANS, scan_of(18), None)
    assert now(runs, run).ended


def test_a_parent_leaves_the_run_in_the_step_in_which_its_children_enter(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    work.add(Lane.SCANS, [SCAN_OF_ALL])
    work.take(Lane.SCANS, limit=1)
    spawn_codes(work)
    state = now(runs, run)
    assert (state.open_keys, state.ended, dict(state.counts)) == (2, False, {"codes": 2})
    assert work.depth(Lane.SCANS) == (0, 0)
    assert work.depth(Lane.ITEMS) == (2, 0)


def test_a_parent_that_is_done_twice_counts_once(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    spawn_codes(work)
    spawn_codes(work)
    assert dict(now(runs, run).counts) == {"codes": 2}
    assert now(runs, run).open_keys == 2


def test_a_parent_that_is_done_twice_does_not_reopen_ended_work(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    spawn_codes(work)
    for key in CODES:
        work.close(Lane.ITEMS, key, OutcomeKind.CREATED)
    ended = now(runs, run)
    spawn_codes(work)
    assert now(runs, run) == ended


def test_a_parent_without_children_ends_the_run(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    spawn_codes(work, children=[])
    assert now(runs, run).ended


def test_children_already_in_progress_stay_there_and_are_waited_for(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    work.claim(Lane.ITEMS, CODES[0])
    spawn_codes(work)
    assert work.depth(Lane.ITEMS) == (1, 1)
    assert now(runs, run).open_keys == 2


def test_children_may_go_before_all_that_waits(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:9:9"], at=1)
    work.add(Lane.ITEMS, CODES[:1], at=5)
    work.spawn(resolution_of(17), Lane.SCANS, Children(CODES, Lane.ITEMS, at=0))
    assert [key for key, *_ in work.take(Lane.ITEMS, limit=3)] == [*sorted(CODES), "code:9:9"]


def test_work_outside_any_run_is_still_spawned(work: Lanes, runs: Runs) -> None:
    spawn_codes(work)
    assert work.depth(Lane.ITEMS) == (2, 0)
    assert runs.current(RunKind.SCAN) is None


def test_an_outcome_is_counted_once_however_often_the_work_is_closed(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    spawn_codes(work)
    work.close(Lane.ITEMS, CODES[0], OutcomeKind.CREATED)
    work.close(Lane.ITEMS, CODES[0], OutcomeKind.ALREADY)
    assert dict(now(runs, run).counts) == {"codes": 2, "created": 1}


def test_work_that_no_run_waits_for_is_counted_in_none(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    work.close(Lane.ITEMS, "code:99:1", OutcomeKind.CREATED)
    assert dict(now(runs, run).counts) == {}
    assert not now(runs, run).ended


def test_a_run_ends_once_with_its_last_key(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    spawn_codes(work)
    work.close(Lane.ITEMS, CODES[0], OutcomeKind.CREATED)
    assert not now(runs, run).ended
    work.close(Lane.ITEMS, CODES[1], OutcomeKind.BLOCKED)
    ended_at = now(runs, run).ended_at
    assert ended_at is not None
    work.close(Lane.ITEMS, CODES[1], OutcomeKind.BLOCKED)
    assert now(runs, run).ended_at == ended_at


def test_a_run_keeps_waiting_for_work_that_is_postponed_briefly(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    spawn_codes(work, children=CODES[:1])
    work.postpone(Lane.ITEMS, CODES[0], at=5)
    assert (now(runs, run).ended, now(runs, run).open_keys) == (False, 1)


def test_a_run_counts_and_leaves_work_that_is_postponed_for_long(work: Lanes, runs: Runs) -> None:
    run = begun(runs)
    spawn_codes(work, children=CODES[:1])
    work.postpone(Lane.ITEMS, CODES[0], at=5e9, outcome=OutcomeKind.UNKNOWN)
    assert now(runs, run).ended
    work.close(Lane.ITEMS, CODES[0], OutcomeKind.CREATED)
    assert dict(now(runs, run).counts) == {"codes": 1, "unknown": 1}


def test_open_work_that_is_in_no_lane_waits_again(work: Lanes, runs: Runs) -> None:
    run = begun(runs, scan_of(17), scan_of(18))
    assert work.requeue_orphans(runs.some_open_keys(RunKind.SCAN)) == 2
    assert work.depth(Lane.SCANS) == (2, 0)
    work.take(Lane.SCANS, limit=1)
    assert work.requeue_orphans(runs.some_open_keys(RunKind.SCAN)) == 0
    assert work.depth(Lane.SCANS) == (1, 1)
    assert now(runs, run).open_keys == 2


def test_each_orphan_waits_in_its_own_lane(work: Lanes, runs: Runs) -> None:
    begun(runs)
    spawn_codes(work)
    for key in CODES:
        work.claim(Lane.ITEMS, key)
    runs.begin(RunKind.SCAN, "test", [scan_of(18)])
    assert work.requeue_orphans(runs.some_open_keys(RunKind.SCAN)) == 1
    assert work.depth(Lane.SCANS) == (1, 0)


def test_without_a_run_in_progress_there_are_no_orphans(work: Lanes, runs: Runs) -> None:
    assert work.requeue_orphans(runs.some_open_keys(RunKind.SCAN)) == 0
    begun(runs)
    work.close(Lane.SCANS, SCAN_OF_ALL, None)
    assert work.requeue_orphans(runs.some_open_keys(RunKind.SCAN)) == 0


@pytest.mark.real
def test_a_run_done_by_many_threads_at_once_counts_each_code_once(server: Redis) -> None:
    """Eight threads do everything, so each step happens eight times."""
    work, runs, together = Lanes(server, PREFIX), Runs(server, PREFIX), threading.Barrier(8, timeout=60)
    run, _ = runs.begin(RunKind.SCAN, "test", [SCAN_OF_ALL])
    children = [f"code:17:{n}" for n in range(40)]

    def work_it_off() -> None:
        together.wait()
        runs.begin(RunKind.SCAN, "again", [SCAN_OF_ALL])
        spawn_codes(work, children=children)
        together.wait()
        for key in children:
            work.close(Lane.ITEMS, key, OutcomeKind.CREATED)

    threads = [threading.Thread(target=work_it_off) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = now(runs, run)
    assert (dict(state.counts), state.open_keys, state.ended) == ({"codes": 40, "created": 40}, 0, True)


OUTCOMES = st.sampled_from([OutcomeKind.CREATED, OutcomeKind.ADOPTED, OutcomeKind.BLOCKED])


@hypothesis_settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 4), OUTCOMES), max_size=20))
def test_the_first_outcome_of_each_record_is_the_one_that_counts(closings: list[tuple[int, OutcomeKind]]) -> None:
    """Order and repetitions make no difference."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True) as client:
        work, runs = Lanes(client, PREFIX), Runs(client, PREFIX)
        run, _ = runs.begin(RunKind.EXPORT, "test", [exports_of(17)])
        keys = [f"invoice:17:{n}" for n in range(5)]
        work.spawn(exports_of(17), Lane.LISTINGS, Children(keys, Lane.EXPORTS))
        first: dict[int, OutcomeKind] = {}
        for place, outcome in closings:
            first.setdefault(place, outcome)
            work.close(Lane.EXPORTS, keys[place], outcome)
        state = now(runs, run)
    assert state.counts == Counter(outcome.value for outcome in first.values())
    assert state.open_keys == 5 - len(first)
    assert state.ended == (len(first) == 5)


def test_a_run_that_was_lost_the_moment_it_began_is_begun_again(
    runs: Runs, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server was restarted between the two commands, and its last second is gone."""
    read_run, losses = Runs.run, [True]

    def lost_once(self: Runs, run_id: str) -> Run | None:
        if losses:
            losses.pop()
            client.delete(*client.keys(f"{PREFIX}*"))
        return read_run(self, run_id)

    monkeypatch.setattr(Runs, "run", lost_once)
    run, joined = runs.begin(RunKind.SCAN, "test", [SCAN_OF_ALL])
    assert not joined
    assert runs.is_open(run, SCAN_OF_ALL)
    assert runs.current(RunKind.SCAN) == run


def test_the_latest_runs_of_both_kinds_are_known_newest_first(work: Lanes, runs: Runs) -> None:
    first = begun(runs, scan_of(17))
    export, _ = runs.begin(RunKind.EXPORT, "schedule", [exports_of(17)])
    work.close(Lane.SCANS, scan_of(17), None)
    # Joining starts no other run.
    second, joined = begun(runs, scan_of(18)), begun(runs, scan_of(19))
    assert second.id == joined.id
    assert [run.id for run in runs.latest(10)] == [second.id, export.id, first.id]
    assert [run.id for run in runs.latest(1)] == [second.id]


def test_a_run_older_than_a_week_leaves_the_list_with_the_next_that_begins(runs: Runs, client: Redis) -> None:
    run = begun(runs)
    client.zadd(f"{PREFIX}runs", {"scan-of-last-month": run.started_at - RUN_TTL_SECONDS - 1})
    assert [one.id for one in runs.latest(10)] == [run.id]
    export, _ = runs.begin(RunKind.EXPORT, "test", [exports_of(17)])
    assert client.zrange(f"{PREFIX}runs", 0, -1) == [run.id, export.id]


def test_counts_for_an_expired_or_ended_run_leave_nothing_behind(
    work: Lanes, runs: Runs, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An expired run's key is not created again, and an ended run's counts stay as they are."""
    run = begun(runs)
    read_run = Runs.run

    def expires_after_a_look(self: Runs, run_id: str) -> Run | None:
        current = read_run(self, run_id)
        client.delete(f"{PREFIX}run:{run_id}", f"{PREFIX}run:{run_id}:open")
        return current

    with monkeypatch.context() as patched:
        patched.setattr(Runs, "run", expires_after_a_look)
        runs.count(RunKind.SCAN, "items", 3)
    key = f"{PREFIX}run:{run.id}"
    assert client.hexists(key, "kind") or not client.exists(key)
    client.delete(key, f"{key}:open")
    runs.count(RunKind.SCAN, "items", 3)
    assert not client.exists(key)

    run = begun(runs)
    runs.count(RunKind.SCAN, "items", 3)
    work.close(Lane.SCANS, SCAN_OF_ALL, None)
    runs.count(RunKind.SCAN, "items", 4)
    ended = runs.run(run.id)
    assert ended
    assert ended.counts["items"] == 3


# Requests


def sends(client: Redis, precedence: Precedence, *, procore: int = 0, netsuite: int = 0) -> None:
    """Send this many requests, as any worker does."""
    limits, gate = RateLimits(client, PREFIX, "procore"), Gate(client, PREFIX, LeaseKeeper(), limit=1)
    for _ in range(procore):
        limits.wait(precedence)
    for _ in range(netsuite):
        with gate.slot(precedence):
            pass


def test_a_run_shows_what_was_sent_for_its_kind_while_it_was_open(work: Lanes, runs: Runs, client: Redis) -> None:
    """Requests before its beginning, after its end or for another kind do not count."""
    sends(client, Precedence.SCAN, procore=3, netsuite=4)
    scan = begun(runs)
    export, _ = runs.begin(RunKind.EXPORT, "test", [EXPORTS_OF_ALL])
    assert (now(runs, scan).requests, now(runs, export).requests) == (Requests(), Requests())
    sends(client, Precedence.SCAN, procore=2, netsuite=1)
    sends(client, Precedence.EXPORT, netsuite=2)
    assert (now(runs, scan).requests, now(runs, export).requests) == (Requests(2, 1), Requests(0, 2))
    work.close(Lane.SCANS, SCAN_OF_ALL, OutcomeKind.ALREADY)
    sends(client, Precedence.SCAN, procore=5, netsuite=5)
    assert now(runs, scan).requests == Requests(2, 1)
    assert dict(now(runs, scan).counts) == {"already": 1}


def test_a_run_that_an_older_version_began_or_ended_shows_no_requests(runs: Runs, client: Redis) -> None:
    run = begun(runs)
    client.hset(f"{PREFIX}run:{run.id}", "ended_at", "1.5")
    assert now(runs, run).requests is None
    client.hdel(f"{PREFIX}run:{run.id}", "ended_at", "procore_from", "netsuite_from")
    assert now(runs, run).requests is None


def test_a_request_without_a_slot_was_not_sent(runs: Runs, client: Redis) -> None:
    run, gate = begun(runs), Gate(client, PREFIX, LeaseKeeper(), limit=1)
    with gate.slot(Precedence.SCAN), pytest.raises(NoRoom), gate.slot(Precedence.SCAN, timeout=0):
        pass
    assert now(runs, run).requests == Requests(0, 1)
