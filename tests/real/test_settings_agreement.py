"""Two machines with different settings, as real workers: neither writes, and the work continues when one of them ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.books import items_made
from tests.kit.site import QUICK, Site
from tests.kit.waiting import eventually
from worker.domain.problems import Cause
from worker.domain.scopes import WRITING

pytestmark = pytest.mark.real

TIMES = {
    **QUICK,
    "worker.engine.remote_failures.REFUSED_PAUSE_SECONDS": 1,
    "worker.store.circuit_breakers.MAX_PAUSE_SECONDS": 1,
    # A busy machine may keep a worker from saying that it runs; one that is silent does not count.
    "worker.store.presence.PRESENCE_SECONDS": 30,
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path, profile="large:2x5") as opened:
        yield opened


@pytest.mark.parametrize("wrong_one_ends", [True, False], ids=["the new one is put right", "the old one is replaced"])
def test_nothing_is_written_while_two_machines_differ(site: Site, wrong_one_ends: bool) -> None:
    first = site.worker(number=1, times=TIMES)
    second = site.worker(number=2, times=TIMES, env={"ITEM_NAME_FORMAT": "{wbs_code}-{project_number}"})
    eventually(lambda: len(site.container.settings_agreement.now()) == 1)
    site.beat()
    run = site.start_scan()
    eventually(lambda: site.container.stores.breakers.times(WRITING) >= 2)
    assert items_made(site.stage) == 0
    sentences = [
        one.problem.sentence for one in site.container.ledger.problems() if one.problem.cause == Cause.SETTINGS_MISMATCH
    ]
    assert len(sentences) == 1
    assert "ITEM_NAME_FORMAT is " in sentences[0]
    assert all(f"items{number}@" in sentences[0] for number in (1, 2))
    (second if wrong_one_ends else first).end()
    site.ended(run, 60)
    assert items_made(site.stage) == 10
    assert not [one for one in site.container.ledger.problems() if one.problem.cause == Cause.SETTINGS_MISMATCH]


def test_an_idle_machine_with_a_lower_cap_counts_as_long_as_it_runs(site: Site) -> None:
    slots = site.container.settings.netsuite_concurrency
    assert site.container.stores.gate.caps() == [slots]
    site.worker(number=1, times=TIMES, env={"NETSUITE_CONCURRENCY": "1"})
    eventually(lambda: site.container.stores.gate.caps() == [1, slots])
    first = site.container.redis.zscore(f"{site.container.settings.redis_key_prefix}gate:caps", "1")
    eventually(
        lambda: site.container.redis.zscore(f"{site.container.settings.redis_key_prefix}gate:caps", "1") > first, 20
    )
