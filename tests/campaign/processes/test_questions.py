"""A question of a round can be answered with no."""

from __future__ import annotations

import pytest

from tests.campaign.processes.questions import succeeded_later

FAILED = {"id": "t-1", "at": 10.0, "error": "OutOfMemoryError"}


def ran(task_id: str, at: float, state: str = "SUCCESS") -> dict[str, object]:
    return {"id": task_id, "at": at, "state": state}


def test_a_message_that_came_back_and_ran_to_its_end_counts() -> None:
    assert succeeded_later(FAILED, [ran("t-1", 5.0), ran("t-1", 15.0)])


@pytest.mark.parametrize(
    "lines",
    [[], [ran("t-1", 5.0)], [ran("t-2", 15.0)], [ran("t-1", 15.0, "FAILURE")]],
    ids=["never ran", "ran before it failed", "another task ran", "failed again"],
)
def test_a_task_that_never_succeeds_after_its_failure_is_missed(lines: list[dict[str, object]]) -> None:
    assert not succeeded_later(FAILED, lines)
