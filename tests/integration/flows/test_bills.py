"""Bills that are written: every line, the total to the cent, the Items first, and the origin id in Procore afterwards."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from simulators.company.billing import Billed, Invoice
from simulators.company.world import Work, periods_of
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH, VENDOR
from tests.kit.installation import Installation
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind

pytestmark = pytest.mark.real

CODE = "05-120.S"
RETAINAGE = "Retainage Payable"


def expected_work(office: Installation, invoice: Invoice) -> list[tuple[str, Decimal]]:
    """Return the invoice's lines as (Item name, gross this period) from the simulated company, not from the product."""
    project = office.procore.project(invoice.project_id)
    codes = [(line.contract_line.code, line.gross) for line in invoice.lines]
    return sorted((f"{project.number}-{code.flat_code}", gross) for code, gross in codes if code and gross)


def require_right(office: Installation, invoice: Invoice) -> None:
    """Check that the invoice has exactly one bill with the right head, lines, retainage and total, and that Procore names it."""
    bill = office.bill(invoice)
    lines = office.amounts(bill)
    assert [line for line in lines if line[0] != RETAINAGE] == expected_work(office, invoice)
    retained = sum((line.retainage for line in invoice.lines), Decimal(0))
    assert sum(amount for name, amount in lines if name == RETAINAGE) == -retained
    assert bill.total == invoice.summary().current_payment_due
    assert (bill.tranid, bill.trandate) == (invoice.invoice_number, invoice.billing_date.isoformat())
    assert invoice.origin_id == f"ns-vendorbill-{bill.id}"
    assert len(office.netsuite.writes("vendorBill", office.bill_external_id(invoice))) == 1, (
        "written once, never patched"
    )


def test_every_bill_of_the_company_ties_line_by_line_and_is_written_back(synced: Installation) -> None:
    billed = [invoice for invoice in synced.procore.company.invoices.values() if synced.bills(invoice)]
    assert len(billed) == 14
    for invoice in billed:
        require_right(synced, invoice)
        assert synced.problems(f"invoice:{invoice.project_id}:{invoice.id}") == {}
    assert synced.netsuite.duplicates() == []


def test_no_line_names_a_bare_amount_and_none_is_billable(synced: Installation) -> None:
    """NetSuite calculates quantity times rate; a billable line would be invoiced to the owner."""
    bill = synced.bill(synced.case_invoice("shared_budgeted_code"))
    for line in bill.lines:
        assert (line.quantity, line.rate) == (Decimal(1), line.amount)
        assert line.fields == {"isBillable": False}


def test_a_bill_of_300_lines_ties_to_the_cent(synced: Installation) -> None:
    invoice = synced.case_invoice("invoice_300_lines")
    bill = synced.bill(invoice)
    assert len(invoice.lines) == 300
    assert len(bill.lines) == 301, "and the retainage"
    assert Counter(amount for name, amount in synced.amounts(bill) if name != RETAINAGE) == Counter(
        line.gross for line in invoice.lines
    )
    assert bill.total == sum((line.gross - line.retainage for line in invoice.lines), Decimal(0))


@pytest.mark.parametrize("case", ["release_only_invoice", "retainage_due_invoice"])
def test_released_retainage_is_a_separate_line(synced: Installation, case: str) -> None:
    invoice = synced.case_invoice(case)
    require_right(synced, invoice)
    assert (RETAINAGE, Decimal("3000.00")) in synced.amounts(synced.bill(invoice))


def test_held_and_released_on_one_invoice_are_two_lines(synced: Installation) -> None:
    lines = synced.amounts(synced.bill(synced.case_invoice("retainage_due_invoice")))
    assert [amount for name, amount in lines if name == RETAINAGE] == [Decimal("-300.00"), Decimal("3000.00")]


@pytest.mark.parametrize("moved", ["this_period", "from_previous"])
def test_retainage_that_moves_with_materials_is_neither_lost_nor_doubled(
    open_office: OpenInstallation, moved: str
) -> None:
    """Procore does not document to which of two fields it moves; in four months of one material, every net total is right."""
    office = open_office(world={"moved_retainage": moved, "closed_before": "2025-12-01"})
    project = office.new_project("24-800", [CODE])
    company = office.procore.company
    (code,) = project.budgeted_codes()
    contract = company.open_subcontract(project, office.procore.vendor(VENDOR), [Work(code, Decimal("50000.00"))])
    (line,) = contract.lines
    months = (
        Billed(
            work=Decimal("1000.00"),
            held=Decimal("100.00"),
            materials=Decimal("4000.00"),
            materials_held=Decimal("400.00"),
        ),
        Billed(materials=Decimal("4000.00"), materials_held=Decimal("300.00"), materials_released=Decimal("100.00")),
        Billed(moved=Decimal("4000.00"), moved_held=Decimal("300.00"), held=Decimal("350.00"), work=Decimal("500.00")),
        Billed(work=Decimal("700.00"), held=Decimal("70.00"), released=Decimal("260.00")),
    )
    invoices = [
        company.bill(contract, period, [(line, billed)])
        for period, billed in zip(periods_of(project), months, strict=False)
    ]
    totals = []
    for invoice in invoices:
        office.export(invoice)
        require_right(office, invoice)
        totals.append(office.bill(invoice).total)
    assert totals == [Decimal("4500.00"), Decimal("100.00"), Decimal("450.00"), Decimal("890.00")]


@pytest.mark.parametrize("moved", ["this_period", "from_previous"])
def test_materials_that_only_become_work_bill_nothing_and_send_nothing(
    open_office: OpenInstallation, moved: str
) -> None:
    """In one of the two variants their retainage shows as held this period; a bill would have no line."""
    office = open_office(world={"moved_retainage": moved, "closed_before": "2025-12-01"})
    project = office.new_project("24-800", [CODE])
    company = office.procore.company
    (code,) = project.budgeted_codes()
    contract = company.open_subcontract(project, office.procore.vendor(VENDOR), [Work(code, Decimal("50000.00"))])
    months = (
        Billed(materials=Decimal("4000.00"), materials_held=Decimal("400.00")),
        Billed(moved=Decimal("4000.00"), moved_held=Decimal("400.00"), held=Decimal("400.00")),
    )
    stored, built_in = (
        company.bill(contract, period, [(contract.lines[0], billed)])
        for period, billed in zip(periods_of(project), months, strict=False)
    )
    office.export(stored)
    require_right(office, stored)
    mark = office.mark()
    outcome = office.export(built_in)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.SKIPPED, "nothing is billed on it")
    assert office.writes(mark) == []
    assert office.problems() == {}


def test_deductive_lines_keep_their_sign_on_the_bill(office: Installation) -> None:
    project = office.new_project("24-800", [CODE, "05-310.S"])
    invoice = office.new_invoice(project, (CODE, "900.00"), ("05-310.S", "-250.00"))
    office.export(invoice)
    require_right(office, invoice)
    assert ("24-800-05-310.S", Decimal("-250.00")) in office.amounts(office.bill(invoice))


def test_an_unbudgeted_code_gets_its_item_for_the_invoice_that_needs_it(office: Installation) -> None:
    project = office.new_project("24-800")
    code = office.procore.add_code(project.id, CODE)
    office.scan(project.id)
    assert office.items("24-800-05-120.S") == []

    invoice = office.new_invoice(project, (code.id, "900.00"))
    assert office.export(invoice).kind is OutcomeKind.CREATED
    require_right(office, invoice)
    assert office.item("24-800-05-120.S").externalid == office.item_external_id(project, code)
    first_bill, last_item = office.posts(BILL_PATH)[0], office.posts(ITEM_PATH)[-1]
    assert last_item["ended"] <= first_bill["started"], "Items before the invoice, always"


def test_the_bill_is_not_written_while_a_line_has_no_item(office: Installation) -> None:
    """This holds even if the step that creates Items never ran."""
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    key = f"invoice:{project.id}:{invoice.id}"
    begun = office.container.now()
    outcome = office.container.create_bill(InvoiceKey(project.id, invoice.id))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.WAITING, "waiting for 1 Items")
    assert office.posts(BILL_PATH) == []
    assert office.due_at(key) > begun
    assert office.due(key) < 6
    office.settle()
    require_right(office, invoice)


@pytest.mark.parametrize("field", ["customer", "job"])
def test_lines_have_the_project_in_the_field_that_the_account_wants(open_office: OpenInstallation, field: str) -> None:
    office = open_office(world={"project_field": field}, netsuite_project_field=field)
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    require_right(office, invoice)
    assert {line.customer for line in office.bill(invoice).lines} == {project.origin_id}


def test_a_company_without_projects_in_netsuite_gets_bills_that_name_none(open_office: OpenInstallation) -> None:
    """Nothing asks for the table of projects, which such an account does not have."""
    office = open_office(world={"hidden_from_queries": ["job"]}, netsuite_project_field="none")
    project = office.new_project("24-800", [CODE], linked=False)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    plan = office.container.planning.export_one(InvoiceKey(invoice.project_id, invoice.id))
    assert plan.lines[-1].data["project in NetSuite"] == "none"
    assert office.export(invoice).kind is OutcomeKind.CREATED
    require_right(office, invoice)
    assert {line.customer for line in office.bill(invoice).lines} == {None}
    login = next(check for check in office.container.checks.run() if check.name == "NetSuite login and SuiteQL")
    assert (login.ok, login.message) == (True, "works; bills name no project")
    found = [one for one in office.container.verification.verify().findings if str(project.id) in one.key]
    assert found == []


@pytest.mark.parametrize("written_as", ["number", "string"])
def test_a_tokens_lifetime_may_be_a_number_or_text(open_office: OpenInstallation, written_as: str) -> None:
    office = open_office(world={"expires_in_as": written_as})
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    require_right(office, invoice)


@pytest.mark.parametrize("one_world", [True, False])
def test_an_account_without_subsidiaries_gets_no_subsidiary(open_office: OpenInstallation, one_world: bool) -> None:
    subsidiary = {} if one_world else {"netsuite_subsidiary_id": ""}
    office = open_office(world={"one_world": one_world}, **subsidiary)
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    require_right(office, invoice)
    assert office.bill(invoice).subsidiary == ("2" if one_world else "")


def test_a_bill_that_netsuite_increased_is_detected_on_read_back(open_office: OpenInstallation) -> None:
    """A tax default or a script may add to what was sent: the bill exists, does not tie, and is reported."""
    office = open_office(world={"bill_tax": "0.01"})
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    outcome = office.export(invoice)
    assert outcome.cause == "bill_differs"
    assert "total 810.01 instead of 810.00" in outcome.reason
    assert invoice.origin_id is None
    mark = office.mark()
    office.export(invoice)
    assert office.writes(mark) == []


def test_a_second_export_sends_netsuite_nothing_for_exported_invoices(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoices = [office.new_invoice(project, (CODE, amount)) for amount in ("900.00", "800.00")]
    pilot = office.reopened(project_ids=str(project.id))
    assert pilot.export_all().counts["created"] == 2
    mark = office.mark()
    again = pilot.export_all()
    assert (again.ended, again.counts) == (True, {"projects": 1, "projects_done": 1, "invoices": 2, "already": 2})
    assert [office.export(invoice).kind for invoice in invoices] == [OutcomeKind.ALREADY] * 2
    assert office.requests(mark) == []


def test_an_invoice_with_only_an_origin_id_for_its_bill_is_not_changed(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    office.container.redis.delete(f"{office.container.settings.redis_key_prefix}invoices:{project.id}")
    mark = office.mark()
    outcome = office.export(invoice)
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.ALREADY, office.bill(invoice).id)
    assert office.requests(mark) == []


def test_a_refused_write_back_leaves_the_bill_and_is_made_up_for_later(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.stage.settings("procore", patch_forbidden=True)
    outcome = office.export(invoice)
    key = f"invoice:{project.id}:{invoice.id}"
    assert (outcome.kind, outcome.cause) == (OutcomeKind.CREATED, "write_back_rejected")
    assert office.problems() == {key: "write_back_rejected"}
    assert f"is in NetSuite (id {office.bill(invoice).id})" in office.sentence(key)
    assert invoice.origin_id is None

    office.stage.settings("procore", patch_forbidden=False)
    mark = office.mark()
    office.reopened(project_ids=str(project.id)).export_all()
    assert office.problems() == {}
    assert office.requests(mark) == []
    require_right(office, invoice)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "error_after"])
def test_a_write_back_without_a_response_is_repeated_until_it_is_saved(office: Installation, kind: str) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.stage.faults("procore", [{"kind": kind, "method": "PATCH", "times": 1}])
    office.export(invoice)
    office.settle()
    require_right(office, invoice)
    assert office.problems() == {}


def test_a_blocked_code_without_a_budget_line_is_created_once_fixed(office: Installation) -> None:
    """No scan covers the code, so the next export of its invoice creates the Item."""
    project = office.new_project("27-001")
    office.procore.add_code(project.id, CODE)
    in_the_way = office.netsuite.make_item(f"27-001-{CODE}", "serviceSaleItem")
    invoice = office.new_invoice(project, (CODE, "100.00"))
    assert office.export(invoice).cause == "blocked_codes"
    office.netsuite.items.remove(in_the_way.id)
    assert office.export(invoice).kind is OutcomeKind.CREATED
    require_right(office, invoice)
    assert office.problems() == {}
