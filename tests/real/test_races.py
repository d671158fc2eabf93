"""NetSuite's uniqueness with a window of 50 ms and eight worker processes: the lock is what keeps everything single."""

from __future__ import annotations

import random

import pytest

from config.names import TaskName
from tests.real.books import assert_one_bill_per_invoice, assert_one_item_per_code, invoices
from tests.real.conftest import OpenSite
from tests.real.site import Site
from tests.support import eventually

pytestmark = pytest.mark.real

WORKERS = 8
SLOTS = 3
WINDOW = {"uniqueness": "window", "uniqueness_window": 0.05, "write_latency": 0.1}


def everything_at_once(open_site: OpenSite, *, open_locks: bool) -> Site:
    """Eight workers; two scans, ten exports and every code by itself, each message three times in a row: they meet."""
    # The account would take more than the gate lets through, so that the gate is seen to hold.
    site = open_site(profile="large:2x12:10", slots=SLOTS, concurrency_limit=50, **WINDOW)
    site.workers(WORKERS, open_locks=open_locks)
    site.beat()
    exports = [(TaskName.EXPORT, {"project_id": one.project_id, "invoice_id": one.id}) for one in invoices(site.stage)]
    codes = [
        (TaskName.CREATE_ITEM, {"project_id": project.id, "wbs_code_id": code.id})
        for project in site.stage.procore.company.projects.values()
        for code in project.budgeted_codes()
    ]
    mixed = [*exports, *codes]
    random.Random(1).shuffle(mixed)
    site.send(TaskName.SCAN_PROJECTS)
    for task, arguments in mixed:
        for _ in range(3):
            site.send(task, **arguments)
    site.send(TaskName.SCAN_PROJECTS)
    return site


def all_exported(site: Site) -> bool:
    return all((invoice.origin_id or "").startswith("ns-vendorbill-") for invoice in invoices(site.stage))


def test_scans_and_exports_at_once_make_nothing_twice(open_site: OpenSite) -> None:
    site = everything_at_once(open_site, open_locks=False)
    eventually(lambda: all_exported(site), 60)
    site.comes_to_rest()
    assert site.container.ledger.problems() == []
    assert_one_item_per_code(site.stage)
    assert_one_bill_per_invoice(site.stage)
    assert site.stage.netsuite.meter.max_in_flight <= SLOTS


def test_the_same_without_the_lock_makes_duplicates(open_site: OpenSite) -> None:
    """So the test above can fail: in a world with a window, neither the ledger nor a look before the write is enough."""
    site = everything_at_once(open_site, open_locks=True)
    eventually(
        lambda: {kind for kind, _, _ in site.stage.netsuite.duplicates()} >= {"item_name", "bill_external_id"}, 60
    )
