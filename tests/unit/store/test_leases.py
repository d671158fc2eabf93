"""The lease keeper renews while a block runs, through failures, and no longer."""

from __future__ import annotations

import threading

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.support import eventually
from worker.store.leases import LeaseKeeper


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


def test_what_was_given_back_is_renewed_no_more(keeper: LeaseKeeper) -> None:
    given_back, kept = [], []
    with keeper.keeping(lambda: kept.append(1), every=0.01):
        with keeper.keeping(lambda: given_back.append(1), every=0.01):
            pass
        eventually(lambda: kept)
    assert given_back == []
