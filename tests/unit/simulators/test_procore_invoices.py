"""Subcontractor invoices of the simulated Procore: their fields, their filters, and how one is marked as exported."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.simulators.procore_caller import Caller, listening_procore

LIST = "/rest/v1.1/requisitions"
SYNCED = "The invoice is not editable because it has been synced with ERP"


@pytest.fixture
def procore() -> Iterator[Caller]:
    with listening_procore() as caller:
        yield caller


def listed(procore: Caller, project_id: int, **params: Any) -> list[Any]:
    invoices: list[Any] = procore.json(LIST, project_id=project_id, **{"per_page": 100, **params})
    return invoices


def shown(procore: Caller, invoice_id: int, view: str = "items") -> Any:
    return procore.json(f"{LIST}/{invoice_id}", project_id=procore.state.invoice(invoice_id).project_id, view=view)


def retainage(line: dict[str, Any], previous: dict[str, Any] | None, *, moved_before: bool) -> Decimal:
    """What a reader makes of a printed line: work held - released + change in what is held on materials.

    With `moved_before`, what was moved from materials to work counts as held earlier, so it has to be added.
    """
    held_before = Decimal(previous["materials_stored_retainage_currently_retained"]) if previous else Decimal(0)
    moved = Decimal(line["materials_retainage_retained_moved"]) if moved_before else Decimal(0)
    return (
        moved
        + Decimal(line["work_completed_retainage_retained_this_period"])
        - Decimal(line["work_completed_retainage_released_this_period"])
        + Decimal(line["materials_stored_retainage_currently_retained"])
        - held_before
    )


@pytest.mark.parametrize(("seed", "moved_retainage"), [(0, "this_period"), (1, "this_period"), (1, "from_previous")])
def test_the_printed_figures_tie_as_a_reader_adds_them(seed: int, moved_retainage: str) -> None:
    with listening_procore("demo", seed, moved_retainage=moved_retainage) as procore:
        invoices = {}
        for project in procore.state.company.projects.values():
            if project.permitted and not project.tools_disabled:
                invoices.update({each["id"]: each for each in listed(procore, project.id, view="items")})
        untied = procore.case("invoice_does_not_tie")["invoice_id"]
        assert len(invoices) > 90
        for invoice in invoices.values():
            before = invoices.get(invoice["previous_requisition_id"] or 0, {"items": []})["items"]
            previous = {line["line_item_id"]: line for line in before}
            net = Decimal(0)
            for line in invoice["items"]:
                gross = Decimal(line["total_completed_and_stored_to_date"])
                gross -= Decimal(line["total_completed_and_stored_to_date_from_previous"])
                moved_before = moved_retainage == "from_previous"
                net += gross - retainage(line, previous.get(line["line_item_id"]), moved_before=moved_before)
            summary = {name: Decimal(value) for name, value in invoice["summary"].items() if "period" not in name}
            assert (net == summary["current_payment_due"]) is (invoice["id"] != untied)
            earned = summary["total_completed_and_stored_to_date"] - summary["total_retainage"]
            assert summary["total_earned_less_retainage"] == earned
            payment_due = earned - summary["less_previous_certificates_for_payment"]
            assert (payment_due == summary["current_payment_due"]) is (invoice["id"] != untied)
            assert (
                summary["contract_sum_to_date"]
                == summary["original_contract_sum"] + summary["net_change_by_change_orders"]
            )


def test_where_the_retainage_of_moved_materials_goes_can_be_switched(procore: Caller) -> None:
    invoice_id, line_id = next(
        (each.id, line.id)
        for each in procore.state.company.invoices.values()
        for line in each.lines
        if line.billed.moved_held
    )

    def figures() -> tuple[Decimal, Decimal]:
        line = next(each for each in shown(procore, invoice_id)["items"] if each["id"] == line_id)
        return (
            Decimal(line["work_completed_retainage_from_previous_application"]),
            Decimal(line["work_completed_retainage_retained_this_period"]),
        )

    moved = procore.state.invoice(invoice_id).line(line_id).billed.moved_held
    before, now = figures()
    procore.state.settings.moved_retainage = "from_previous"
    assert figures() == (before + moved, now - moved)


def test_the_views_differ_in_what_they_carry(procore: Caller) -> None:
    project_id = procore.case("shared_new_code")["project_id"]
    plain, items, full = (listed(procore, project_id, view=view)[0] for view in ("default", "items", "extended"))
    assert not {"items", "item_packages", "summary_text"} & set(plain)
    assert set(items) - set(plain) == {"items", "item_packages"}
    assert set(full) - set(items) == {"summary_text", "custom_fields", "attachments"}
    assert procore.get(LIST, project_id=project_id, view="all").status_code == 400


def test_thirty_invoices_make_a_page() -> None:
    with listening_procore("large:1x5:70") as procore:
        project_id = next(iter(procore.state.company.projects))
        answer = procore.get(LIST, project_id=project_id)
        assert (len(answer.json()), answer.headers["Total"], answer.headers["Per-Page"]) == (30, "70", "30")


def test_invoices_are_filtered(procore: Caller) -> None:
    facts = procore.case("foreign_origin_id")
    project_id, invoice = facts["project_id"], procore.state.invoice(facts["invoice_id"])
    assert [each["id"] for each in listed(procore, project_id, filters_origin_id="sage-991")] == [invoice.id]
    assert [each["id"] for each in listed(procore, project_id, filters_id__=invoice.id)] == [invoice.id]
    assert [each["id"] for each in listed(procore, project_id, filters_commitment_id=invoice.commitment.id)] == [
        invoice.id
    ]
    draft = procore.case("draft_invoice")
    drafts = listed(procore, draft["project_id"], filters_status="draft")
    assert draft["invoice_id"] in {each["id"] for each in drafts}
    assert {each["status"] for each in drafts} == {"draft"}


def test_the_last_invoice_of_each_subcontract_can_be_asked_for(procore: Caller) -> None:
    facts = procore.case("release_only_invoice")
    last = {each["id"] for each in listed(procore, facts["project_id"], filters_is_last="true")}
    earlier = {each["id"] for each in listed(procore, facts["project_id"], filters_is_last="false")}
    assert facts["invoice_id"] in last
    assert facts["previous_invoice_id"] in earlier
    assert not last & earlier


def test_an_approval_moves_updated_at(procore: Caller) -> None:
    facts = procore.case("draft_invoice")
    since = procore.state.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    span = f"{since}...2099-01-01T00:00:00Z"
    assert listed(procore, facts["project_id"], filters_updated_at=span) == []
    procore.clock.forward(5)
    procore.state.set_invoice_status(facts["invoice_id"], "approved")
    (updated,) = listed(procore, facts["project_id"], filters_updated_at=span)
    assert (updated["id"], updated["status"]) == (facts["invoice_id"], "approved")


def test_an_invoice_of_another_project_is_not_found(procore: Caller) -> None:
    facts, draft = procore.case("foreign_origin_id"), procore.case("draft_invoice")
    assert procore.get(f"{LIST}/{facts['invoice_id']}", project_id=draft["project_id"]).status_code == 404
    assert procore.get(f"{LIST}/{facts['invoice_id']}").status_code == 400


def test_an_origin_id_marks_an_invoice_as_synced_and_locks_it(procore: Caller) -> None:
    invoice_id = procore.case("shared_new_code")["invoice_id"]
    before = shown(procore, invoice_id)
    assert (before["origin_id"], before["erp_status"]) == (None, "not_in_erp")
    answer = procore.export(invoice_id, origin_id="ns-90817", origin_data='{"tranid":"A-1"}')
    assert answer.status_code == 200
    assert (answer.json()["origin_id"], answer.json()["erp_status"]) == ("ns-90817", "synced")
    assert shown(procore, invoice_id)["updated_at"] != before["updated_at"]
    for change in ({"origin_id": "ns-2"}, {"origin_id": None}, {"origin_data": "{}"}, {"invoice_number": "X"}):
        refused = procore.export(invoice_id, **change)
        assert (refused.status_code, refused.json()) == (422, {"errors": SYNCED})
    assert procore.export(invoice_id, origin_id="ns-90817", origin_data='{"tranid":"A-1"}').status_code == 200


def test_an_origin_id_belongs_to_one_invoice(procore: Caller) -> None:
    first, second = procore.case("shared_new_code")["invoice_ids"]
    procore.export(first, origin_id="ns-1")
    refused = procore.export(second, origin_id="ns-1")
    assert (refused.status_code, refused.json()) == (422, {"errors": {"origin_id": ["has already been taken"]}})
    procore.state.settings.duplicate_origin_status = 409
    assert procore.export(second, origin_id="ns-1").status_code == 409
    assert procore.export(second, origin_id="sage-991").status_code == 409  # there from the start


def test_an_origin_id_can_be_cleared_where_the_account_allows_it(procore: Caller) -> None:
    first, second = procore.case("shared_new_code")["invoice_ids"]
    procore.export(first, origin_id="ns-1")
    procore.state.settings.origin_id_clearable = True
    assert procore.export(first, origin_id=None).status_code == 200
    assert procore.export(second, origin_id="ns-1").status_code == 200


def test_the_write_back_can_be_forbidden_or_not_shown(procore: Caller) -> None:
    invoice_id = procore.case("shared_new_code")["invoice_id"]
    procore.state.settings.patch_forbidden = True
    assert procore.export(invoice_id, origin_id="ns-1").status_code == 403
    procore.state.settings.patch_forbidden, procore.state.settings.patch_marks_synced = False, False
    assert procore.export(invoice_id, origin_id="ns-1").json()["erp_status"] == "not_in_erp"


@pytest.mark.parametrize("missing", ["project_id", "commitment_id"])
def test_a_patch_names_project_and_commitment(procore: Caller, missing: str) -> None:
    invoice = procore.state.invoice(procore.case("shared_new_code")["invoice_id"])
    ids = {"project_id": invoice.project_id, "commitment_id": invoice.commitment.id}
    body = {**ids, "requisition": {"origin_id": "ns-1"}}
    del body[missing]
    assert procore.patch(invoice.id, body).status_code == 400
    assert procore.patch(invoice.id, {**body, missing: 1}).status_code == 404
    assert invoice.origin_id is None


def test_an_invoice_added_by_hand_is_listed_and_ties(procore: Caller) -> None:
    project = procore.state.project("24-001")
    code = project.budgeted_codes()[0]
    invoice = procore.state.add_invoice(
        project.id,
        "O'Brien Steel & Sons",
        [(code.flat_code, "1000.00"), (code.id, 500), (None, "1.11")],
        billing_date="2026-04-15",
    )
    (row,) = listed(procore, project.id, filters_id__=invoice.id, view="items")
    assert (row["status"], row["billing_date"], row["requisition_start"]) == (
        "approved",
        "2026-04-15",
        "2026-04-01",
    )
    assert row["summary"]["current_payment_due"] == "1351.00"
    assert [line["wbs_code"] and line["wbs_code"]["id"] for line in row["items"]] == [code.id, code.id, None]
    procore.state.edit_invoice_line(invoice.id, work="2000")
    assert shown(procore, invoice.id)["summary"]["current_payment_due"] == "2351.00"


def test_periods_and_subcontracts_are_shown(procore: Caller) -> None:
    invoice = procore.state.invoice(procore.case("closed_period_invoice")["invoice_id"])
    periods = procore.json(f"/rest/v1.0/projects/{invoice.project_id}/billing_periods", filters_status="closed")
    assert invoice.period_id in {period["id"] for period in periods}
    contract = procore.json(f"/rest/v1.0/work_order_contracts/{invoice.commitment.id}", project_id=invoice.project_id)
    assert (contract["vendor"]["id"], contract["status"]) == (invoice.vendor_id, "Approved")
