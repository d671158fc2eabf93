"""Two requests for the same record at the same moment, or for two records that need the same third one: in threads, over a real lock.

NetSuite here checks for duplicates when a request arrives and commits a while later without checking again, and accepts a
vendor's number twice: so the lock is all that is between two calls and two records.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, get_ident

import pytest

from simulators.company.model import Project, WbsCode
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from tests.kit.open_claims import claim_for_everybody
from tests.kit.waiting import eventually
from worker.domain import outcomes
from worker.domain.work import exports_of, scan_of
from worker.store.locks import Lock, Locks
from worker.store.scripts import SOURCES

pytestmark = pytest.mark.real

CODE = "05-120.S"
RACY = {"uniqueness": "window", "uniqueness_window": 0.05, "duplicate_numbers": "allow"}


@pytest.fixture
def office(open_office: OpenInstallation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Open an installation whose NetSuite checks uniqueness before it commits, with a delay in between."""
    monkeypatch.setattr(outcomes, "BUSY_SECONDS", 0.1)
    return open_office(world=RACY)


def test_two_invoices_that_share_a_new_code_create_one_item_and_two_bills(office: Installation) -> None:
    """The invoices are exported at the same moment; each gets its bill, and both bills have the same Item."""
    first, second = (office.procore.invoice(each) for each in office.case("shared_new_code")["invoice_ids"])
    office.at_once(lambda: office.export(first), lambda: office.export(second))
    office.settle()

    project = office.procore.project(first.project_id)
    code = project.codes[office.case("shared_new_code")["wbs_code_id"]]
    item = office.item(f"{project.number}-{code.flat_code}")
    assert office.bill(first).lines[0].item == office.bill(second).lines[0].item == item.id
    assert len(office.posts(ITEM_PATH)) == 1
    assert len(office.posts(BILL_PATH)) == 2
    assert office.netsuite.duplicates() == []


def test_eight_exports_of_one_invoice_at_once_create_one_bill(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.scan(project.id)
    office.at_once(*[lambda: office.export(invoice)] * 8)
    office.settle()
    assert office.bill(invoice)
    assert len(office.posts(BILL_PATH)) == 1
    assert office.problems() == {}


def test_eight_requests_for_one_code_at_once_create_one_item(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    (code,) = project.budgeted_codes()
    office.at_once(*[lambda: office.make_item(project, code)] * 8)
    office.settle()
    assert office.item("24-800-05-120.S")
    assert len(office.posts(ITEM_PATH)) == 1


def test_a_scan_and_an_export_at_once_create_every_item_once(office: Installation) -> None:
    codes = [f"05-{number}.S" for number in range(120, 126)]
    project = office.new_project("24-800", codes)
    invoices = [office.new_invoice(project, *[(code, "100.00") for code in codes]) for _ in range(2)]
    calls = [lambda one=one: office.export(one) for one in invoices]
    office.at_once(lambda: office.scan(project.id), *calls)
    office.settle()
    assert len(office.posts(ITEM_PATH)) == len(codes)
    assert all(office.bill(invoice) for invoice in invoices)
    assert office.netsuite.duplicates() == []


def with_open_claims(office: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Return the installation after a restart where a worker may begin work that another has begun, as after claims were lost."""
    monkeypatch.setitem(SOURCES, "lanes/claim", claim_for_everybody())
    return office.reopened()


def planned(office: Installation) -> tuple[Project, WbsCode]:
    """Scan a project with one code, whose Item is still to be created."""
    project = office.new_project("24-800", [CODE])
    office.container.start_scan("test", [project.id])
    office.container.runner.run(scan_of(project.id))
    (code,) = project.budgeted_codes()
    return project, code


def test_when_claims_are_lost_the_lock_prevents_duplicates(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.stage.settings("netsuite", uniqueness_window=0.5)
    office = with_open_claims(office, monkeypatch)
    project, code = planned(office)
    office.at_once(*[lambda: office.make_item(project, code)] * 4)
    office.settle()
    assert len(office.posts(ITEM_PATH)) == 1
    assert office.netsuite.duplicates() == []


def test_without_the_lock_the_account_has_two_items(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other tests of this file can fail: without the lock there are two Items."""
    everybody = Barrier(4)

    @contextmanager
    def lock_for_one(locks: Locks, name: str, reads: tuple[str, int]) -> Iterator[Lock]:
        with hold(locks, f"{name}:{get_ident()}", reads=reads) as lock:
            assert lock is not None
            # All threads have read with their locks before any of them continues.
            everybody.wait(60)
            yield replace(lock, fence=1)

    office.stage.settings("netsuite", uniqueness_window=1.0)
    office = with_open_claims(office, monkeypatch)
    project, code = planned(office)
    hold = Locks.hold
    monkeypatch.setattr(Locks, "hold", lock_for_one)
    # All four requests have arrived before any is processed, on a busy machine too.
    office.stage.faults("netsuite", [{"kind": "hold", "method": "POST", "path": f"{ITEM_PATH}\\?", "value": 120}])

    def released() -> None:
        eventually(lambda: office.netsuite.faults.as_json()["rules"][0]["struck"] == 4)
        office.clear_faults()

    def made() -> None:
        office.make_item(project, code)

    office.at_once(*[made] * 4, released)
    assert [kind for kind, _, _ in office.netsuite.duplicates()] == ["item_name", "item_external_id"]


def test_two_invoices_of_one_vendor_with_one_number_result_in_one_bill(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    numbers = ("acme-77", "ACME-77")
    invoices = [office.new_invoice(project, (CODE, "900.00"), invoice_number=number) for number in numbers]
    office.at_once(*[lambda each=each: office.export(each) for each in invoices])
    office.settle()
    assert sum(len(office.bills(each)) for each in invoices) == 1
    assert len(office.posts(BILL_PATH)) == 1
    assert list(office.problems("invoice:").values()) == ["document_number_taken"]


def test_a_bill_not_yet_listed_by_netsuite_keeps_its_invoice_number(open_office: OpenInstallation) -> None:
    """While queries do not show a new bill yet, the next invoice with the same number is blocked."""
    office = open_office(world={"duplicate_numbers": "allow", "suiteql_lag": 60})
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    first, second = (office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(2))
    office.export(first)
    assert office.export(second).cause == "document_number_taken"
    assert (len(office.bills(first)), office.bills(second)) == (1, [])


def test_a_bill_that_a_person_entered_is_adopted_by_one_of_two_invoices(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    pattern = office.new_invoice(project, (CODE, "900.00"), invoice_number="PATTERN")
    office.export(pattern)
    office.netsuite.make_bill(replace(office.bill(pattern), id="", externalid=None, tranid="77"))
    invoices = [office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(2)]
    office.at_once(*[lambda each=each: office.export(each) for each in invoices])
    office.settle()
    states = sorted(str(record.state) for each in invoices if (record := office.invoice_record(each)))
    assert states == ["adopted", "blocked"]
    assert list(office.problems("invoice:").values()) == ["document_number_taken"]


def test_after_a_loss_a_bill_named_in_procore_goes_to_no_other_invoice(office: Installation) -> None:
    """After the ledger lost its records, a bill that Procore names for one invoice is not adopted for another with its number."""
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    pattern = office.new_invoice(project, (CODE, "900.00"), invoice_number="PATTERN")
    office.export(pattern)
    office.netsuite.make_bill(replace(office.bill(pattern), id="", externalid=None, tranid="77"))
    first, second = (office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(2))
    office.export(first)
    prefix = office.container.settings.redis_key_prefix
    office.container.redis.delete(f"{prefix}invoices:{project.id}", f"{prefix}bill_claims")
    office.container.runner.run(exports_of(project.id))
    assert office.export(second).cause == "document_number_taken"
    assert second.origin_id is None
