"""The state of the ledger: its owner, its opening, and the counts of a rebuild."""

from __future__ import annotations

import pytest

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.store.ledger_state import LedgerState


@pytest.fixture
def state(client: Redis) -> LedgerState:
    return LedgerState(client, PREFIX)


def test_a_ledger_belongs_to_the_first_owner_that_claims_it(state: LedgerState) -> None:
    assert state.owner() is None
    state.claim_for("1/first")
    state.claim_for("2/second")
    assert state.owner() == "1/first"


def test_there_is_a_ledger_from_its_opening_on(state: LedgerState) -> None:
    assert not state.is_open()
    state.open(since=5)
    assert state.is_open()


def test_the_progress_of_a_rebuild_is_kept_until_the_ledger_opens(state: LedgerState) -> None:
    assert state.rebuild_counts() == {}
    state.save_rebuild({"items": 1000, "after": 4711})
    state.save_rebuild({"items": 2000, "after": 5711})
    assert state.rebuild_counts() == {"items": 2000, "after": 5711}
    assert not state.is_open()
    state.open(since=5)
    assert state.rebuild_counts() == {}
    assert state.is_open()
