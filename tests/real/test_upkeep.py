"""Beat's upkeep: lost messages are sent again, and a second beat does no harm."""

from __future__ import annotations

import pytest

from config.names import QueueName
from tests.real.books import assert_one_item_per_code, items_made
from tests.real.conftest import OpenSite
from tests.real.site import PREFIX
from tests.support import eventually
from worker.domain.work import SCAN_OF_ALL, Lane, RunKind

pytestmark = pytest.mark.real


def test_messages_that_are_lost_delay_the_scan_and_lose_nothing(open_site: OpenSite) -> None:
    queue = f"{PREFIX}{QueueName.ITEMS}"
    site = open_site(profile="large:1x24", slots=12, write_latency=0.2)
    site.worker(threads=2)
    site.beat()
    run = site.start_scan()
    # Two threads fetch eight messages; as many as may be in hand beyond that still lie in the queue.
    eventually(lambda: items_made(site.stage) and site.redis.llen(queue), every=0.005)
    assert site.redis.delete(queue)
    site.ended(run)
    assert_one_item_per_code(site.stage)
    site.comes_to_rest()


def test_two_beats_at_once_are_harmless(open_site: OpenSite) -> None:
    """Both start a scan every second or so, at the same moment: each code is made once, and nothing is left in hand."""
    site = open_site(profile="large:2x12", write_latency=0.1, env={"SCAN_CRON": "* * * * *"})
    site.worker()
    beats = [site.beat(number=number, cron_seconds=1) for number in (1, 2)]
    for beat in beats:
        beat.says("Sending due task scan", times=3)
    first = site.container.work.current(RunKind.SCAN)
    assert first is not None
    site.ended(first)
    for beat in beats:
        beat.kill()
    site.comes_to_rest()
    assert_one_item_per_code(site.stage)
    assert site.container.ledger.problems() == []


def test_who_comes_too_late_for_a_scan_s_first_step_leaves_nothing_in_hand(open_site: OpenSite) -> None:
    """Two scans at once: the second claims the list of projects in the moment in which the first has ended it."""
    site = open_site(profile="large:2x12")
    run, _ = site.container.wbs_scan.scan("first")
    site.container.work.claim(Lane.SCANS, SCAN_OF_ALL)
    again, joined = site.container.wbs_scan.scan("second")
    assert (again.id, joined) == (run.id, True)
    assert not site.container.work.in_hand(Lane.SCANS, SCAN_OF_ALL)


def test_what_waited_while_no_worker_ran_goes_on_when_one_starts(open_site: OpenSite) -> None:
    """There is neither a message for it nor a beat: the worker asks for its work when it is ready."""
    site = open_site(profile="large:1x4")
    run, _ = site.container.wbs_scan.request("asked for while all was down")
    site.worker()
    site.ended(run)
    assert_one_item_per_code(site.stage)
    assert items_made(site.stage) == 4
