"""NetSuite with a uniqueness window of 50 ms and eight worker processes: only the lock prevents duplicates."""

from __future__ import annotations

import random

import pytest

from config.names import TaskName
from tests.kit.books import assert_one_bill_per_invoice, assert_one_item_per_code, invoices
from tests.kit.site import Site
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite

pytestmark = pytest.mark.real

SLOTS = 3
WINDOW = {"uniqueness": "window", "uniqueness_window": 0.05, "write_latency": 0.1}
# Two requests that leave together arrive within it, however busy the machine.
WIDE_WINDOW = {"uniqueness": "window", "uniqueness_window": 8.0}


def everything(site: Site) -> list[tuple[TaskName, dict[str, int]]]:
    """Return a message for every invoice and for every code."""
    exports = [(TaskName.EXPORT, {"project_id": one.project_id, "invoice_id": one.id}) for one in invoices(site.stage)]
    codes = [
        (TaskName.CREATE_ITEM, {"project_id": project.id, "wbs_code_id": code.id})
        for project in site.stage.procore.company.projects.values()
        for code in project.budgeted_codes()
    ]
    return [*exports, *codes]


def all_exported(site: Site) -> bool:
    return all((invoice.origin_id or "").startswith("ns-vendorbill-") for invoice in invoices(site.stage))


def test_scans_and_exports_at_once_create_no_duplicate(open_site: OpenSite) -> None:
    """Two scans, ten exports and every single code, each message three times in a row: their work overlaps."""
    # The account accepts more requests than the gate, so that only the gate limits them.
    site = open_site(profile="large:2x12:10", slots=SLOTS, concurrency_limit=50, **WINDOW)
    site.workers(8)
    site.beat()
    mixed = everything(site)
    random.Random(1).shuffle(mixed)
    site.send(TaskName.SCAN_PROJECTS)
    for task, arguments in mixed:
        for _ in range(3):
            site.send(task, **arguments)
    site.send(TaskName.SCAN_PROJECTS)

    eventually(lambda: all_exported(site), 60)
    site.comes_to_rest()
    assert site.container.ledger.problems() == []
    assert_one_item_per_code(site.stage)
    assert_one_bill_per_invoice(site.stage)
    assert site.stage.netsuite.meter.max_in_flight <= SLOTS


def test_without_the_lock_there_are_duplicates(open_site: OpenSite) -> None:
    """The test above can fail: with a window, neither the ledger nor a query before the write is enough."""
    site = open_site(profile="large:1x2:1", slots=50, **WIDE_WINDOW)
    site.workers(3, threads=4, open_locks=True)
    site.beat()

    def kinds() -> set[str]:
        return {kind for kind, _, _ in site.stage.netsuite.duplicates()}

    def asked_again() -> bool:
        # A worker that is about to write waits for a second one (tests/kit/launcher.py), which one of these messages brings.
        for task, arguments in everything(site):
            site.send(task, **arguments)
        return kinds() >= {"item_name", "bill_external_id"}

    eventually(asked_again, 120, every=0.5)
