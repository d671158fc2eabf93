"""A process knows its store, and a lock in another store reports that work in progress must settle first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.store.connection import seconds
from worker.store.identity import StoreIdentity
from worker.store.ledger import Ledger
from worker.store.locks import KEPT_SECONDS, LeaseKeeper, Lock, Locks

pytestmark = pytest.mark.real

NAME = "code:17:901"


def held(server: Redis, identity: StoreIdentity) -> Lock:
    with Locks(server, PREFIX, LeaseKeeper(), identity).hold(NAME) as lock:
        assert lock is not None
        return lock


def since(server: Redis) -> float:
    return float(server.hget(f"{PREFIX}store", "since"))


def test_a_first_start_lost_nothing(server: Redis) -> None:
    identity = StoreIdentity(server, PREFIX)
    identity.meet()
    Ledger(server, PREFIX).state.open(since=0)
    identity.meet()
    assert held(server, identity).ledger_since == 0
    assert held(server, StoreIdentity(server, PREFIX)).ledger_since == 0


def test_an_emptied_store_is_reported_by_a_lock_before_the_ledger_opens(server: Redis) -> None:
    """When the ledger opens, its records count from the beginning of the new store."""
    identity = StoreIdentity(server, PREFIX)
    identity.meet()
    server.flushall()
    assert held(server, identity).ledger_since is None
    Ledger(server, PREFIX).state.open(since=0)
    new_process = held(server, StoreIdentity(server, PREFIX))
    assert new_process.ledger_since == since(server)


def test_a_lock_in_a_store_that_another_opened_reports_the_loss_at_once(server: Redis) -> None:
    """The lock is taken and the loss reported in one step, so what was in progress settles first."""
    identity = StoreIdentity(server, PREFIX)
    identity.meet()
    server.flushall()
    new_process = StoreIdentity(server, PREFIX)
    new_process.meet()
    Ledger(server, PREFIX).state.open(since=0)
    assert held(server, new_process).ledger_since == 0
    lock = held(server, identity)
    assert lock.ledger_since == since(server)
    assert lock.held_back_until(settle_seconds=900) is not None


def test_a_loss_counts_from_the_beginning_of_the_new_store(server: Redis) -> None:
    """It counts from there however often, and by however many processes, it is reported."""
    known = [StoreIdentity(server, PREFIX) for _ in range(2)]
    for identity in known:
        identity.meet()
    server.flushall()
    known[0].meet()
    Ledger(server, PREFIX).state.open(since=0)
    lost = held(server, known[0]).ledger_since
    known[1].meet()
    known[1].meet()
    assert held(server, known[1]).ledger_since == lost == since(server)


def test_a_doubt_from_later_than_the_loss_is_kept(server: Redis) -> None:
    identity = StoreIdentity(server, PREFIX)
    identity.meet()
    server.flushall()
    StoreIdentity(server, PREFIX).meet()
    Ledger(server, PREFIX).state.open(since=seconds(server) + 60)
    later = float(server.hget(f"{PREFIX}ledger", "since"))
    assert held(server, identity).ledger_since == later


def test_in_a_new_store_nothing_is_sent_before_others_may_report_a_loss(server: Redis) -> None:
    """Every process has time to notice that the store has just begun."""
    identity = StoreIdentity(server, PREFIX)
    identity.meet()
    Ledger(server, PREFIX).state.open(since=0)
    expected = since(server) + 2 * KEPT_SECONDS
    assert held(server, identity).may_write_at(settle_seconds=900) == pytest.approx(expected, abs=1e-5)


def test_a_ledger_of_an_older_version_gets_an_id_and_is_trusted_as_before(server: Redis) -> None:
    Ledger(server, PREFIX).state.open(since=0)
    server.hset(f"{PREFIX}ledger", "met", 0)
    lock = held(server, StoreIdentity(server, PREFIX))
    assert lock.ledger_since == 0
    assert lock.held_back_until(settle_seconds=900) is None


def test_the_id_outlives_the_process_in_a_file(server: Redis, tmp_path: Path) -> None:
    file = tmp_path / "data" / "store.json"
    StoreIdentity(server, PREFIX, file).meet()
    server.flushall()
    Ledger(server, PREFIX).state.open(since=0)
    restarted = StoreIdentity(server, PREFIX, file)
    assert held(server, restarted).ledger_since == since(server)
    # It knows the new one from here on.
    server.hset(f"{PREFIX}ledger", "since", 0)
    assert held(server, StoreIdentity(server, PREFIX, file)).ledger_since == 0


def test_one_file_serves_installations_with_other_prefixes(server: Redis, tmp_path: Path) -> None:
    file = tmp_path / "store.json"
    for prefix in ("a:", "b:"):
        StoreIdentity(server, prefix, file).meet()
    server.delete("a:store")
    for prefix in ("a:", "b:"):
        StoreIdentity(server, prefix, file).meet()
    assert [bool(server.hget(f"{prefix}store", "lost")) for prefix in ("a:", "b:")] == [True, False]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"t:": 7}'])
def test_an_unreadable_file_counts_as_missing(server: Redis, tmp_path: Path, content: str) -> None:
    file = tmp_path / "store.json"
    file.write_text(content)
    StoreIdentity(server, PREFIX, file).meet()
    assert not server.hget(f"{PREFIX}store", "lost")


def test_a_read_only_folder_stops_no_process(server: Redis, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    StoreIdentity(server, PREFIX, tmp_path / "data" / "store.json").meet()
    assert server.hget(f"{PREFIX}store", "id")
