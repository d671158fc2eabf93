"""One round in every test run; `python -m tests.campaign processes` plays a hundred, some with the product's own times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.processes.command import story_of
from tests.campaign.processes.plan import Fault, plan_of
from tests.campaign.processes.rounds import play

pytestmark = pytest.mark.real

SEED = 12
LENGTH = 5.0
KILLS = {Fault.KILL_WORKER, Fault.KILL_REDIS, Fault.TERM}


def test_the_short_campaign_kills_whom_it_means_to() -> None:
    planned = {step.what for step in plan_of(SEED, LENGTH).steps}
    assert planned >= KILLS


def test_processes_that_die_leave_everything_once_and_nothing_lost(tmp_path: Path) -> None:
    result = play(plan_of(SEED, LENGTH), tmp_path)
    assert not result.violations, "\n".join(story_of(result))
    # What a round is about did happen: records were made, and something struck.
    assert result.facts["items"]
    assert result.facts["bills"]
    assert result.struck.total()
