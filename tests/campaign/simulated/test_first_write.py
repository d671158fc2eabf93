"""Redis is emptied within seconds of an installation's very first write, when NetSuite shows nothing of ours yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.settings import Settings
from tests.campaign.simulated import shims
from tests.campaign.simulated.mutations import mutated
from tests.campaign.simulated.schedule import loss_at_the_first_write, play
from tests.campaign.simulated.story import story_of

pytestmark = pytest.mark.campaign

SEEDS = (2, 5, 10, 15, 17, 19, 20, 24)
"""Each of them failed without the identity of the store when this was written."""


@pytest.fixture
def settings() -> Iterator[Settings]:
    with shims.installed() as settings:
        yield settings


def test_a_loss_at_the_first_write_is_no_first_start(settings: Settings) -> None:
    for seed in SEEDS:
        result = play(loss_at_the_first_write(seed), settings)
        assert not result.violations, "\n".join(story_of(result))
        assert result.facts["emptied"]


def test_without_the_identity_of_the_store_it_is_taken_for_one(settings: Settings) -> None:
    with mutated(["identity"]):
        assert any(play(loss_at_the_first_write(seed), settings).violations for seed in (*SEEDS, *range(1, 41)))
