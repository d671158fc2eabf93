"""Holds: a remote in trouble holds the lanes that need it, for a time."""

from __future__ import annotations

import pytest

from tests.support import eventually
from tests.unit.store.conftest import PREFIX
from worker.domain.work import Lane
from worker.store.connection import Redis, seconds
from worker.store.holds import REMOTES_OF_LANE, Holds, Remote


@pytest.fixture
def holds(client: Redis) -> Holds:
    return Holds(client, PREFIX)


def test_every_lane_knows_its_remotes() -> None:
    assert set(REMOTES_OF_LANE) == set(Lane)


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("remote", Remote)
def test_a_remote_in_trouble_holds_the_lanes_that_need_it_and_no_other(
    holds: Holds, client: Redis, lane: Lane, remote: Remote
) -> None:
    end, times = holds.hold(remote, for_seconds=30)
    assert times == 1
    assert end - seconds(client) == pytest.approx(30, abs=2)
    needs_it = remote in REMOTES_OF_LANE[lane]
    until, troubled = holds.state(lane)
    assert until == (pytest.approx(end, abs=0.01) if needs_it else 0)
    assert troubled == ([remote] if needs_it else [])


def test_a_hold_ends_by_itself_and_its_trouble_is_remembered_until_work_gets_through(holds: Holds) -> None:
    holds.hold(Remote.NETSUITE, for_seconds=0.05)
    eventually(lambda: holds.state(Lane.ITEMS)[0] == 0)
    assert holds.state(Lane.ITEMS) == (0, [Remote.NETSUITE])
    holds.over(Remote.NETSUITE)
    assert holds.state(Lane.ITEMS) == (0, [])


def test_a_shorter_hold_does_not_end_a_longer_one(holds: Holds) -> None:
    longer, _ = holds.hold(Remote.NETSUITE, for_seconds=60)
    end, times = holds.hold(Remote.NETSUITE, for_seconds=1)
    assert times == 2
    assert end == pytest.approx(longer, abs=0.01)
    assert holds.state(Lane.ITEMS)[0] == pytest.approx(longer, abs=0.01)


def test_a_lane_that_needs_both_waits_for_the_later_of_two(holds: Holds) -> None:
    later, _ = holds.hold(Remote.PROCORE, for_seconds=60)
    holds.hold(Remote.NETSUITE, for_seconds=30)
    until, troubled = holds.state(Lane.EXPORTS)
    assert until == pytest.approx(later, abs=0.01)
    assert troubled == [Remote.PROCORE, Remote.NETSUITE]


def test_somebody_who_mended_the_cause_lets_held_work_try_at_once(holds: Holds) -> None:
    for remote in Remote:
        holds.hold(remote, for_seconds=60)
    assert [holds.is_held(remote) for remote in Remote] == [True, True]
    until = holds.state(Lane.EXPORTS)[0]
    assert holds.lift([Remote.PROCORE]) == pytest.approx(until, abs=1)
    assert [holds.is_held(remote) for remote in Remote] == [False, True]
    assert holds.lift(list(Remote)) == pytest.approx(until, abs=1)
    assert holds.lift(list(Remote)) == 0
    assert holds.state(Lane.EXPORTS) == (0, [Remote.PROCORE, Remote.NETSUITE])


def test_how_often_a_remote_was_held_is_counted_from_anew_once_it_works(holds: Holds) -> None:
    assert [holds.hold(Remote.PROCORE, for_seconds=30)[1] for _ in range(3)] == [1, 2, 3]
    holds.over(Remote.PROCORE)
    assert holds.hold(Remote.PROCORE, for_seconds=30)[1] == 1
