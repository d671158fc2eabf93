"""The file with NetSuite's fields: its rules, and a sentence for each fault before anything starts."""

from __future__ import annotations

import tomllib

import pytest

from tests.published.shape import record
from worker.domain.field_kinds import OURS, STANDARD, FieldKind, Place
from worker.domain.fields_file import InvalidFields, account_fields

RECORDS = {
    Place.ITEM: ("otherChargePurchaseItem", ""),
    Place.BILL: ("vendorBill", ""),
    Place.CREDIT: ("vendorCredit", ""),
    Place.BILL_LINE: ("vendorBill", "item.items[]."),
    Place.CREDIT_LINE: ("vendorCredit", "item.items[]."),
}
PUBLISHED = {
    FieldKind.TEXT: "string",
    FieldKind.DATE: "string",
    FieldKind.BOOLEAN: "boolean",
    FieldKind.INTEGER: "integer",
    FieldKind.NUMBER: "number",
    FieldKind.REFERENCE: "object",
}


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidFields) as caught:
        account_fields(tomllib.loads(text), "digest")
    return caught.value.faults


@pytest.mark.parametrize("place", Place)
def test_each_standard_field_is_published_with_its_kind(place: Place) -> None:
    record_type, prefix = RECORDS[place]
    properties = record(record_type).properties
    for name, kind in STANDARD[place].items():
        assert properties[prefix + name] == PUBLISHED[kind], name


def test_no_standard_field_is_one_that_only_wbs_sync_writes() -> None:
    for place in Place:
        assert not set(STANDARD[place]) & set(OURS)


def test_the_example_of_all_tables_is_read() -> None:
    fields = account_fields(
        tomllib.loads("""
            [item]
            class = "12"
            custitem_phase = { from = "wbs.segment.Phase", map = { "1" = "201", "2" = "202" }, default = "299" }
            [bill]
            department = { from = "netsuite_project.department", default = "5" }
            terms = { from = "vendor.terms" }
            dueDate = { from = "invoice.billing_date", add_days = 30 }
            approvalStatus = "1"
            custbody_procore_link = { from = "invoice.url" }
            custbody_region = { from = "invoice.custom_field_598134", kind = "text" }
            custbody_state = { from = "project.custom_field.Home State" }
            [bill.line]
            location = { from = "netsuite_project.location" }
            cseg_phase = { from = "wbs.cost_type", map = { S = "7", M = "8" } }
        """),
        "digest",
    )
    named = {place: [rule.name for rule in fields.of(place)] for place in Place}
    assert named == {
        Place.ITEM: ["class", "custitem_phase"],
        Place.BILL: [
            "department", "terms", "dueDate", "approvalStatus", "custbody_procore_link", "custbody_region",
            "custbody_state",
        ],
        Place.BILL_LINE: ["location", "cseg_phase"],
        Place.CREDIT: ["department", "custbody_procore_link", "custbody_region", "custbody_state"],
        Place.CREDIT_LINE: ["location", "cseg_phase"],
    }  # fmt: skip
    assert fields.reads("vendor")
    assert not fields.reads("vendor", Place.ITEM)


def test_credits_take_the_fields_of_bills_unless_the_file_has_their_own() -> None:
    text = '[bill]\ndepartment = "5"\n[bill.line]\nlocation = "2"\n[credit]\ndepartment = "6"\n'
    fields = account_fields(tomllib.loads(text), "digest")
    assert [rule.default for rule in fields.of(Place.CREDIT)] == ["6"]
    assert [(rule.place, rule.default) for rule in fields.of(Place.CREDIT_LINE)] == [(Place.CREDIT_LINE, "2")]


@pytest.mark.parametrize("own", ['[credit.line]\nlocation = "3"', "[credit]\n[credit.line]"])
def test_a_table_of_credits_without_fields_replaces_nothing(own: str) -> None:
    fields = account_fields(tomllib.loads(f'[bill]\ndepartment = "5"\ncustomForm = "9"\n{own}'), "digest")
    assert [(rule.name, rule.inherited) for rule in fields.of(Place.CREDIT)] == [("department", True)]


def test_a_fixed_value_may_name_its_kind() -> None:
    fields = account_fields(tomllib.loads('[item]\ncseg_phase = { value = 5, kind = "reference" }'), "digest")
    (rule,) = fields.of(Place.ITEM)
    assert (rule.kind, rule.default, rule.sources) == ("reference", "5", ())


def test_an_empty_file_sets_nothing() -> None:
    assert not account_fields({}, "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[bill]\ndepartement = "5"', "[bill] departement: is not a field that can be set here; names are those of NetSuite's REST API, such as dueDate or custbody_region."),
        ('[item]\nterms = "4"', "[item] terms: is not a field that can be set here; it is a field of [bill]."),
        ('[bill]\ntranId = "x"', "[bill] tranId: cannot be set here: it is the invoice's number."),
        ('[bill.line]\nrate = 5', "[bill.line] rate: cannot be set here: it changes the amount of the bill."),
        ('[bill]\nsubsidiary = "3"', "[bill] subsidiary: cannot be set here: NETSUITE_SUBSIDIARY_ID sets it."),
        ('[bill]\ndepartment = "five"', "[bill] department: must be an internal id, not 'five'."),
        ('[bill]\ndueDate = "soon"', "[bill] dueDate: must be a date such as 2026-11-30, not 'soon'."),
        ('[bill]\nterms = { from = "vendr.terms" }', "[bill] terms: has the unknown source 'vendr.terms'; sources begin with invoice, line, wbs, project, netsuite_project, vendor."),
        ('[bill]\nterms = { from = "line.description" }', "[bill] terms: has the source 'line.description', which [bill] does not have."),
        ('[item]\nclass = { from = "vendor.class" }', "[item] class: has the source 'vendor.class', which [item] does not have."),
        ('[bill.line]\nlocation = { from = "line.kind" }', "[bill.line] location: has the unknown source 'line.kind'; there are line.amount_kind, line.description."),
        ('[bill]\nterms = { from = "project.custom_field." }', "[bill] terms: has the unknown source 'project.custom_field.'; there are project.id, project.name, project.number and project.custom_field.LABEL."),
        ('[bill]\nterms = { map = { a = "1" } }', "[bill] terms: needs either `from` with a source, `text` with sources in braces, or a fixed `value`."),
        ('[bill]\nterms = { from = "vendor.terms", text = "x" }', "[bill] terms: needs either `from` with a source, `text` with sources in braces, or a fixed `value`."),
        ('[bill]\nterms = { from = "vendor.terms", to = "x" }', "[bill] terms: has the unknown key 'to'; the keys are from, text, value, map, default, add_days, kind."),
        ('[bill]\nterms = { from = "vendor.terms", map = { a = "b" } }', "[bill] terms: must be an internal id, not 'b'."),
        ('[bill]\nterms = { from = "vendor.terms", add_days = 3 }', "[bill] terms: has `add_days`, but is not a date."),
        ('[bill]\ndueDate = { from = "invoice.billing_date", add_days = true }', "[bill] dueDate: has `add_days` that is not a number of days up to 3650."),
        ('[bill]\nterms = { from = "vendor.terms", kind = "text" }', "[bill] terms: is of the kind reference."),
        ('[bill]\ncustbody_x = { from = "vendor.x", kind = "list" }', "[bill] custbody_x: has an unknown `kind`; the kinds are text, number, integer, boolean, date, reference, multi-select."),
        ('[bill]\ncustitem_x = "4"', "[bill] custitem_x: is a field of [item]."),
        ('[bill]\ncustbody_x = { text = "a {b c}" }', "[bill] custbody_x: has the unknown source 'b c'; sources begin with invoice, line, wbs, project, netsuite_project, vendor."),
        ('[bill]\ncustbody_x = { text = "a {invoice.number" }', "[bill] custbody_x: has no sources in `text`; give a fixed value without `text`."),
        ('[bill]\nterms = ""', "[bill] terms: has no value; leave the field out, or give an internal id or text."),
        ('[bill]\ncustbody_x = { from = "vendor.x", kind = [] }', "[bill] custbody_x: has an unknown `kind`; the kinds are text, number, integer, boolean, date, reference, multi-select."),
        ('[bill]\ncustbody_x = { value = "5", default = "6" }', "[bill] custbody_x: has a fixed `value`, so it cannot have `default`."),
        ('[bill]\nterms = { from = "vendor.terms", map = {} }', "[bill] terms: has a `map` that is not a table of values of its source."),
        ('bill = 3', "[bill]: must be a table with a line for each field."),
        ('[vendor]\nterms = "4"', "[vendor]: is not a table of this file; there are [item], [bill], [bill.line], [credit] and [credit.line]."),
    ],
)  # fmt: skip
def test_each_fault_is_one_sentence_with_its_place(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_all_faults_are_reported_at_once() -> None:
    assert len(faults('[bill]\ndepartment = "a"\nterms = "b"\n[item]\nclass = "c"')) == 3
