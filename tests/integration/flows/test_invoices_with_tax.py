"""Invoices with tax: a line on the configured tax Item if the payment due includes the tax, else a problem for a person."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.installation import Installation
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind

pytestmark = pytest.mark.real

CODE = "03-300.S"


def taxed(office: Installation, tax: str = "74.25") -> tuple[Project, Invoice]:
    """Return an invoice of 900.00 less ten percent retainage, plus this tax."""
    project = office.new_project("24-820", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.procore.edit_invoice(invoice.id, tax=tax)
    return project, invoice


def with_tax_item(open_office: OpenInstallation, *, inside: bool) -> Installation:
    office = open_office(world={"tax_in_payment_due": inside})
    item = office.netsuite.make_item("Sales Tax")
    return office.reopened(netsuite_tax_item_id=item.id)


def test_tax_in_the_payment_due_is_a_line_of_the_bill_and_the_bill_ties(open_office: OpenInstallation) -> None:
    office = with_tax_item(open_office, inside=True)
    project, invoice = taxed(office)
    plan = office.container.planning.export_one(InvoiceKey(project.id, invoice.id))
    assert [line.data["total"] for line in plan.lines if line.is_invoice] == ["884.25"]

    assert office.export(invoice).kind is OutcomeKind.CREATED
    bill = office.bill(invoice)
    assert bill.total == Decimal("884.25")
    assert dict(office.amounts(bill)) == {
        f"24-820-{CODE}": Decimal("900.00"),
        "Retainage Payable": Decimal("-90.00"),
        "Sales Tax": Decimal("74.25"),
    }
    explanation = office.container.explain.invoice(str(invoice.id), str(project.id))
    (tax,) = (line for line in explanation["bill_lines"] if line["line"] == "Tax")
    assert tax["terms"] == [{"position": None, "label": "tax applicable to this payment", "amount": "74.25"}]
    assert explanation["total"] == explanation["payment_due"] == "884.25"
    pilot = office.reopened(
        project_ids=str(project.id), netsuite_tax_item_id=office.container.settings.netsuite_tax_item_id
    )
    assert pilot.container.verification.verify().findings == []


def test_tax_outside_the_payment_due_is_a_problem_even_with_a_tax_item(open_office: OpenInstallation) -> None:
    office = with_tax_item(open_office, inside=False)
    _, invoice = taxed(office)
    outcome = office.export(invoice)
    assert (outcome.kind, outcome.cause) == (OutcomeKind.BLOCKED, "tax_excluded_from_payment_due")
    assert office.writes() == []

    office.procore.edit_invoice(invoice.id, tax="0")
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.problems() == {}
