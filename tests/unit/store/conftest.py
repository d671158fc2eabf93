"""A client for pure logic (on fakeredis and on a real server), and one for tests that need a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import fakeredis
import pytest

from tests.kit.container import Redis
from worker.store import ledger
from worker.store.connection import connect
from worker.store.locks import LeaseKeeper

PREFIX = "t:"


@pytest.fixture(autouse=True, scope="package")
def a_write_may_pause() -> Iterator[None]:
    """A test on a busy machine may pause between the time of an intent and its note for longer than a worker may."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "LEAVES_WITHIN_SECONDS", 60.0)
        yield


@pytest.fixture
def server(redis_url: str) -> Iterator[Redis]:
    """Yield a client of a real, empty server."""
    with connect(redis_url) as client:
        yield client


@pytest.fixture(params=["fakeredis", pytest.param("valkey", marks=pytest.mark.real)])
def client(request: pytest.FixtureRequest) -> Iterator[Redis]:
    """Run a test twice: on an in-memory imitation of Redis with Lua, and on a real server."""
    if request.param == "valkey":
        yield request.getfixturevalue("server")
    else:
        with fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True) as imitation:
            yield imitation


class DeadKeeper(LeaseKeeper):
    """The lease keeper of a worker that died: it renews nothing."""

    @contextmanager
    def keeping(self, renew: Callable[[], None], *, every: float) -> Iterator[None]:
        yield


class KeeperByHand(LeaseKeeper):
    """A lease keeper that renews only when a test calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.renewals: list[Callable[[], None]] = []

    @contextmanager
    def keeping(self, renew: Callable[[], None], *, every: float) -> Iterator[None]:
        self.renewals.append(renew)
        yield
        self.renewals.remove(renew)

    def renew_all(self) -> None:
        """Renew every lease now."""
        for renew in self.renewals:
            renew()


@pytest.fixture
def keeper() -> LeaseKeeper:
    """Return a lease keeper that renews what the test holds."""
    return LeaseKeeper()
