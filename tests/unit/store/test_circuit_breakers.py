"""Circuit breakers: an outage pauses the work that needs the remote, for a time, and nothing else."""

from __future__ import annotations

import pytest

from tests.kit.container import Redis
from tests.kit.waiting import lasts
from tests.unit.store.conftest import PREFIX
from worker.domain.problems import Cause
from worker.domain.scopes import Remote, is_of_role, permission, scope_of
from worker.domain.work import Lane
from worker.store.circuit_breakers import CircuitBreakers
from worker.store.connection import seconds

BILLS = scope_of(Remote.NETSUITE, "vendorBill", "create")
CREDITS = scope_of(Remote.NETSUITE, "vendorCredit", "create")


@pytest.fixture
def breakers(client: Redis) -> CircuitBreakers:
    return CircuitBreakers(client, PREFIX)


def end_now(breakers: CircuitBreakers) -> None:
    """End all pauses, with no successful response yet."""
    breakers.lift(list(Remote))


def test_every_lane_knows_its_remotes() -> None:
    assert all(lane.remotes for lane in Lane)


def test_item_types_share_one_scope_and_permissions_have_netsuites_names() -> None:
    assert scope_of(Remote.NETSUITE, "otherChargeResaleItem", "create") == "netsuite:item:create"
    assert permission("netsuite:item:create") == "Lists > Items: Create"
    assert permission("netsuite:subsidiary:query") == ""
    assert is_of_role("netsuite:vendor:query")
    assert not is_of_role(BILLS)


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("remote", Remote)
def test_a_remote_in_trouble_pauses_the_lanes_that_need_it_and_no_other(
    breakers: CircuitBreakers, client: Redis, lane: Lane, remote: Remote
) -> None:
    begun = seconds(client)
    noted = breakers.pause(remote, first=30)
    assert noted.times == 1
    assert lasts(noted.ends, 30, begun=begun, now=seconds(client))
    until, causes = breakers.state(lane)
    assert (until, causes) == ((noted.ends, [remote]) if remote in lane.remotes else (0, []))


def test_a_permission_pauses_the_work_that_needs_it_alone(breakers: CircuitBreakers) -> None:
    breakers.pause(BILLS, first=30)
    assert [lane for lane in Lane if breakers.state(lane)[0]] == [Lane.EXPORTS]
    assert breakers.state(Lane.ITEMS)[1] == [BILLS], "work of that remote may show that it responds again"
    assert not breakers.is_paused(Remote.NETSUITE)


def test_a_permission_that_few_need_stops_no_lane(breakers: CircuitBreakers) -> None:
    breakers.pause(CREDITS, first=30)
    assert not any(lane.waits_for(CREDITS) or breakers.state(lane)[0] for lane in Lane)
    assert breakers.until(CREDITS)


def test_work_resumes_after_a_pause_and_trouble_is_known_until_a_success(breakers: CircuitBreakers) -> None:
    """The trouble is remembered until a request gets through."""
    breakers.pause(Remote.NETSUITE, first=30)
    end_now(breakers)
    assert breakers.state(Lane.ITEMS) == (0, [Remote.NETSUITE])
    assert breakers.times(Remote.NETSUITE) == 1
    breakers.close(Remote.NETSUITE)
    assert breakers.state(Lane.ITEMS) == (0, [])
    assert breakers.times(Remote.NETSUITE) == 0


def test_pauses_in_a_row_grow_to_two_minutes_and_restart_after_a_response(
    breakers: CircuitBreakers, client: Redis
) -> None:
    """The first pause after a response is short again."""

    def pause_of(length: float) -> bool:
        begun = seconds(client)
        return lasts(breakers.pause(Remote.PROCORE, first=4).ends, length, begun=begun, now=seconds(client))

    for length in (4, 8, 16, 32, 64, 120, 120, 120):
        assert pause_of(length), length
        end_now(breakers)
    breakers.close(Remote.PROCORE)
    assert pause_of(4)


def test_work_that_failed_at_the_same_time_makes_no_second_pause_in_a_row(breakers: CircuitBreakers) -> None:
    """Sixteen threads see one outage: it is the first pause for all of them."""
    ends = {breakers.pause(Remote.NETSUITE, f"code:1:{place}", first=30).ends for place in range(16)}
    assert len(ends) == 1
    assert breakers.times(Remote.NETSUITE) == 1


def test_only_what_a_rate_limit_names_is_longer_than_two_minutes(breakers: CircuitBreakers, client: Redis) -> None:
    begun = seconds(client)
    breakers.pause(Remote.NETSUITE, first=3, named=600)
    assert lasts(breakers.pause(Remote.NETSUITE, first=3).ends, 600, begun=begun, now=seconds(client))


def test_a_scope_counts_the_works_that_failed_since_it_last_got_through(breakers: CircuitBreakers) -> None:
    assert [
        (breakers.count_failure(BILLS, work).works, breakers.count_failure(BILLS, work).again)
        for work in ("a", "b", "c")
    ] == [
        (1, True),
        (2, True),
        (3, True),
    ]
    assert breakers.state(Lane.EXPORTS) == (0, [BILLS]), "noting alone pauses nothing"
    assert breakers.pauses() == []
    breakers.close(BILLS)
    noted = breakers.count_failure(BILLS, "a")
    assert (noted.works, noted.again) == (1, False)


def test_a_scope_with_hundreds_of_failures_remembers_only_a_few(breakers: CircuitBreakers) -> None:
    """Any further record counts as one that has failed before."""
    noted = [breakers.count_failure(Remote.NETSUITE, f"code:1:{number}") for number in range(40)]
    assert noted[-1].works == 10
    assert noted[-1].again


def test_the_longer_of_two_pauses_counts_for_a_lane(breakers: CircuitBreakers) -> None:
    later = breakers.pause(Remote.PROCORE, first=60).ends
    breakers.pause(Remote.NETSUITE, first=30)
    until, causes = breakers.state(Lane.EXPORTS)
    assert until == pytest.approx(later, abs=0.01)
    assert causes == ["netsuite", "procore"]


def test_a_lifted_pause_is_over_at_once_and_returns_its_former_end(breakers: CircuitBreakers) -> None:
    """Lifting one remote's pause keeps the others, and returns the time until which the work would have waited."""
    for scope in (Remote.PROCORE, Remote.NETSUITE, BILLS):
        breakers.pause(scope, first=60)
    assert all(breakers.is_paused(scope) for scope in (Remote.PROCORE, Remote.NETSUITE, BILLS))
    until = breakers.state(Lane.EXPORTS)[0]
    assert breakers.lift([Remote.PROCORE]) == pytest.approx(until, abs=1)
    assert [breakers.is_paused(scope) for scope in (Remote.PROCORE, Remote.NETSUITE, BILLS)] == [False, True, True]
    assert breakers.lift([Remote.NETSUITE]) == pytest.approx(until, abs=1)
    assert breakers.lift(list(Remote)) == 0
    assert breakers.lift([]) == 0
    assert breakers.state(Lane.EXPORTS) == (0, ["netsuite", BILLS, "procore"])


def test_a_pause_says_what_waits_since_when_and_why(breakers: CircuitBreakers, client: Redis) -> None:
    begun = seconds(client)
    breakers.pause(BILLS, "invoice:1:2", first=30, cause=Cause.NETSUITE_PERMISSION, answer="403 no")
    (pause,) = breakers.pauses()
    assert (pause.remote, pause.work, pause.cause, pause.answer) == (
        Remote.NETSUITE,
        "create vendor bills",
        "netsuite_permission",
        "403 no",
    )
    assert lasts(pause.since, 0, begun=begun, now=seconds(client))
