"""The rehearsal of recovery on a company of 100 codes, with pages of ten and a dead worker's times shortened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.recovery.rehearsal import Plan, Rehearsal
from tests.kit.site import QUICK

pytestmark = pytest.mark.real

SMALL = Plan(
    codes=100,
    invoices=6,
    new_codes=50,
    blocked_codes=40,
    refused_codes=20,
    rows_per_page=10,
    slots=5,
    read_seconds=0.05,
    write_seconds=0.1,
    settle_seconds=2,
    times={**QUICK, "worker.clients.netsuite.api.ROWS_PER_PAGE": 10},
)


def test_a_small_rehearsal_checks_every_step(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, SMALL, lambda _words: None)
    rehearsal.play()
    assert [step.step for step in rehearsal.steps if not step.checked] == []
    assert rehearsal.redis_bytes_per_code > 0
