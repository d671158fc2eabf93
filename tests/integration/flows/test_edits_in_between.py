"""Edits in Procore or NetSuite between two attempts at one invoice: it ends with one bill, or with a problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from simulators.company.billing import Billed, Invoice
from simulators.company.world import Work, periods_of
from simulators.netsuite.bills import BillKind
from simulators.netsuite.records import Bill
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, VENDOR
from tests.kit.installation import Installation
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.plans import Action
from worker.domain.problems import FindingKind

pytestmark = pytest.mark.real

CODE, OTHER_CODE = "05-120.S", "05-310.S"
Edit = Callable[[Installation, Invoice], object]
numbers = count(100)


@pytest.fixture(scope="module")
def branch(open_shared: OpenInstallation) -> Installation:
    """Open one installation for all tests of this file, whose NetSuite accepts two bills with one number; each uses a separate project."""
    return open_shared(world={"duplicate_numbers": "allow"})


@pytest.fixture
def office(branch: Installation) -> Iterator[Installation]:
    yield branch
    branch.clear_faults()
    branch.stage.settings("procore", patch_forbidden=False)


def billable(office: Installation, **fields: Any) -> Invoice:
    """Return an invoice whose Item exists, with a payment due of 810.00."""
    project = office.new_project(f"31-{next(numbers)}", [CODE])
    office.scan(project.id)
    return office.new_invoice(project, (CODE, "900.00"), **fields)


def key_of(invoice: Invoice) -> str:
    return str(InvoiceKey(invoice.project_id, invoice.id))


def pilot(office: Installation, invoice: Invoice, **settings: Any) -> Installation:
    return office.reopened(project_ids=str(invoice.project_id), **settings)


def finding_kinds(office: Installation, invoice: Invoice) -> list[FindingKind]:
    return [each.kind for each in pilot(office, invoice).container.verification.verify().findings]


def enter_by_hand(office: Installation, invoice: Invoice, **fields: Any) -> Bill:
    """Enter the bill as a person does: with the values of an export, but without our external id."""
    pattern = office.new_invoice(office.procore.project(invoice.project_id), (CODE, "900.00"))
    assert office.export(pattern).kind is OutcomeKind.CREATED
    head = {"tranid": invoice.invoice_number, "trandate": invoice.billing_date.isoformat()}
    return office.netsuite.make_bill(replace(office.bill(pattern), id="", **{"externalid": None, **head, **fields}))


def lose_the_answer(office: Installation, invoice: Invoice) -> None:
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": f"{BILL_PATH}\\?", "times": 1}])
    assert office.export(invoice).kind is OutcomeKind.UNKNOWN


def test_a_hand_entered_bill_is_not_adopted_while_ours_may_still_arrive(office: Installation) -> None:
    """Adopting it would end the doubt, and our own bill would be unnoticed when NetSuite commits it a minute later."""
    invoice = billable(office)
    lose_the_answer(office, invoice)
    entered = enter_by_hand(office, invoice)
    key = InvoiceKey(invoice.project_id, invoice.id)
    (line,) = office.container.planning.export_one(key).lines
    assert line.action is Action.PENDING
    begun = office.container.now()
    outcome = office.export(invoice)
    assert (outcome.kind, office.due_at(str(key)) > begun) == (OutcomeKind.UNKNOWN, True)
    ours = enter_by_hand(office, invoice, externalid=office.bill_external_id(invoice))
    outcome = office.export(invoice)
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.ALREADY, ours.id)
    duplicate_key = f"verify:bill_doubled:{key}"
    assert office.problems(duplicate_key) == {duplicate_key: "drift_duplicate_bill"}
    sentence = office.sentence(duplicate_key)
    assert f"(id {ours.id})" in sentence
    assert f"(id {entered.id})" in sentence
    assert finding_kinds(office, invoice) == [FindingKind.DUPLICATE_BILL], "with the key of verify, which closes it"


def test_once_our_bill_certainly_failed_the_hand_entered_one_is_adopted(office: Installation) -> None:
    invoice = billable(office)
    short_settle = pilot(office, invoice, netsuite_settle_seconds=1)
    lose_the_answer(short_settle, invoice)
    entered = enter_by_hand(office, invoice)
    short_settle.container.start_export("test")
    short_settle.settle()
    record = short_settle.invoice_record(invoice)
    assert record
    assert (record.state, record.remote_id, office.bills(invoice)) == (State.ADOPTED, entered.id, [])
    assert short_settle.problems(key_of(invoice)) == {}


def test_a_bill_in_another_currency_is_never_taken_for_the_invoice(office: Installation) -> None:
    """A bill without a currency is in the vendor's, and 810.00 of something else read like 810.00."""
    invoice = billable(office)
    foreign = {"fields": {"exchangeRate": Decimal("0.73")}}
    entered = enter_by_hand(office, invoice, **foreign)
    outcome = office.export(invoice)
    assert outcome.cause == "document_number_taken"
    assert "total 810.00 in another currency (exchange rate 0.73)" in outcome.reason
    office.netsuite.delete_bill(entered.id)
    enter_by_hand(office, invoice, externalid=office.bill_external_id(invoice), **foreign)
    assert office.export(invoice).cause == "bill_differs"
    office.netsuite.edit_bill(office.bill(invoice).id, fields={"exchangeRate": 1})
    assert office.export(invoice).kind is OutcomeKind.ALREADY
    office.netsuite.edit_bill(office.bill(invoice).id, **foreign)
    assert finding_kinds(office, invoice) == [FindingKind.BILL_TOTAL_MISMATCH]


def test_an_invoice_revised_before_write_back_is_not_locked_under_its_bill(office: Installation) -> None:
    """Procore refused the origin id, and until somebody gave the permission the invoice could be edited."""
    invoice, key = billable(office), ""
    key = key_of(invoice)
    office.stage.settings("procore", patch_forbidden=True)
    assert office.export(invoice).cause == "write_back_rejected"
    office.stage.settings("procore", patch_forbidden=False)
    office.procore.edit_invoice_line(invoice.id, work="950.00")
    for edited in ({}, {"status": "draft"}, {"status": "approved"}, {"origin_id": "sage-1"}, {"origin_id": None}):
        office.procore.edit_invoice(invoice.id, **edited)
        outcome = office.export(invoice)
        assert (outcome.kind, outcome.cause) == (OutcomeKind.ALREADY, "bill_differs"), edited
        assert invoice.origin_id == edited.get("origin_id"), "an origin id of another integration is never changed"
    assert office.problems(key) == {key: "bill_differs"}
    assert "total 810.00 instead of 860.00" in office.sentence(key)

    bill = office.bill(invoice)
    office.netsuite.edit_bill_line(bill.id, 1, Decimal("950.00"))
    assert pilot(office, invoice).export_all().counts["already"] == 1
    assert (invoice.origin_id, office.problems(key)) == (f"ns-vendorbill-{bill.id}", {})
    record = office.invoice_record(invoice)
    assert record
    assert (record.write_back_due, record.payment_due) == (False, Decimal("860.00"))


def _moved_between_codes(office: Installation, invoice: Invoice) -> None:
    first, second = invoice.lines
    office.procore.edit_invoice_line(invoice.id, first.id, work="400.00", held="40.00")
    office.procore.edit_invoice_line(invoice.id, second.id, work="500.00", held="50.00")


EDITS_OF_ONE_AMOUNT: dict[str, Edit] = {
    "lines moved between codes": _moved_between_codes,
    "another billing date": lambda office, invoice: office.procore.edit_invoice(invoice.id, billing_date="2026-01-15"),
    "retainage of one line on another": lambda office, invoice: [
        office.procore.edit_invoice_line(invoice.id, line.id, work=work, held=held)
        for line, (work, held) in zip(invoice.lines, (("510.00", "60.00"), ("400.00", "40.00")), strict=True)
    ],
}


@pytest.mark.parametrize("edit", EDITS_OF_ONE_AMOUNT.values(), ids=EDITS_OF_ONE_AMOUNT)
def test_an_edit_with_the_same_payment_due_prevents_a_late_origin_id(office: Installation, edit: Edit) -> None:
    """An edit that keeps the payment due is noticed before an origin id is written late."""
    project = office.new_project(f"31-{next(numbers)}", [CODE, OTHER_CODE])
    invoice = office.new_invoice(project, (CODE, "500.00"), (OTHER_CODE, "400.00"))
    office.stage.settings("procore", patch_forbidden=True)
    assert office.export(invoice).cause == "write_back_rejected"
    office.stage.settings("procore", patch_forbidden=False)
    edit(office, invoice)
    assert office.bill(invoice).total == invoice.summary().current_payment_due
    assert office.export(invoice).cause == "bill_differs"
    assert invoice.origin_id is None


def test_an_invoice_edited_while_its_bill_is_sent_is_reported_when_locked(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit during the write is reported as drift once the invoice is locked, until verification finds that both agree."""
    invoice, draft = billable(office), BillKind.draft

    def edited_meanwhile(self: BillKind, body: Any, names: Any) -> Any:
        office.procore.edit_invoice_line(invoice.id, work="950.00")
        return draft(self, body, names)

    monkeypatch.setattr(BillKind, "draft", edited_meanwhile)
    assert office.export(invoice).kind is OutcomeKind.CREATED
    problem = f"verify:bill_of_other_total:{key_of(invoice)}"
    assert office.problems(problem) == {problem: "drift_bill_total_mismatch"}
    assert "payment due 860.00 instead of 810.00" in office.sentence(problem)
    office.netsuite.edit_bill_line(office.bill(invoice).id, 1, Decimal("950.00"))
    pilot(office, invoice).container.verification.verify()
    assert office.problems(problem) == {}


def test_an_edit_is_reported_when_a_dead_worker_wrote_the_origin_id(office: Installation) -> None:
    """The worker died after it had written the origin id, so the next export compares the invoice with its bill."""
    invoice = billable(office)
    office.stage.settings("procore", patch_forbidden=True)
    office.export(invoice)
    office.procore.edit_invoice_line(invoice.id, work="950.00")
    office.procore.edit_invoice(invoice.id, origin_id=f"ns-vendorbill-{office.bill(invoice).id}")
    assert (office.export(invoice).kind, office.problems(key_of(invoice))) == (OutcomeKind.ALREADY, {})
    problem = f"verify:bill_with_other_lines:{key_of(invoice)}"
    assert "total 810.00 instead of 860.00" in office.sentence(problem)


def test_an_unconfirmed_bill_is_looked_up_if_the_previous_invoice_fails(office: Installation) -> None:
    project = office.new_project(f"31-{next(numbers)}", [CODE])
    company = office.procore.company
    contract = company.open_subcontract(
        project, office.procore.vendor(VENDOR), [Work(project.budgeted_codes()[0], Decimal("50000.00"))]
    )
    months = [Billed(work=Decimal("1000.00"), held=Decimal("100.00")), Billed(work=Decimal("500.00"))]
    before, invoice = (
        company.bill(contract, period, [(contract.lines[0], billed)])
        for period, billed in zip(list(periods_of(project))[4:], months, strict=False)
    )
    office.scan(project.id)
    assert office.export(before).kind is OutcomeKind.CREATED
    lose_the_answer(office, invoice)
    gone = {"kind": "error_before", "method": "GET", "path": f"requisitions/{before.id}\\?", "value": 404}
    office.stage.faults("procore", [gone])
    begun = office.container.now()
    outcome = office.export(invoice)
    assert (outcome.kind, outcome.cause) == (OutcomeKind.UNKNOWN, "invoice_not_found")
    assert f"(the invoice before it, id {before.id}: 404" in office.sentence(key_of(invoice))
    assert office.due_at(key_of(invoice)) > begun, "the doubt keeps its place in the lane"


def test_an_origin_id_that_a_person_set_closes_the_problem(office: Installation) -> None:
    """The next export records the bill that a person entered and named in Procore."""
    invoice = billable(office)
    office.procore.edit_invoice(invoice.id, off_by="1.00")
    assert office.export(invoice).cause == "lines_do_not_tie"
    entered = enter_by_hand(office, invoice)
    office.procore.edit_invoice(invoice.id, origin_id=f"ns-vendorbill-{entered.id}")
    pilot(office, invoice).export_all()
    record = office.invoice_record(invoice)
    assert record
    assert (record.state, record.remote_id, office.problems(key_of(invoice))) == (State.CREATED, entered.id, {})


def test_verify_reports_a_bill_whose_invoice_is_unapproved_or_gone(office: Installation) -> None:
    """The finding remains until the bill is void."""
    invoice = billable(office)
    office.export(invoice)
    assert finding_kinds(office, invoice) == []
    other_item = pilot(office, invoice, netsuite_retainage_item_id=office.bill(invoice).lines[0].item)
    (finding,) = other_item.container.verification.verify().findings
    assert finding.kind is FindingKind.BILL_LINES_MISMATCH, "its retainage is on the Item that was set before"
    office.procore.edit_invoice(invoice.id, origin_id=None, status="revise_and_resubmit")
    (finding,) = pilot(office, invoice).container.verification.verify().findings
    assert finding.kind is FindingKind.BILL_NOT_COMPARABLE
    assert finding.sentence.endswith(
        "is in NetSuite, but the invoice is no longer exported: status is revise and resubmit."
    )
    gone = {"kind": "error_before", "method": "GET", "path": f"requisitions/{invoice.id}\\?", "value": 404}
    office.stage.faults("procore", [gone])
    assert finding_kinds(office, invoice) == [FindingKind.BILL_NOT_COMPARABLE]
    office.netsuite.void_bill(office.bill(invoice).id)
    assert finding_kinds(office, invoice) == [], "without an invoice nothing is owed"


def test_verify_reports_a_bill_of_an_invoice_that_no_longer_bills_anything(office: Installation) -> None:
    """The ledger was lost, and the export had no reason to query NetSuite."""
    invoice = billable(office)
    office.export(invoice)
    office.container.redis.delete(f"{office.container.settings.redis_key_prefix}invoices:{invoice.project_id}")
    office.procore.edit_invoice(invoice.id, origin_id=None)
    office.procore.edit_invoice_line(invoice.id, work="0", held="0")
    assert office.export(invoice).kind is OutcomeKind.SKIPPED
    assert FindingKind.BILL_LINES_MISMATCH in finding_kinds(office, invoice)
    office.netsuite.void_bill(office.bill(invoice).id)
    assert FindingKind.BILL_LINES_MISMATCH not in finding_kinds(office, invoice)
