"""Who a Procore vendor and a Procore project are in NetSuite: by origin id, else by what an administrator or a name says."""

from __future__ import annotations

import pytest

from simulators.company.billing import Invoice
from tests.integration.flows.office import Office
from worker.domain.outcomes import OutcomeKind

pytestmark = pytest.mark.real

CODE = "05-120.S"


def invoice_of(office: Office, vendor: str) -> Invoice:
    project = office.new_project("24-800", [CODE])
    return office.new_invoice(project, (CODE, "900.00"), vendor=vendor)


def test_every_bill_is_owed_to_the_right_vendor_for_the_right_project(synced: Office) -> None:
    company = synced.procore.company
    billed = [invoice for invoice in company.invoices.values() if synced.bills(invoice)]
    assert len(billed) > 12
    for invoice in billed:
        bill = synced.bill(invoice)
        assert bill.entity == company.vendor_links[invoice.vendor_id]
        assert {line.customer for line in bill.lines} == {company.job_links[invoice.project_id]}
    how = {synced.procore.vendor(invoice.vendor_id).origin_id is not None for invoice in billed}
    assert how == {True, False}, "the seeded company has vendors of both kinds"


def test_the_origin_id_of_the_vendor_goes_before_its_name(office: Office) -> None:
    right = office.new_vendor("Called otherwise in the books")
    office.new_vendor("Peak Painting and Coatings")
    office.procore.edit_vendor(office.procore.vendor("Peak Painting and Coatings").id, origin_id=right.id)
    invoice = invoice_of(office, "Peak Painting and Coatings")
    office.export(invoice)
    assert office.bill(invoice).entity == right.id


def test_an_external_id_goes_before_the_name(office: Office) -> None:
    vendor = office.procore.vendor("Peak Painting and Coatings")
    company_id = office.procore.company.company_id
    right = office.new_vendor("Peak Painting (AP)", external_id=f"pcr-vendor-{company_id}-{vendor.id}")
    office.new_vendor("Peak Painting and Coatings")
    invoice = invoice_of(office, vendor.name)
    office.export(invoice)
    assert office.bill(invoice).entity == right.id


@pytest.mark.parametrize("name", ["Peak Painting and Coatings", 'O\'Brien "Jr" & Sons'])
def test_the_exact_name_serves_where_exactly_one_has_it(office: Office, name: str) -> None:
    vendor = office.procore.vendor("Peak Painting and Coatings")
    office.procore.edit_vendor(vendor.id, name=name)
    right = office.new_vendor("PEAK-1", company_name=name)
    office.new_vendor("PEAK-2", company_name=name + " of Utah")
    invoice = invoice_of(office, name)
    office.export(invoice)
    assert office.bill(invoice).entity == right.id


def test_an_inactive_vendor_is_no_vendor(office: Office) -> None:
    office.new_vendor("Peak Painting and Coatings").isinactive = True
    assert office.export(invoice_of(office, "Peak Painting and Coatings")).cause == "vendor_not_linked"


def test_two_vendors_of_the_name_are_a_question_for_a_person(office: Office) -> None:
    one = office.new_vendor("PEAK-1", company_name="Peak Painting and Coatings")
    office.new_vendor("PEAK-2", company_name="Peak Painting and Coatings")
    invoice = invoice_of(office, "Peak Painting and Coatings")
    assert office.export(invoice).cause == "vendor_ambiguous"
    assert office.writes() == []

    office.procore.edit_vendor(invoice.vendor_id, origin_id=one.id)
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).entity == one.id


def test_a_vendor_that_is_made_later_is_found_with_the_next_export(office: Office) -> None:
    """What was not found is never remembered."""
    invoice = invoice_of(office, "Peak Painting and Coatings")
    assert office.export(invoice).cause == "vendor_not_linked"
    office.new_vendor("Peak Painting and Coatings")
    assert office.export(invoice).kind is OutcomeKind.CREATED


def test_a_remembered_vendor_that_netsuite_refuses_is_looked_up_anew(office: Office) -> None:
    old = office.new_vendor("PEAK-1", company_name="Peak Painting and Coatings")
    office.export(invoice_of(office, "Peak Painting and Coatings"))
    old.isinactive = True
    new = office.new_vendor("PEAK-2", company_name="Peak Painting and Coatings")
    project = office.procore.project("24-800")
    invoice = office.new_invoice(project, (CODE, "100.00"), vendor="Peak Painting and Coatings")
    assert office.export(invoice).cause == "bill_refused"
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).entity == new.id


def test_a_project_without_an_origin_id_is_found_by_its_number(office: Office) -> None:
    project = office.new_project("24-800", [CODE])
    job, project.origin_id = project.origin_id, None
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    assert {line.customer for line in office.bill(invoice).lines} == {job}


def test_a_project_that_is_linked_later_is_billed_with_the_next_run(office: Office) -> None:
    project = office.new_project("24-800", [CODE], linked=False)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    assert office.export(invoice).cause == "project_not_linked"
    office.procore.edit_project(project.id, origin_id="9001")
    office.reopened(project_ids=str(project.id)).export_all()
    assert {line.customer for line in office.bill(invoice).lines} == {"9001"}
