"""Lanes: work waits, is dispatched a little at a time, and returns from workers that died."""

from __future__ import annotations

import pytest

from tests.kit.container import Redis
from tests.kit.waiting import eventually
from tests.unit.store.conftest import PREFIX
from worker.domain.outcomes import OutcomeKind
from worker.domain.work import Claim, Lane
from worker.store import lanes
from worker.store.connection import seconds
from worker.store.lanes import Claimed, Lanes


@pytest.fixture
def work(client: Redis) -> Lanes:
    return Lanes(client, PREFIX)


@pytest.fixture
def real_work(server: Redis) -> Lanes:
    return Lanes(server, PREFIX)


@pytest.fixture
def workers_die_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "CLAIM_SECONDS", 0)


def begun_and_lost(work: Lanes, key: str = "code:1:1") -> None:
    """Let a worker take the work, begin it, and die."""
    assert taken(work, limit=1) == [key]
    assert work.claim(Lane.ITEMS, key, Claim.IN_LANE) is Claimed.BEGUN


def taken(work: Lanes, lane: Lane = Lane.ITEMS, *, limit: int = 10) -> list[str]:
    return [key for key, *_ in work.take(lane, limit=limit)]


def test_waiting_work_is_dispatched_once(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1", "code:1:2"])
    assert sorted(work.take(Lane.ITEMS, limit=10)) == [("code:1:1", 0, ""), ("code:1:2", 0, "")]
    assert taken(work) == []
    assert work.depth(Lane.ITEMS) == (0, 2)
    assert work.is_in_progress(Lane.ITEMS, "code:1:1")


def test_no_more_work_is_dispatched_than_the_maximum(work: Lanes) -> None:
    work.add(Lane.ITEMS, [f"code:1:{n}" for n in range(5)])
    assert len(work.take(Lane.ITEMS, limit=10, at_most=1)) == 1
    assert work.depth(Lane.ITEMS) == (4, 1)


def test_without_work_nothing_is_dispatched(work: Lanes) -> None:
    work.add(Lane.ITEMS, [])
    assert taken(work) == []


def test_lanes_do_not_see_each_others_work(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1"])
    assert taken(work, Lane.EXPORTS) == []
    assert work.depth(Lane.EXPORTS) == (0, 0)


def test_no_more_work_is_in_progress_than_the_limit(work: Lanes) -> None:
    work.add(Lane.ITEMS, [f"code:1:{n}" for n in range(5)])
    first = taken(work, limit=2)
    assert len(first) == 2
    assert taken(work, limit=2) == []
    work.close(Lane.ITEMS, first[0], OutcomeKind.CREATED)
    assert len(taken(work, limit=2)) == 1
    assert taken(work, limit=1) == []


def test_work_that_is_due_later_waits_for_its_time(work: Lanes, client: Redis) -> None:
    due_at, later = seconds(client) + 0.2, seconds(client) + 600
    work.add(Lane.ITEMS, ["code:1:1"], at=due_at)
    work.add(Lane.ITEMS, ["code:1:2"], at=later)
    assert work.waits_until(Lane.ITEMS, "code:1:1") == pytest.approx(due_at, abs=0.01)
    assert eventually(lambda: taken(work)) == ["code:1:1"]
    assert seconds(client) >= due_at
    assert work.waits_until(Lane.ITEMS, "code:1:1") is None
    assert taken(work) == []
    assert work.waits_until(Lane.ITEMS, "code:1:2") == pytest.approx(later, abs=0.01)


def test_work_added_again_keeps_its_earlier_time(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1"], at=50)
    work.add(Lane.ITEMS, ["code:1:1"], at=90)
    assert work.waits_until(Lane.ITEMS, "code:1:1") == 50
    work.add(Lane.ITEMS, ["code:1:1"], at=10)
    assert work.waits_until(Lane.ITEMS, "code:1:1") == 10


def test_work_in_progress_that_is_added_again_stays_in_progress(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1"])
    taken(work)
    work.add(Lane.ITEMS, ["code:1:1"])
    assert work.depth(Lane.ITEMS) == (0, 1)


def test_work_begun_by_a_message_of_another_app_is_in_progress_too(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1"])
    work.claim(Lane.ITEMS, "code:1:1")
    work.claim(Lane.ITEMS, "code:1:2")
    assert work.depth(Lane.ITEMS) == (0, 2)
    assert taken(work) == []


def test_closed_work_leaves_its_lane(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1", "code:1:2"])
    taken(work, limit=1)
    for key in ("code:1:1", "code:1:2"):
        work.close(Lane.ITEMS, key, OutcomeKind.CREATED)
    assert work.depth(Lane.ITEMS) == (0, 0)


def test_postponed_work_is_not_in_progress_until_then(work: Lanes, client: Redis) -> None:
    work.add(Lane.ITEMS, ["code:1:1"])
    taken(work)
    work.postpone(Lane.ITEMS, "code:1:1", at=seconds(client) + 60)
    assert work.depth(Lane.ITEMS) == (1, 0)
    assert taken(work) == []


@pytest.mark.usefixtures("workers_die_at_once")
def test_work_of_dead_workers_comes_first_and_its_deaths_are_counted(work: Lanes) -> None:
    """The work is dispatched again with the number of workers that died with it."""
    work.add(Lane.ITEMS, ["code:1:1"])
    begun_and_lost(work)
    work.add(Lane.ITEMS, ["code:1:0"], at=1)
    assert work.take(Lane.ITEMS, limit=1) == [("code:1:1", 1, "")]
    work.claim(Lane.ITEMS, "code:1:1")
    assert work.take(Lane.ITEMS, limit=1) == [("code:1:1", 2, "")]


@pytest.mark.usefixtures("workers_die_at_once")
@pytest.mark.parametrize("end", ["close", "postpone"])
def test_deaths_are_cleared_once_a_worker_has_completed_the_work(work: Lanes, end: str) -> None:
    work.add(Lane.ITEMS, ["code:1:1"])
    for _ in range(3):
        begun_and_lost(work)
    begun_and_lost(work)
    if end == "close":
        work.close(Lane.ITEMS, "code:1:1", OutcomeKind.CREATED)
        work.add(Lane.ITEMS, ["code:1:1"])
    else:
        work.postpone(Lane.ITEMS, "code:1:1", at=0)
    assert work.take(Lane.ITEMS, limit=1) == [("code:1:1", 0, "")]


def test_work_that_a_living_worker_has_claimed_goes_to_no_other(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1"])
    taken(work)
    work.claim(Lane.ITEMS, "code:1:1")
    assert taken(work) == []


def test_failed_attempts_are_counted_until_the_work_ends(work: Lanes) -> None:
    assert [work.failed("code:1:1") for _ in range(3)] == [1, 2, 3]
    assert work.failed("code:1:2") == 1
    work.postpone(Lane.ITEMS, "code:1:1", at=0)
    assert work.failed("code:1:1") == 4
    work.close(Lane.ITEMS, "code:1:1", OutcomeKind.CREATED)
    assert work.failed("code:1:1") == 1


def test_work_of_dead_workers_can_be_made_due_immediately(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1", "code:1:2", "code:1:3"], at=1)
    work.take(Lane.ITEMS, limit=2)
    assert taken(work, limit=2) == []
    work.take_back(Lane.ITEMS)
    assert work.take(Lane.ITEMS, limit=2) == [("code:1:1", 0, ""), ("code:1:2", 0, "")], (
        "first, and no death is counted"
    )
    work.take_back(Lane.EXPORTS)
    assert work.depth(Lane.EXPORTS) == (0, 0)


# Work that a person retries


def test_work_that_is_tried_again_is_due_now_and_before_all_that_waits(work: Lanes, client: Redis) -> None:
    work.add(Lane.ITEMS, ["code:1:1"], at=1)
    work.add(Lane.ITEMS, ["code:1:2"], at=seconds(client) + 60)
    work.retry(Lane.ITEMS, ["code:1:2", "code:1:3"])
    assert taken(work) == ["code:1:2", "code:1:3", "code:1:1"]


def test_an_empty_retry_changes_nothing(work: Lanes) -> None:
    work.retry(Lane.ITEMS, [])
    assert work.depth(Lane.ITEMS) == (0, 0)


@pytest.mark.usefixtures("workers_die_at_once")
def test_a_retry_clears_failed_attempts_and_deaths(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1"])
    begun_and_lost(work)
    assert work.take(Lane.ITEMS, limit=1) == [("code:1:1", 1, "")]
    work.claim(Lane.ITEMS, "code:1:1")
    work.failed("code:1:1")
    work.postpone(Lane.ITEMS, "code:1:1", at=0)
    work.retry(Lane.ITEMS, ["code:1:1"])
    assert work.take(Lane.ITEMS, limit=1) == [("code:1:1", 0, "")]
    assert work.failed("code:1:1") == 1


def test_work_requested_while_in_progress_is_done_once_more(work: Lanes) -> None:
    """Its attempt may have begun before the request, so exactly one more follows."""
    work.add(Lane.ITEMS, ["code:1:1"])
    taken(work)
    work.claim(Lane.ITEMS, "code:1:1")
    work.retry(Lane.ITEMS, ["code:1:1"])
    assert work.depth(Lane.ITEMS) == (0, 1)
    assert taken(work) == []
    for _ in range(2):
        # A script whose answer was lost runs twice.
        work.close(Lane.ITEMS, "code:1:1", OutcomeKind.BLOCKED)
        assert work.depth(Lane.ITEMS) == (1, 0)
    assert taken(work) == ["code:1:1"]
    work.claim(Lane.ITEMS, "code:1:1")
    work.close(Lane.ITEMS, "code:1:1", OutcomeKind.BLOCKED)
    assert work.depth(Lane.ITEMS) == (0, 0)


def test_an_attempt_that_begins_after_a_request_is_the_requested_one(work: Lanes) -> None:
    """No further attempt follows."""
    work.add(Lane.ITEMS, ["code:1:1"])
    taken(work)
    work.retry(Lane.ITEMS, ["code:1:1"])
    work.claim(Lane.ITEMS, "code:1:1")
    work.close(Lane.ITEMS, "code:1:1", OutcomeKind.BLOCKED)
    assert work.depth(Lane.ITEMS) == (0, 0)


def test_only_work_that_is_due_before_a_time_is_made_due_now(work: Lanes, client: Redis) -> None:
    now = seconds(client)
    for number, after in enumerate((10, 29, 31, 900)):
        work.add(Lane.ITEMS, [f"code:1:{number}"], at=now + after)
    work.add(Lane.EXPORTS, ["invoice:1:1"], at=now + 10)
    work.make_due_now(Lane.ITEMS, until=now + 30)
    assert sorted(taken(work)) == ["code:1:0", "code:1:1"]
    assert work.depth(Lane.ITEMS) == (2, 2)
    assert work.depth(Lane.EXPORTS) == (1, 0)
    work.make_due_now(Lane.ITEMS, until=0)
    assert taken(work) == []


def test_work_counts_as_active_while_in_progress_or_due_soon(work: Lanes, client: Redis) -> None:
    now = seconds(client)
    work.add(Lane.ITEMS, ["code:1:1"])
    taken(work)
    work.add(Lane.ITEMS, ["code:1:2"], at=now + 20)
    work.add(Lane.ITEMS, ["code:1:3"], at=now + 90)
    work.add(Lane.EXPORTS, ["invoice:1:1"])
    asked = ["code:1:1", "code:1:2", "code:1:3", "code:1:4", "invoice:1:1", "scan:1"]
    assert work.pending(asked, due_before=now + 60) == {"code:1:1", "code:1:2", "invoice:1:1"}
    assert work.pending([], due_before=now) == set()


@pytest.mark.real
def test_a_backlog_of_fifty_thousand_waits_and_never_looks_overdue(real_work: Lanes) -> None:
    """Only as many as the limit are dispatched."""
    real_work.add(Lane.ITEMS, [f"code:1:{n}" for n in range(50_000)])
    assert len(real_work.take(Lane.ITEMS, limit=10)) == 10
    for _ in range(20):
        assert real_work.take(Lane.ITEMS, limit=10) == []
    assert real_work.depth(Lane.ITEMS) == (49_990, 10)


@pytest.mark.real
def test_a_long_backlog_is_dispatched_within_the_limit_at_a_time(real_work: Lanes) -> None:
    """Every key is dispatched once."""
    keys = {f"code:1:{n}" for n in range(1_500)}
    real_work.add(Lane.ITEMS, keys)
    given: list[str] = []
    while batch := taken(real_work, limit=64):
        assert len(batch) <= 64
        given += batch
        for key in batch:
            real_work.close(Lane.ITEMS, key, OutcomeKind.CREATED)
    assert len(given) == len(keys)
    assert set(given) == keys


def test_the_latest_due_time_of_some_keys_is_returned(work: Lanes) -> None:
    work.add(Lane.ITEMS, ["code:1:1"], at=50.0)
    work.add(Lane.ITEMS, ["code:1:2"], at=70.5)
    work.add(Lane.ITEMS, ["code:1:3"], at=90.0)
    work.claim(Lane.ITEMS, "code:1:3")
    assert work.last_due(Lane.ITEMS, ["code:1:1", "code:1:2", "code:1:3", "code:1:4"]) == 70.5
    assert work.last_due(Lane.ITEMS, ["code:1:3"]) == work.last_due(Lane.ITEMS, []) == 0


def test_work_taken_and_begun_in_one_step_sees_earlier_fixes(work: Lanes) -> None:
    """In a series no claim follows after it was taken: it is checked once more for what was fixed, not twice."""
    work.add(Lane.ITEMS, ["code:1:1"])
    assert taken(work) == ["code:1:1"]
    work.retry(Lane.ITEMS, ["code:1:1"])
    work.close(Lane.ITEMS, "code:1:1", OutcomeKind.BLOCKED)
    assert taken(work) == ["code:1:1"]
    work.close(Lane.ITEMS, "code:1:1", OutcomeKind.CREATED)
    assert work.depth(Lane.ITEMS) == (0, 0)


def test_the_start_of_an_invoices_wait_is_kept_until_the_invoice_ends(real_work: Lanes) -> None:
    """Every attempt and request keeps the time; another app's message without work in a lane changes nothing."""
    work, key = real_work, "invoice:1:7"
    assert work.oldest_invoice() is None
    work.add(Lane.EXPORTS, [key])
    oldest = work.oldest_invoice()
    assert oldest
    assert oldest[0] == key
    work.add(Lane.ITEMS, ["code:1:1"])
    for _ in range(3):
        assert taken(work, Lane.EXPORTS) == [key]
        assert work.claim(Lane.EXPORTS, key, Claim.IN_LANE) is Claimed.BEGUN
        work.postpone(Lane.EXPORTS, key, at=0, outcome=OutcomeKind.WAITING)
        work.request(Lane.EXPORTS, [key])
        assert work.oldest_invoice() == oldest
    work.add(Lane.EXPORTS, ["invoice:1:8"])
    assert work.claim(Lane.EXPORTS, key) is Claimed.BEGUN
    work.close(Lane.EXPORTS, key, OutcomeKind.CREATED)
    after = work.oldest_invoice()
    assert after
    assert (after[0], after[1] >= oldest[1]) == ("invoice:1:8", True)
    # A message of another application's, for which no lane has work.
    assert work.claim(Lane.EXPORTS, "invoice:1:9") is Claimed.BEGUN
    work.close(Lane.EXPORTS, "invoice:1:9", OutcomeKind.BLOCKED)
    assert work.oldest_invoice() == after


def test_an_invoice_that_an_older_version_ended_does_not_wait_forever(real_work: Lanes, server: Redis) -> None:
    """Upkeep forgets invoices that no lane has."""
    real_work.add(Lane.EXPORTS, ["invoice:1:8"])
    server.zadd(f"{PREFIX}since:invoice", {"invoice:1:7": 1})
    real_work.forget_ended_invoices()
    oldest = real_work.oldest_invoice()
    assert oldest
    assert oldest[0] == "invoice:1:8"
