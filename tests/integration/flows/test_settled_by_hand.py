"""A person enters the bill or credit of an invoice that cannot be exported in NetSuite: the problem closes by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest

from simulators.company.billing import Invoice
from simulators.netsuite.records import Bill
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_plans import line_of, planning
from tests.kit.company import VENDOR
from tests.kit.installation import Installation
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.plans import Action

pytestmark = pytest.mark.real

CODE, OTHER_CODE = "05-120.S", "05-310.S"
numbers = count(100)


def key_of(invoice: Invoice) -> str:
    return f"invoice:{invoice.project_id}:{invoice.id}"


def enter_by_hand(office: Installation, invoice: Invoice, total: Decimal | None = None, **changed: object) -> Bill:
    """Enter a bill as an accountant does from the subcontractor's paper: one line, on an Item of their choice."""
    amount = invoice.summary().current_payment_due if total is None else total
    number = f"99-{next(numbers)}"
    project = office.new_project(number, [CODE])
    model = office.new_invoice(project, (CODE, str(abs(amount))), invoice_number=number, retainage_percent=0)
    assert office.export(model).kind is OutcomeKind.CREATED
    bill = replace(office.bill(model), id="", externalid=None, tranid=invoice.invoice_number, trandate="2026-06-17")
    if amount < 0:
        bill = replace(bill, record_type="vendorCredit")
    return office.netsuite.make_bill(replace(bill, **changed))  # type: ignore[arg-type]


def _a_cent_off(office: Installation) -> Invoice:
    project = office.new_project("26-901", [CODE, OTHER_CODE])
    invoice = office.new_invoice(project, (CODE, "333.33"), (OTHER_CODE, "333.33"), retainage_percent=0)
    return office.procore.edit_invoice(invoice.id, off_by="0.01")


def _a_credit(office: Installation) -> Invoice:
    return office.new_invoice(office.new_project("26-902", [CODE]), (CODE, "-900.00"))


def _foreign(office: Installation) -> Invoice:
    invoice = office.new_invoice(office.new_project("26-903", [CODE]), (CODE, "900.00"))
    invoice.commitment.currency, invoice.commitment.exchange_rate = "CAD", Decimal("0.73")
    return invoice


def _with_tax(office: Installation) -> Invoice:
    invoice = office.new_invoice(office.new_project("26-904", [CODE]), (CODE, "900.00"))
    return office.procore.edit_invoice(invoice.id, tax="74.25")


def _unlinked_project(office: Installation) -> Invoice:
    return office.new_invoice(office.new_project("26-905", [CODE], linked=False), (CODE, "900.00"))


def _without_code(office: Installation) -> Invoice:
    return office.new_invoice(office.new_project("26-906", [CODE]), (CODE, "900.00"), (None, "100.00"))


def _blocked_code(office: Installation) -> Invoice:
    project = office.new_project("26-907")
    blocked_code = office.procore.add_code(project.id, "05-120.S.Phase : 2")
    return office.new_invoice(project, (blocked_code.id, "900.00"))


def _closed_period(office: Installation) -> Invoice:
    return office.new_invoice(office.new_project("26-908", [CODE]), (CODE, "900.00"), billing_date="2026-02-25")


REFUSED: dict[str, Callable[[Installation], Invoice]] = {
    "lines_do_not_tie": _a_cent_off,
    "needs_vendor_credit": _a_credit,
    "foreign_currency": _foreign,
    "tax_item_missing": _with_tax,
    "project_not_linked": _unlinked_project,
    "line_missing_code": _without_code,
    "blocked_codes": _blocked_code,
    "period_closed": _closed_period,
}


@pytest.mark.parametrize("cause", REFUSED)
def test_a_bill_with_the_same_vendor_number_and_amount_settles_a_refusal(office: Installation, cause: str) -> None:
    """A person entered it for an invoice that was refused; a bill of another amount settles nothing."""
    invoice = REFUSED[cause](office)
    assert office.export(invoice).cause == cause
    other_amount = enter_by_hand(office, invoice, invoice.summary().current_payment_due + 1)
    assert office.export(invoice).kind is OutcomeKind.BLOCKED, "another amount settles nothing"
    office.netsuite.delete_bill(other_amount.id)
    if cause == "foreign_currency":
        entered = enter_by_hand(office, invoice, fields={"exchangeRate": Decimal("0.73")})
    else:
        entered = enter_by_hand(office, invoice)
    plan = planning(office, project_ids=str(invoice.project_id)).export_one(InvoiceKey(invoice.project_id, invoice.id))
    assert line_of(plan, InvoiceKey(invoice.project_id, invoice.id)).action is Action.ADOPT

    outcome = office.export(invoice)
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.ADOPTED, entered.id)
    assert "entered by hand" in outcome.reason
    assert office.problems(key_of(invoice)) == {}
    record = office.invoice_record(invoice)
    assert record is not None
    assert (record.state, record.remote_id, record.write_back_due) == (State.ADOPTED, entered.id, False)
    document = "credit" if cause == "needs_vendor_credit" else "bill"
    assert invoice.origin_id == f"ns-vendor{document}-{entered.id}"
    assert office.bills(invoice) == []
    findings = office.reopened(project_ids=str(invoice.project_id)).container.verification.verify().findings
    assert [each for each in findings if each.key == key_of(invoice)] == []
    explanation = office.container.explain.invoice(str(invoice.id), str(invoice.project_id))
    assert any("Entered by hand in NetSuite" in step["sentence"] for step in explanation["history"])


def test_a_bill_that_differs_settles_nothing_that_was_not_refused_before(office: Installation) -> None:
    """Lines on another code are for an accountant to look at, when nothing else is wrong with the invoice."""
    invoice = office.new_invoice(office.new_project("26-910", [CODE]), (CODE, "900.00"))
    enter_by_hand(office, invoice)
    for _ in range(2):
        assert office.export(invoice).cause == "document_number_taken"


def test_tax_may_be_in_the_bill_that_a_person_entered(office: Installation) -> None:
    invoice = _with_tax(office)
    office.export(invoice)
    enter_by_hand(office, invoice, invoice.summary().current_payment_due + Decimal("74.25"))
    assert office.export(invoice).kind is OutcomeKind.ADOPTED


def test_a_bill_that_settles_one_invoice_settles_no_other(office: Installation) -> None:
    project = office.new_project("26-911", [CODE])
    pair = [office.new_invoice(project, (CODE, "-900.00"), invoice_number="C-7") for _ in range(2)]
    for invoice in pair:
        assert office.export(invoice).cause == "needs_vendor_credit"
    enter_by_hand(office, pair[0])
    outcomes = [office.export(invoice) for invoice in pair]
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.ADOPTED, OutcomeKind.BLOCKED]
    assert outcomes[1].cause == "document_number_taken"


def test_a_void_bill_or_one_of_another_vendor_settles_nothing(open_office: OpenInstallation) -> None:
    office = open_office(world={"duplicate_numbers": "allow"})
    invoice = _a_cent_off(office)
    office.export(invoice)
    other_vendor = office.new_vendor("Somebody Else")
    enter_by_hand(office, invoice, entity=other_vendor.id)
    assert office.export(invoice).cause == "lines_do_not_tie"
    entered = enter_by_hand(office, invoice)
    office.netsuite.void_bill(entered.id)
    assert office.export(invoice).cause == "lines_do_not_tie"


def test_while_netsuite_cannot_be_queried_the_problem_stays(office: Installation) -> None:
    invoice = _a_cent_off(office)
    office.stage.faults("netsuite", [{"kind": "error_before", "path": "suiteql", "value": 400}])
    assert office.export(invoice).cause == "lines_do_not_tie"
    assert office.problems(key_of(invoice)) == {key_of(invoice): "lines_do_not_tie"}
    assert VENDOR in office.sentence(key_of(invoice))
