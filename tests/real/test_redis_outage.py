"""Redis is down for a while with tasks running, and returns with its append-only file."""

from __future__ import annotations

import time

import pytest

from tests.kit.books import assert_one_item_per_code, items_made
from tests.kit.site import kill_redis
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite

pytestmark = pytest.mark.real

OUTAGE_SECONDS = 2.5


def test_workers_survive_an_outage_of_redis_and_complete_the_scan(open_site: OpenSite) -> None:
    slots = 5
    site = open_site(profile="large:1x30", write_latency=0.2, slots=slots)
    programs = [site.worker(), site.worker(number=2), site.beat()]
    # Some Items exist, and as many writes are in progress as NetSuite allows: until Redis is gone.
    held = {"kind": "hold", "method": "POST", "path": "otherCharge", "skip": slots, "times": slots, "value": 120}
    site.stage.faults("netsuite", [held])
    run = site.start_scan()
    eventually(lambda: items_made(site.stage) >= slots == site.stage.netsuite.meter.in_flight, every=0.005)
    kill_redis(site.server)
    site.stage.faults("netsuite", [])
    time.sleep(OUTAGE_SECONDS)  # the outage itself
    assert site.server.revive()
    site.ended(run, 60)
    assert [program.name for program in programs if not program.alive] == []
    assert site.container.ledger.problems() == []
    assert_one_item_per_code(site.stage)
    site.comes_to_rest()


def test_broken_connections_cause_no_problem(open_site: OpenSite) -> None:
    """As by a proxy's time limit or a failover, every connection is cut and the next one works."""
    slots = 5
    site = open_site(profile="large:1x30", write_latency=0.1, slots=slots)
    site.worker()
    site.beat()
    run = site.start_scan()
    for made in (1, 8, 16):
        eventually(lambda: items_made(site.stage) >= made, every=0.005)  # noqa: B023 - asked within the round
        site.redis.client_kill_filter(_type="normal", skipme=True)
    site.ended(run)
    assert site.container.ledger.problems() == []
    assert_one_item_per_code(site.stage)
    site.comes_to_rest()
