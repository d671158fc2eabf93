"""One message, many Items: a worker continues from code to code while no other task needs its thread and all work succeeds."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest

from simulators.company.model import Project
from tests.kit.company import ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.work import Lane, RunKind, scan_of
from worker.engine import runner
from worker.engine.dispatch import ENOUGH_ITEMS, lane_limits
from worker.engine.settlement import MAX_DEATHS
from worker.store.keys import Keys

pytestmark = pytest.mark.real

CODES = [f"05-{number}.S" for number in range(120, 132)]


def first_of_twelve(office: Installation) -> tuple[Project, CodeKey]:
    """Create a project whose twelve codes wait; return it and the code that is dispatched first."""
    project = office.new_project("24-800", CODES)
    office.container.start_scan("test", [project.id])
    office.container.runner.run(scan_of(project.id))
    [(first, *_)] = office.container.work.take(Lane.ITEMS, limit=1)
    return project, CodeKey.parse(first)


def made(
    office: Installation, first: CodeKey, *, may_continue: Callable[[], bool] = lambda: True
) -> Counter[OutcomeKind]:
    """Return the outcomes of a series of Items, as their task counts them."""
    return Counter(
        outcome.kind for outcome in office.container.runner.run_series(str(first), may_continue=may_continue)
    )


def scanned(office: Installation) -> tuple[Outcome, int]:
    """Return the outcome of the first project of a series of scans, and how many followed."""
    [(first, *_)] = office.container.work.take(Lane.SCANS, limit=1)
    outcome, *following = office.container.runner.run_series(first, may_continue=lambda: True)
    return outcome, len(following)


def test_a_series_creates_all_waiting_items(office: Installation) -> None:
    project, first = first_of_twelve(office)
    assert made(office, first) == {"created": 12}
    assert all(office.item_of(project, code) for code in project.budgeted_codes())
    assert office.container.work.depth(Lane.ITEMS) == (0, 0)


def test_a_series_ends_when_its_thread_is_needed(office: Installation) -> None:
    _, first = first_of_twelve(office)
    turns = itertools.count()
    assert made(office, first, may_continue=lambda: next(turns) < 4) == {"created": 5}
    assert office.container.work.depth(Lane.ITEMS) == (7, 0)


def test_a_series_ends_after_a_limited_time(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    _, first = first_of_twelve(office)
    monkeypatch.setattr(runner, "SERIES_SECONDS", 0.0)
    assert made(office, first) == {"created": 1}


def test_a_series_ends_with_the_first_work_that_fails(office: Installation) -> None:
    """The others would fail in the same way: they are dispatched again, once nothing pauses them."""
    _, first = first_of_twelve(office)
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": ITEM_PATH, "skip": 2}])
    counts = made(office, first)
    assert counts.pop(OutcomeKind.CREATED) == 2
    assert sum(counts.values()) == 1
    assert sum(office.container.work.depth(Lane.ITEMS)) == 10


def test_work_that_killed_its_workers_is_no_part_of_a_series(office: Installation) -> None:
    project, first = first_of_twelve(office)
    other_keys = [
        str(CodeKey(project.id, code.id)) for code in project.budgeted_codes() if code.id != first.wbs_code_id
    ]
    deaths_key = Keys(office.container.settings.redis_key_prefix).deaths
    office.container.redis.hset(deaths_key, mapping=dict.fromkeys(other_keys, MAX_DEATHS + 1))
    assert made(office, first) == {"created": 1}
    assert list(office.problems("code:").values()) == ["retries_exhausted"]


def synced_projects(office: Installation, count: int) -> list[Project]:
    """Create projects whose Items exist and request scans of them; the first is on its way to a worker."""
    projects = [office.new_project(f"24-81{number}", [CODES[number]]) for number in range(count)]
    office.scan(*(project.id for project in projects))
    office.container.wbs_scan.request("test", [project.id for project in projects])
    return projects


def test_projects_without_news_are_scanned_in_a_series(office: Installation) -> None:
    synced_projects(office, 4)
    outcome, more = scanned(office)
    assert (outcome.kind, more) == (OutcomeKind.ALREADY, 3)
    assert office.container.work.depth(Lane.SCANS) == (0, 0)
    run = office.container.runs.current(RunKind.SCAN)
    assert run is not None
    assert (run.ended, run.counts["projects_done"]) == (True, 4)


def test_a_series_of_scans_ends_with_new_codes_which_await_dispatch(office: Installation) -> None:
    projects = synced_projects(office, 4)
    for project in projects:
        office.procore.add_code(project.id, "05-140.S", budget="0")
    _, more = scanned(office)
    assert more == 0
    assert office.container.work.depth(Lane.ITEMS) == (1, 0)
    assert office.container.work.depth(Lane.SCANS) == (3, 0)


def test_a_series_of_scans_ends_with_an_unreadable_project(office: Installation) -> None:
    projects = synced_projects(office, 4)
    office.stage.faults("procore", [{"kind": "error_before", "value": 503, "path": "budget", "skip": 1}])
    _, more = scanned(office)
    assert more == 1
    office.clear_faults()
    office.settle()
    run = office.container.runs.current(RunKind.SCAN)
    assert run is not None
    assert run.counts["projects_done"] == len(projects)


def test_scans_step_back_while_enough_items_wait(office: Installation) -> None:
    """Further scans would take CPU from creating Items; with fewer codes waiting, four projects are scanned at the same time."""
    office.container.wbs_scan.request("test", [1, 2, 3, 4, 5, 6])
    makers = lane_limits(office.container.settings.netsuite_concurrency)[Lane.ITEMS]
    waiting = [f"code:9:{number}" for number in range(1, ENOUGH_ITEMS * makers + 2)]
    office.container.work.add(Lane.ITEMS, waiting)
    assert len(office.container.dispatch.next([Lane.SCANS])) == 1
    office.container.work.take(Lane.ITEMS, limit=1)
    assert len(office.container.dispatch.next([Lane.SCANS])) == 3


def test_work_of_a_newer_version_is_left_to_a_newer_worker(office: Installation) -> None:
    """Neither a series nor the dispatch starts it, and it is never given up, however many workers died with it."""
    _, first = first_of_twelve(office)
    work, newer = office.container.work, "merge:17:1"
    work.add(Lane.ITEMS, [newer], at=1)
    assert made(office, first) == {"created": 1}
    assert (work.is_in_progress(Lane.ITEMS, newer), work.is_begun(Lane.ITEMS, newer)) == (True, False)
    office.container.redis.hset(Keys(office.container.settings.redis_key_prefix).deaths, newer, MAX_DEATHS + 1)
    office.overdue()
    assert newer not in office.container.dispatch.next([Lane.ITEMS])
    assert work.is_in_progress(Lane.ITEMS, newer)
    assert office.problems() == {}
