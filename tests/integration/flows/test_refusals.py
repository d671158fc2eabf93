"""Records that NetSuite refuses: each refusal is a problem with names in place of ids and a next step."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import SUITEQL_PATH, VENDOR
from tests.kit.installation import Installation
from worker.domain.errors import Blocked
from worker.domain.problems import Cause
from worker.domain.series import Series

pytestmark = pytest.mark.real

CODE = "05-120.S"
HERE, ELSEWHERE = "2", "3"
SUBSIDIARIES = [{"id": HERE, "name": "Harbor US"}, {"id": ELSEWHERE, "name": "Harbor CA"}]


def billable(office: Installation, number: str = "26-801") -> tuple[Project, Invoice]:
    """Return a project whose Item exists, and an approved invoice of it."""
    project = office.new_project(number, [CODE])
    office.scan(project.id)
    return project, office.new_invoice(project, (CODE, "100.00"), invoice_number="N-1")


def refused_item(office: Installation) -> tuple[str, str]:
    """Scan a project whose Item is refused; return the cause and the sentence of its problem."""
    project = office.new_project("26-801", [CODE])
    office.scan(project.id)
    (key,) = office.problems()
    return office.problems()[key], office.sentence(key)


def vendor_id(office: Installation) -> str:
    return next(each.id for each in office.netsuite.vendors if each.companyname == VENDOR)


BILLS: list[tuple[dict[str, Any], str, list[str]]] = [
    (
        {"mandatory_fields": ["vendorBill:department"]},
        "field_required",
        ["the bill of invoice N-1 (Blue Spruce Electric) because the field Department has no value", '`department = "ID"` under `[bill]`'],
    ),
    (
        {"mandatory_fields": ["vendorBill:item.location"]},
        "field_required",
        ["the field Location has no value", '`location = "ID"` under `[bill.line]`'],
    ),
    (
        {"mandatory_fields": ["vendorBill:custbody_region"], "custom_fields": ["custbody_region"], "field_labels": {"custbody_region": "Region"}},
        "field_required",
        ["the field Region has no value", '`custbody_region = "VALUE"` under `[bill]`'],
    ),
    ({"hidden_on_form": ["memo"]}, "field_not_settable", ["because it accepts no value in the field memo"]),
]  # fmt: skip


@pytest.mark.parametrize(("world", "cause", "shown"), BILLS, ids=[f"{cause}-{n}" for n, (_, cause, _) in enumerate(BILLS)])  # fmt: skip
def test_a_bill_that_the_form_refuses(
    office: Installation, world: dict[str, Any], cause: str, shown: list[str]
) -> None:
    _, invoice = billable(office)
    office.stage.settings("netsuite", **world)
    outcome = office.export(invoice)
    assert outcome.cause == cause
    assert [words for words in shown if words not in outcome.reason] == []
    assert "NetSuite's response: 400" in outcome.reason
    assert office.problems("series:") == {}, "one refusal stops nothing"


ITEMS: list[tuple[dict[str, Any], str, list[str]]] = [
    (
        {"mandatory_fields": ["item:class"]},
        "field_required",
        ["the Item '26-801-05-120.S' because the field Class has no value", '`class = "ID"` under `[item]`'],
    ),
    ({"hidden_on_form": ["item:taxSchedule"]}, "field_not_settable", ["the field taxschedule"]),
    ({"display_name_max_length": 1}, "field_too_long", ["the text in the field displayName is longer than 1 characters"]),
    ({"tax_schedule_over_rest": "refuse"}, "field_value_invalid", ["does not accept the tax schedule 'Non-taxable' (id "]),
]  # fmt: skip


@pytest.mark.parametrize(("world", "cause", "shown"), ITEMS, ids=[cause for _, cause, _ in ITEMS])
def test_an_item_that_the_account_refuses(
    open_office: OpenInstallation, world: dict[str, Any], cause: str, shown: list[str]
) -> None:
    found, sentence = refused_item(open_office(world=world))
    assert found == cause
    assert [words for words in shown if words not in sentence] == []
    assert "NetSuite's response: 400" in sentence


def test_an_item_without_its_account_names_the_setting(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_expense_account_id="")
    cause, sentence = refused_item(office)
    assert cause == "field_required"
    assert "To send one, set NETSUITE_EXPENSE_ACCOUNT_ID in the settings." in sentence


def test_a_vendor_of_another_subsidiary_is_shown_by_name(office: Installation) -> None:
    _, invoice = billable(office)
    office.stage.settings("netsuite", subsidiaries=SUBSIDIARIES)
    vendor = office.netsuite.vendors.get(vendor_id(office))
    assert vendor is not None
    vendor.subsidiary = ELSEWHERE
    outcome = office.export(invoice)
    assert outcome.cause == "not_in_subsidiary"
    assert f"because the vendor 'Blue Spruce Electric' (id {vendor.id}) is not available" in outcome.reason
    assert "in the subsidiary 'Harbor US' (id 2)" in outcome.reason
    assert f"Invalid entity reference key {vendor.id} for subsidiary 2" in outcome.reason, "NetSuite's response"

    queries = len(office.posts(SUITEQL_PATH))
    assert office.export(invoice).cause == "not_in_subsidiary"
    again = len(office.posts(SUITEQL_PATH)) - queries
    office.container.stores.cache.forget(f"name:vendor:{vendor.id}", "name:subsidiary:2")
    queries = len(office.posts(SUITEQL_PATH))
    office.export(invoice)
    assert len(office.posts(SUITEQL_PATH)) - queries == again + 2, "names are looked up once"


def test_an_item_and_a_project_of_another_subsidiary_are_shown_by_name(office: Installation) -> None:
    project, invoice = billable(office)
    office.stage.settings("netsuite", subsidiaries=SUBSIDIARIES)
    item = office.item(f"{project.number}-{CODE}")
    office.netsuite.edit_item(item.id, subsidiaries=(ELSEWHERE,))
    outcome = office.export(invoice)
    assert outcome.cause == "not_in_subsidiary"
    assert f"Item '26-801-05-120.S' (id {item.id})" in outcome.reason

    office.netsuite.edit_item(item.id, subsidiaries=(HERE,))
    job = office.netsuite.jobs.get(str(project.origin_id))
    assert job is not None
    job.subsidiary = ELSEWHERE
    outcome = office.export(invoice)
    assert outcome.cause == "field_value_invalid"
    assert f"project {job.companyname!r} (id {job.id}) in the field customer" in outcome.reason


def test_an_account_of_another_subsidiary_is_shown_by_name(open_office: OpenInstallation) -> None:
    office = open_office()
    account = office.netsuite.books.expense_account_id
    entry = {"id": account, "name": "Job Costs CA", "accttype": "COGS", "subsidiaries": [ELSEWHERE]}
    office.stage.settings("netsuite", subsidiaries=SUBSIDIARIES, lists={"account": [entry]})
    cause, sentence = refused_item(office)
    assert cause == "not_in_subsidiary"
    assert f"account 'Job Costs CA' (id {account})" in sentence
    assert "the subsidiary 'Harbor US' (id 2)" in sentence


def test_a_name_that_the_role_may_not_see_is_shown_by_its_id(office: Installation) -> None:
    _, invoice = billable(office)
    office.stage.settings("netsuite", subsidiaries=SUBSIDIARIES, missing_permissions=["subsidiary"])
    vendor = office.netsuite.vendors.get(vendor_id(office))
    assert vendor is not None
    vendor.subsidiary = ELSEWHERE
    outcome = office.export(invoice)
    assert outcome.cause == "not_in_subsidiary"
    assert "in the subsidiary 2. NetSuite's response" in outcome.reason
    assert office.problems("remote:") == {}, "a name is not worth a pause"


def test_an_inactive_entry_of_a_list_is_shown_by_name(office: Installation) -> None:
    office.stage.settings(
        "netsuite",
        currencies=[{"id": "1", "symbol": "USD", "name": "USD"}, {"id": "2", "symbol": "CAD", "name": "CAD"}],
        lists={"department": [{"id": "5", "name": "Field"}]},
    )
    names = office.container.exports.refusal_names
    vendor = vendor_id(office)
    facts = {"answer": "400 …", "value": "2", "entity": vendor, "path": ""}
    currency = names.explained(Blocked(cause=Cause.CURRENCY_NOT_OF_VENDOR, facts=facts), Series.BILLS, "the bill")
    assert (currency.facts["value"], currency.facts["entity"]) == (
        "the currency 'CAD' (id 2)",
        f"the vendor 'Blue Spruce Electric' (id {vendor})",
    )
    facts = {"answer": "400 …", "value": "5", "field": "department"}
    department = names.explained(Blocked(cause=Cause.FIELD_VALUE_INVALID, facts=facts), Series.BILLS, "the bill")
    assert department.facts["value"] == "the department 'Field' (id 5)"
    other = Blocked(cause=Cause.BILL_REJECTED, facts=facts)
    assert names.explained(other, Series.BILLS, "the bill") is other
