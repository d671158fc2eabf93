"""Invoices that become no bill: each ends with its reason, which names the records, and leaves nothing in NetSuite."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulators.company.billing import Invoice
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.work import WorkKey, exports_of
from worker.inspect.checks import Check

pytestmark = pytest.mark.real

CODE = "05-120.S"


def key_of(invoice: Invoice) -> str:
    return f"invoice:{invoice.project_id}:{invoice.id}"


def blocked(office: Installation, invoice: Invoice, cause: str) -> None:
    """Export an invoice whose only Item is still to be created; check that it is blocked for this cause and that nothing was written."""
    outcome = office.export(invoice)
    assert outcome.kind is OutcomeKind.BLOCKED
    assert outcome.cause == cause
    assert office.problems() == {key_of(invoice): cause}
    vendor = office.procore.vendor(invoice.vendor_id).name
    assert vendor in office.sentence(key_of(invoice))
    assert office.writes() == []
    assert office.bills(invoice) == []


@pytest.mark.parametrize(
    ("case", "cause"),
    [
        ("vendor_not_linked", "vendor_not_linked"),
        ("vendor_ambiguous", "vendor_ambiguous"),
        ("project_not_linked", "project_not_linked"),
        ("null_project_number", "blocked_codes"),
        ("net_negative_invoice", "needs_vendor_credit"),
        ("invoice_does_not_tie", "lines_do_not_tie"),
        ("line_without_wbs_code", "line_missing_code"),
        ("multi_currency_invoice", "foreign_currency"),
        ("closed_period_invoice", "period_closed"),
        ("same_number_same_vendor_different", "document_number_taken"),
    ],
)
def test_each_seeded_case_ends_as_its_problem_and_without_a_bill(synced: Installation, case: str, cause: str) -> None:
    invoice = synced.case_invoice(case)
    assert synced.problems(key_of(invoice)) == {key_of(invoice): cause}
    assert synced.bills(invoice) == []
    assert invoice.origin_id is None
    record = synced.invoice_record(invoice)
    assert record is not None
    assert record.state is State.BLOCKED
    assert (
        synced.procore.vendor(invoice.vendor_id).name in synced.sentence(key_of(invoice))
        or case == "project_not_linked"
    )


@pytest.mark.parametrize(("case", "status"), [("draft_invoice", "draft"), ("under_review_invoice", "under review")])
def test_an_invoice_that_is_not_approved_is_skipped(office: Installation, case: str, status: str) -> None:
    invoice = office.case_invoice(case)
    outcome = office.export(invoice)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.SKIPPED, f"status is {status}")
    assert office.requests() == []
    assert office.problems() == {}


def test_an_invoice_that_is_approved_later_is_exported_then(office: Installation) -> None:
    invoice = office.case_invoice("draft_invoice")
    office.export(invoice)
    office.procore.set_invoice_status(invoice.id, "approved")
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice)


def test_which_statuses_are_exported_is_a_setting(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    approved = office.new_invoice(project, (CODE, "900.00"))
    noted = office.new_invoice(project, (CODE, "800.00"), status="approved_as_noted")
    pilot = office.reopened(project_ids=str(project.id))
    pilot.export_all()
    assert office.bill(approved)
    assert office.export(noted).kind is OutcomeKind.SKIPPED
    assert office.bills(noted) == []

    both = office.reopened(project_ids=str(project.id), export_statuses="approved,approved_as_noted")
    assert both.export_all().counts == {"projects": 1, "projects_done": 1, "invoices": 2, "already": 1, "created": 1}
    assert office.bill(noted)


def test_an_invoice_of_another_integration_is_skipped_and_reported(office: Installation) -> None:
    invoice = office.case_invoice("foreign_origin_id")
    outcome = office.export(invoice)
    assert outcome.kind is OutcomeKind.SKIPPED
    assert outcome.reason == "already claimed by another integration (origin id sage-991)"
    assert office.requests() == []
    assert invoice.origin_id == "sage-991"


def test_an_invoice_that_bills_nothing_is_skipped(office: Installation) -> None:
    invoice = office.case_invoice("zero_invoice")
    outcome = office.export(invoice)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.SKIPPED, "nothing is billed on it")
    assert office.requests() == []


def test_an_invoice_below_zero_needs_a_vendor_credit(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    blocked(office, office.new_invoice(project, (CODE, "-2000.00")), "needs_vendor_credit")


def test_a_vendor_unknown_to_netsuite_blocks_before_anything_is_written(office: Installation) -> None:
    """The invoice is blocked as not linked, and neither Items nor a bill are written."""
    project = office.new_project("24-800", [CODE])
    blocked(office, office.new_invoice(project, (CODE, "900.00"), vendor="Copper Canyon Concrete"), "vendor_not_linked")


def test_a_vendor_that_netsuite_has_twice_blocks_before_any_write(office: Installation) -> None:
    """The invoice is blocked as ambiguous, and neither Items nor a bill are written."""
    project = office.new_project("24-800", [CODE])
    vendor = "Northstar Glass & Glazing"
    blocked(office, office.new_invoice(project, (CODE, "900.00"), vendor=vendor), "vendor_ambiguous")


def test_an_unlinked_project_blocks_before_anything_is_written(office: Installation) -> None:
    project = office.new_project("24-800", linked=False)
    code = office.procore.add_code(project.id, CODE)  # unbudgeted: only this invoice needs it
    invoice = office.new_invoice(project, (code.id, "900.00"))
    assert office.export(invoice).cause == "project_not_linked"
    assert office.writes() == []
    assert office.items("24-800-05-120.S") == []


def test_an_invoice_off_by_a_cent_is_blocked(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.procore.edit_invoice(invoice.id, off_by="-0.01")
    blocked(office, invoice, "lines_do_not_tie")
    assert "total 810.00, but its payment due is 809.99" in office.sentence(key_of(invoice))


@pytest.mark.parametrize("included", [False, True])
def test_an_invoice_with_tax_is_refused_for_its_tax_whether_or_not_it_ties(
    open_office: OpenInstallation, included: bool
) -> None:
    """If the payment due excludes the tax, the lines tie: a bill would be too low by the tax."""
    office = open_office(world={"tax_in_payment_due": included})
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.procore.edit_invoice(invoice.id, tax="74.25")
    blocked(office, invoice, "tax_item_missing")
    assert "tax of 74.25" in office.sentence(key_of(invoice))

    office.procore.edit_invoice(invoice.id, tax="0")
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.problems() == {}


def test_a_line_without_a_code_blocks_the_whole_invoice(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    blocked(office, office.new_invoice(project, (CODE, "900.00"), (None, "100.00")), "line_missing_code")


def test_another_currency_is_blocked(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    invoice.commitment.currency, invoice.commitment.exchange_rate = "CAD", Decimal("0.73")
    blocked(office, invoice, "foreign_currency")


CANADIAN = {"currency_iso_code": "CAD", "base_currency_iso_code": "CAD", "currency_exchange_rate": "1.0"}


def new_invoices(office: Installation, count: int) -> list[Invoice]:
    """Create approved invoices, each of a separate project."""
    return [office.new_invoice(office.new_project(f"24-80{n}", [CODE]), (CODE, "900.00")) for n in range(count)]


def currency_check(office: Installation) -> Check:
    (check,) = [one for one in office.container.checks.run() if one.name == "Currency"]
    return check


def test_nothing_is_billed_with_two_base_currencies_and_no_setting(open_office: OpenInstallation) -> None:
    """While Procore names two base currencies and no setting says which one counts, no invoice is billed."""
    office = open_office()
    billed, second, third = new_invoices(office, 3)
    assert office.export(billed).kind is OutcomeKind.CREATED
    office.procore.edit_invoice(second.id, shown={"currency_configuration": CANADIAN})
    mark = office.mark()
    for invoice in (second, third):
        assert office.export(invoice).cause == "base_currency_unknown"
        assert "The Procore projects use CAD, USD, and no setting says" in office.sentence(key_of(invoice))
    assert office.writes(mark) == []
    check = currency_check(office)
    assert (check.ok, check.message) == (False, "the Procore projects use CAD, USD, so no invoice is billed")
    assert "NETSUITE_CURRENCY" in check.fix
    verified = office.reopened(project_ids=str(billed.project_id)).container.verification.verify()
    assert (verified.right, verified.findings) == (2, []), "what was billed is compared as before"

    office = office.reopened(netsuite_currency="USD")
    assert office.export(third).kind is OutcomeKind.CREATED
    assert office.export(second).cause == "foreign_currency"
    check = currency_check(office)
    assert (check.ok, check.message) == (True, "USD: invoices in any other currency are blocked")


def test_a_second_base_currency_is_known_before_anything_is_billed(open_office: OpenInstallation) -> None:
    """The lists of invoices are enough to know that Procore has a second base currency."""
    office = open_office()
    ours, second = new_invoices(office, 2)
    office.procore.edit_invoice(second.id, shown={"currency_configuration": CANADIAN})
    for invoice in (ours, second):
        office.container.runner.run(exports_of(invoice.project_id))
    blocked(office, ours, "base_currency_unknown")


def test_the_only_base_currency_needs_no_setting(synced: Installation) -> None:
    check = currency_check(synced)
    only = "USD, the only currency on Procore invoices; if the books use another, set NETSUITE_CURRENCY"
    assert (check.ok, check.message) == (True, only)


def test_while_no_invoice_names_a_currency_check_says_what_to_set(open_office: OpenInstallation) -> None:
    office = open_office()
    office = office.reopened(project_ids=str(office.new_project("24-800", [CODE]).id))
    check = currency_check(office)
    assert (check.ok, "Set NETSUITE_CURRENCY" in check.fix) == (None, True)


def test_the_base_currency_of_a_project_is_not_that_of_the_books(open_office: OpenInstallation) -> None:
    """Procore names the project's own currency as the base if it has one."""
    office = open_office(netsuite_currency="USD")
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    own = {"currency_iso_code": "CAD", "base_currency_iso_code": "CAD", "currency_exchange_rate": "1.0"}
    office.procore.edit_invoice(invoice.id, shown={"currency_configuration": own})
    blocked(office, invoice, "foreign_currency")
    assert "is in CAD; only invoices in USD are exported" in office.sentence(key_of(invoice))
    office.procore.edit_invoice(invoice.id, shown={})
    assert office.export(invoice).kind is OutcomeKind.CREATED


def test_retainage_without_its_item_is_blocked_and_nothing_is_written(open_office: OpenInstallation) -> None:
    """An invoice with retainage needs the Item that the setting names; one without retainage is billed."""
    office = open_office(netsuite_retainage_item_id="")
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    blocked(office, invoice, "retainage_item_missing")

    none_held = office.new_invoice(project, (CODE, "900.00"), retainage_percent=0)
    assert office.export(none_held).kind is OutcomeKind.CREATED
    set_now = office.reopened(netsuite_retainage_item_id=office.stage.env["NETSUITE_RETAINAGE_ITEM_ID"])
    assert set_now.export(invoice).kind is OutcomeKind.CREATED
    assert set_now.problems() == {}


@pytest.mark.parametrize("code", ["USER_ERROR", "CLOSED_TRAN_PRD"])
def test_a_closed_period_blocks_until_it_is_opened(open_office: OpenInstallation, code: str) -> None:
    office = open_office(world={"closed_period_code": code})
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"), billing_date="2026-02-25")
    assert office.export(invoice).cause == "period_closed"
    assert "2026-02-25" in office.sentence(key_of(invoice))
    assert not [entry for entry in office.writes() if entry["type"] == "vendorBill"]
    pilot = office.reopened(project_ids=str(project.id))
    assert pilot.export_all().counts["blocked"] == 1
    assert office.bills(invoice) == []

    office.stage.settings("netsuite", closed_before="2026-02-01")
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.problems(key_of(invoice)) == {}


def test_a_blocked_code_blocks_its_invoice_which_creates_no_other_item(office: Installation) -> None:
    """The invoice's other code gets no Item for it and does not wait for one."""
    project = office.new_project("24-800")
    blocked_code = office.procore.add_code(project.id, "05-120.S.Phase : 2")
    usable_code = office.procore.add_code(project.id, "05-310.S")
    invoice = office.new_invoice(project, (blocked_code.id, "500.00"), (usable_code.id, "100.00"))
    outcome = office.export(invoice)
    assert outcome.cause == "blocked_codes"
    assert "05-120.S.Phase : 2" in outcome.reason
    assert office.writes() == []
    # Nor does it wait for one.
    assert office.code_record(project, usable_code) is None

    second_invoice = office.new_invoice(project, (usable_code.id, "100.00"))
    assert office.export(second_invoice).kind is OutcomeKind.CREATED


def test_an_invoice_of_a_project_that_the_app_may_not_see_is_reported(office: Installation) -> None:
    invoice = office.case_invoice("project_not_permitted")
    assert office.export(invoice).cause == "invoice_not_found"
    assert office.requests() == []
    tool_off = office.case_invoice("project_tool_disabled")
    assert office.export(tool_off).cause == "invoice_not_found"
    sentence = office.sentence(key_of(tool_off))
    assert "403" in sentence
    assert "details" not in sentence


def test_an_unreadable_invoice_keeps_its_name_and_its_project(office: Installation) -> None:
    """Problems of an invoice that can no longer be read name its number and its project."""
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"), status="draft")
    assert office.export(invoice).kind is OutcomeKind.SKIPPED
    office.container.exports.projects.refresh()
    office.procore.edit_project(project.id, tools_disabled=True)
    for _ in range(2):
        assert office.export(invoice).cause == "invoice_not_found"
        sentence = f"Invoice {invoice.invoice_number} of project {project.number} {project.name} could not be read from Procore"
        assert office.sentence(key_of(invoice)).startswith(sentence)
    # Work that failed again and again is reported with the names of its record.
    office.container.settlement.give_up(WorkKey.parse(key_of(invoice)), 9)
    (problem,) = [row for row in office.container.overview.problems() if row["key"] == key_of(invoice)]
    assert (problem["cause"], problem["record"]) == (
        "retries_exhausted",
        f"{project.number} {project.name}, invoice {invoice.invoice_number}",
    )


def test_a_corrected_invoice_is_exported_with_the_next_run(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.procore.edit_invoice(invoice.id, off_by="0.01")
    office.export(invoice)
    office.procore.edit_invoice(invoice.id, off_by="0.00")
    office.reopened(project_ids=str(project.id)).export_all()
    assert office.bill(invoice).total == Decimal("810.00")
    assert office.problems(key_of(invoice)) == {}
