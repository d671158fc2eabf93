"""An account that demands further fields: the file sets them, plans show them by name, and nothing is guessed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.setting_faults import InvalidSettings
from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH, SUITEQL_PATH, VENDOR
from tests.kit.installation import Installation
from tests.kit.waiting import eventually
from worker.clients.netsuite.refusals import known_refusals
from worker.domain.fields_file import account_fields
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.problems import Cause
from worker.inspect.checks import Check
from worker.sync import field_sources
from worker.sync.billables import Billable

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.real

CODE = "05-120.S"
ACCOUNT: Mapping[str, Any] = {
    "typed_values": True,
    "mandatory_fields": [
        "vendorBill:department", "vendorBill:class", "vendorBill:item.location", "item:cseg_phase",
    ],
    "custom_field_types": {
        "cseg_phase": {"type": "reference", "list": "customrecord_cseg_phase", "label": "Phase", "records": ["item"]},
        "custbody_note": {"type": "text", "label": "Note"},
        "custcol_cost_type": {"type": "reference", "list": "customlist_cost_type", "label": "Cost Type"},
    },
    "lists": {
        "department": [{"id": "5", "name": "Field Operations"}, {"id": "6", "name": "Old", "isinactive": True}],
        "classification": [{"id": "12", "name": "Commercial"}],
        "location": [{"id": "3", "name": "Denver"}],
        "term": [{"id": "4", "name": "Net 30"}],
        "customrecord_cseg_phase": [{"id": "201", "name": "Structure"}, {"id": "299", "name": "Other"}],
        "customlist_cost_type": [{"id": "7", "name": "Subcontract"}],
    },
}  # fmt: skip
"""NetSuite's account: department and class on bills, a location on each line, a custom segment on Items."""
FIELDS = """
[item]
cseg_phase = { from = "wbs.cost_code", map = { "05-120" = "201" }, default = "299" }
[bill]
department = "5"
class = 12
terms = "4"
dueDate = { from = "invoice.billing_date", add_days = 30 }
custbody_note = { text = "Procore {invoice.number} of {project.number}" }
[bill.line]
location = "3"
custcol_cost_type = { from = "wbs.cost_type", map = { S = "7" } }
"""


def with_fields(open_office: OpenInstallation, tmp_path: Path, text: str, **account: Any) -> Installation:
    """Open an installation of this account with a file of fields."""
    file = tmp_path / "fields.toml"
    file.write_text(text)
    return open_office(world={**ACCOUNT, **account}, netsuite_fields_file=file)


def invoice_of(office: Installation, **options: Any) -> tuple[Project, Invoice]:
    project = office.new_project("24-901", [CODE])
    return project, office.new_invoice(project, (CODE, "900.00"), **options)


def check_of(office: Installation, name: str) -> Check:
    return next(check for check in office.container.checks.run() if check.name == name)


def test_items_and_bills_get_the_fields_that_the_account_demands(open_office: OpenInstallation, tmp_path: Path) -> None:
    office = with_fields(open_office, tmp_path, FIELDS)
    project, invoice = invoice_of(office)
    assert office.export(invoice).kind is OutcomeKind.CREATED
    bill, item = office.bill(invoice), office.item(f"{project.number}-{CODE}")
    assert item.fields["cseg_phase"] == {"id": "201"}
    due = bill.fields["dueDate"]
    assert bill.fields == {
        "department": {"id": "5"},
        "class": {"id": "12"},
        "terms": {"id": "4"},
        "dueDate": due,
        "custbody_note": f"Procore {invoice.number} of 24-901",
    }
    assert due > bill.trandate
    work, retainage = bill.lines
    assert work.fields == {"isBillable": False, "location": {"id": "3"}, "custcol_cost_type": {"id": "7"}}
    assert retainage.fields == {"isBillable": False, "location": {"id": "3"}}, "it has no code, so no cost type"
    assert office.problems() == {}


def test_a_scan_sets_them_too_and_a_comparison_finds_no_difference(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    office = with_fields(open_office, tmp_path, FIELDS)
    project, invoice = invoice_of(office)
    office.scan(project.id)
    office.export(invoice)
    office.bill(invoice).fields["department"] = {"id": "99"}
    office.item(f"{project.number}-{CODE}").fields["cseg_phase"] = {"id": "99"}
    found = office.container.verification.verify().findings
    about = [one for one in found if str(project.id) in one.problem_key]
    assert about == [], "an accountant may change a field afterwards"


def test_the_plan_shows_each_field_by_name_and_sends_exactly_that(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    office = with_fields(open_office, tmp_path, FIELDS)
    _, invoice = invoice_of(office)
    plan = office.container.planning.export_one(InvoiceKey(invoice.project_id, invoice.id))
    bill_line = plan.lines[-1]
    assert bill_line.data["fields"] == (
        ("department", "Field Operations (id 5)"),
        ("class", "Commercial (id 12)"),
        ("terms", "Net 30 (id 4)"),
        ("dueDate", str(invoice.billing_date + timedelta(days=30))),
        ("custbody_note", f"Procore {invoice.number} of 24-901"),
        ("line 1 location", "Denver (id 3)"),
        ("line 1 custcol_cost_type", "id 7"),
        ("line 2 location", "Denver (id 3)"),
    )
    office.export(invoice)
    sent = office.bill(invoice)
    assert sent.fields["dueDate"] == str(invoice.billing_date + timedelta(days=30))


def test_a_field_without_a_value_is_a_problem_before_anything_is_sent(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    office = with_fields(open_office, tmp_path, FIELDS.replace("S =", "M ="))
    _, invoice = invoice_of(office)
    office.export(invoice)
    key = f"invoice:{invoice.project_id}:{invoice.id}"
    assert office.problems() == {key: "field_source_empty"}
    sentence = office.sentence(key)
    assert "The field custcol_cost_type of the bill of invoice" in sentence
    assert "wbs.cost_type is S ([bill.line] in netsuite-fields.toml)" in sentence
    assert office.posts(BILL_PATH) == []

    office = office.reopened(netsuite_fields_file=write(tmp_path, FIELDS))
    office.retry(key)
    assert office.bill(invoice)
    assert office.problems() == {}


def write(folder: Path, text: str) -> Path:
    file = folder / "other-fields.toml"
    file.write_text(text)
    return file


def test_a_code_without_a_value_is_a_problem_and_its_item_is_not_sent(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    office = with_fields(open_office, tmp_path, FIELDS.replace(', default = "299"', "").replace("05-120", "05-999"))
    project, _ = invoice_of(office)
    office.scan(project.id)
    (cause,) = office.problems(f"code:{project.id}").values()
    assert cause == "field_source_empty"
    assert office.posts(ITEM_PATH) == []


def test_a_waiting_item_is_looked_up_again_with_another_file(open_office: OpenInstallation, tmp_path: Path) -> None:
    """Its record has the fields of the file with which it was looked up."""
    office = with_fields(open_office, tmp_path, FIELDS)
    project, _ = invoice_of(office)
    office.container.wbs_scan.scan_project(project.id)
    code = next(iter(project.codes.values()))
    record = office.code_record(project, code)
    assert record
    assert record.state is State.WAITING
    office = office.reopened(
        netsuite_fields_file=write(tmp_path, FIELDS.replace('"05-120" = "201"', '"05-120" = "299"'))
    )
    office.make_item(project, code)
    office.settle()
    assert office.item(f"{project.number}-{CODE}").fields["cseg_phase"] == {"id": "299"}


def test_an_item_whose_fields_are_all_left_out_is_looked_up_once(open_office: OpenInstallation, tmp_path: Path) -> None:
    text = '[item]\nclass = { from = "wbs.cost_type", map = { X = "12" }, default = "" }'
    office = with_fields(open_office, tmp_path, text, mandatory_fields=[])
    assert queries_of_a_scan(office, "24-902") == queries_of_a_scan(office.reopened(), "24-903")
    assert office.item(f"24-902-{CODE}").fields.get("class") is None


def queries_of_a_scan(office: Installation, number: str) -> int:
    """Scan a new project with one code. Return how many queries that takes."""
    project, mark = office.new_project(number, [CODE]), office.mark()
    office.scan(project.id)
    assert office.item(f"{number}-{CODE}")
    return len([one for one in office.requests(mark) if one["path"] == SUITEQL_PATH])


def test_an_unknown_custom_field_is_named_by_check_and_not_sent(open_office: OpenInstallation, tmp_path: Path) -> None:
    office = with_fields(open_office, tmp_path, FIELDS.replace("custbody_note", "custbody_nte"))
    found = check_of(office, "Fields of [bill]")
    assert found.ok is False
    assert found.message == "the metadata catalog shows no field custbody_nte of vendorBill"
    _, invoice = invoice_of(office)
    office.export(invoice)
    assert set(office.problems().values()) == {"field_unknown"}
    assert office.posts(BILL_PATH) == []


def test_check_names_each_record_and_those_that_cannot_be_used(open_office: OpenInstallation, tmp_path: Path) -> None:
    office = with_fields(open_office, tmp_path, FIELDS)
    found = check_of(office, "Fields of [bill]")
    assert found.ok
    assert "department: 5 (5 = Field Operations)" in found.message
    assert "dueDate: invoice.billing_date, +30 days" in found.message

    office = office.reopened(
        netsuite_fields_file=write(tmp_path, FIELDS.replace('department = "5"', 'department = "6"').replace("12", "13"))
    )
    found = check_of(office, "Fields of [bill]")
    assert found.ok is False
    assert found.message == "department 6: Old is inactive; class 13: NetSuite has no classification with this id"


def test_trying_a_project_shows_what_its_records_would_get(open_office: OpenInstallation, tmp_path: Path) -> None:
    office = with_fields(open_office, tmp_path, FIELDS)
    project, _ = invoice_of(office)
    listed = office.container.exports.projects.get(project.id)
    assert listed
    item, bill = office.container.field_views.tried(listed, ("approved",))
    assert item.fields == (("cseg_phase", "id 201"),)
    assert ("department", "Field Operations (id 5)") in bill.fields
    assert (item.problem, bill.problem) == ("", "")


def test_the_list_has_standard_and_custom_fields_with_what_they_are_set_to(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    known = with_fields(open_office, tmp_path, FIELDS).container.field_views.known()
    rows = {(one.place.value, one.name): (one.kind, one.custom, one.set_to) for one in known}
    assert rows["bill", "department"] == ("reference", False, "5")
    assert rows["bill", "custbody_note"] == ("text", True, "Procore {invoice.number} of {project.number}")
    assert rows["item", "cseg_phase"] == ("reference", True, "wbs.cost_code by a map, else 299")
    assert rows["credit.line", "custcol_cost_type"] == ("reference", True, "wbs.cost_type by a map")


def test_without_a_file_the_account_refuses_and_nothing_is_read_for_fields(open_office: OpenInstallation) -> None:
    office = open_office(world={**ACCOUNT, "mandatory_fields": []})
    _, invoice = invoice_of(office)
    assert office.export(invoice).kind is OutcomeKind.CREATED
    paths = [entry["path"] for entry in office.requests()]
    assert not [path for path in paths if "metadata-catalog/vendor" in path or "/job/" in path or "/vendor/" in path]
    assert office.bill(invoice).fields == {}


def test_values_come_from_the_records_of_both_systems(open_office: OpenInstallation, tmp_path: Path) -> None:
    text = """
        [bill]
        department = { from = "netsuite_project.custentity_department", default = "6" }
        terms = { from = "vendor.terms" }
        class = { from = "invoice.custom_field.Class", map = { Commercial = "12" } }
        custbody_note = { text = "{project.custom_field.Region}, {invoice.period_end}, {vendor.email}" }
        [bill.line]
        location = { from = "wbs.segment.Cost Type", map = { S = "3" }, default = "3" }
    """
    office = with_fields(open_office, tmp_path, text, mandatory_fields=[])
    project, invoice = invoice_of(office)
    vendor = next(one for one in office.netsuite.vendors if one.entityid == VENDOR or one.companyname == VENDOR)
    office.stage.settings(
        "netsuite",
        custom_field_types={
            **ACCOUNT["custom_field_types"],
            "custentity_department": {"type": "reference", "list": "department"},
        },
        record_fields={
            f"job:{project.origin_id}": {"custentity_department": {"id": "5"}},
            f"vendor:{vendor.id}": {"terms": {"id": "4"}, "email": "ap@example.com"},
        },
    )
    kind = office.procore.define_custom_field("Class", "lov_entry", ["Commercial", "Housing"])
    office.procore.set_custom_field("invoice", invoice.id, kind.id, "Commercial")
    region = office.procore.define_custom_field("Region")
    office.procore.set_custom_field("project", project.id, region.id, "Front Range")
    office.export(invoice)
    assert office.problems() == {}
    bill = office.bill(invoice)
    assert bill.fields == {
        "department": {"id": "5"},
        "terms": {"id": "4"},
        "class": {"id": "12"},
        "custbody_note": f"Front Range, {invoice.period_end.isoformat()}, ap@example.com",
    }
    assert [line.fields["location"] for line in bill.lines] == [{"id": "3"}, {"id": "3"}]


def test_the_file_adds_the_accounts_own_texts_of_refusals(open_office: OpenInstallation, tmp_path: Path) -> None:
    text = "[[refusals]]\ncause = 'field_required'\npattern = 'Wert fehlt: (?P<field>.+)'\n"
    office = with_fields(open_office, tmp_path, text, mandatory_fields=[])
    assert office.container.connections.refusals.patterns[0].pattern.pattern == "Wert fehlt: (?P<field>.+)"
    assert not office.container.policy.fields

    office = office.reopened(netsuite_fields_file=write(tmp_path, text.replace("field_required", "field_wanted")))
    with pytest.raises(InvalidSettings, match="the unknown cause 'field_wanted'"):
        office.container.require_own()


def test_values_of_projects_need_projects(open_office: OpenInstallation, tmp_path: Path) -> None:
    office = with_fields(
        open_office, tmp_path, '[bill]\ndepartment = { from = "netsuite_project.x" }', mandatory_fields=[]
    )
    with pytest.raises(InvalidSettings, match="NETSUITE_PROJECT_FIELD is none, but"):
        _ = office.reopened(
            netsuite_fields_file=tmp_path / "fields.toml", netsuite_project_field="none"
        ).container.policy


def test_the_example_that_ships_is_valid_with_every_line_in_use(tmp_path: Path) -> None:
    lines = (ROOT / "config" / "netsuite-fields.example.toml").read_text(encoding="utf-8").splitlines()
    used = [re.sub(r"^# (?=[a-zA-Z_]+ = |\[\[)", "", line) for line in lines]
    tables = tomllib.loads("\n".join(used))
    fields = account_fields(tables, "digest")
    assert {place: len(rules) for place, rules in fields.rules.items()} == {
        "item": 2, "bill": 5, "bill.line": 2, "credit": 2, "credit.line": 2
    }  # fmt: skip
    assert known_refusals(tables["refusals"])[0].cause is Cause.FIELD_REQUIRED


def test_a_source_that_the_app_may_not_read_is_named(open_office: OpenInstallation, tmp_path: Path) -> None:
    """Otherwise the budget would be reported as unreadable, and each waiting code would be blocked for it."""
    text = '[item]\nclass = { from = "project.custom_field.Office", map = { Denver = "12" } }'
    office = with_fields(open_office, tmp_path, text, mandatory_fields=[], definitions_forbidden=True)
    project, _ = invoice_of(office)
    office_of = office.procore.define_custom_field("Office", "lov_entry", ["Denver"])
    office.procore.set_custom_field("project", project.id, office_of.id, "Denver")
    office.scan(project.id)
    ((key, cause),) = office.problems(f"code:{project.id}").items()
    assert cause == "field_source_unreadable"
    assert "need values from project.custom_field." in office.sentence(key)
    assert office.problems(f"project:{project.id}") == {}
    office.stage.settings("procore", definitions_forbidden=False)
    office.retry(key)
    assert office.item(f"{project.number}-{CODE}").fields["class"] == {"id": "12"}


def test_what_codes_share_is_read_once_for_all_of_them(open_office: OpenInstallation, tmp_path: Path) -> None:
    text = '[item]\nclass = { from = "netsuite_project.custentity_class", default = "12" }'
    office = with_fields(open_office, tmp_path, text, mandatory_fields=[])
    few = office.new_project("24-904", ["01-100.S"], linked=False)
    many = office.new_project("24-905", [f"01-{number}.S" for number in range(100, 130)], linked=False)
    assert queries_of(office, few) < 10
    assert queries_of(office, many) < 10, "not one for each of its 30 codes"
    assert set(office.problems(f"code:{many.id}").values()) == {"project_not_linked"}


def queries_of(office: Installation, project: Project) -> int:
    mark = office.mark()
    office.scan(project.id)
    return len([one for one in office.requests(mark) if one["path"] == SUITEQL_PATH])


def test_a_field_that_is_added_to_the_account_is_found_within_a_minute(
    open_office: OpenInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(field_sources, "RECORD_SECONDS", 1)
    office = with_fields(open_office, tmp_path, '[bill]\ncustbody_region = "West"', mandatory_fields=[])
    _, invoice = invoice_of(office)
    assert office.export(invoice).cause == "field_unknown"
    types = {**ACCOUNT["custom_field_types"], "custbody_region": {"type": "text"}}
    office.stage.settings("netsuite", custom_field_types=types)
    eventually(lambda: office.export(invoice).kind is OutcomeKind.CREATED, 30)
    assert office.bill(invoice).fields["custbody_region"] == "West"


def test_a_credit_leaves_out_the_custom_fields_that_credits_do_not_have(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    types = {**ACCOUNT["custom_field_types"], "custbody_only_bills": {"type": "text", "records": ["vendorBill"]}}
    text = '[bill]\ndepartment = "5"\ncustbody_only_bills = "x"\n'
    office = with_fields(open_office, tmp_path, text, mandatory_fields=[], custom_field_types=types)
    office = office.reopened(netsuite_fields_file=tmp_path / "fields.toml", netsuite_create_credits=True)
    found = check_of(office, "Fields of [credit]")
    assert (found.ok, found.message) == (True, "department: 5 (5 = Field Operations)")
    kinds = office.container.exports.fields
    _, invoice = invoice_of(office)
    ready = office.container.preview.of(InvoiceKey(invoice.project_id, invoice.id))
    assert isinstance(ready, Billable)
    bill = office.container.preview.drafts.draft(ready, dict.fromkeys(ready.invoice.wbs_code_ids, "1"))
    credit = replace(bill, lines=tuple(replace(line, amount=-line.amount) for line in bill.lines))
    assert set(kinds.of_bill(ready.invoice, ready.project, bill).fields) == {"department", "custbody_only_bills"}
    assert set(kinds.of_bill(ready.invoice, ready.project, credit).fields) == {"department"}
