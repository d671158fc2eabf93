"""The subcontractor's invoice number: numbers of different vendors never clash; those of one vendor are compared."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.problems import FindingKind

pytestmark = pytest.mark.real

CODE = "05-120.S"


def test_the_number_of_another_vendors_bill_does_not_clash(synced: Installation) -> None:
    invoice = synced.case_invoice("same_number_other_vendor")
    bill = synced.bill(invoice)
    by_hand = synced.netsuite.bills.get(synced.case("same_number_other_vendor")["bill_id"])
    assert by_hand is not None
    assert bill.tranid == by_hand.tranid == "1007"
    assert bill.entity != by_hand.entity


def test_an_equal_bill_of_the_same_vendor_is_adopted_unchanged(office: Installation) -> None:
    case = office.case("same_number_same_vendor_equal")
    invoice = office.case_invoice("same_number_same_vendor_equal")
    by_hand = office.netsuite.bills.get(case["bill_id"])
    assert by_hand is not None
    before = dataclasses.replace(by_hand)
    outcome = office.export(invoice)

    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.ADOPTED, case["bill_id"])
    assert office.netsuite.bills.get(case["bill_id"]) == before
    assert office.posts(BILL_PATH) == []
    assert invoice.origin_id == f"ns-vendorbill-{case['bill_id']}"
    record = office.invoice_record(invoice)
    assert record is not None
    assert record.state is State.ADOPTED


def test_a_different_bill_of_the_same_vendor_is_a_problem(office: Installation) -> None:
    case = office.case("same_number_same_vendor_different")
    invoice = office.case_invoice("same_number_same_vendor_different")
    outcome = office.export(invoice)
    assert outcome.cause == "document_number_taken"
    assert f"id {case['bill_id']}) that differs: total 1,234.56 instead of 6,975.00" in outcome.reason
    assert office.posts(BILL_PATH) == []
    assert invoice.origin_id is None

    office.procore.edit_invoice(invoice.id, invoice_number="SUMM-6435-01 R")
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).tranid == "SUMM-6435-01 R"


def test_a_number_that_differs_only_in_case_is_reported_at_once(office: Installation) -> None:
    """NetSuite compares numbers without case, our first query with case; after the refusal, the bill is not in doubt for hours."""
    case = office.case("same_number_same_vendor_different")
    invoice = office.case_invoice("same_number_same_vendor_different")
    office.netsuite.edit_bill(case["bill_id"], tranid=invoice.invoice_number.lower())
    outcome = office.export(invoice)
    assert outcome.cause == "document_number_taken"
    assert f"reference number {invoice.invoice_number.lower()!r}" in outcome.reason
    assert invoice.origin_id is None


def test_case_is_ignored_in_numbers_where_the_account_allows_duplicates(open_office: OpenInstallation) -> None:
    """Only our own query prevents a second payment of an invoice whose bill was entered by hand in capitals."""
    office = open_office(world={"duplicate_numbers": "allow"})
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"), invoice_number="acme-1")
    pattern = office.new_invoice(project, (CODE, "900.00"), invoice_number="PATTERN")
    office.export(pattern)
    entered = office.netsuite.make_bill(
        dataclasses.replace(office.bill(pattern), id="", externalid=None, tranid="ACME-1")
    )
    assert office.export(invoice).cause == "document_number_taken"
    assert (len(office.posts(BILL_PATH)), office.bills(invoice)) == (1, [])
    office.netsuite.edit_bill(entered.id, tranid="acme-1")
    assert office.export(invoice).kind is OutcomeKind.ADOPTED
    office.netsuite.make_bill(dataclasses.replace(entered, id="", tranid="Acme-1"))
    findings = office.reopened(project_ids=str(project.id)).container.verification.verify().findings
    assert [each.kind for each in findings] == [FindingKind.DUPLICATE_BILL], "and verify sees the copy"


def test_the_bill_of_another_procore_invoice_is_never_taken_however_equal(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    first, second = (office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(2))
    assert office.export(first).kind is OutcomeKind.CREATED
    outcome = office.export(second)
    assert outcome.cause == "document_number_taken"
    assert "the bill of another Procore invoice" in outcome.reason
    assert office.bills(second) == []
    assert second.origin_id is None


def test_where_the_account_allows_equal_numbers_the_rule_is_the_same(open_office: OpenInstallation) -> None:
    """In such an account NetSuite's own check of the number does not prevent a second bill."""
    office = open_office(world={"duplicate_numbers": "allow"})
    project = office.new_project("24-800", [CODE])
    first, second = (office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(2))
    office.export(first)
    assert office.export(second).cause == "document_number_taken"
    assert len(office.posts(BILL_PATH)) == 1


def test_a_bill_of_ours_that_differs_is_blocked_and_never_patched(office: Installation) -> None:
    """The ledger and the origin id were lost, and an accountant has edited the bill since."""
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    edited = office.netsuite.edit_bill_line(office.bill(invoice).id, 1, Decimal("901.00"))
    prefix = office.container.settings.redis_key_prefix
    office.container.redis.delete(f"{prefix}invoices:{project.id}")
    office.procore.edit_invoice(invoice.id, origin_id=None)
    mark = office.mark()

    outcome = office.export(invoice)
    assert outcome.cause == "bill_differs"
    assert "total 811.00 instead of 810.00" in outcome.reason
    assert office.writes(mark) == []
    assert office.bill(invoice) == edited


def test_an_unchanged_bill_of_ours_is_found_again_without_its_record(office: Installation) -> None:
    """With the ledger's records gone, the export finds the bill, writes nothing to NetSuite and restores the origin id."""
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    bill = office.bill(invoice)
    prefix = office.container.settings.redis_key_prefix
    office.container.redis.delete(f"{prefix}invoices:{project.id}", f"{prefix}codes:{project.id}")
    office.procore.edit_invoice(invoice.id, origin_id=None)
    mark = office.mark()

    outcome = office.export(invoice)
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.ALREADY, bill.id)
    assert office.writes(mark) == []
    assert invoice.origin_id == f"ns-vendorbill-{bill.id}"


def test_a_number_longer_than_netsuite_accepts_is_not_cut(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    longest = office.new_invoice(project, (CODE, "900.00"), invoice_number="N" * 45)
    too_long = office.new_invoice(project, (CODE, "900.00"), invoice_number="N" * 46)
    assert office.export(longest).kind is OutcomeKind.CREATED
    assert office.bill(longest).tranid == "N" * 45
    assert office.export(too_long).cause == "document_number_too_long"
    assert office.bills(too_long) == []


def test_a_number_is_free_again_when_its_invoice_has_no_bill(open_office: OpenInstallation) -> None:
    """The next invoice may use the number of an invoice that was refused; a void bill keeps its number until it is changed."""
    office = open_office(world={"duplicate_numbers": "allow"})
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    first, second, third = (office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(3))
    office.stage.faults("netsuite", [{"kind": "error_before", "method": "POST", "path": "vendorBill", "value": 400}])
    assert office.export(first).cause == "bill_rejected"
    office.clear_faults()
    assert office.export(second).kind is OutcomeKind.CREATED
    assert office.export(first).cause == "document_number_taken", "also when the first one is tried again"
    office.netsuite.void_bill(office.bill(second).id)
    assert office.export(third).cause == "document_number_taken", "queries by number find a void bill"
    office.netsuite.edit_bill(office.bill(second).id, tranid="77-VOID")
    assert office.export(third).kind is OutcomeKind.CREATED


def test_a_number_waits_while_the_bill_of_another_invoice_is_unconfirmed(open_office: OpenInstallation) -> None:
    office = open_office(world={"duplicate_numbers": "allow"})
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    first, second = (office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(2))
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": "vendorBill", "times": 1}])
    assert office.export(first).kind is OutcomeKind.UNKNOWN
    outcome = office.export(second)
    assert (outcome.kind, len(office.posts(BILL_PATH))) == (OutcomeKind.WAITING, 1)
    assert "NetSuite has not confirmed its bill yet" in outcome.reason
    assert outcome.again_at is not None


def test_a_number_replaced_by_netsuite_still_belongs_to_the_first_invoice(open_office: OpenInstallation) -> None:
    """When NetSuite gives the first bill another number, a second invoice with the original number is blocked."""
    office = open_office(world={"duplicate_numbers": "allow", "auto_generated_numbers": ["vendorBill"]})
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    first, second = (office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(2))
    assert office.export(first).cause == "bill_differs"
    assert office.export(second).cause == "document_number_taken"
    assert office.bills(second) == []


def test_a_number_that_was_corrected_before_its_bill_was_made_is_free(open_office: OpenInstallation) -> None:
    office = open_office(world={"duplicate_numbers": "allow"})
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    first, second = (office.new_invoice(project, (CODE, "900.00"), invoice_number="77") for _ in range(2))
    office.stage.faults("netsuite", [{"kind": "error_before", "method": "POST", "path": "vendorBill", "value": 400}])
    assert office.export(first).cause == "bill_rejected"
    office.clear_faults()
    office.procore.edit_invoice(first.id, invoice_number="78")
    assert office.export(first).kind is OutcomeKind.CREATED
    assert office.export(second).kind is OutcomeKind.CREATED
