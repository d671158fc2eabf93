"""Redis is emptied within seconds of an installation's very first write, when NetSuite shows nothing of ours yet."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from config.settings import Settings
from tests.campaign.simulated import shims
from tests.campaign.simulated.faults import Fault, Kind
from tests.campaign.simulated.mutations import mutated
from tests.campaign.simulated.schedule import Plan, Trigger, plan_of, play
from tests.campaign.simulated.story import story_of

pytestmark = pytest.mark.campaign


@pytest.fixture
def settings() -> Iterator[Settings]:
    with shims.installed() as settings:
        yield settings


def loss_at_the_first_write(seed: int) -> Plan:
    """The first create is on its way, commits late and is not to be seen in look-ups; its machine and the store are lost."""
    dice = random.Random(seed)
    setup = replace(plan_of(seed).setup, window=8.0, length=60.0, budget_endpoint=True)
    stage = dice.choice(("intended", "sending", "arrived"))
    kind = dice.choice((Kind.MACHINE_LOST, Kind.MACHINE_LOST, Kind.STORE_EMPTIED))
    faults = [
        Fault(Kind.NS_SLOW_COMMIT, 0.0, 60.0, 1.0, seed=seed),
        Fault(Kind.NS_STALE, 0.0, 900.0, 1.0, seed=seed),
        Fault(kind, nth=1, stage=stage, lasts=1.0, seed=seed),
    ]
    if kind is Kind.STORE_EMPTIED:
        faults.append(Fault(Kind.KILL, nth=1, stage=stage, lasts=1.0, seed=seed))
    asked = [Trigger(dice.uniform(0, 1), what, seed) for what in ("scan", "export", "create_item", "create_item")]
    asked += [Trigger(dice.uniform(0, 30), what, seed + 3) for what in ("scan_message", "export", "create_item")]
    return Plan(setup, tuple(faults), tuple(sorted(asked, key=lambda one: one.at)))


def test_a_loss_at_the_first_write_is_no_first_start(settings: Settings) -> None:
    for seed in range(1, 41):
        result = play(loss_at_the_first_write(seed), settings)
        assert not result.violations, "\n".join(story_of(result))
        assert result.facts["emptied"]


def test_without_the_identity_of_the_store_it_is_taken_for_one(settings: Settings) -> None:
    with mutated(["identity"]):
        assert any(play(loss_at_the_first_write(seed), settings).violations for seed in range(1, 41))
