"""Work that takes longer than its claim and than the broker's visibility timeout: it is done once, and other messages for it end immediately.

The times are tenths of the product's own, so that 900 seconds of visibility are two. Redis gives a message back that is not acknowledged
by then to its queue when the next worker starts: that is when each of these is delivered again, while the first worker is still at it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from config.names import TaskName
from tests.kit.books import assert_one_bill_per_invoice, assert_one_item_per_code
from tests.kit.site import QUICK, Site
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite

pytestmark = pytest.mark.real

VISIBILITY_SECONDS = 2.0
TIMES = {
    **QUICK,
    "config.celery_options.VISIBILITY_TIMEOUT_SECONDS": VISIBILITY_SECONDS,
    # Renewed every second: a busy machine does not keep a worker from that for so long.
    "worker.store.lanes.CLAIM_SECONDS": 12,
    "worker.store.locks.LOCK_SECONDS": 12,
}
PATIENT = {"PROCORE_READ_TIMEOUT_SECONDS": "120", "NETSUITE_SETTLE_SECONDS": "0"}
HELD_SECONDS = 120.0
"""Maximum seconds that a request waits for this test to continue."""


def hold(site: Site, remote: str, paths: Sequence[str]) -> None:
    """Delay responses at these addresses until the remote's faults are cleared."""
    site.stage.faults(remote, [{"kind": "hold", "path": path, "value": HELD_SECONDS} for path in paths])


def asked(site: Site, remote: str) -> list[int]:
    """Return how many requests wait at each address."""
    state = getattr(site.stage, remote)
    return [rule["struck"] for rule in state.faults.as_json()["rules"]]


def deliver_again(site: Site, number: int, tasks: Mapping[TaskName, Mapping[str, Any]], remote: str) -> None:
    """Send messages to a worker that is held at each of them, and start another worker once they are invisible for too long: it gives them
    back to their queues. Returns when each was taken a second time and ended, while the first attempt is still at it.
    """
    ids = [site.send(task, **arguments) for task, arguments in tasks.items()]
    try:
        eventually(lambda: all(asked(site, remote)))
    except AssertionError:
        raise AssertionError(f"requests that wait at each: {asked(site, remote)}; {site.left_over()}") from None
    # The messages were taken before.
    time.sleep(VISIBILITY_SECONDS + TIMES["worker.store.lanes.CLAIM_SECONDS"])  # the time for which they are invisible
    site.worker(number=number, times=TIMES)
    eventually(lambda: all(f"[{task_id}] succeeded" in logs(site) for task_id in ids), 60)


def logs(site: Site) -> str:
    """Return the output of all processes: either worker may fetch what was given back."""
    return "".join(program.log for program in site.programs)


def test_work_beyond_the_visibility_timeout_is_done_once_and_continues(open_site: OpenSite) -> None:
    """A rebuild, and then a scan, a listing of invoices and a comparison at the same time."""
    site = open_site(profile="large:2x12:4", slots=5, env=PATIENT)
    scanned, listed = sorted(site.stage.procore.company.projects)
    site.worker(times=TIMES)

    hold(site, "netsuite", ["/suiteql"])
    deliver_again(site, 2, {TaskName.SCAN_PROJECT: {"project_id": scanned}}, "netsuite")
    assert asked(site, "netsuite") == [1], "the ledger is rebuilt once"
    assert not site.container.ledger.state.is_open()
    site.stage.faults("netsuite", [])
    beat = site.beat(times=TIMES)
    site.comes_to_rest()
    assert site.container.ledger.state.is_open()
    beat.end()

    site.worker("invoices", times=TIMES)
    site.container.scans.projects.refresh()
    budget = f"/projects/{scanned}/budget_line_items"
    invoices = rf"requisitions.*project_id={listed}|{listed}/requisitions"
    hold(site, "procore", [budget, invoices, r"/rest/v1\.1/projects\?"])
    long_ones = {
        TaskName.SCAN_PROJECT: {"project_id": scanned},
        TaskName.EXPORT_PROJECT: {"project_id": listed},
        TaskName.RECONCILE: {},
    }
    deliver_again(site, 3, long_ones, "procore")
    assert asked(site, "procore") == [1, 1, 1], "no other worker began one of them"
    assert site.container.ledger.problems() == []
    site.stage.faults("procore", [])
    site.beat(number=2, times=TIMES)
    eventually(lambda: site.container.stores.verifications.last() is not None, 60)
    site.comes_to_rest()
    assert {one.problem.cause for one in site.container.ledger.problems()} <= {
        "drift_bill_missing",
        "drift_item_missing",
    }

    site.ended(site.start_scan(), 60)
    run, _ = site.container.export_runs.request("test")
    site.send(TaskName.EXPORT_APPROVED, trigger="test")
    site.ended(run, 60)
    assert_one_item_per_code(site.stage)
    assert_one_bill_per_invoice(site.stage)
