"""Presence: who announces itself runs, and who stops doing so is forgotten soon."""

from __future__ import annotations

import pytest

from tests.support import eventually
from tests.unit.store.conftest import PREFIX
from worker.store import presence
from worker.store.connection import Redis, seconds
from worker.store.presence import Presence


@pytest.fixture
def processes(client: Redis) -> Presence:
    return Presence(client, PREFIX)


def test_a_process_runs_from_its_announcement_until_it_withdraws(processes: Presence, client: Redis) -> None:
    processes.announce("items@a (1)", queues=["items", "scans"], clock=seconds(client))
    processes.announce("beat@a (2)", queues=[], clock=seconds(client))
    assert [(one.process, one.queues) for one in processes.running()] == [
        ("beat@a (2)", frozenset()),
        ("items@a (1)", frozenset({"items", "scans"})),
    ]
    processes.withdraw("items@a (1)")
    assert [one.process for one in processes.running()] == ["beat@a (2)"]


def test_one_that_says_nothing_any_more_is_forgotten(
    processes: Presence, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "PRESENCE_SECONDS", 0.05)
    processes.announce("items@a (1)", queues=["items"], clock=seconds(client))
    eventually(lambda: not processes.running())
    assert not client.hkeys(f"{PREFIX}presence"), "nothing is left of it"


@pytest.mark.parametrize("off", [-3600.0, -30.0, 0.0, 30.0, 3600.0])
def test_its_own_clock_decides_nothing_and_is_kept(processes: Presence, client: Redis, off: float) -> None:
    processes.announce("beat@a (2)", queues=[], clock=seconds(client) + off)
    (one,) = processes.running()
    assert one.clock_ahead == pytest.approx(off, abs=1)
