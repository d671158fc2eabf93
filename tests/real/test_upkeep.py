"""Beat's upkeep: lost messages are sent again, and a second beat does no harm."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from config.names import QueueName
from tests.alerts.prometheus import rules
from tests.kit.books import assert_one_item_per_code, items_made
from tests.kit.site import PREFIX
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite
from tests.real.redis_faults import refusing
from tests.unit.promql import Facts
from worker.domain.work import SCAN_OF_ALL, Claim, Lane, RunKind
from worker.runtime import beat as beat_module
from worker.store.lanes import Claimed
from worker.store.presence import ScheduleRuns

pytestmark = pytest.mark.real


def test_messages_that_are_lost_delay_the_scan_and_lose_nothing(open_site: OpenSite) -> None:
    queue = f"{PREFIX}{QueueName.ITEMS}"
    site = open_site(profile="large:1x24", slots=12, write_latency=0.2)
    # One Item is made, and no other before the messages are lost.
    site.stage.faults("netsuite", [{"kind": "hold", "method": "POST", "path": "otherCharge", "skip": 1, "value": 120}])
    site.worker(threads=2)
    site.beat()
    run = site.start_scan()
    # Two threads fetch eight messages; as many as may be in progress beyond that are still in the queue.
    eventually(lambda: items_made(site.stage) and site.redis.delete(queue), every=0.005)
    site.stage.faults("netsuite", [])
    site.ended(run)
    assert_one_item_per_code(site.stage)
    site.comes_to_rest()


def test_two_beats_at_once_cause_no_duplicate(open_site: OpenSite) -> None:
    """Both start a scan every second or so, at the same moment: each code is created once, and no work is left in progress."""
    site = open_site(profile="large:2x12", write_latency=0.1, env={"SCAN_CRON": "* * * * *"})
    site.worker()
    beats = [site.beat(number=number, cron_seconds=1) for number in (1, 2)]
    for beat in beats:
        beat.says("Sending due task scan", times=3)
    first = site.container.runs.current(RunKind.SCAN)
    assert first is not None
    site.ended(first)
    for beat in beats:
        beat.kill()
    site.comes_to_rest()
    assert_one_item_per_code(site.stage)
    assert site.container.ledger.problems() == []


def test_a_second_scan_request_leaves_no_first_step_in_progress(open_site: OpenSite) -> None:
    """The second scan claims the list of projects at the moment in which the first one has ended it."""
    site = open_site(profile="large:2x12")
    run, _ = site.container.start_scan("first")
    assert site.container.work.claim(Lane.SCANS, SCAN_OF_ALL, Claim.IN_LANE) is Claimed.NOT_DUE
    again, joined = site.container.start_scan("second")
    assert (again.id, joined) == (run.id, True)
    assert not site.container.work.is_in_progress(Lane.SCANS, SCAN_OF_ALL)


def test_work_that_waited_without_a_worker_continues_when_one_starts(open_site: OpenSite) -> None:
    """There is neither a message for it nor a beat: the worker requests its work when it is ready."""
    site = open_site(profile="large:1x4")
    run, _ = site.container.wbs_scan.request("asked for while all was down")
    site.worker()
    site.ended(run)
    assert_one_item_per_code(site.stage)
    assert items_made(site.stage) == 4


@pytest.mark.parametrize("seconds_ahead", [-60, 60])
def test_waiting_work_is_resumed_whatever_beat_s_clock_shows(
    open_site: OpenSite, shifted_clock: Callable[[int], dict[str, str]], seconds_ahead: int
) -> None:
    """No message announces the scan: only a `ledger.resume` of beat can dispatch it."""
    site = open_site(profile="large:1x4")
    site.worker()
    site.beat(env=shifted_clock(seconds_ahead))
    run, _ = site.container.wbs_scan.request("waiting")
    site.ended(run)
    assert_one_item_per_code(site.stage)
    wrong = eventually(lambda: site.container.liveness.now().wrong_clocks)
    assert [round(one.clock_ahead, -1) for one in wrong] == [seconds_ahead]


def test_a_scheduled_run_that_fell_due_while_beat_was_down_is_made_up_for(open_site: OpenSite) -> None:
    """A scan is due each minute; by Redis, beat last ran an hour ago. A new installation has no run to make up for."""
    site = open_site(profile="large:1x4", env={"SCAN_CRON": "0 0 1 1 *", "LOG_LEVEL": "DEBUG"})
    runs = ScheduleRuns(site.redis, PREFIX)
    first = site.beat()
    first.says("Sending due task resume")
    first.end()
    assert "Sending due task scan" not in first.log
    runs.note("scan", time.time() - 400 * 86_400)
    second = site.beat(number=2)
    second.says("Sending due task scan")
    eventually(lambda: runs.last()["scan"] == pytest.approx(time.time(), abs=60))
    second.end()
    # As by a worker: while enough of them wait, no further one is sent.
    site.redis.delete(f"{PREFIX}{QueueName.UPKEEP}")
    third = site.beat(number=3)
    third.says("Sending due task resume")
    assert "Sending due task scan" not in third.log


def test_a_run_that_falls_due_while_redis_refuses_is_sent_afterwards(open_site: OpenSite) -> None:
    """The scheduled run is recorded only when it is sent, and it is sent once."""
    site = open_site(profile="large:1x4", env={"SCAN_CRON": "0 0 1 1 *"})
    runs, long_ago = ScheduleRuns(site.redis, PREFIX), time.time() - 400 * 86_400
    runs.note("scan", long_ago)
    with refusing(site.server.url, "full"):
        beat = site.beat()
        beat.says("Could not send scan: Redis", times=2)
        assert runs.last()["scan"] == long_ago, "a run that was not started is not noted"
    eventually(lambda: site.redis.llen(f"{PREFIX}{QueueName.SCANS}"))
    eventually(lambda: runs.last()["scan"] == pytest.approx(time.time(), abs=60))
    assert site.redis.llen(f"{PREFIX}{QueueName.SCANS}") == 1
    assert "Traceback" not in beat.log


def test_resumes_do_not_pile_up_while_no_worker_runs(open_site: OpenSite) -> None:
    """A second beat starts after the queue is full: by the time it runs, the first had several turns and sent nothing more."""
    site = open_site(profile="large:1x4", env={"LOG_LEVEL": "DEBUG"})
    first = site.beat()
    eventually(lambda: site.redis.llen(f"{PREFIX}{QueueName.UPKEEP}") == beat_module.MAX_WAITING_RESUMES)
    site.beat(number=2)
    eventually(lambda: len(site.container.stores.presence.running()) == 2)
    assert first.log.count("Sending due task") == beat_module.MAX_WAITING_RESUMES
    assert site.redis.llen(f"{PREFIX}{QueueName.UPKEEP}") == beat_module.MAX_WAITING_RESUMES


def test_a_command_that_follows_a_run_says_when_no_worker_is_running(open_site: OpenSite) -> None:
    site = open_site(profile="large:1x4")
    exported = site.command("export", "--approved", "--wait")
    assert exported.code == 1
    assert "No worker is running for: exports." in exported.err
    site.worker("invoices")
    ended = site.command("scan", "--wait")
    assert ended.code == 1
    assert "No worker is running for: items, scans." in ended.err
    assert "The work stays queued" in ended.err


def test_a_worker_that_stalls_is_seen_and_alerted_while_others_continue(open_site: OpenSite) -> None:
    """Stopped as by a debugger or a network drive that is gone: it reports nothing, and does not end."""
    site = open_site(profile="large:1x4")
    worker, _ = site.worker("invoices"), site.worker("items")
    liveness = site.container.liveness
    eventually(lambda: liveness.now().missing_queues == ())
    with worker.stopped():

        def seen() -> tuple[list[str], tuple[str, ...]]:
            now = liveness.now()
            return [one.name.partition("@")[0] for one in now.silent], now.missing_queues

        # On a busy machine the other one may be silent for a moment, too.
        eventually(lambda: seen() == (["invoices1"], (QueueName.EXPORTS,)))
        facts = Facts.of(site.container.metrics.text(), site.container.now() + 180)
        for alert in ("WbsSyncQueueWithoutWorker", "WbsSyncProcessSilent"):
            assert facts.fires(rules()[alert]["expr"]), alert
    eventually(lambda: liveness.now().silent == ())
