"""Every response of the simulated Procore has the published shape: no property of another type, and none that is not published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.published.shape import response
from tests.unit.simulators.procore_caller import Caller, listening_procore

SEEN_LIVE = ("payment_summary",)
"""Properties of real responses that are not published (docs/remotes.md)."""
INVOICES = "GET /rest/v1.1/requisitions"


def check(operation: str, body: Any) -> None:
    assert response(operation).differences(_without(body, SEEN_LIVE)) == []


def _without(body: Any, names: tuple[str, ...]) -> Any:
    if isinstance(body, list):
        return [_without(row, names) for row in body]
    return {name: value for name, value in body.items() if name not in names} if isinstance(body, dict) else body


@pytest.fixture(scope="module")
def procore() -> Iterator[Caller]:
    with listening_procore() as caller:
        yield caller


@pytest.fixture(
    params=["shared_new_code", "odd_text", "release_only_invoice", "line_without_wbs_code", "null_project_number"]
)
def project_id(request: pytest.FixtureRequest, procore: Caller) -> int:
    id_of_case: int = procore.case(request.param)["project_id"]
    return id_of_case


def test_a_token_has_the_published_shape(procore: Caller) -> None:
    check("POST /oauth/token", procore.log_in().json())


def test_responses_of_the_company_have_the_published_shape(procore: Caller) -> None:
    check("GET /rest/v1.1/projects", procore.json("/rest/v1.1/projects", company_id=procore.company_id))
    check("GET /rest/v1.0/vendors", procore.json("/rest/v1.0/vendors", company_id=procore.company_id))


def test_a_project_has_the_published_shape(procore: Caller, project_id: int) -> None:
    check(
        "GET /rest/v1.0/projects/{id}", procore.json(f"/rest/v1.0/projects/{project_id}", company_id=procore.company_id)
    )


def test_codes_and_patterns_have_the_published_shape(procore: Caller, project_id: int) -> None:
    wbs = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure"
    check("GET /rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes", procore.json(f"{wbs}/wbs_codes"))
    check("GET /rest/v1.0/projects/{project_id}/work_breakdown_structure/patterns", procore.json(f"{wbs}/patterns"))
    check(
        "GET /rest/v2.0/companies/{company_id}/projects/{project_id}/wbs/codes",
        procore.json(procore.v2(project_id, "wbs/codes")),
    )


def test_budget_views_have_the_published_shape(procore: Caller, project_id: int) -> None:
    views = procore.json("/rest/v1.0/budget_views", project_id=project_id)
    check("GET /rest/v1.0/budget_views", views)
    rows = f"/rest/v1.0/budget_views/{views[0]['id']}/detail_rows"
    check(
        "GET /rest/v1.0/budget_views/{budget_view_id}/detail_rows",
        procore.json(rows, project_id=project_id, budget_row_type="all"),
    )


@pytest.mark.parametrize("view", ["default", "items", "extended", "action_policy"])
def test_invoices_have_the_published_shape(procore: Caller, project_id: int, view: str) -> None:
    invoices = procore.json("/rest/v1.1/requisitions", project_id=project_id, view=view)
    assert invoices
    check(INVOICES, invoices)
    path = f"/rest/v1.1/requisitions/{invoices[0]['id']}"
    check("GET /rest/v1.1/requisitions/{id}", procore.json(path, project_id=project_id, view=view))
    _check_lines(invoices)


def _check_lines(invoices: list[Any]) -> None:
    """Names alone: the published table of an invoice list says nothing about the types of its lines."""
    for part in ("items", "item_packages"):
        published = response(INVOICES).names(f"[].{part}[]")
        assert published
        assert all(set(each) <= published for invoice in invoices for each in invoice.get(part, []))


def test_the_response_to_a_write_back_has_the_published_shape(procore: Caller) -> None:
    answer = procore.export(procore.case("same_number_other_vendor")["invoice_id"], origin_id="ns-1")
    check("PATCH /rest/v1.1/requisitions/{id}", answer.json())


def test_subcontracts_and_periods_have_the_published_shape(procore: Caller, project_id: int) -> None:
    check(
        "GET /rest/v1.0/projects/{project_id}/billing_periods",
        procore.json(f"/rest/v1.0/projects/{project_id}/billing_periods"),
    )
    for commitment_id in procore.state.project(project_id).commitment_ids:
        path = f"/rest/v1.0/work_order_contracts/{commitment_id}"
        check("GET /rest/v1.0/work_order_contracts/{id}", procore.json(path, project_id=project_id))
