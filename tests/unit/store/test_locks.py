"""Locks: one holder, with an expiry, released and renewed by that holder alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.kit.container import Redis
from tests.kit.waiting import eventually
from tests.unit.store.conftest import PREFIX, DeadKeeper, KeeperByHand
from worker.store import locks as locks_module
from worker.store.connection import seconds
from worker.store.ledger import Ledger
from worker.store.locks import KEPT_SECONDS, LeaseKeeper, Lock, Locks
from worker.store.runtime import REAL

KEY = f"{PREFIX}lock:code:17:901"
NAME = "code:17:901"


@pytest.fixture
def locks(client: Redis, keeper: LeaseKeeper) -> Locks:
    return Locks(client, PREFIX, keeper)


@pytest.fixture
def real_locks(server: Redis, keeper: LeaseKeeper) -> Locks:
    return Locks(server, PREFIX, keeper)


def test_a_lock_that_is_held_is_given_to_no_other(locks: Locks) -> None:
    with locks.hold(NAME) as mine, locks.hold(NAME) as theirs, locks.hold("code:17:902") as second_lock:
        assert mine is not None
        assert theirs is None
        assert second_lock is not None


def test_a_lock_is_free_again_after_its_block_even_when_that_fails(locks: Locks, client: Redis) -> None:
    with pytest.raises(KeyError), locks.hold(NAME):
        raise KeyError
    assert not client.exists(KEY)
    with locks.hold(NAME) as lock:
        assert lock is not None


def test_a_lock_released_before_the_end_of_its_block_is_not_released_again(locks: Locks, client: Redis) -> None:
    """No command is sent for it."""
    with locks.hold("code:1:1") as lock:
        assert lock is not None
        lock.is_released = True
    assert client.get(lock.key) == lock.token, "no command was sent for it"


def test_a_process_without_the_lock_does_not_release_it(locks: Locks) -> None:
    with locks.hold(NAME):
        with locks.hold(NAME) as theirs:
            assert theirs is None
        with locks.hold(NAME) as still_theirs:
            assert still_theirs is None


def test_the_fence_grows_with_every_lock_taken(locks: Locks) -> None:
    fences = []
    for name in (NAME, "code:17:902", NAME):
        with locks.hold(name) as lock:
            assert lock is not None
            fences.append(lock.fence)
    assert fences == sorted(set(fences))


def test_the_fence_keeps_growing_after_redis_has_lost_it(locks: Locks, client: Redis) -> None:
    """Redis may be empty or back with an old snapshot: a worker that held a lock before may record a doubt under its fence later."""
    client.set(f"{PREFIX}fence", 100_000)
    with locks.hold(NAME) as before:
        assert before is not None
    client.flushall()
    client.set(f"{PREFIX}fence", 3)
    with locks.hold(NAME) as after, locks.hold("code:17:902") as next_one:
        assert after is not None
        assert next_one is not None
        assert before.fence < after.fence < next_one.fence


def test_a_lock_has_the_redis_time_of_its_acquisition(locks: Locks, client: Redis) -> None:
    before = seconds(client)
    with locks.hold(NAME) as lock:
        assert lock is not None
        assert before <= lock.at <= seconds(client)


def test_only_one_of_many_threads_gets_the_lock(real_locks: Locks) -> None:
    together, holders = threading.Barrier(12, timeout=60), []

    def reach() -> None:
        together.wait()
        with real_locks.hold(NAME) as lock:
            holders.append(lock)
            together.wait()

    threads = [threading.Thread(target=reach) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(lock is not None for lock in holders) == 1


def test_a_dead_holders_lock_expires_and_its_late_release_frees_no_other(
    real_locks: Locks, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock that the next holder has taken meanwhile is not released."""
    monkeypatch.setattr(locks_module, "LOCK_SECONDS", 0.05)
    with Locks(server, PREFIX, DeadKeeper()).hold(NAME) as dead:
        assert dead is not None
        eventually(lambda: not server.exists(KEY))
        monkeypatch.setattr(locks_module, "LOCK_SECONDS", 20.0)
        second = real_locks.hold(NAME)
        heir = second.__enter__()
    assert heir is not None
    assert server.exists(KEY)
    second.__exit__(None, None, None)
    assert not server.exists(KEY)


class QuickKeeper(LeaseKeeper):
    """Renews at once what is to be renewed `every` so many seconds, so that no lock has to be short."""

    every: float

    @contextmanager
    def keeping(self, renew: Callable[[], None], *, every: float) -> Iterator[None]:
        self.every = every
        with super().keeping(renew, every=0.01):
            yield


def test_a_living_holder_renews_its_lock(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks_module, "LOCK_SECONDS", 120.0)
    keeper = QuickKeeper()
    with Locks(server, PREFIX, keeper).hold(NAME) as lock:
        assert lock is not None
        assert keeper.every <= 60
        server.pexpire(KEY, 60_000)
        eventually(lambda: server.pttl(KEY) > 60_000)
        assert server.get(KEY) == lock.token


def test_a_lock_that_another_holder_has_meanwhile_is_not_released(server: Redis) -> None:
    keeper = KeeperByHand()
    with Locks(server, PREFIX, keeper).hold(NAME):
        server.set(KEY, "another's token", px=60_000)
        keeper.renew_all()
        assert server.pttl(KEY) > 30_000
    assert server.get(KEY) == "another's token"


def test_a_lock_knows_the_redis_time_later_without_a_command(locks: Locks, client: Redis) -> None:
    with locks.hold(NAME) as lock:
        assert lock is not None
        before = seconds(client)
        lock_time, asked_for = lock.now(), time.monotonic() - lock.asked
        # Too late by the way of the acquisition at most, never too early.
        assert before - 0.01 <= lock_time <= lock.at + asked_for


def test_a_time_counts_as_past_only_when_it_certainly_is() -> None:
    """The response took five seconds, and the time within them at which Redis read its clock is unknown: nothing is resent on a guess."""
    answered = 50.0
    at_once = replace(REAL, monotonic=lambda: answered)
    lock = Lock(KEY, "token", fence=1, at=1000.0, asked=answered - 5, answered=answered, runtime=at_once)
    assert lock.now() == 1005
    assert lock.until(1003) == 3
    assert lock.until(1000) == 0


def test_a_lock_knows_since_when_the_ledger_can_be_trusted(real_locks: Locks, server: Redis) -> None:
    ledger = Ledger(server, PREFIX)

    def trusted_since() -> float | None:
        with real_locks.hold(NAME) as lock:
            assert lock is not None
            return lock.ledger_since

    assert trusted_since() is None
    ledger.state.open(since=100.5)
    assert trusted_since() == trusted_since() == 100.5


def test_after_a_restart_of_redis_the_ledger_is_trusted_from_then_on(real_locks: Locks, server: Redis) -> None:
    """Every lock says that the ledger counts since the restart."""
    Ledger(server, PREFIX).state.open(since=0)
    with real_locks.hold(NAME) as before:
        assert before is not None
        assert before.ledger_since == 0
    server.hset(f"{PREFIX}ledger", "server", "the run id of the server before")
    begun = seconds(server)
    since = {held(real_locks).ledger_since or 0 for _ in range(2)}
    assert len(since) == 1
    # In whole seconds.
    assert int(begun) <= since.pop() <= seconds(server)


def held(locks: Locks) -> Lock:
    with locks.hold(NAME) as lock:
        assert lock is not None
        return lock


def test_nothing_may_be_written_before_the_ledger_is_open(real_locks: Locks) -> None:
    lock = held(real_locks)
    assert lock.may_write_at(settle_seconds=0) > lock.at


def test_an_intact_ledger_permits_writes_once_its_opening_is_stored(real_locks: Locks, server: Redis) -> None:
    """Data of the last two seconds may be lost together with an intent, of which there would be no trace."""
    before = seconds(server)
    Ledger(server, PREFIX).state.open(since=0)
    opened_at = held(real_locks).may_write_at(settle_seconds=900) - KEPT_SECONDS
    assert before <= opened_at <= seconds(server)
    lock = held(real_locks)
    assert held(real_locks).may_write_at(settle_seconds=900) == lock.may_write_at(settle_seconds=900)


def test_the_first_seconds_of_a_server_are_waited_out_and_no_longer(
    real_locks: Locks, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks_module, "KEPT_SECONDS", 0.3)
    ledger = Ledger(server, PREFIX)
    ledger.state.open(since=0)
    lock = held(real_locks)
    assert lock.held_back_until(settle_seconds=900) is None
    assert seconds(server) >= lock.may_write_at(settle_seconds=900)

    ledger.state.open(since=seconds(server))
    lock = held(real_locks)
    assert lock.held_back_until(settle_seconds=900) == lock.may_write_at(settle_seconds=900) > seconds(server)


def test_the_server_is_known_from_the_opening_on(real_locks: Locks, server: Redis) -> None:
    """A restart before any lock was taken counts as a restart."""
    Ledger(server, PREFIX).state.open(since=0)
    assert server.hget(f"{PREFIX}ledger", "server") == server.info("server")["run_id"]
    server.hset(f"{PREFIX}ledger", "server", "the run id of the server before")
    lock = held(real_locks)
    assert lock.may_write_at(settle_seconds=900) == pytest.approx(lock.at + 900, abs=2)


def test_a_server_after_an_orderly_stop_must_first_be_recorded_safely(real_locks: Locks, server: Redis) -> None:
    """Nothing was lost, but nothing is sent until the record of the new server is old enough to be kept."""
    ledger = Ledger(server, PREFIX)
    ledger.state.open(since=0)
    server.hset(f"{PREFIX}ledger", "met", seconds(server) - 600)
    assert held(real_locks).may_write_at(settle_seconds=900) < seconds(server)
    ledger.state.mark_clean_stop()
    lock = held(real_locks)
    assert lock.ledger_since == 0
    assert lock.may_write_at(settle_seconds=900) == pytest.approx(lock.at + KEPT_SECONDS)


def test_a_new_server_is_recorded_with_the_time_of_the_lock(real_locks: Locks, server: Redis) -> None:
    """A time that was rounded up would be later than the lock's own."""
    ledger = Ledger(server, PREFIX)
    ledger.state.open(since=0)
    for _ in range(20):
        ledger.state.mark_clean_stop()
        lock = held(real_locks)
        assert lock.server_met_at == pytest.approx(lock.at, abs=2e-6)


def test_a_process_that_ends_gives_back_its_own_locks_and_no_other_one_s(
    locks: Locks, client: Redis, keeper: LeaseKeeper
) -> None:
    other_process = Locks(client, PREFIX, keeper)
    with locks.hold(NAME), locks.hold("code:17:902"), other_process.hold("code:17:903"):
        locks.give_back()
        assert client.keys(f"{PREFIX}lock:*") == [f"{PREFIX}lock:code:17:903"]
        with other_process.hold(NAME) as theirs:
            assert theirs is not None
        # What its threads request afterwards takes nothing.
        with locks.hold(NAME) as late:
            assert late is None
        assert not client.exists(KEY)
    assert not client.keys(f"{PREFIX}lock:*")
