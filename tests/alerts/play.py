"""Plays a situation and records how long its alert took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.alerts.scene import scene
from tests.alerts.situations import Situation

HEALTHY_SCRAPES = 4


@dataclass(frozen=True)
class Played:
    """Seconds from the start of the situation until its alert fired, and from its end until the alert cleared."""

    situation: Situation
    fired_after: float
    cleared_after: float


def play(situation: Situation, folder: Path) -> Played:
    """Play one situation in a separate folder. Raises AssertionError if its alert fires too early, never, or permanently."""
    alert, step = situation.alert, situation.step
    with scene(folder) as opened:

        def fires() -> bool:
            return opened.prometheus.fires(alert)

        for _ in range(HEALTHY_SCRAPES):
            opened.wait(step)
        assert not fires(), "fires while nothing is wrong"
        situation.begin(opened)
        fired_after = opened.seconds_until(fires, step)
        situation.end(opened)
        return Played(situation, fired_after, opened.seconds_until(lambda: not fires(), step))
