"""The form that the integration's role uses: a missing mandatory field is refused by its label, a hidden one as documented."""

from __future__ import annotations

import pytest

from simulators.netsuite.wire import NetSuiteError
from tests.unit.simulators.conftest import BILLS, Account, bill_body, problem
from tests.unit.simulators.netsuite_desk import Desk, refusal

DEPARTMENT = {"id": "5"}


@pytest.mark.parametrize(
    ("field", "words", "path"),
    [
        ("vendorBill:department", "Department", "department"),
        ("department", "Department", "department"),
        ("vendorBill:class", "Class", "class"),
        ("vendorBill:dueDate", "Due Date", "dueDate"),
        ("vendorBill:memo", "Memo", "memo"),
        ("vendorBill:item.location", "Location", "item.items[0].location"),
    ],
)
def test_a_bill_without_a_mandatory_field_is_refused_by_its_label(field: str, words: str, path: str) -> None:
    desk = Desk(mandatory_fields=[field])
    assert refusal(desk.bill) == (f"Please enter value(s) for: {words}.", path)


def test_a_bill_with_all_mandatory_fields_is_written() -> None:
    desk = Desk(mandatory_fields=["vendorBill:department", "vendorBill:item.location"])
    desk.bill(department=DEPARTMENT, lines={"location": {"id": "7"}})
    lines = bill_body(None, "", "1.00", "2.00")["item"]["items"]
    lines[0]["location"] = {"id": "7"}
    assert refusal(desk.bill, department=DEPARTMENT, item={"items": lines})[1] == "item.items[1].location"


def test_expense_lines_have_their_own_mandatory_fields() -> None:
    desk = Desk(mandatory_fields=["vendorBill:expense.location"])
    desk.bill()
    expense = {"items": [{"account": {"id": "218"}, "amount": 5.0}]}
    assert refusal(desk.bill, expense=expense)[1] == "expense.items[0].location"


def test_each_record_type_has_its_own_mandatory_fields() -> None:
    desk = Desk(mandatory_fields=["vendorCredit:department"])
    desk.bill("vendorBill")
    assert refusal(desk.bill, "vendorCredit")[1] == "department"
    desk.bill("vendorCredit", department=DEPARTMENT)


@pytest.mark.parametrize("group", ["item", "otherChargePurchaseItem"])
def test_an_item_without_its_segment_is_refused_by_the_accounts_label(group: str) -> None:
    desk = Desk(
        mandatory_fields=[f"{group}:cseg_phase"],
        field_labels={"cseg_phase": "Project Phase"},
        custom_fields=["cseg_phase"],
    )
    assert refusal(desk.item) == ("Please enter value(s) for: Project Phase.", "cseg_phase")
    desk.item(cseg_phase={"id": "2"})


def test_an_update_must_leave_no_mandatory_field_empty() -> None:
    desk = Desk()
    bill = desk.bill(department=DEPARTMENT)
    desk.state.settings.mandatory_fields = ["vendorBill:department"]
    desk.change("vendorBill", bill, memo="later")
    assert refusal(desk.change, "vendorBill", bill, department=None)[1] == "department"


def test_an_account_may_name_all_missing_fields_at_once() -> None:
    desk = Desk(mandatory_fields=["vendorBill:department", "vendorBill:item.class", "vendorBill:item.location"])
    assert refusal(desk.bill)[0] == "Please enter value(s) for: Department."
    desk.state.settings.missing_fields_at_once = True
    assert refusal(desk.bill)[0] == "Please enter value(s) for: Department, Class, Location."


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("memo", "memo"),
        ("vendorBill:memo", "memo"),
        ("item.location", "item.items[1].location"),
        ("vendorBill:expense.location", "expense.items[0].location"),
    ],
)
def test_a_field_that_the_form_hides_is_refused_where_it_was_sent(field: str, path: str) -> None:
    desk = Desk(hidden_on_form=[field])
    desk.bill(dueDate="2026-11-30")
    lines = bill_body(None, "", "1.00", "2.00")["item"]["items"]
    lines[1]["location"] = {"id": "7"}
    expense = {"items": [{"account": {"id": "218"}, "amount": 5.0, "location": {"id": "7"}}]}
    with pytest.raises(NetSuiteError) as refused:
        desk.bill(memo="x", item={"items": lines}, expense=expense)
    element = field.rpartition(":")[2]
    assert refused.value.detail.startswith(f"You do not have permissions to set a value for element {element} due to ")
    assert (refused.value.status, refused.value.code) == (400, "INSUFFICIENT_PERMISSION")
    assert refused.value.path == path


def test_a_field_hidden_on_one_form_is_taken_by_the_others() -> None:
    desk = Desk(hidden_on_form=["vendorCredit:memo", "item:department"])
    desk.bill(memo="x", department=DEPARTMENT)
    assert refusal(desk.bill, "vendorCredit", memo="x")[1] == "memo"
    assert refusal(desk.item, department=DEPARTMENT)[1] == "department"
    desk.item()


def test_the_admin_endpoint_sets_what_the_form_demands(account: Account) -> None:
    change = {"mandatory_fields": ["vendorBill:department"], "field_labels": {"department": "Cost Center"}}
    assert account.send("PATCH", "/_admin/settings", change).status_code == 200
    status, code, text = problem(account.send("POST", BILLS, bill_body("b-1", "INV-1", "10.00")))
    assert (status, code) == (400, NetSuiteError("").code)
    assert text == "Error while accessing a resource. Please enter value(s) for: Cost Center."
    assert account.state.writes() == []
