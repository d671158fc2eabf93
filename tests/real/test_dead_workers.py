"""Workers that end in the middle of a scan: the scan still ends correctly, without help and without duplicates."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.kit.books import assert_one_item_per_code, item_identities, items_made
from tests.kit.site import QUICK, Site
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite
from worker.store.runs import Run

pytestmark = pytest.mark.real

SLOTS = 5
STOP_SECONDS = 30.0
SETTLES_LATE = {"NETSUITE_SETTLE_SECONDS": "30"}
"""Longer than a busy machine lets a write that is in progress wait. What the ended worker had sent is found by queries, long before that."""
PRODUCT_TIMES: dict[str, float] = {}
NEVER_FREE = {
    "worker.store.lanes.CLAIM_SECONDS": 600,
    "worker.store.lanes.DISPATCH_SECONDS": 600,
    "worker.store.locks.LOCK_SECONDS": 600,
}
"""What an ended worker does not give back is free only when the test is over."""


def start_scan(site: Site) -> Run:
    """Start a scan; return once some Items exist and as many writes are in progress as NetSuite allows. Those wait for `release`."""
    held = {"kind": "hold", "method": "POST", "path": "otherCharge", "skip": SLOTS, "times": SLOTS, "value": 120}
    site.stage.faults("netsuite", [held])
    run = site.start_scan()
    eventually(lambda: items_made(site.stage) >= SLOTS == site.stage.netsuite.meter.in_flight, every=0.005)
    return run


def release(site: Site) -> None:
    """Let NetSuite commit what it was sent."""
    site.stage.faults("netsuite", [])
    eventually(lambda: site.stage.netsuite.meter.in_flight == 0)


def assert_nothing_was_sent_again(site: Site) -> None:
    """Check that NetSuite refused no Item: writes in progress at the end of a worker were found by queries."""
    requests = [entry for entry in site.stage.journal("netsuite") if entry.get("method") == "POST"]
    answers = Counter(entry["status"] for entry in requests if "/otherCharge" in entry["path"])
    # A request that the kill cut in its middle is not an error.
    answers.pop(500, None)
    assert answers == {204: len(item_identities(site.stage))}


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(QUICK, id="quick"),
        pytest.param(PRODUCT_TIMES, id="with the product's own times", marks=pytest.mark.slow),
    ],
)
def test_a_scan_survives_kill_9_of_its_only_worker(open_site: OpenSite, times: dict[str, float]) -> None:
    site = open_site(profile="large:2x20", write_latency=0.2, slots=SLOTS, env=SETTLES_LATE)
    first = site.worker(times=times)
    site.beat(times=times)
    run = start_scan(site)
    first.kill()
    release(site)
    site.worker(number=2, times=times)
    ended = site.ended(run, 120 if times else 150)
    assert_one_item_per_code(site.stage)
    assert_nothing_was_sent_again(site)
    assert ended.counts["created"] + ended.counts["already"] == len(item_identities(site.stage))
    assert site.container.ledger.problems() == []
    site.comes_to_rest()


def test_another_worker_continues_immediately_after_term(open_site: OpenSite) -> None:
    """The ended worker gives back what it had not begun, so no timeout passes."""
    site = open_site(profile="large:2x20", write_latency=0.2, slots=SLOTS, env=SETTLES_LATE)
    first, _ = site.worker(times=NEVER_FREE), site.worker(number=2, times=NEVER_FREE)
    # Nothing is written into a store that has just begun; beat brings back what waited for that.
    site.beat(times=PRODUCT_TIMES)
    run = start_scan(site)
    asked_at = time.monotonic()
    first.ask_to_end()
    site.stage.faults("netsuite", [])
    assert first.wait(STOP_SECONDS) == 0
    assert time.monotonic() - asked_at < STOP_SECONDS
    site.ended(run, 120)
    assert_one_item_per_code(site.stage)
    assert_nothing_was_sent_again(site)
    site.comes_to_rest()
