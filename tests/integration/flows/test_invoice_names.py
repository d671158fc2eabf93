"""Why is invoice X not billed? The answer by its number in any letter case, or by its id, without its project, in every status."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.company.billing import Invoice
from tests.integration.flows.test_bills import CODE
from tests.integration.flows.test_problem_commands import call
from tests.kit.installation import Installation
from worker.domain.errors import NotFound
from worker.inspect import named_records

STATUSES = {
    "draft": "Not billed: its status in Procore is draft; only approved invoices are exported.",
    "under_review": "Not billed: its status in Procore is under review; only approved invoices are exported.",
    "revise_and_resubmit": "Not billed: its status in Procore is revise and resubmit; only approved invoices are exported.",
    "pending_owner_approval": "Not billed: its status in Procore is pending owner approval; only approved invoices are exported.",
}


def new_invoice(office: Installation, **fields: Any) -> Invoice:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"), invoice_number="Walk-2b", **fields)
    office.container.scans.projects.refresh()
    return invoice


def names(invoice: Invoice) -> list[str]:
    return [invoice.invoice_number, "walk-2B", str(invoice.id), f"id:{invoice.id}"]


def why(office: Installation, name: str) -> set[str]:
    """Return what `explain` and `status` say."""
    status = call(office, "status", "--invoice", name)
    assert status.exit_code == 0, status.stderr
    return {office.container.explain.invoice(name, None)["explanation"], " ".join(status.stdout.split())}


@pytest.mark.parametrize(("status", "sentence"), STATUSES.items())
def test_an_invoice_that_is_not_exported_in_its_status_says_so(
    office: Installation, status: str, sentence: str
) -> None:
    invoice = new_invoice(office, status=status)
    for name in names(invoice):
        assert why(office, name) == {sentence}


def test_a_skipped_invoice_is_explained_by_its_current_status(office: Installation) -> None:
    invoice = new_invoice(office, status="under_review")
    office.export(invoice)
    office.procore.set_invoice_status(invoice.id, "draft")
    assert "its status in Procore is draft" in office.container.explain.invoice("walk-2b", None)["explanation"]
    office.procore.set_invoice_status(invoice.id, "approved")
    explanation = office.container.explain.invoice("walk-2b", None)["explanation"]
    assert explanation.startswith("Not yet: it was skipped at ")
    assert "(status is under review), and that reason no longer applies; it is in no lane now" in explanation


def test_a_blocked_invoice_that_went_back_to_its_subcontractor_says_so(office: Installation) -> None:
    """Its explanation begins with the new status, and still lists the open problem."""
    invoice = new_invoice(office)
    office.procore.edit_invoice(invoice.id, shown={"billing_date": None})
    office.export(invoice)
    assert "has no billing date" in office.container.explain.invoice("walk-2b", None)["explanation"]
    office.procore.edit_invoice(invoice.id, status="revise_and_resubmit")
    explanation = office.container.explain.invoice("walk-2b", None)
    assert explanation["explanation"] == STATUSES["revise_and_resubmit"]
    assert [problem["cause"] for problem in explanation["problems"]] == ["billing_date_missing"]


def test_a_claimed_and_a_billed_invoice_are_found_by_all_their_names(office: Installation) -> None:
    invoice = new_invoice(office)
    office.procore.edit_invoice(invoice.id, origin_id="sage-1")
    claimed = "Not billed: already claimed by another integration (origin id sage-1)."
    assert {office.container.explain.invoice(name, None)["explanation"] for name in names(invoice)} == {claimed}
    office.procore.edit_invoice(invoice.id, origin_id=None)
    office.export(invoice)
    for name in names(invoice):
        assert f"id {office.bill(invoice).id}" in office.container.explain.invoice(name, None)["explanation"]


def test_a_number_that_is_another_invoices_id_causes_a_question(office: Installation) -> None:
    first = new_invoice(office)
    project = office.procore.project(first.project_id)
    second = office.new_invoice(project, (CODE, "800.00"), invoice_number=str(first.id))
    with pytest.raises(NotFound, match=f"Pass --project, or one of id:{second.id}.*id:{first.id}"):
        office.container.named_records.invoice(str(first.id), None)
    assert office.container.named_records.invoice(f"id:{first.id}", None).invoice_id == first.id


def test_a_number_of_digits_is_a_number_first(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"), invoice_number="1042")
    assert office.container.named_records.invoice("1042", str(project.id)).invoice_id == invoice.id
    # An id that no list shows is still an id: work on it reports the reason.
    assert office.container.named_records.invoice("1043", str(project.id)).invoice_id == 1043


def test_a_number_of_two_projects_asks_for_the_project(office: Installation) -> None:
    projects = [office.new_project(number, [CODE]) for number in ("24-800", "24-801")]
    invoices = [office.new_invoice(project, (CODE, "900.00"), invoice_number="A-7") for project in projects]
    office.container.scans.projects.refresh()
    with pytest.raises(NotFound, match=r"24-800.*24-801"):
        office.container.named_records.invoice("a-7", None)
    assert office.container.named_records.invoice("a-7", "24-801").invoice_id == invoices[1].id


def test_a_company_of_very_many_projects_is_not_searched(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named_records, "MAX_PROJECTS_SEARCHED", 3)
    new_invoice(office)
    with pytest.raises(NotFound, match="Pass its project with --project"):
        office.container.named_records.invoice("walk-2b", None)


def test_problems_are_found_by_the_number_of_their_invoice(office: Installation) -> None:
    invoice = new_invoice(office)
    office.procore.edit_invoice(invoice.id, shown={"billing_date": None})
    office.export(invoice)
    for name in ("Walk-2b", "WALK-2B", str(invoice.id), f"invoice:{invoice.project_id}:{invoice.id}"):
        shown = call(office, "problems", "show", name)
        assert "has no billing date" in shown.stdout, shown.stderr
    ignored = call(office, "problems", "ignore", "walk-2b", "--until-changed")
    assert ignored.exit_code == 0, ignored.stderr
    unknown = call(office, "problems", "show", "WALK-9")
    assert "`wbs-sync explain --invoice WALK-9`" in unknown.stderr
