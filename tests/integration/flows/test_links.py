"""Which NetSuite records a Procore vendor and project are: by a consistent link, else by the only record of that name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulators.books import NsJob, NsVendor
from simulators.company.billing import Invoice
from tests.kit.installation import Installation
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind
from worker.domain.plans import Action
from worker.domain.problems import FindingKind

pytestmark = pytest.mark.real

CODE = "05-120.S"
PEAK = "Peak Painting and Coatings"
"""A vendor of the seeded company that NetSuite does not know."""


def invoice_of(office: Installation, vendor: str) -> Invoice:
    project = office.new_project("24-800", [CODE])
    return office.new_invoice(project, (CODE, "900.00"), vendor=vendor)


def test_every_bill_is_owed_to_the_right_vendor_for_the_right_project(synced: Installation) -> None:
    company = synced.procore.company
    billed = [invoice for invoice in company.invoices.values() if synced.bills(invoice)]
    assert len(billed) > 12
    for invoice in billed:
        bill = synced.bill(invoice)
        assert bill.entity == company.vendor_links[invoice.vendor_id]
        assert {line.customer for line in bill.lines} == {company.job_links[invoice.project_id]}
    how = {synced.procore.vendor(invoice.vendor_id).origin_id is not None for invoice in billed}
    assert how == {True, False}, "the seeded company has vendors of both kinds"


def key_of(invoice: Invoice) -> str:
    return str(InvoiceKey(invoice.project_id, invoice.id))


def external_id_of(office: Installation, invoice: Invoice) -> str:
    return f"pcr-vendor-{office.procore.company.company_id}-{invoice.vendor_id}"


def test_the_vendors_origin_id_has_precedence_over_its_name(office: Installation) -> None:
    payee = office.new_vendor("PEAK-1", company_name=f"{PEAK}, LLC")
    office.new_vendor(PEAK)
    office.procore.edit_vendor(office.procore.vendor(PEAK).id, origin_id=payee.id)
    invoice = invoice_of(office, PEAK)
    office.export(invoice)
    assert office.bill(invoice).entity == payee.id


def test_digits_of_another_erp_are_not_taken_as_the_payee(office: Installation) -> None:
    """Another ERP's vendor number in the origin id is the internal id of some NetSuite record by chance."""
    namesake_by_id, payee = office.new_vendor("Zenith Catering"), office.new_vendor(PEAK)
    office.procore.edit_vendor(office.procore.vendor(PEAK).id, origin_id=namesake_by_id.id)
    invoice = invoice_of(office, PEAK)
    key = InvoiceKey(invoice.project_id, invoice.id)
    (line,) = [one for one in office.container.planning.export_one(key).lines if one.is_invoice]
    assert (line.action, line.cause) == (Action.BLOCKED, "vendor_link_mismatch")
    assert office.export(invoice).cause == "vendor_link_mismatch"
    assert office.writes() == []
    sentence = office.sentence(key_of(invoice))
    assert PEAK in sentence
    assert f"'Zenith Catering' (id {namesake_by_id.id})" in sentence

    # Procore shows no origin id on its pages, so an administrator may answer in NetSuite.
    office.netsuite.vendors.put(replace(payee, externalid=external_id_of(office, invoice)))
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).entity == payee.id


def test_a_linked_vendor_of_another_name_is_right_once_a_person_says_so(office: Installation) -> None:
    payee = office.new_vendor("Called otherwise in the books")
    office.procore.edit_vendor(office.procore.vendor(PEAK).id, origin_id=payee.id)
    invoice = invoice_of(office, PEAK)
    assert office.export(invoice).cause == "vendor_link_mismatch"
    office.netsuite.vendors.put(replace(payee, externalid=external_id_of(office, invoice)))
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).entity == payee.id
    assert office.problems() == {}


def test_the_plan_names_the_vendor_as_netsuite_does(office: Installation) -> None:
    vendor = office.new_vendor("PEAK-1", company_name=f"{PEAK}, LLC")
    office.procore.edit_vendor(office.procore.vendor(PEAK).id, origin_id=vendor.id)
    invoice = invoice_of(office, PEAK)
    plan = office.container.planning.export_one(InvoiceKey(invoice.project_id, invoice.id))
    (line,) = [one for one in plan.lines if one.is_invoice]
    assert dict(line.data)["vendor"] == f"{PEAK} ({PEAK}, LLC, NetSuite id {vendor.id})"


def test_verify_does_not_repeat_the_mistake_of_a_link_that_is_wrong_by_now(office: Installation) -> None:
    """A payee that was paid through a link that no longer holds is reported, not accepted."""
    vendor = office.new_vendor(PEAK)
    office.procore.edit_vendor(office.procore.vendor(PEAK).id, origin_id=vendor.id)
    invoice = invoice_of(office, PEAK)
    office.scan(invoice.project_id)
    office.export(invoice)
    office.netsuite.vendors.put(replace(vendor, entityid="Zenith", companyname="Zenith Catering"))
    alone = office.reopened(project_ids=str(invoice.project_id))
    redis = alone.container.redis
    redis.delete(*redis.keys(f"{alone.container.settings.redis_key_prefix}cache:*payee:*"))
    (finding,) = alone.container.verification.verify().findings
    assert finding.kind is FindingKind.BILL_NOT_COMPARABLE
    assert "Zenith Catering" in finding.sentence


def test_a_linked_vendor_that_is_inactive_blocks_and_no_namesake_is_paid(office: Installation) -> None:
    """The invoice is blocked, and nothing is written for another vendor of the same name."""
    linked, namesake = office.new_vendor(f"{PEAK} (old)"), office.new_vendor(PEAK)
    linked.isinactive = True
    office.procore.edit_vendor(office.procore.vendor(PEAK).id, origin_id=linked.id)
    invoice = invoice_of(office, PEAK)
    assert office.export(invoice).cause == "vendor_inactive"
    assert office.writes() == []
    office.procore.edit_vendor(invoice.vendor_id, origin_id=namesake.id)
    assert office.export(invoice).kind is OutcomeKind.CREATED


def test_a_link_that_is_corrected_in_procore_holds_with_the_next_bill(office: Installation) -> None:
    first_vendor, second_vendor = (
        office.new_vendor("PEAK-1", company_name=PEAK),
        office.new_vendor("PEAK-2", company_name=PEAK),
    )
    office.procore.edit_vendor(office.procore.vendor(PEAK).id, origin_id=first_vendor.id)
    first = invoice_of(office, PEAK)
    office.export(first)
    office.procore.edit_vendor(first.vendor_id, origin_id=second_vendor.id)
    second = office.new_invoice(office.procore.project("24-800"), (CODE, "100.00"), vendor=PEAK)
    office.export(second)
    assert (office.bill(first).entity, office.bill(second).entity) == (first_vendor.id, second_vendor.id)


def test_a_person_among_the_vendors_is_found_by_first_and_last_name(office: Installation) -> None:
    """Such a vendor has no company name."""
    state = office.netsuite
    payee = NsVendor(state.vendors.next_id(), "V-77", "", None, "2", firstname="Ana", lastname="Lopez")
    state.vendors.put(payee)
    office.procore.edit_vendor(office.procore.vendor(PEAK).id, name="Ana  Lopez")
    invoice = invoice_of(office, "Ana  Lopez")
    office.export(invoice)
    assert office.bill(invoice).entity == payee.id


@pytest.mark.parametrize("linked", [True, False])
def test_a_vendor_of_the_projects_directory_is_found_there(office: Installation, linked: bool) -> None:
    """Commitments of some companies have vendor ids that are not in the company directory."""
    payee = office.new_vendor("PEAK-1", company_name=f"{PEAK} Inc" if linked else PEAK)
    vendor = office.procore.vendor(PEAK)
    office.procore.edit_vendor(vendor.id, origin_id=payee.id if linked else None, project_directory_only=True)
    invoice = invoice_of(office, PEAK)
    office.export(invoice)
    assert office.bill(invoice).entity == payee.id


def test_create_is_never_advised_where_a_similarly_named_vendor_exists(office: Installation) -> None:
    """The vendor is reported as ambiguous, with the id of the one that has a similar name."""
    similar = office.new_vendor("PEAK-1", company_name=f"The {PEAK.upper()}, L.L.C.")
    invoice = invoice_of(office, PEAK)
    assert office.export(invoice).cause == "vendor_ambiguous"
    assert f"id {similar.id}" in office.sentence(key_of(invoice))


def test_an_external_id_has_precedence_over_the_name(office: Installation) -> None:
    vendor = office.procore.vendor("Peak Painting and Coatings")
    company_id = office.procore.company.company_id
    payee = office.new_vendor("Peak Painting (AP)", external_id=f"pcr-vendor-{company_id}-{vendor.id}")
    office.new_vendor("Peak Painting and Coatings")
    invoice = invoice_of(office, vendor.name)
    office.export(invoice)
    assert office.bill(invoice).entity == payee.id


@pytest.mark.parametrize("name", ["Peak Painting and Coatings", 'O\'Brien "Jr" & Sons'])
def test_the_exact_name_is_enough_if_exactly_one_vendor_has_it(office: Installation, name: str) -> None:
    vendor = office.procore.vendor("Peak Painting and Coatings")
    office.procore.edit_vendor(vendor.id, name=name)
    payee = office.new_vendor("PEAK-1", company_name=name)
    office.new_vendor("PEAK-2", company_name=name + " of Utah")
    invoice = invoice_of(office, name)
    office.export(invoice)
    assert office.bill(invoice).entity == payee.id


def test_an_inactive_vendor_is_never_chosen(office: Installation) -> None:
    office.new_vendor("PEAK-1", company_name=PEAK).isinactive = True
    invoice = invoice_of(office, PEAK)
    assert office.export(invoice).cause == "vendor_inactive"
    active = office.new_vendor("PEAK-2", company_name=PEAK)
    office.export(invoice)
    assert office.bill(invoice).entity == active.id


def test_two_vendors_with_the_name_are_a_problem(office: Installation) -> None:
    vendor = office.new_vendor("PEAK-1", company_name="Peak Painting and Coatings")
    office.new_vendor("PEAK-2", company_name="Peak Painting and Coatings")
    invoice = invoice_of(office, "Peak Painting and Coatings")
    assert office.export(invoice).cause == "vendor_ambiguous"
    assert office.writes() == []

    office.procore.edit_vendor(invoice.vendor_id, origin_id=vendor.id)
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).entity == vendor.id


def test_a_vendor_created_later_is_found_by_the_next_export(office: Installation) -> None:
    """A look-up without a result is never cached."""
    invoice = invoice_of(office, "Peak Painting and Coatings")
    assert office.export(invoice).cause == "vendor_not_linked"
    office.new_vendor("Peak Painting and Coatings")
    assert office.export(invoice).kind is OutcomeKind.CREATED


def test_a_vendor_in_no_readable_directory_has_an_unknown_origin_id(office: Installation) -> None:
    """It may have one, so no sentence says that it has none."""
    invoice = invoice_of(office, "Peak Painting and Coatings")
    office.stage.faults("procore", [{"kind": "error_before", "path": "/vendors", "value": 404}])
    office.export(invoice)
    (sentence,) = [
        row["sentence"] for row in office.container.overview.problems() if row["cause"] == "vendor_not_linked"
    ]
    assert "its origin id is not known, because the app sees it in no directory of Procore" in sentence
    assert "no origin id" not in sentence


def test_a_cached_vendor_that_netsuite_refuses_is_looked_up_again(office: Installation) -> None:
    old = office.new_vendor("PEAK-1", company_name="Peak Painting and Coatings")
    office.export(invoice_of(office, "Peak Painting and Coatings"))
    old.isinactive = True
    new = office.new_vendor("PEAK-2", company_name="Peak Painting and Coatings")
    project = office.procore.project("24-800")
    invoice = office.new_invoice(project, (CODE, "100.00"), vendor="Peak Painting and Coatings")
    assert office.export(invoice).cause == "field_value_invalid"
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).entity == new.id


def test_a_project_without_an_origin_id_is_found_by_its_number(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    job, project.origin_id = project.origin_id, None
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    assert {line.customer for line in office.bill(invoice).lines} == {job}


def test_a_project_that_is_linked_later_is_billed_with_the_next_run(office: Installation) -> None:
    project = office.new_project("24-800", [CODE], linked=False)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    assert office.export(invoice).cause == "project_not_linked"
    job = new_job(office, "P-800", project.name)
    office.procore.edit_project(project.id, origin_id=job.id)
    office.reopened(project_ids=str(project.id)).export_all()
    assert {line.customer for line in office.bill(invoice).lines} == {job.id}


def test_digits_of_another_erp_are_not_taken_as_the_project(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    office.procore.edit_project(project.id, origin_id=new_job(office, "99-001", "Hangar").id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    assert office.export(invoice).cause == "project_link_mismatch"
    assert office.writes() == []
    assert "'Hangar' (id" in office.sentence(key_of(invoice))


def test_a_project_that_is_inactive_in_netsuite_is_a_problem(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    job = office.netsuite.jobs.get(str(project.origin_id))
    assert job is not None
    job.isinactive = True
    new_job(office, "24-800", project.name)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    assert office.export(invoice).cause == "netsuite_project_inactive"
    assert office.writes() == []


def new_job(office: Installation, number: str, name: str) -> NsJob:
    job = NsJob(office.netsuite.jobs.next_id(), number, name, None, "2")
    office.netsuite.jobs.put(job)
    return job
