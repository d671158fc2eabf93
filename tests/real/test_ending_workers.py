"""SIGTERM ends a worker soon, whatever it has fetched and whatever it waits for, and others continue its work."""

from __future__ import annotations

import pytest

from config.names import QueueName
from tests.kit.books import assert_one_item_per_code, item_identities, items_made
from tests.kit.site import PREFIX, QUICK, Site
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite
from worker.domain.work import Lane

pytestmark = pytest.mark.real

STOP_SECONDS = 30.0
THREADS = 2
FETCHED = THREADS * 2
"""What is dispatched at once: as much as there are slots."""


def in_flight(site: Site, count: int) -> None:
    eventually(lambda: site.stage.netsuite.meter.in_flight == count, every=0.005)


def items_sent(site: Site) -> int:
    requests = site.stage.netsuite.journal.requests()
    return sum(entry["method"] == "POST" and "/otherCharge" in entry["path"] for entry in requests)


def test_fetched_messages_that_were_not_begun_are_left_to_others(open_site: OpenSite) -> None:
    """Celery's own pool would do everything that was fetched before it ends: four Items in two rounds."""
    site = open_site(profile="large:1x24", slots=FETCHED, write_latency=1.5)
    worker = site.worker(threads=THREADS)
    site.start_scan()
    eventually(lambda: site.redis.hlen(f"{PREFIX}unacked") >= FETCHED and items_made(site.stage))
    in_flight(site, THREADS)
    made = items_made(site.stage)
    worker.ask_to_end()
    assert worker.wait(STOP_SECONDS) == 0
    # Work in progress, and perhaps work that began before the signal arrived.
    assert items_made(site.stage) - made <= 2 * THREADS
    assert site.redis.hlen(f"{PREFIX}unacked") == 0
    assert site.redis.llen(f"{PREFIX}{QueueName.ITEMS}") >= FETCHED - THREADS
    # The start dispatches again what waits, so that the list of projects may have been requested twice.
    assert {Lane.ITEMS} <= set(site.left_over()) <= {Lane.ITEMS, Lane.SCANS}


def test_a_worker_that_waits_for_netsuite_ends_and_releases_its_work(open_site: OpenSite) -> None:
    """It ends within its time and leaves no lock, and another worker finishes the scan."""
    # What the first one holds is free because it gives it back.
    kept = {"worker.store.lanes.CLAIM_SECONDS": 120, "worker.store.locks.LOCK_SECONDS": 120}
    times = {**QUICK, **kept, "worker.runtime.pool.TASK_SECONDS": 1}
    # The account itself continues what its client no longer waits for, and accepts more requests meanwhile.
    site = open_site(profile="large:1x4", slots=THREADS, concurrency_limit=50)
    slow = {"kind": "slow_commit", "method": "POST", "path": "otherCharge", "times": THREADS, "value": 600}
    site.stage.faults("netsuite", [slow])
    first = site.worker(threads=THREADS, times=times)
    run = site.start_scan()
    in_flight(site, THREADS)
    sent = [key for key in item_identities(site.stage) if site.redis.exists(f"{PREFIX}lock:{code(key)}")]
    first.ask_to_end()
    assert first.wait(STOP_SECONDS) == 0
    assert items_made(site.stage) == 0, "no worker waited for NetSuite"
    assert len(sent) == THREADS
    # No lock is left, and the work in progress waits for any worker. NetSuite still works on the requests: they keep their slots.
    assert set(site.left_over()) - {"slots"} == {Lane.ITEMS}
    assert [site.container.work.is_in_progress(Lane.ITEMS, code(key)) for key in sent] == [False] * THREADS
    site.worker(number=2, threads=THREADS, times=times)
    site.beat()
    site.ended(run)
    assert_one_item_per_code(site.stage)


def code(external_id: str) -> str:
    """Return the key of the work that an Item's external id names."""
    project_id, wbs_code_id = external_id.split("-")[-2:]
    return f"code:{project_id}:{wbs_code_id}"
