"""What counts as continuing the work of a worker that was killed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.campaign.processes.claims import TURNED_AWAY, dead_workers

KEY = "code:1:2"


def process(name: str, *lines: tuple[str, float, str]) -> Any:
    trace = [{"what": what, "key": KEY, "at": at, "reason": reason} for what, at, reason in lines]
    return SimpleNamespace(agent=name, of=lambda *kinds: [line for line in trace if line["what"] in kinds])


def storm(dead: Any, *others: Any) -> Any:
    death = SimpleNamespace(process=dead, at=10.0, keys=frozenset({KEY}))
    return SimpleNamespace(
        deaths=[death], traces=[dead, *others], plan=SimpleNamespace(setup=SimpleNamespace(product_times=True))
    )


@pytest.mark.parametrize(
    ("lines", "wait"),
    [
        ([("begin", 12.0, ""), ("end", 13.0, "")], 2.0),
        # It had hung and lost its claim: another worker ended the work before the kill.
        ([("begin", 6.0, ""), ("end", 7.0, "")], 0.0),
    ],
)
def test_work_continues_after_the_kill_or_has_ended_elsewhere(lines: list[tuple[str, float, str]], wait: float) -> None:
    violations: list[str] = []
    dead = process("a", ("begin", 1.0, ""))
    assert list(dead_workers(storm(dead, process("b", *lines)), violations)) == [wait]
    assert violations == []


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [("begin", 12.0, ""), ("end", 12.1, TURNED_AWAY)],
        [("begin", 0.2, ""), ("end", 0.5, "")],
    ],
    ids=["nobody", "turned away", "before it began"],
)
def test_work_that_no_worker_continues_is_a_violation(lines: list[tuple[str, float, str]]) -> None:
    violations: list[str] = []
    dead = process("a", ("begin", 1.0, ""))
    assert list(dead_workers(storm(dead, process("b", *lines)), violations)) == []
    assert violations == [f"{KEY}, claimed by a when it was killed, was never continued"]
