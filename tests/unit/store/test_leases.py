"""The lease keeper renews while a block runs, despite failures, and stops with the block."""

from __future__ import annotations

import threading

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.kit.waiting import eventually
from worker.store.locks import LeaseKeeper


def test_a_renewal_that_fails_is_tried_again(keeper: LeaseKeeper, caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def renew() -> None:
        calls.append(threading.current_thread().name)
        if len(calls) == 1:
            raise RedisConnectionError("gone for a moment")

    with keeper.keeping(renew, every=0.01):
        eventually(lambda: len(calls) > 1)
    assert set(calls) == {"lease-keeper"}
    assert "gone for a moment" in caplog.text


def test_a_fault_in_one_renewal_does_not_end_the_others(keeper: LeaseKeeper, caplog: pytest.LogCaptureFixture) -> None:
    """Only this thread renews them: without it, their holders would silently lose their leases one after the other."""
    renewed = []

    def failing_renewal() -> None:
        raise ValueError("a fault of ours")

    with keeper.keeping(failing_renewal, every=0.01), keeper.keeping(lambda: renewed.append(1), every=0.01):
        eventually(lambda: len(renewed) > 2)
        eventually(lambda: caplog.text.count("a fault of ours") > 1)


def test_a_released_lease_is_not_renewed(keeper: LeaseKeeper) -> None:
    given_back, kept = list[int](), list[int]()
    with keeper.keeping(lambda: kept.append(1), every=0.01):
        with keeper.keeping(lambda: given_back.append(1), every=0.01):
            pass
        # The round in which it was given back may still renew it; the next but one begins afterwards.
        kept.clear()
        eventually(lambda: len(kept) > 1)
        given_back.clear()
        eventually(lambda: len(kept) > 3)
    assert given_back == []


@pytest.mark.parametrize("turns", [1, 2])
def test_without_leases_there_is_no_thread(keeper: LeaseKeeper, turns: int) -> None:
    def keepers() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "lease-keeper"}

    other_threads, renewed = keepers(), set[threading.Thread]()
    for _ in range(turns):
        renewed.clear()
        with keeper.keeping(lambda: renewed.add(threading.current_thread()), every=0.01):
            eventually(lambda: renewed)
            assert keepers() - other_threads == renewed
        eventually(lambda: not keepers() - other_threads)
