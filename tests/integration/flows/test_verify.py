"""Verification: quiet after a good run, and a finding in words for everything that is wrong in one of the two systems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import offices
from tests.integration.flows.office import Office
from worker.domain.findings import Finding

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")
numbers = count(100)


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory, redis_server: Any, doorman: Any) -> Iterator[Office]:
    """One office for all tests of this file: each works on a project of its own."""
    with offices(tmp_path_factory.mktemp("branch"), redis_server.url, doorman) as opens:
        yield opens()


class Site:
    """A synced project with one billed invoice, in an office that is for this project alone."""

    def __init__(self, branch: Office) -> None:
        self.project: Project = branch.new_project(f"27-{next(numbers)}", CODES)
        self.invoice: Invoice = branch.new_invoice(self.project, (CODES[0], "900.00"), (CODES[1], "55.00"))
        self.office = branch.reopened(project_ids=str(self.project.id))
        self.office.scan()
        self.office.export_all()
        self.item = self.office.item(f"{self.project.number}-{CODES[0]}")
        self.bill = self.office.bill(self.invoice)

    def findings(self) -> list[Finding]:
        return self.office.container.verification.verify().findings

    def finding(self) -> tuple[str, str]:
        """The only finding: its kind and its sentence."""
        (finding,) = self.findings()
        return finding.kind.value, finding.sentence


@pytest.fixture
def site(branch: Office) -> Site:
    return Site(branch)


def test_after_a_run_all_agrees_or_is_explained(synced: Office) -> None:
    mark = synced.mark()
    verified = synced.container.verification.verify()
    assert verified.findings == []
    assert verified.right + verified.explained == verified.codes + verified.invoices
    assert (verified.codes, verified.invoices) == (111, 31)
    assert [each.partition(":")[0] for each in verified.unreadable] == ["25-210 Canyon Gate Parking Structure"]
    assert synced.writes(mark) == []


def test_a_synced_project_agrees(site: Site) -> None:
    verified = site.office.container.verification.verify()
    assert (verified.right, verified.explained, verified.findings) == (3, 0, [])


def test_a_deleted_item_is_found(site: Site) -> None:
    site.office.netsuite.items.remove(site.item.id)
    kind, sentence = site.finding()
    assert kind == "item_missing"
    assert sentence == f"{site.project.number} New Project, code {CODES[0]} has no Item."


def test_a_renamed_item_is_found(site: Site) -> None:
    site.office.netsuite.edit_item(site.item.id, itemid="Steel")
    kind, sentence = site.finding()
    assert kind == "item_renamed"
    assert f"was called {site.item.itemid} and is called Steel now" in sentence


def test_a_renamed_item_that_was_adopted_is_found_by_its_id(branch: Office) -> None:
    number = f"27-{next(numbers)}"
    by_hand = branch.netsuite.make_item(f"{number}-{CODES[0]}")
    project = branch.new_project(number, CODES[:1])
    office = branch.reopened(project_ids=str(project.id))
    office.scan()
    assert office.container.verification.verify().right == 1
    branch.netsuite.edit_item(by_hand.id, itemid="Steel, by hand")
    (finding,) = office.container.verification.verify().findings
    assert finding.kind == "item_renamed"


def test_a_renumbered_project_is_no_finding(branch: Office) -> None:
    number = f"27-{next(numbers)}"
    branch.netsuite.make_item(f"{number}-{CODES[0]}")
    project = branch.new_project(number, CODES)
    office = branch.reopened(project_ids=str(project.id))
    office.scan()
    branch.procore.renumber_project(project.id, f"28-{number}")
    verified = office.container.verification.verify()
    assert (verified.right, verified.findings) == (2, [])


def test_an_inactivated_item_is_found(site: Site) -> None:
    site.office.netsuite.edit_item(site.item.id, isinactive=True)
    kind, sentence = site.finding()
    assert kind == "item_unusable"
    assert sentence.endswith(f"the Item {site.item.itemid} is inactive.")


def test_a_second_item_for_a_code_is_found(site: Site) -> None:
    """What a lost lock in a racy account could leave behind."""
    second = site.office.netsuite.make_item(site.item.itemid, externalid=site.item.externalid)
    kind, sentence = site.finding()
    assert kind == "item_doubled"
    assert f"ids {site.item.id}, {second.id}" in sentence


def test_another_item_in_the_place_of_ours_is_found(site: Site) -> None:
    site.office.netsuite.items.remove(site.item.id)
    other = site.office.netsuite.make_item(site.item.itemid)
    kind, sentence = site.finding()
    assert kind == "item_other_than_recorded"
    assert f"the ledger says Item {site.item.id}, NetSuite has {other.id}" in sentence


def test_a_doubled_bill_is_found(site: Site) -> None:
    second = site.office.netsuite.make_bill(replace(site.bill))
    kind, sentence = site.finding()
    assert kind == "bill_doubled"
    assert f"has 2 bills: ids {site.bill.id}, {second.id}" in sentence


def test_an_edited_bill_is_found_even_when_its_total_stays(site: Site) -> None:
    netsuite = site.office.netsuite
    netsuite.edit_bill_line(site.bill.id, 1, Decimal("901.00"))
    assert "total 860.50 instead of 859.50" in site.finding()[1]
    netsuite.edit_bill_line(site.bill.id, 2, Decimal("54.00"))
    kind, sentence = site.finding()
    assert kind == "bill_differs"
    assert "3 lines that are not the invoice's 3" in sentence


def test_a_deleted_bill_is_found(site: Site) -> None:
    site.office.netsuite.delete_bill(site.bill.id)
    assert site.finding()[1].endswith(f"the bill {site.bill.id} is gone.")


def test_a_missing_origin_id_is_found(site: Site) -> None:
    site.office.procore.edit_invoice(site.invoice.id, origin_id=None)
    kind, sentence = site.finding()
    assert kind == "origin_id_missing"
    assert site.bill.id in sentence


def test_an_invoice_that_was_never_exported_is_found(site: Site) -> None:
    invoice = site.office.new_invoice(site.project, (CODES[0], "1.00"))
    kind, sentence = site.finding()
    assert kind == "bill_missing"
    assert invoice.invoice_number in sentence


def test_a_code_that_was_never_scanned_is_found(site: Site) -> None:
    site.office.procore.add_code(site.project.id, "06-100.S", budget=0)
    assert site.finding()[0] == "item_missing"


def test_reconciling_keeps_a_problem_open_as_long_as_its_finding(site: Site) -> None:
    site.office.netsuite.edit_item(site.item.id, isinactive=True)
    verification = site.office.container.verification
    assert verification.reconcile() == {"checked": 3, "findings": 1}
    assert list(site.office.problems("verify:").values()) == ["drift"]
    site.office.netsuite.edit_item(site.item.id, isinactive=False)
    assert verification.reconcile() == {"checked": 3, "findings": 0}
    assert site.office.problems("verify:") == {}
