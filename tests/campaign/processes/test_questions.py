"""A question of a round can be answered with no."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.campaign.processes.questions import succeeded_later
from tests.campaign.processes.storm import held
from worker.domain.outcomes import Record, State

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


CODE, SCAN = "code:1:2", "scan:1"


def left_by_a_dead_worker(
    key: str, *, in_progress: bool = False, waits: bool = False, state: State | None = None
) -> bool:
    """Return whether work that a worker had begun when it was killed counts as left behind."""
    work: Any = SimpleNamespace(is_in_progress=lambda *_: in_progress, waits_until=lambda *_: 5.0 if waits else None)
    ledger: Any = SimpleNamespace(record=lambda _: Record(state, "24-017-01") if state else None)
    return held([key], [], work, ledger) == {key}


def test_work_that_was_settled_before_its_trace_said_so_is_not_left_behind() -> None:
    assert not left_by_a_dead_worker(CODE, state=State.CREATED)


@pytest.mark.parametrize(
    "left",
    [
        {"key": CODE, "in_progress": True, "state": State.CREATED},
        {"key": CODE, "waits": True, "state": State.CREATED},
        {"key": CODE, "state": State.INTENT},
        {"key": CODE, "state": State.WAITING},
        {"key": CODE},
        {"key": SCAN},
    ],
    ids=["claimed", "scheduled", "write in doubt", "lost from its lane", "no record", "a scan"],
)
def test_any_other_work_that_was_begun_is_left_behind(left: dict[str, Any]) -> None:
    assert left_by_a_dead_worker(**left)
