"""Redis responds and refuses every write for a while: no message of another app is lost, nothing is written twice, and all work continues."""

from __future__ import annotations

import time

import pytest

from config.names import QueueName, TaskName
from tests.kit.books import assert_one_bill_per_invoice, invoices
from tests.kit.site import PREFIX, QUICK, Site
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite
from tests.real.redis_faults import FAULTS, refusing
from worker.domain.work import Lane

pytestmark = pytest.mark.real

ALWAYS = ("full", "not permitted")
"""The others are alike; the campaign of processes plays them too."""
REFUSES_SECONDS = 4.0
INVOICES = 8
THREADS = 2
FETCHED = 4
"""Of each thread, one at work and three that wait for it."""
TIMES = {
    **QUICK,
    "worker.runtime.pool.RETURN_SECONDS": 0.5,
    "worker.engine.settlement.REDIS_SECONDS": 0.5,
    "config.celery_options.VISIBILITY_TIMEOUT_SECONDS": 20,
}
WORDS = {
    "full": "Redis is full",
    "disk full": "Redis cannot save its data",
    "read-only": "REDIS_URL points to a replica",
    "not permitted": "user of REDIS_URL is missing permissions",
    "too many clients": "Redis has no connection left",
}


def enqueue(site: Site) -> None:
    """Send an export of every invoice. None gets further than to its invoice before `release`."""
    site.stage.faults("procore", [{"kind": "hold", "path": "/requisitions", "value": 120}])
    for invoice in invoices(site.stage):
        site.send(TaskName.EXPORT, project_id=invoice.project_id, invoice_id=invoice.id)


def release(site: Site) -> None:
    """Let Procore respond."""
    site.stage.faults("procore", [])


def all_billed(site: Site) -> None:
    """Check that every message was processed, although no export of all invoices was started."""
    eventually(lambda: all(invoice.origin_id for invoice in invoices(site.stage)), 120)
    site.comes_to_rest()
    assert_one_bill_per_invoice(site.stage)
    eventually(lambda: site.redis.llen(f"{PREFIX}{QueueName.EXPORTS}") == 0)
    eventually(lambda: site.redis.hlen(f"{PREFIX}unacked") == 0)
    assert site.container.ledger.problems() == []


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=() if fault in ALWAYS else pytest.mark.slow) for fault in FAULTS]
)
def test_fetched_messages_are_processed_when_redis_takes_writes_again(open_site: OpenSite, fault: str) -> None:
    """The worker had fetched them when Redis began to refuse writes, and it stays alive."""
    site = open_site(profile=f"large:1x2:{INVOICES}", slots=THREADS, read_latency=0.3)
    worker = site.worker("invoices", threads=THREADS, times=TIMES)
    site.beat(times=TIMES)
    site.container.recovery.ensure_ledger()
    enqueue(site)
    eventually(lambda: site.redis.hlen(f"{PREFIX}unacked") >= FETCHED, every=0.005)
    with refusing(site.env["REDIS_URL"], fault):
        release(site)
        worker.says(WORDS[fault])
        time.sleep(REFUSES_SECONDS)  # the refusal itself
        assert worker.alive
    all_billed(site)
    assert "Traceback" not in worker.log, "the outage is said in sentences"


def test_a_worker_killed_while_redis_refuses_writes_loses_no_message(open_site: OpenSite) -> None:
    """It had fetched some messages; the others were in the queue, where a full Redis would have let it pop one unrecorded."""
    site = open_site(profile=f"large:1x2:{INVOICES}", slots=THREADS, read_latency=0.3)
    worker = site.worker("invoices", threads=1, times=TIMES)
    enqueue(site)
    eventually(lambda: site.redis.hlen(f"{PREFIX}unacked") == FETCHED, every=0.005)
    with refusing(site.env["REDIS_URL"], "full"):
        release(site)
        worker.says(WORDS["full"])
        worker.kill()
        messages = site.redis.hlen(f"{PREFIX}unacked") + site.redis.llen(f"{PREFIX}{QueueName.EXPORTS}")
        # On a busy machine some may have been exported before Redis refused.
        exported = sum(bool(invoice.origin_id) for invoice in invoices(site.stage))
        assert messages + sum(site.container.work.depth(Lane.EXPORTS)) + exported >= INVOICES
    site.worker("invoices", threads=THREADS, number=2, times=TIMES)
    site.beat(times=TIMES)
    all_billed(site)
