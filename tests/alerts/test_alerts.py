"""Every alert fires in the situation that it is for, and clears when that has ended, within the times that docs/alerts.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alerts.clock import compiler
from tests.alerts.page import PAGE, published
from tests.alerts.play import play
from tests.alerts.prometheus import rules
from tests.alerts.situations import SITUATIONS, Situation

pytestmark = pytest.mark.real


def test_every_alert_has_a_situation_and_a_row() -> None:
    assert sorted(one.alert for one in SITUATIONS) == sorted(rules()) == sorted(published())


@pytest.mark.skipif(compiler() is None, reason="no C compiler for a server with a clock of its own")
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.alert)
def test_an_alert_fires_in_its_situation_and_clears_after_it(situation: Situation, tmp_path: Path) -> None:
    played, (fires_after, clears_after) = play(situation, tmp_path), published()[situation.alert]
    assert f"| {situation.played} | {situation.ended} |" in PAGE.read_text(encoding="utf-8"), "python -m tests.alerts"
    # The lengths of pauses and of waits between attempts are drawn by chance.
    assert played.fired_after == pytest.approx(fires_after, rel=0.25, abs=2 * situation.step)
    assert played.cleared_after == pytest.approx(clears_after, rel=0.25, abs=max(2 * situation.step, 150))
