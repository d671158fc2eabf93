"""Custom fields of projects and invoices: no company has any until a test defines some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.published.shape import response
from tests.unit.simulators.procore_caller import Caller, listening_procore

PROJECTS = "/rest/v1.1/projects"
INVOICES = "/rest/v1.1/requisitions"
FIELDS: list[tuple[str, str, list[str], Any, Any]] = [
    ("Region", "string", [], "East", "East"),
    ("Hours", "decimal", [], "2.25", 2.25),
    ("Union job", "boolean", [], True, True),
    ("Office", "lov_entry", ["Halifax", "Boston"], "Boston", {"id": 90_002, "label": "Boston"}),
    (
        "Trades",
        "lov_entries",
        ["Steel", "Paint"],
        ["Paint", "Steel"],
        [{"id": 90_004, "label": "Paint"}, {"id": 90_003, "label": "Steel"}],
    ),
]


@pytest.fixture
def procore() -> Iterator[Caller]:
    with listening_procore() as caller:
        yield caller


def edit(procore: Caller, action: str, **arguments: Any) -> int:
    answer = procore.admin("edit", {"action": action, **arguments})
    assert answer.status_code == 200, answer.text
    edited: int = answer.json()["id"]
    return edited


def fill(procore: Caller, record_type: str, record_id: int) -> dict[str, Any]:
    """Define all fields and set them on a record, as a person does. Return what its JSON has to have."""
    expected = {}
    for label, data_type, options, value, shown in FIELDS:
        field = edit(procore, "define_custom_field", label=label, data_type=data_type, options=options)
        change = {"record_type": record_type, "record_id": record_id, "field_id": field, "value": value}
        edit(procore, "set_custom_field", **change)
        expected[f"custom_field_{field}"] = {"data_type": data_type, "value": shown}
    return expected


def published(fields: dict[str, Any]) -> dict[str, Any]:
    """Return custom fields with the names that they have in the published tables."""
    return {f"custom_field_%{{custom_field_{each['data_type']}_definition_id}}": each for each in fields.values()}


def test_no_company_has_custom_fields_at_first(procore: Caller) -> None:
    assert procore.json(f"/rest/v1.1/companies/{procore.company_id}/custom_field_definitions") == []
    projects = procore.json(PROJECTS, company_id=procore.company_id)
    assert {str(each["custom_fields"]) for each in projects} == {"{}"}


def test_a_project_shows_its_custom_fields(procore: Caller) -> None:
    project = procore.state.project("24-001")
    expected = fill(procore, "project", project.id)
    assert set(expected) == {f"custom_field_{each}" for each in range(598, 603)}
    (listed,) = procore.json(PROJECTS, company_id=procore.company_id, filters_id=project.id)
    shown = procore.json(f"/rest/v1.0/projects/{project.id}", company_id=procore.company_id)
    assert listed["custom_fields"] == shown["custom_fields"] == expected
    shown["custom_fields"] = published(expected)
    assert response("GET /rest/v1.0/projects/{id}").differences(shown) == []


def test_an_invoice_shows_its_custom_fields_in_the_extended_view(procore: Caller) -> None:
    invoice = procore.state.invoice(procore.case("shared_new_code")["invoice_id"])
    expected = fill(procore, "invoice", invoice.id)
    path, project = f"{INVOICES}/{invoice.id}", invoice.project_id
    shown = procore.json(path, project_id=project, view="extended")
    (listed,) = procore.json(INVOICES, project_id=project, view="extended", filters_id__=invoice.id)
    assert shown["custom_fields"] == listed["custom_fields"] == expected
    assert "custom_fields" not in procore.json(path, project_id=project, view="items")
    body = {"custom_fields": published(expected)}
    assert response("GET /rest/v1.1/requisitions/{id}").differences(body) == []
    answer = procore.export(invoice.id, origin_id="ns-1")
    assert answer.json()["custom_fields"] == expected
    header = {
        "requisition_start": invoice.period_start.isoformat(),
        "requisition_end": invoice.period_end.isoformat(),
        "commitment_id": invoice.commitment.id,
        "commitment_type": "WorkOrderContract",
        "contract_name": invoice.commitment.title,
    }
    assert {name: shown[name] for name in header} == header


def test_a_field_is_emptied_and_its_record_counts_as_changed(procore: Caller) -> None:
    project = procore.state.project("24-001")
    field = procore.state.define_custom_field("Region")
    procore.state.set_custom_field("project", project.id, field.id, "East")
    before = project.updated_at
    procore.clock.forward(5)
    procore.state.set_custom_field("project", project.id, field.id, None)
    assert project.updated_at > before
    shown = procore.json(f"/rest/v1.0/projects/{project.id}", company_id=procore.company_id)
    assert shown["custom_fields"] == {f"custom_field_{field.id}": {"data_type": "string", "value": None}}


@pytest.mark.parametrize(
    ("data_type", "value"),
    [("string", 5), ("boolean", "yes"), ("decimal", "many"), ("lov_entry", "Mars"), ("lov_entries", ["Mars"]), ("lov_entries", 5)],
)  # fmt: skip
def test_a_value_of_another_type_is_no_value(procore: Caller, data_type: str, value: Any) -> None:
    field = procore.state.define_custom_field("Anything", data_type, ["Halifax"])
    project = procore.state.project("24-001")
    with pytest.raises(ValueError, match="is no value of Anything"):
        procore.state.set_custom_field("project", project.id, field.id, value)
    assert project.custom_fields == {}


def test_a_field_has_a_known_type_and_record(procore: Caller) -> None:
    with pytest.raises(ValueError, match="no such type"):
        procore.state.define_custom_field("Region", "colour")
    field = procore.state.define_custom_field("Region")
    change = {"action": "set_custom_field", "record_type": "project", "field_id": field.id, "value": "East"}
    project = procore.state.project("24-001")
    for wrong in ({"record_id": 1}, {"record_type": "vendor"}, {"field_id": 1}):
        assert procore.admin("edit", {**change, "record_id": project.id, **wrong}).status_code == 404


def test_the_fields_of_the_company_are_listed_with_their_labels(procore: Caller) -> None:
    for label, data_type, options, _, _ in FIELDS:
        procore.state.define_custom_field(label, data_type, options)
    path = f"/rest/v1.1/companies/{procore.company_id}/custom_field_definitions"
    listed = procore.json(path)
    assert [(each["id"], each["label"], each["data_type"]) for each in listed][3] == (601, "Office", "lov_entry")
    assert response("GET /rest/v1.1/companies/{company_id}/custom_field_definitions").differences(listed) == []
    assert [each["label"] for each in procore.json(path, filters_with_label="off")] == ["Office"]
    assert [each["label"] for each in procore.json(path, filters_id__=598)] == ["Region"]
    assert len(procore.json(path, per_page=2, page=3)) == 1
    assert procore.get("/rest/v1.1/companies/1/custom_field_definitions").status_code == 403
    procore.state.settings.definitions_forbidden = True
    assert procore.get(path).status_code == 403
