"""What the benchmarks compute from their measurements, by example; the speed itself is in docs/performance.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import Figure, Sheet, number, read
from benchmarks.limits import windows_of
from benchmarks.traffic import ITEMS, Traffic


def request(
    started: float, ended: float, *, method: str = "POST", path: str = ITEMS, status: int = 204
) -> dict[str, Any]:
    return {"method": method, "path": path, "status": status, "started": started, "ended": ended}


def traffic(*entries: dict[str, Any], most: int = 2) -> Traffic:
    return Traffic([], entries, {"max_in_flight": most})


def test_slot_use_is_measured_until_the_last_item_request_begins() -> None:
    """The share of busy slots counts from the beginning of the first request."""
    seen = traffic(request(0, 4), request(0, 2), request(4, 9))
    assert seen.busy_share(2) == pytest.approx((4 + 2) / (2 * 4))
    assert seen.items_a_second() == pytest.approx(3 / 9)


def test_other_requests_keep_slots_busy_too_and_logins_do_not_count() -> None:
    query = request(2, 4, path="/services/rest/query/v1/suiteql")
    login = request(0, 4, path="/services/rest/auth/oauth2/v1/token")
    seen = traffic(request(0, 2), request(4, 5), query, login)
    assert seen.busy_share(1) == pytest.approx(1.0)
    assert len(seen.netsuite) == 3


def test_refusals_are_counted() -> None:
    assert traffic(request(0, 1), request(0, 1, status=429)).refused == 1


def test_a_window_begins_with_the_first_request_after_the_previous_window() -> None:
    windows = windows_of([request(at, at) for at in (0, 3, 9.9, 12, 21.9, 22)], 10)
    assert [[one["started"] for one in window] for window in windows] == [[0, 3, 9.9], [12, 21.9], [22]]


@pytest.mark.parametrize(
    ("figure", "kept"),
    [
        (Figure("x", "", [1, 5, 2], at_most=2), True),
        (Figure("x", "", [1, 5, 2.1], at_most=2), False),
        (Figure("x", "", [1, 5, 2], at_least=2), True),
        (Figure("x", "", [1, 5, 1.9], at_least=2), False),
        (Figure("x", "", [1]), None),
    ],
)
def test_the_median_keeps_the_limit_or_not(figure: Figure, kept: bool | None) -> None:
    assert figure.kept is kept


def test_a_sheet_is_read_as_it_was_written(tmp_path: Path) -> None:
    sheet = Sheet("x", "as it was", [Figure("a", "ms", [1.0, 2.0], at_most=3.0, note="b")])
    sheet.write(tmp_path / "x.json")
    run, again = read(tmp_path / "x.json")
    assert again == sheet
    assert run["commit"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12345.6, "12,346"), (0.9721, "0.972"), (0.037, "0.037"), (8.0, "8"), (129.5, "130")]
)
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    assert number(value) == text
