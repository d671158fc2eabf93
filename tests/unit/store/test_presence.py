"""Presence: a process that announces itself counts as running, and is forgotten soon after its last announcement."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.kit.container import Redis
from tests.kit.waiting import eventually
from tests.unit.store.conftest import PREFIX
from worker.store import presence
from worker.store.connection import seconds
from worker.store.presence import Presence, ScheduleRuns


@pytest.fixture
def processes(client: Redis) -> Presence:
    return Presence(client, PREFIX)


def test_a_process_runs_from_its_announcement_until_it_withdraws(
    processes: Presence, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "PRESENCE_SECONDS", 600.0)
    processes.announce("items@a (1)", queues=["items", "scans"], clock_ahead=0.0)
    processes.announce("beat@a (2)", queues=[], clock_ahead=0.0)
    assert [(one.process, one.queues) for one in processes.running()] == [
        ("beat@a (2)", frozenset()),
        ("items@a (1)", frozenset({"items", "scans"})),
    ]
    processes.withdraw("items@a (1)")
    assert [one.process for one in processes.running()] == ["beat@a (2)"]


def test_a_process_without_news_is_silent_until_another_takes_its_place(
    processes: Presence, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a process of the same name and machine takes the place, and no machine is missed forever."""
    monkeypatch.setattr(presence, "PRESENCE_SECONDS", 0.05)
    at = seconds(client)
    for process in ("items@a (1)", "items@ab (1)", "invoices@a (2)"):
        processes.announce(process, queues=["items"], clock_ahead=0.0)
    eventually(lambda: not processes.running())
    assert [one.process for one in processes.all() if one.is_silent] == [
        "invoices@a (2)",
        "items@a (1)",
        "items@ab (1)",
    ]
    assert all(at <= one.seen <= seconds(client) for one in processes.all())
    processes.announce("items@a (17)", queues=["items"], clock_ahead=0.0)
    assert [one.process for one in processes.all()] == ["invoices@a (2)", "items@a (17)", "items@ab (1)"]
    monkeypatch.setattr(presence, "SILENT_KEPT_SECONDS", 0.0)
    processes.announce("items@a (17)", queues=["items"], clock_ahead=0.0)
    assert [one.process for one in processes.all()] == ["items@a (17)"], "no machine is reported missing permanently"


def test_an_announcement_of_an_older_version_is_read(processes: Presence, client: Redis) -> None:
    ends = seconds(client) + 600
    older = {"until_": ends, "queues": '["items"]', "off": 0.0}
    client.hset(f"{PREFIX}presence", "items@a (1)", json.dumps(older))
    (running,) = processes.running()
    assert running.threads == 0
    assert running.seen == pytest.approx(ends - presence.PRESENCE_SECONDS)


@pytest.mark.parametrize("off", [-3600.0, -30.0, 0.0, 30.0, 3600.0])
def test_a_process_clock_is_recorded_and_decides_nothing(
    processes: Presence, client: Redis, monkeypatch: pytest.MonkeyPatch, off: float
) -> None:
    monkeypatch.setattr(presence, "PRESENCE_SECONDS", 600.0)
    processes.announce("beat@a (2)", queues=[], clock_ahead=off)
    (running,) = processes.running()
    assert running.clock_ahead == off


@pytest.mark.parametrize("off", [-3600.0, -30.0, 0.0, 30.0, 3600.0])
def test_a_slow_answer_of_redis_is_no_difference_of_clocks(
    processes: Presence, client: Redis, monkeypatch: pytest.MonkeyPatch, off: float
) -> None:
    """Redis is read at the beginning, in the middle or at the end of 20 seconds in which it does not answer."""
    for waited in (0.0, 10.0, 20.0):
        clock = iter([1000.0 + off, 1020.0 + off])
        monkeypatch.setattr(presence, "seconds", lambda _, at=1000.0 + waited: at)
        measured = processes.clock_ahead(clock.__next__)
        assert abs(measured) <= abs(off)
        assert measured == pytest.approx(off, abs=20)
        assert measured == 0 or measured * off > 0


def test_an_unusable_time_of_a_schedule_entry_counts_as_none(client: Redis) -> None:
    """Beat shows each of them as a date when it starts. Entries of other programs or damaged data must not keep it from starting."""
    runs = ScheduleRuns(client, PREFIX)
    runs.note("scan", 1_796_078_793.5)
    for number, damaged in enumerate(
        ("1796078793000", "\u00b2", "9" * 400, "", "nan", "inf", "-1", "1e300", "\0\0", "1_0")
    ):
        client.hset(f"{PREFIX}schedule", f"damaged {number}", damaged)
    assert runs.last() == {"scan": 1_796_078_793.5}
    client.hset(f"{PREFIX}schedule", "latest", "9" * 11 + ".9")
    assert datetime.fromtimestamp(runs.last()["latest"], UTC).year < 9999
