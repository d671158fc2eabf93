"""Invoices that differ from Procore's reference page: a difference without effect on amounts blocks nothing, and any other one is a
problem for the accountant that names the line.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from simulators.company.billing import Billed, Invoice
from simulators.company.world import Work, periods_of
from simulators.procore.invoice_shapes import InvoicePrinter
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_bills import CODE, require_right
from tests.kit.company import VENDOR
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind

CODES = [CODE, "05-310.S", "06-100.S"]


def billed(office: Installation, *months: tuple[Billed, ...]) -> list[Invoice]:
    """Create a subcontract on a new project and bill these months; each month has one entry for each of the first lines."""
    project = office.new_project("24-800", CODES)
    company = office.procore.company
    works = [Work(code, Decimal("50000.00")) for code in project.budgeted_codes()]
    contract = company.open_subcontract(project, office.procore.vendor(VENDOR), works)
    return [
        company.bill(contract, period, list(zip(contract.lines, month, strict=False)))
        for period, month in zip(periods_of(project), months, strict=False)
    ]


def work(amount: str, **more: str) -> Billed:
    """Return work of this amount, with ten percent held."""
    value = Decimal(amount)
    return Billed(work=value, held=value / 10, **{name: Decimal(text) for name, text in more.items()})


@pytest.mark.parametrize("method", ["", "progressive", "simplified"])
def test_each_type_of_invoice_is_billed_however_its_contract_is_invoiced(
    open_office: OpenInstallation, method: str
) -> None:
    """A simplified contract has no summary text; the last invoice of a subcontract often releases retainage alone."""
    office = open_office(world={"contract_invoicing_method": method, "closed_before": "2025-12-01"})
    release = Billed(released=Decimal("100.00"))
    invoices = billed(office, (work("1000.00"),), (work("500.00", released="50.00"),), (release,))
    printer = InvoicePrinter(office.procore.company, office.procore.settings)
    shown = [printer.show(one, "extended") for one in invoices]
    assert [one["invoice_type"] for one in shown] == ["progress", "both", "retainage_release"]
    assert all(("summary_text" in one) is (method != "simplified") for one in shown)
    assert all(one.get("contract_invoicing_method", "") == method for one in shown)
    for invoice in invoices:
        assert office.export(invoice).kind is OutcomeKind.CREATED
        assert office.bill(invoice).total == invoice.summary().current_payment_due


@pytest.mark.parametrize("totals_before", [True, False])
@pytest.mark.parametrize("line_ids", ["own", "shared", "detail", "none"])
def test_each_invoice_of_a_subcontract_is_billed_whatever_names_its_lines(
    open_office: OpenInstallation, line_ids: str, totals_before: bool
) -> None:
    """A subcontractor's schedule of values breaks a contract line down into rows that share its id, or have ids of another kind."""
    office = open_office(world={"line_ids": line_ids, "totals_before": totals_before, "closed_before": "2025-12-01"})
    stored = {"materials": "500.00", "materials_held": "50.00"}
    invoices = billed(
        office,
        (work("1000.00"), work("2000.00", **stored)),
        (work("100.00"), work("200.00", **stored), work("70.00")),
        (
            Billed(released=Decimal("110.00")),
            Billed(materials=Decimal("500.00"), materials_released=Decimal("50.00")),
            Billed(),
        ),
    )
    for invoice in invoices:
        office.export(invoice)
        require_right(office, invoice)
    assert [office.bill(invoice).total for invoice in invoices] == [
        Decimal("3150.00"),
        Decimal("333.00"),
        Decimal("160.00"),
    ]
    assert office.problems() == {}


@pytest.mark.parametrize(
    ("shown", "shown_lines"),
    [
        ({"billing_date": "2026-05-31T00:00:00Z"}, {}),
        ({"number": 7.5, "vendor_name": ["odd"]}, {}),
        ({}, {"position": "2.1", "line_number": 4}),
        (
            {},
            {
                "id": None,
                "previous_progress_id": "none",
                "gross_amount": "n/a",
                "description_of_work": {"text": "Slab"},
            },
        ),
        ({"payment_summary": "n/a"}, {"taxes": None, "status": 3}),
    ],
)
def test_fields_without_effect_on_the_bill_never_block_it(
    office: Installation, shown: dict[str, Any], shown_lines: dict[str, Any]
) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"), billing_date="2026-05-31")
    office.procore.edit_invoice(invoice.id, shown=shown, shown_lines=shown_lines)
    office.export(invoice)
    require_right(office, invoice)


DATA_TROUBLE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("contract_company_missing", {"vendor_id": None, "vendor_name": None}, {}, "no contract company"),
    ("amount_not_in_whole_cents", {}, {"total_completed_and_stored_to_date": "900.005"}, "line 1 (05-120.S"),
    (
        "amount_not_in_whole_cents",
        {},
        {"work_completed_retainage_retained_this_period": "90.005"},
        "the retainage held (line 1 (05-120.S",
    ),
    (
        "earlier_retainage_unknown",
        {},
        {"total_completed_and_stored_to_date_from_previous": "500.00"},
        "500.00 previously billed",
    ),
    (
        "change_order_missing_code",
        {},
        {"item_type": "whole_change_order_item", "wbs_code": None, "description_of_work": "CO 004 Added panels"},
        "CO 004 Added panels",
    ),
    ("line_missing_code", {}, {"wbs_code": {"id": 901, "flat_code": None}}, "Line 1"),
]


@pytest.mark.parametrize(("cause", "shown", "shown_lines", "sentence"), DATA_TROUBLE)
def test_a_data_problem_belongs_to_the_accountant_and_names_its_subject(
    office: Installation, cause: str, shown: dict[str, Any], shown_lines: dict[str, Any], sentence: str
) -> None:
    """Each such problem closes once the data is fixed and the invoice is exported."""
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.procore.edit_invoice(invoice.id, shown=shown, shown_lines=shown_lines)
    outcome = office.export(invoice)
    assert (outcome.kind, outcome.cause) == (OutcomeKind.BLOCKED, cause)
    (problem,) = [one for one in office.container.overview.problems() if one["cause"] == cause]
    assert problem["owner"] == "project accountant"
    assert sentence in problem["sentence"]
    assert "not recorded]" not in problem["sentence"]

    office.procore.edit_invoice(invoice.id, shown={}, shown_lines={})
    office.export(invoice)
    require_right(office, invoice)
    assert office.problems() == {}


def test_a_whole_change_order_with_a_code_is_billed_like_any_line(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.procore.edit_invoice(invoice.id, shown_lines={"item_type": "whole_change_order_item"})
    office.export(invoice)
    require_right(office, invoice)


@pytest.mark.parametrize(("amounts", "agree"), [("this_period", True), ("to_date", False)])
def test_explain_shows_procores_own_totals_as_a_second_witness(
    open_office: OpenInstallation, amounts: str, agree: bool
) -> None:
    office = open_office(world={"line_amounts": amounts, "closed_before": "2025-12-01"})
    _, second = billed(office, (work("1000.00"),), (work("100.00"),))
    explanation = office.container.explain.invoice(str(second.id), str(second.project_id))
    assert explanation["retainage"]["billed"] == "10.00"
    assert explanation["retainage"]["matches"] is agree
