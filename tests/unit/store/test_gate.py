"""The gate: never more slots than the limit, exports first, no slot lost with its holder, no request waiting forever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.kit.container import Redis
from tests.kit.waiting import eventually
from tests.unit.store.conftest import PREFIX, DeadKeeper
from worker.domain.errors import NoRoom
from worker.store import gate as gate_module
from worker.store.connection import seconds
from worker.store.gate import Gate, Precedence
from worker.store.locks import LeaseKeeper
from worker.store.runtime import REAL

pytestmark = pytest.mark.real

MakeGate = Callable[..., Gate]


@pytest.fixture
def waiters_count_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiting request counts as gone two polls after its last poll: here, not even if this machine pauses. No poll may take
    longer than the client waits for a response.
    """
    monkeypatch.setattr(gate_module, "MAX_POLL_SECONDS", 25.0)


@pytest.fixture
def gate_of(server: Redis, keeper: LeaseKeeper) -> MakeGate:
    return lambda limit, runtime=REAL: Gate(server, PREFIX, keeper, limit=limit, runtime=runtime)


def waiting(server: Redis, precedence: Precedence) -> int:
    # A comparison waits with the scans.
    line = Precedence.SCAN if precedence is Precedence.UPKEEP else precedence
    return int(server.zcard(f"{PREFIX}gate:waiting:{line}"))


def passing(gate: Gate, precedence: Precedence, passed: list[Precedence]) -> threading.Thread:
    """Start a thread that goes through the gate once and appends its precedence to `passed` while inside."""

    def go() -> None:
        with gate.slot(precedence, timeout=120):
            passed.append(precedence)

    thread = threading.Thread(target=go)
    thread.start()
    return thread


def test_a_wait_just_before_its_timeout_does_not_block_forever(
    gate_of: MakeGate, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis 6.2 reads a timeout below a millisecond as none."""
    asked, clock = [], iter([0.0, 1.0 - 1e-7, 2.0, 3.0])

    def blpop(_: object, timeout: float) -> None:
        asked.append(timeout)

    late = gate_of(1, replace(REAL, monotonic=lambda: next(clock)))
    with gate_of(1).slot(Precedence.EXPORT):
        monkeypatch.setattr(server, "blpop", blpop)
        with pytest.raises(NoRoom), late.slot(Precedence.SCAN, timeout=1.0):
            pass
    assert [timeout >= 0.001 for timeout in asked] == [True]


def test_never_more_are_inside_than_the_limit_however_many_come(gate_of: MakeGate) -> None:
    gate, guard, inside, most, through = gate_of(3), threading.Lock(), 0, 0, 0
    full = threading.Event()

    def come_and_go() -> None:
        nonlocal inside, most, through
        for turn in range(15):
            with gate.slot(Precedence.EXPORT if turn % 3 else Precedence.SCAN):
                with guard:
                    inside, through = inside + 1, through + 1
                    most = max(most, inside)
                    if inside == 3:
                        full.set()
                # The first ones stay until as many are inside as may be.
                full.wait(60)
                assert gate.in_use() <= 3
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=come_and_go) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, through, gate.in_use()) == (3, 16 * 15, 0)


def test_of_two_machines_with_different_caps_the_lower_one_holds_for_both(gate_of: MakeGate) -> None:
    high, low = gate_of(5), gate_of(2)
    low.announce()
    first, second, third = (high.slot(Precedence.EXPORT, timeout=0.05) for _ in range(3))
    with first, second, pytest.raises(NoRoom), third:
        pass
    assert (high.caps(), low.caps()) == ([2, 5], [2, 5])


def test_released_slots_are_passed_on_by_the_lower_cap(gate_of: MakeGate, server: Redis) -> None:
    """More holders may be inside when a machine with a lower limit starts. Their slots are not passed on until there is room."""
    high, low, passed = gate_of(3), gate_of(1), list[Precedence]()
    with high.slot(Precedence.SCAN):
        with high.slot(Precedence.SCAN):
            low.announce()
            thread = passing(high, Precedence.EXPORT, passed)
            eventually(lambda: waiting(server, Precedence.EXPORT))
        assert (high.in_use(), passed) == (1, [])
    thread.join()
    assert passed == [Precedence.EXPORT]


def test_the_cap_of_a_process_that_ended_does_not_count_for_long(
    gate_of: MakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of that process only: the living one's cap counts even if this machine pauses.
    with monkeypatch.context() as patched:
        patched.setattr(gate_module, "CAP_SECONDS", 0.2)
        gate_of(1).announce()
    high = gate_of(2)
    with high.slot(Precedence.SCAN), high.slot(Precedence.SCAN, timeout=60):
        assert high.caps() == [2]


def test_a_slot_is_given_back_to_a_redis_that_is_full(gate_of: MakeGate, server: Redis) -> None:
    gate = gate_of(1)
    try:
        with gate.slot(Precedence.EXPORT):
            server.config_set("maxmemory", 1)
    finally:
        server.config_set("maxmemory", 0)
    assert gate.in_use() == 0


@pytest.mark.usefixtures("waiters_count_for_long")
def test_an_export_that_came_later_goes_before_a_scan(gate_of: MakeGate, server: Redis) -> None:
    gate, passed = gate_of(1), list[Precedence]()
    with gate.slot(Precedence.SCAN):
        threads = [passing(gate, Precedence.SCAN, passed)]
        eventually(lambda: waiting(server, Precedence.SCAN))
        threads.append(passing(gate, Precedence.EXPORT, passed))
        eventually(lambda: waiting(server, Precedence.EXPORT))
    for thread in threads:
        thread.join()
    assert passed == [Precedence.EXPORT, Precedence.SCAN]


def test_a_scan_takes_no_free_slot_while_an_export_waits_for_one(gate_of: MakeGate, server: Redis) -> None:
    now, micro = server.time()
    server.zadd(f"{PREFIX}gate:waiting:export", {"an export": now * 1000 + micro // 1000 + 60_000})
    with pytest.raises(NoRoom), gate_of(1).slot(Precedence.SCAN, timeout=0.05):
        pass
    server.delete(f"{PREFIX}gate:caps")
    with gate_of(2).slot(Precedence.SCAN, timeout=0.05):
        pass


@pytest.mark.usefixtures("waiters_count_for_long")
@pytest.mark.parametrize("precedence", Precedence)
def test_a_waiter_is_woken_by_the_slot_that_becomes_free(
    gate_of: MakeGate, server: Redis, precedence: Precedence
) -> None:
    """It does not wait for its next poll."""
    gate, passed = gate_of(1), list[Precedence]()
    with gate.slot(Precedence.SCAN):
        thread = passing(gate, precedence, passed)
        eventually(lambda: waiting(server, precedence))
    freed = time.monotonic()
    thread.join()
    assert time.monotonic() - freed < 20
    assert passed == [precedence]


def test_the_slot_of_a_dead_holder_is_released_by_itself(
    server: Redis, gate_of: MakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Gate(server, PREFIX, DeadKeeper(), limit=1).slot(Precedence.SCAN)
    # Of the dead holder only: the living one keeps its slot even if this machine pauses.
    with monkeypatch.context() as patched:
        patched.setattr(gate_module, "SLOT_SECONDS", 0.2)
        dead.__enter__()
    with gate_of(1).slot(Precedence.SCAN, timeout=60):
        assert gate_of(1).in_use() == 1
    dead.__exit__(None, None, None)


def test_a_living_holder_keeps_its_slot_past_its_lease(
    server: Redis, gate_of: MakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "SLOT_SECONDS", 2.0)
    gate = gate_of(1)

    def lease_ends() -> float:
        return float(server.zrange(f"{PREFIX}gate", 0, -1, withscores=True)[0][1])

    with gate.slot(Precedence.SCAN):
        first = lease_ends()
        assert eventually(lambda: lease_ends() > first)


@pytest.mark.parametrize("precedence", Precedence)
def test_a_request_that_waits_too_long_gives_up_and_blocks_no_other(
    gate_of: MakeGate, server: Redis, precedence: Precedence
) -> None:
    gate = gate_of(1)
    with gate.slot(Precedence.SCAN):
        with pytest.raises(NoRoom) as caught, gate.slot(precedence, timeout=0.05):
            pass
        assert caught.value.retry_after
        assert waiting(server, precedence) == 0
        assert gate.in_use() == 1


def test_a_block_that_fails_gives_its_slot_back(gate_of: MakeGate) -> None:
    gate = gate_of(1)
    with pytest.raises(KeyError), gate.slot(Precedence.SCAN):
        raise KeyError
    assert gate.in_use() == 0


def test_a_slot_is_handed_over_with_its_lease_and_no_newcomer_takes_it(gate_of: MakeGate, server: Redis) -> None:
    gate = gate_of(1)
    now, micro = server.time()
    waits_until_ms = now * 1000 + micro // 1000 + 60_000
    with gate.slot(Precedence.SCAN):
        server.zadd(f"{PREFIX}gate:waiting:scan", {"a scan": waits_until_ms})
        server.zadd(f"{PREFIX}gate:waiting:export", {"an export": waits_until_ms + 1})
    assert server.zrange(f"{PREFIX}gate", 0, -1) == ["an export"]
    assert server.llen(f"{PREFIX}gate:handed:an export") == 1
    assert (waiting(server, Precedence.EXPORT), waiting(server, Precedence.SCAN)) == (0, 1)
    with pytest.raises(NoRoom), gate.slot(Precedence.EXPORT, timeout=0.05):
        pass


def test_all_free_slots_go_to_waiting_requests(gate_of: MakeGate, server: Redis) -> None:
    """Slots of dead holders are released unseen: the next release passes them on too."""
    now, micro = server.time()
    waits_until_ms = now * 1000 + micro // 1000 + 60_000
    with gate_of(2).slot(Precedence.SCAN):
        server.zadd(
            f"{PREFIX}gate:waiting:scan",
            {"one": waits_until_ms, "two": waits_until_ms + 1, "three": waits_until_ms + 2},
        )
    assert set(server.zrange(f"{PREFIX}gate", 0, -1)) == {"one", "two"}
    assert waiting(server, Precedence.SCAN) == 1


def test_no_slot_is_passed_to_a_request_that_stopped_waiting(gate_of: MakeGate, server: Redis) -> None:
    now, _ = server.time()
    with gate_of(1).slot(Precedence.SCAN):
        server.zadd(f"{PREFIX}gate:waiting:export", {"long dead": now * 1000 - 1})
    assert gate_of(1).in_use() == 0


def test_a_scan_gets_a_slot_however_many_exports_wait(gate_of: MakeGate, server: Redis) -> None:
    gate, (now, _) = gate_of(1), server.time()
    later = now * 1000 + 60_000
    server.zadd(f"{PREFIX}gate:waiting:scan", {"the scan": later})
    with gate.slot(Precedence.EXPORT):
        server.zadd(f"{PREFIX}gate:waiting:export", {f"export {number:02}": later + number for number in range(20)})
    passed = []
    while "the scan" not in passed:
        (holder,) = server.zrange(f"{PREFIX}gate", 0, -1)
        passed.append(holder)
        gate.leave(holder, Precedence.SCAN)
    assert passed == [*(f"export {number:02}" for number in range(gate_module.MAX_EXPORTS_IN_A_ROW)), "the scan"]


def test_the_use_of_slots_is_known_for_some_hours(gate_of: MakeGate, server: Redis) -> None:
    gate, began = gate_of(3), seconds(server)
    # An older one, which is still among the others.
    server.xadd(f"{PREFIX}gate:use", {"in_use": 3}, id=f"{int((began - gate_module.USE_KEPT_SECONDS - 60) * 1000)}-0")
    gate.note_use()
    with gate.slot(Precedence.SCAN), gate.slot(Precedence.EXPORT):
        gate.note_use()
    gate.note_use()
    noted = gate.use()
    assert [use.in_use for use in noted] == [0, 2, 0]
    assert began - 0.001 <= noted[0].at <= noted[1].at <= noted[2].at <= seconds(server)


def test_samples_of_the_slots_in_use_are_not_kept_forever(
    gate_of: MakeGate, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "USE_KEPT_SECONDS", 0.0)
    for _ in range(500):
        gate_of(3).note_use()
    # Redis drops whole nodes of a hundred.
    assert server.xlen(f"{PREFIX}gate:use") <= 200


def test_a_slot_of_a_dead_worker_is_not_in_use_after_its_lease(gate_of: MakeGate, server: Redis) -> None:
    """The recorded use counts only slots whose lease has not ended."""
    server.zadd(f"{PREFIX}gate", {"of-a-dead-worker": 1})
    gate_of(3).note_use()
    assert [use.in_use for use in gate_of(3).use()] == [0]
