"""Procore's two rate limits, shared by all workers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from tests.kit.container import Redis
from tests.kit.waiting import lasts
from tests.unit.store.conftest import PREFIX
from worker.domain.errors import NoRoom
from worker.store import limits as limits_module
from worker.store.gate import Precedence
from worker.store.limits import RateLimits

EXPORT, SCAN = Precedence.EXPORT, Precedence.SCAN
T = TypeVar("T")


@pytest.fixture
def limits(client: Redis) -> RateLimits:
    return RateLimits(client, PREFIX, "procore")


def headers(limit: int, remaining: int, *, resets_in: float) -> dict[str, str]:
    return {
        "X-Rate-Limit-Limit": str(limit),
        "X-Rate-Limit-Remaining": str(remaining),
        "X-Rate-Limit-Reset": str(int(time.time() + resets_in)),
    }


def seconds_to_wait(limits: RateLimits, precedence: Precedence = EXPORT) -> float:
    """Return the seconds that a refused caller must wait; 0 = it may send now."""
    try:
        limits.wait(precedence, timeout=0)
    except NoRoom as error:
        return error.retry_after or float("nan")
    return 0


def waits(limits: RateLimits, seconds: float, precedence: Precedence = EXPORT, *, begun: float) -> bool:
    """Return whether a refused caller must wait until so many seconds after what began at `begun`, to two seconds, however long the test
    took in between.
    """
    asked = time.time()
    wait = seconds_to_wait(limits, precedence)
    now = time.time()
    return begun + seconds - 2 <= now + wait and asked + wait <= now + seconds + 2


def in_time(client: Redis, seconds: float, attempt: Callable[[], T]) -> T:
    """Return the result of the first attempt that was over before its window, of so many seconds. Each begins with an empty Redis."""
    while True:
        client.flushall()
        begun = time.monotonic()
        result = attempt()
        if time.monotonic() - begun < seconds - 2:
            return result


def test_no_request_is_delayed_before_procore_has_sent_its_limits(limits: RateLimits) -> None:
    assert all(seconds_to_wait(limits, precedence) == 0 for precedence in Precedence)


def test_an_exhausted_window_delays_all_callers_until_its_reset(limits: RateLimits) -> None:
    begun = time.time()
    limits.observe(headers(3600, 0, resets_in=600))
    assert waits(limits, 600, begun=begun)
    assert waits(limits, 600, SCAN, begun=begun)


@pytest.mark.parametrize(("limit", "resets_in"), [(3600, 1800), (25, 9)])
def test_scans_leave_a_part_of_each_window_to_exports(
    limits: RateLimits, client: Redis, limit: int, resets_in: float
) -> None:
    def waits_of_both() -> tuple[float, float]:
        limits.observe(headers(limit, limit // 25, resets_in=resets_in))
        return seconds_to_wait(limits, SCAN), seconds_to_wait(limits, EXPORT)

    of_scan, of_export = in_time(client, resets_in, waits_of_both)
    assert of_scan > 0
    assert of_export == 0


@pytest.mark.parametrize(("limit", "resets_in"), [(3600, 1800), (25, 9)])
def test_a_scan_uses_nearly_all_of_a_window_while_there_are_no_exports(
    limits: RateLimits, client: Redis, limit: int, resets_in: float
) -> None:
    def sent() -> int:
        limits.observe(headers(limit, limit, resets_in=resets_in))
        return next(number for number in itertools.count() if seconds_to_wait(limits, SCAN))

    assert 0.95 * limit <= in_time(client, resets_in, sent) < limit


def test_scans_leave_more_while_there_are_exports(limits: RateLimits, monkeypatch: pytest.MonkeyPatch) -> None:
    limits.observe(headers(3600, 721, resets_in=1800))
    assert seconds_to_wait(limits, SCAN) == 0, "there is no export"
    assert seconds_to_wait(limits, EXPORT) == 0
    assert seconds_to_wait(limits, SCAN) > 0, "an export has just asked"
    monkeypatch.setattr(limits_module, "EXPORTS_REMEMBERED_SECONDS", 0.0)
    assert seconds_to_wait(limits, SCAN) == 0, "that was long ago"


def test_requests_in_flight_are_counted_before_their_answers_come(limits: RateLimits) -> None:
    limits.observe(headers(3600, 3, resets_in=600))
    assert [seconds_to_wait(limits) > 0 for _ in range(5)] == [False, False, False, True, True]


def test_a_late_response_does_not_give_back_what_was_used_meanwhile(limits: RateLimits) -> None:
    """The remaining requests only go down within one window."""
    response_headers = headers(3600, 2, resets_in=600)
    limits.observe(response_headers)
    assert seconds_to_wait(limits) == 0
    limits.observe(response_headers)
    assert seconds_to_wait(limits) == 0
    assert seconds_to_wait(limits) > 0


@pytest.mark.parametrize("hour_first", [True, False])
def test_the_fuller_window_does_not_hide_the_exhausted_one(limits: RateLimits, hour_first: bool) -> None:
    begun = time.time()
    hour, spike = headers(3600, 0, resets_in=1800), headers(25, 25, resets_in=9)
    for response_headers in (hour, spike) if hour_first else (spike, hour):
        limits.observe(response_headers)
    assert waits(limits, 1800, begun=begun)


def test_the_last_seconds_of_the_hour_are_not_read_as_the_short_window(limits: RateLimits) -> None:
    begun = time.time()
    limits.observe(headers(3600, 500, resets_in=1800))
    limits.observe(headers(3600, 0, resets_in=9))
    limits.observe(headers(25, 25, resets_in=8))
    assert waits(limits, 9, begun=begun)


def test_a_new_window_begins_full(limits: RateLimits) -> None:
    limits.observe(headers(3600, 0, resets_in=600))
    limits.observe(headers(3600, 3600, resets_in=4200))
    assert seconds_to_wait(limits) == 0


def test_requests_that_waited_for_a_window_do_not_exceed_the_next_one(limits: RateLimits, client: Redis) -> None:
    """All get the same time, and the first response of the new window comes when they have left."""

    def waits_of_all() -> tuple[list[float], float]:
        limits.observe(headers(25, 0, resets_in=9))
        first = seconds_to_wait(limits)
        client.hset(f"{PREFIX}limits:procore", "spike:reset", int(time.time() * 1000) - 1)
        begun = time.monotonic()
        of_window = [seconds_to_wait(limits) for _ in range(26)]
        return [first, *of_window], time.monotonic() - begun

    (first, *begin, next_one), elapsed = in_time(client, 9, waits_of_all)
    assert first > 0
    assert begin == [0] * 25
    assert 7 - elapsed <= next_one <= 13
    # What Procore says of the new window holds; those that are still on their way are in it.
    begun = time.time()
    limits.observe(headers(25, 24, resets_in=5))
    assert waits(limits, 5, begun=begun)
    limits.observe(headers(25, 20, resets_in=8))
    assert seconds_to_wait(limits) == 0


def test_a_window_whose_reset_has_passed_delays_no_request(limits: RateLimits) -> None:
    limits.observe(headers(25, 0, resets_in=-2))
    assert seconds_to_wait(limits) == 0


@pytest.mark.parametrize(
    "incomplete",
    [
        {},
        {"X-Rate-Limit-Limit": "3600", "X-Rate-Limit-Remaining": "0"},
    ],
)
def test_a_response_without_all_three_numbers_is_ignored(limits: RateLimits, incomplete: dict[str, str]) -> None:
    limits.observe(incomplete)
    assert seconds_to_wait(limits) == 0


@pytest.mark.parametrize("name", ["X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"])
@pytest.mark.parametrize(
    "header", ["many", "", "-", "--5", "1.5", "1e3", "\u00b2", "\u0663", " 7", "0x7", "9" * 20, "9" * 400, "NaN"]
)
def test_a_header_that_is_no_number_is_ignored(limits: RateLimits, name: str, header: str) -> None:
    limits.observe(headers(25, 0, resets_in=9) | {name: header})
    assert seconds_to_wait(limits) == 0


def test_a_reset_that_no_window_can_have_delays_no_request(limits: RateLimits) -> None:
    limits.observe(headers(25, 0, resets_in=3 * 3600))
    assert seconds_to_wait(limits) == 0


@pytest.mark.parametrize("precedence", Precedence)
def test_after_a_429_nothing_is_sent_for_as_long_as_procore_said(limits: RateLimits, precedence: Precedence) -> None:
    begun = time.time()
    limits.block(30)
    assert waits(limits, 30, precedence, begun=begun)


def test_a_short_wait_is_waited_out(limits: RateLimits) -> None:
    limits.block(0.1)
    began = time.monotonic()
    limits.wait(EXPORT)
    assert time.monotonic() - began >= 0.09


def test_each_remote_has_its_own_limits(limits: RateLimits, client: Redis) -> None:
    limits.block(30)
    assert seconds_to_wait(RateLimits(client, PREFIX, "elsewhere")) == 0


@pytest.mark.parametrize("ahead", [-3600, -8, -3, 3, 8, 3600])
def test_the_windows_are_distinguished_by_procores_own_clock(limits: RateLimits, ahead: float) -> None:
    """Its clock is so many seconds ahead of Redis': the short window's reset is no hour's, and its wait is ten seconds."""
    begun = time.time()
    theirs = begun + ahead
    hour, spike = headers(3600, 3000, resets_in=ahead + 1800), headers(25, 0, resets_in=ahead + 9)
    limits.observe(hour, sent_at=theirs)
    limits.observe(spike, sent_at=theirs)
    assert {one.name: one.limit for one in limits.windows()} == {"hour": 3600, "spike": 25}
    assert waits(limits, 9, begun=begun)


def test_responses_of_one_window_agree_on_its_end_despite_rounded_dates(limits: RateLimits) -> None:
    """The `Date` header has whole seconds."""
    response_headers = headers(25, 0, resets_in=9)
    limits.observe(response_headers, sent_at=time.time())
    limits.observe(response_headers, sent_at=time.time() - 1)
    assert seconds_to_wait(limits) <= 9.1


def test_an_exhausted_limit_is_named_with_its_end(limits: RateLimits) -> None:
    assert limits.pauses() == []
    limits.observe(headers(3600, 3000, resets_in=1800))
    assert limits.pauses() == []
    begun = time.time()
    limits.observe(headers(3600, 0, resets_in=1800))
    (pause,) = limits.pauses()
    assert not pause.of_scans
    assert lasts(pause.ends, 1800, begun=begun, now=time.time())
    with pytest.raises(NoRoom, match="hourly limit of 3,600 requests is used up"):
        limits.wait(EXPORT, timeout=0)


def test_what_scans_leave_to_exports_is_shown_as_a_pause_of_scans(limits: RateLimits) -> None:
    limits.observe(headers(3600, 100, resets_in=1800))
    (pause,) = limits.pauses()
    assert pause.of_scans
    assert "reserved for exports" in pause.reason


def test_upkeep_that_leaves_requests_to_others_says_so(limits: RateLimits) -> None:
    """More than a third of the hour is left, so "used up" would be wrong."""
    limits.observe(headers(3600, 1500, resets_in=1800))
    assert limits.pauses() == []
    with pytest.raises(NoRoom, match="reserved for exports and scans"):
        limits.wait(Precedence.UPKEEP, timeout=0)
    limits.wait(EXPORT, timeout=0)


def test_a_429_is_shown_as_a_pause_of_everything(limits: RateLimits) -> None:
    begun = time.time()
    limits.block(300)
    (pause,) = limits.pauses()
    assert not pause.of_scans
    assert lasts(pause.ends, 300, begun=begun, now=time.time())
    assert "429" in pause.reason
