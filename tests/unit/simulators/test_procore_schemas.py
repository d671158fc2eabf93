"""Every answer of the simulated Procore has the published shape: no field of another type, and none that is not listed.

The published schemas are not part of this project: VENDOR_SCHEMAS names a folder that has them as procore/*.json.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.unit.simulators.procore_caller import Caller, listening_procore

FOLDER = os.environ.get("VENDOR_SCHEMAS")
SEEN_LIVE = ("payment_summary",)
"""Fields that are in real answers and not in the published schema."""
pytestmark = pytest.mark.skipif(not FOLDER, reason="VENDOR_SCHEMAS does not name a folder with procore/*.json")


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The published schema as it is meant: null goes everywhere, "(nested object)" stands for anything, nothing unlisted."""
    if schema.get("description") == "(nested object)" or "type" not in schema:
        return {}
    made: dict[str, Any] = {"type": [schema["type"], "null"]}
    if "enum" in schema:
        made["enum"] = [*schema["enum"], None]
    if schema["type"] == "array":
        made["items"] = strict(schema.get("items", {}))
    if schema.get("properties"):
        made["properties"] = {name: strict(each) for name, each in schema["properties"].items()}
        made["additionalProperties"] = False
    return made


def check(name: str, answer: Any) -> None:
    published = json.loads(Path(str(FOLDER), "procore", f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.validate(_without(answer, SEEN_LIVE), strict(published["responses"]["200"]["schema"]))


def _without(answer: Any, names: tuple[str, ...]) -> Any:
    if isinstance(answer, list):
        return [_without(row, names) for row in answer]
    return {name: value for name, value in answer.items() if name not in names} if isinstance(answer, dict) else answer


@pytest.fixture(scope="module")
def procore() -> Iterator[Caller]:
    with listening_procore() as caller:
        yield caller


@pytest.fixture(
    params=["shared_new_code", "odd_text", "release_only_invoice", "line_without_wbs_code", "null_project_number"]
)
def project_id(request: pytest.FixtureRequest, procore: Caller) -> int:
    found: int = procore.case(request.param)["project_id"]
    return found


def test_the_check_itself_tells_right_from_wrong(procore: Caller) -> None:
    vendors = [{"id": 1}]
    check("RestV10VendorsGet", vendors)
    with pytest.raises(jsonschema.ValidationError):
        check("RestV10VendorsGet", {"id": 1})
    with pytest.raises(jsonschema.ValidationError, match="unheard_of"):
        check("RestV11RequisitionsGet", [{"unheard_of": 1}])
    with pytest.raises(jsonschema.ValidationError, match="integer"):
        check("RestV11RequisitionsGet", [{"id": "1"}])


def test_token(procore: Caller) -> None:
    check("OauthTokenPost", procore.log_in().json())


def test_company_level(procore: Caller) -> None:
    check("RestV11ProjectsGet", procore.json("/rest/v1.1/projects", company_id=procore.company_id))
    check("RestV10VendorsGet", procore.json("/rest/v1.0/vendors", company_id=procore.company_id))


def test_one_project(procore: Caller, project_id: int) -> None:
    check("RestV10ProjectsIdGet", procore.json(f"/rest/v1.0/projects/{project_id}", company_id=procore.company_id))


def test_codes_and_patterns(procore: Caller, project_id: int) -> None:
    wbs = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure"
    check("RestV10ProjectsProjectIdWorkBreakdownStructureWbsCodesGet", procore.json(f"{wbs}/wbs_codes"))
    check("RestV10ProjectsProjectIdWorkBreakdownStructurePatternsGet", procore.json(f"{wbs}/patterns"))
    check("RestV20CompaniesCompanyIdProjectsProjectIdWbsCodesGet", procore.json(procore.v2(project_id, "wbs/codes")))


def test_budget_views(procore: Caller, project_id: int) -> None:
    views = procore.json("/rest/v1.0/budget_views", project_id=project_id)
    check("RestV10BudgetViewsGet", views)
    rows = f"/rest/v1.0/budget_views/{views[0]['id']}/detail_rows"
    check(
        "RestV10BudgetViewsBudgetViewIdDetailRowsGet", procore.json(rows, project_id=project_id, budget_row_type="all")
    )


@pytest.mark.parametrize("view", ["default", "items", "extended", "action_policy"])
def test_invoices(procore: Caller, project_id: int, view: str) -> None:
    invoices = procore.json("/rest/v1.1/requisitions", project_id=project_id, view=view)
    assert invoices
    check("RestV11RequisitionsGet", invoices)
    path = f"/rest/v1.1/requisitions/{invoices[0]['id']}"
    check("RestV11RequisitionsIdGet", procore.json(path, project_id=project_id, view=view))
    _check_lines(invoices)


def _check_lines(invoices: list[Any]) -> None:
    """The published schema lists the fields of a line one level deeper than it describes them."""
    published = json.loads(Path(str(FOLDER), "procore", "RestV11RequisitionsGet.json").read_text(encoding="utf-8"))
    fields = published["responses"]["200"]["schema"]["items"]["properties"]
    for part in ("items", "item_packages"):
        known = set(fields[part]["items"]["properties"])
        assert all(set(each) <= known for invoice in invoices for each in invoice.get(part, []))


def test_the_write_back(procore: Caller) -> None:
    answer = procore.export(procore.case("same_number_other_vendor")["invoice_id"], origin_id="ns-1")
    check("RestV11RequisitionsIdPatch", answer.json())


def test_subcontracts_and_periods(procore: Caller, project_id: int) -> None:
    check(
        "RestV10ProjectsProjectIdBillingPeriodsGet", procore.json(f"/rest/v1.0/projects/{project_id}/billing_periods")
    )
    for commitment_id in procore.state.project(project_id).commitment_ids:
        path = f"/rest/v1.0/work_order_contracts/{commitment_id}"
        check("RestV10WorkOrderContractsIdGet", procore.json(path, project_id=project_id))
