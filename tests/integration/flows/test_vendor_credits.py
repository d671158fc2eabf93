"""Invoices with a negative payment due: a problem by default, a vendor credit if the owner wants them, each exactly once."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from simulators.netsuite.records import Bill
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_recovery import lose_redis
from tests.kit.company import VENDOR
from tests.kit.installation import Installation
from worker.domain.errors import Misconfigured, Transient
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.problems import FindingKind
from worker.reconcile.forgetting import NotForgotten

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")
CREDIT_PATH = "/services/rest/record/v1/vendorCredit"


def key_of(invoice: Invoice) -> InvoiceKey:
    return InvoiceKey(invoice.project_id, invoice.id)


def reduced(office: Installation, number: str = "24-810") -> tuple[Project, Invoice]:
    """Create an invoice that reverses 900.00 on one code, bills 100.00 on another and releases ten percent: -720.00 are due."""
    project = office.new_project(number, CODES)
    return project, office.new_invoice(project, (CODES[0], "-900.00"), (CODES[1], "100.00"))


def alone(office: Installation, invoice: Invoice, **settings: Any) -> Installation:
    """Reopen the installation with a pilot of this invoice's project."""
    return office.reopened(project_ids=str(invoice.project_id), netsuite_create_credits=True, **settings)


@pytest.fixture
def office(open_office: OpenInstallation) -> Installation:
    return open_office(netsuite_create_credits=True)


def test_a_credit_has_the_invoices_lines_negated_and_ties_to_the_cent(office: Installation) -> None:
    """Its origin id and explanation name a vendor credit, and a second export creates no other."""
    _, invoice = reduced(office)
    payment_due = invoice.summary().current_payment_due
    assert payment_due == Decimal("-720.00")
    outcome = office.export(invoice)
    credit = office.bill(invoice)
    assert (outcome.kind, outcome.remote_id, credit.record_type) == (OutcomeKind.CREATED, credit.id, "vendorCredit")
    assert "vendor credit" in outcome.reason
    assert (credit.total, credit.tranid) == (-payment_due, invoice.invoice_number)
    amounts = dict(office.amounts(credit))
    assert amounts == {
        "24-810-05-120.S": Decimal("900.00"),
        "24-810-05-310.S": Decimal("-100.00"),
        "Retainage Payable": Decimal("-80.00"),
    }
    assert invoice.origin_id == f"ns-vendorcredit-{credit.id}"
    explanation = office.container.explain.invoice(str(invoice.id), str(invoice.project_id))
    assert (explanation["netsuite"]["bill"]["document"], explanation["netsuite"]["differs"]) == ("vendor credit", None)
    assert "Its vendor credit is in NetSuite" in explanation["explanation"]

    again = office.export(invoice)
    assert (again.kind, len(office.bills(invoice))) == (OutcomeKind.ALREADY, 1)
    assert alone(office, invoice).container.verification.verify().findings == []


def test_without_the_setting_a_credit_is_blocked_and_with_it_created(open_office: OpenInstallation) -> None:
    """It is a person's task, and nothing is written, until the setting is on."""
    office = open_office()
    _, invoice = reduced(office)
    assert office.export(invoice).cause == "needs_vendor_credit"
    assert office.writes() == []
    with_credits = office.reopened(netsuite_create_credits=True)
    assert with_credits.export(invoice).kind is OutcomeKind.CREATED
    assert with_credits.problems() == {}


def test_a_hand_entered_credit_is_adopted_and_a_bill_of_its_number_is_not(office: Installation) -> None:
    """The adopted credit is never changed, and a bill may have the credit's number."""
    project, invoice = reduced(office)
    office.scan(project.id)
    vendor = next(each.id for each in office.netsuite.vendors if each.companyname == VENDOR)
    by_hand = Bill("", None, vendor, "2", invoice.invoice_number, invoice.billing_date.isoformat(), "by hand")
    bill = office.netsuite.make_bill(replace(by_hand, record_type="vendorBill"))
    made = office.export(invoice)
    assert (made.kind, made.remote_id != bill.id) == (OutcomeKind.CREATED, True), "a bill may have the credit's number"
    existing = office.bill(invoice)

    second_project, second_invoice = reduced(office, "24-811")
    office.scan(second_project.id)
    items = {line.item: office.item(f"24-811-{code}").id for line, code in zip(existing.lines, CODES, strict=False)}
    lines = [replace(line, item=items.get(line.item, line.item)) for line in existing.lines]
    entered = office.netsuite.make_bill(
        replace(
            existing,
            externalid=None,
            tranid=second_invoice.invoice_number,
            trandate=second_invoice.billing_date.isoformat(),
            lines=lines,
        )
    )
    taken = office.export(second_invoice)
    assert (taken.kind, taken.remote_id) == (OutcomeKind.ADOPTED, entered.id)
    assert office.bills(second_invoice) == [], "never changed, not even its external id"


@pytest.mark.parametrize("fault", ["cut_after", "cut_before"])
def test_a_credit_without_a_response_is_looked_up_and_created_once(office: Installation, fault: str) -> None:
    project, invoice = reduced(office)
    short_settle = alone(office, invoice, netsuite_settle_seconds=1)
    short_settle.scan(project.id)
    short_settle.stage.faults("netsuite", [{"kind": fault, "method": "POST", "path": "vendorCredit", "times": 1}])
    outcome = short_settle.export(invoice)
    was_created = fault == "cut_after"
    assert (outcome.kind is OutcomeKind.ALREADY, len(short_settle.bills(invoice))) == (was_created, int(was_created)), (
        outcome
    )
    short_settle.container.start_export("test")
    short_settle.settle()
    record = short_settle.invoice_record(invoice)
    assert record
    assert (record.state, record.remote_id) == (State.CREATED, short_settle.bill(invoice).id)
    assert len(short_settle.posts(CREDIT_PATH)) == (1 if was_created else 2)


def test_a_billed_invoice_that_turns_into_a_credit_gets_no_second_document(office: Installation) -> None:
    """The existing bill is found even after Redis was lost, and the invoice is blocked."""
    project = office.new_project("24-812", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    assert office.export(invoice).kind is OutcomeKind.CREATED
    lose_redis(office)
    invoice.origin_id = None
    office.container.recovery.ensure_ledger()
    for line in invoice.lines:
        line.billed = replace(line.billed, work=-line.billed.work, held=-line.billed.held)
    assert invoice.summary().current_payment_due == Decimal("-810.00")
    outcome = office.export(invoice)
    assert outcome.cause == "bill_differs"
    assert [bill.record_type for bill in office.bills(invoice)] == ["vendorBill"]


def test_verify_finds_a_credit_that_was_edited_deleted_or_entered_twice(office: Installation) -> None:
    _, invoice = reduced(office)
    office.export(invoice)
    credit = office.bill(invoice)

    def kinds() -> list[FindingKind]:
        return [found.kind for found in alone(office, invoice).container.verification.verify().findings]

    office.netsuite.make_bill(replace(credit, externalid=None))
    assert kinds() == [FindingKind.DUPLICATE_BILL]
    copy = max(office.netsuite.bills, key=lambda bill: int(bill.id))
    office.netsuite.delete_bill(copy.id)
    office.netsuite.edit_bill_line(credit.id, 1, Decimal("901.00"))
    assert kinds() == [FindingKind.BILL_LINES_MISMATCH]
    office.netsuite.delete_bill(credit.id)
    assert kinds() == [FindingKind.BILL_DELETED]


def test_a_deleted_credit_is_recreated_and_an_existing_one_is_not(office: Installation) -> None:
    """`forget` refuses while the vendor credit exists."""
    _, invoice = reduced(office)
    office.export(invoice)
    forgetting, key = office.container.forgetting, (str(invoice.id), str(invoice.project_id))
    with pytest.raises(NotForgotten, match=f"vendor credit {invoice.invoice_number}"):
        forgetting.invoice(*key)
    office.netsuite.delete_bill(office.bill(invoice).id)
    invoice.origin_id = None
    forgetting.forget(forgetting.invoice(*key), lambda: forgetting.invoice(*key), by="test", note="deleted by mistake")
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).record_type == "vendorCredit"


def test_existing_or_unconfirmed_credits_are_found_with_the_setting_off(office: Installation) -> None:
    """A person who is asked to enter a credit by hand must not enter one that exists."""
    project, invoice = reduced(office)
    short_settle = alone(office, invoice, netsuite_settle_seconds=1)
    short_settle.scan(project.id)
    unanswered = {"kind": "cut_after", "method": "POST", "path": "vendorCredit", "times": 1}
    short_settle.stage.faults(
        "netsuite", [unanswered, {"kind": "error_before", "method": "GET", "path": "vendorCredit", "value": 500}]
    )
    with contextlib.suppress(Transient):
        short_settle.export(invoice)
    record = short_settle.invoice_record(invoice)
    assert record
    assert record.in_doubt
    short_settle.clear_faults()
    off = office.reopened(project_ids=str(project.id), netsuite_settle_seconds=1)
    outcome = off.export(invoice)
    assert (outcome.cause, len(off.bills(invoice))) == ("bill_differs", 1)
    assert off.bill(invoice).id in outcome.reason

    assert alone(office, invoice).export(invoice).kind is OutcomeKind.ALREADY
    kinds = [found.kind for found in off.container.verification.verify().findings]
    assert kinds == [FindingKind.BILL_NOT_COMPARABLE], "the settings allow no credit, but this one still exists"
    with pytest.raises(NotForgotten, match="vendor credit"):
        off.container.forgetting.invoice(str(invoice.id), str(project.id))


def test_a_role_without_credits_is_a_fault_only_if_they_are_created(open_office: OpenInstallation) -> None:
    office = open_office(world={"missing_permissions": ("vendorCredit",)})
    project = office.new_project("24-813", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    assert office.container.exports.remotes.netsuite.bill_by_external_id(office.bill_external_id(invoice)) is None
    with pytest.raises(Misconfigured):
        office.reopened(netsuite_create_credits=True).container.exports.remotes.netsuite.bill("4711")
