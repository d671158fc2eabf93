"""Events in the forms that Procore publishes (guide/payload-formats), and the work that each asks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Settings
from worker.domain.webhooks import BUDGET_RESOURCES, Event, work_of
from worker.domain.work import Lane

V2: dict[str, Any] = {
    "id": 123456789,
    "ulid": "01EDPD2J6SBY1163N77H95GW09",
    "timestamp": "2025-02-06T23:34:12.246562Z",
    "metadata": {"source_user_id": 987654321, "source_application_id": None},
    "user_id": 987654321,
    "company_id": 8,
    "project_id": 6778,
    "api_version": "v2.0",
    "event_type": "update",
    "resource_name": "Budget Line Items",
    "resource_id": 379913,
}
V3 = V2 | {"api_version": "v3.0", "related_resources": [{"id": 1234, "name": "Direct Costs"}]}
V4: dict[str, Any] = {
    "id": "01EDPD2J6SBY1163N77H95GW09",
    "timestamp": "2025-02-25T16:04:43.619085Z",
    "reason": "update",
    "company_id": "8",
    "project_id": "6778",
    "user_id": "5447",
    "resource_type": "Budget Line Items",
    "resource_id": "379913",
}
INVOICE_RESOURCES = Settings.model_fields["webhook_invoice_resources"].default
"""What an installation takes for subcontractor invoices that sets nothing."""
EVENT = Event("01EDPD2J6SBY1163N77H95GW09", 8, 6778, "Budget Line Items", 379913, deleted=False)


def work(body: dict[str, Any]) -> tuple[Lane, str] | None:
    event = Event.read(body)
    assert event is not None
    return work_of(event, invoice_resources=INVOICE_RESOURCES)


@pytest.mark.parametrize("body", [V2, V3, V4], ids=["v2.0", "v3.0", "v4.0"])
def test_each_published_form_results_in_the_same_event(body: dict[str, Any]) -> None:
    assert Event.read(body) == EVENT


def test_an_event_without_a_ulid_is_known_by_its_id() -> None:
    event = Event.read({name: value for name, value in V2.items() if name != "ulid"})
    assert event is not None
    assert event.id == "123456789"


@pytest.mark.parametrize("resource", sorted(BUDGET_RESOURCES))
@pytest.mark.parametrize("change", ["create", "update", "delete", "something richer"])
def test_a_budget_that_changed_has_its_project_scanned(resource: str, change: str) -> None:
    assert work(V2 | {"resource_name": resource, "event_type": change}) == (Lane.SCANS, "scan:6778")
    assert work(V4 | {"resource_type": resource, "reason": change}) == (Lane.SCANS, "scan:6778")


def test_the_default_resource_of_invoices_is_draw_requests() -> None:
    assert INVOICE_RESOURCES == ("Draw Requests",)


@pytest.mark.parametrize("change", ["create", "update", "approved"])
def test_an_invoice_that_changed_is_exported(change: str) -> None:
    assert work(V4 | {"resource_type": "Draw Requests", "reason": change}) == (Lane.EXPORTS, "invoice:6778:379913")


@pytest.mark.parametrize(
    "change",
    [
        {"resource_name": "Draw Requests", "event_type": "delete"},
        {"resource_name": "RFIs"},
        {"resource_name": "budget line items"},
        {"project_id": None},
    ],
    ids=["an invoice that is gone", "what is not ours", "another name", "of no project"],
)
def test_events_without_work_are_ignored(change: dict[str, Any]) -> None:
    assert work(V2 | change) is None


@pytest.mark.parametrize("value", [{}, [], "", "a", -1, 0, True, 2**63, "9" * 30, None, 1.5])
@pytest.mark.parametrize("name", ["company_id", "resource_id"])
def test_an_event_with_an_invalid_id_is_ignored(name: str, value: Any) -> None:
    assert Event.read(V2 | {name: value}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"ulid": None, "id": None},
        {"ulid": "two words"},
        {"ulid": "x" * 65},
        {"resource_name": None},
        {"resource_name": ["Budget Line Items"]},
    ],
)
def test_a_body_in_no_published_form_is_no_event(change: dict[str, Any]) -> None:
    assert Event.read(V2 | change) is None


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(sorted(V2 | V4)), st.none() | st.integers() | st.text(max_size=5) | st.just({})))
def test_any_value_of_a_field_results_in_an_event_or_none(change: dict[str, Any]) -> None:
    event = Event.read(V2 | change)
    assert event is None or min(event.company_id, event.resource_id, event.project_id or 1) > 0
