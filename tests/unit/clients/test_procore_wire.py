"""Procore's bodies as values of the domain: nulls and new fields are accepted, a field in another format is named."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.clients.remotes import answer
from worker.clients.fields import read, read_list, read_rows
from worker.clients.procore import wire
from worker.domain.errors import UnexpectedAnswer
from worker.domain.invoices import Invoice
from worker.domain.wbs_codes import Project, WbsCode

LINE: dict[str, Any] = {
    "id": 1,
    "line_item_id": 11,
    "position": 4,
    "description_of_work": "Slab on grade",
    "wbs_code": {"id": 901, "flat_code": "01-100.S", "description": "Concrete"},
    "total_completed_and_stored_to_date": "1500.00",
    "total_completed_and_stored_to_date_from_previous": "500.0",
    "work_completed_retainage_retained_this_period": "100.00",
}
PROJECT: dict[str, Any] = {"id": 17, "name": "Harbor", "project_number": "24", "active": True, "origin_id": None}
INVOICE: dict[str, Any] = {
    "id": 417,
    "project_id": 17,
    "commitment_id": 5,
    "previous_requisition_id": 400,
    "number": 3,
    "invoice_number": " ACME-0417 ",
    "status": "approved",
    "origin_id": None,
    "billing_date": "2026-09-30",
    "vendor_id": 33,
    "vendor_name": "Acme Concrete",
    "currency_configuration": {"currency_iso_code": "USD", "base_currency_iso_code": "USD"},
    "summary": {"current_payment_due": "900.00"},
    "items": [LINE],
}


def read_invoice(**changes: Any) -> Invoice:
    return read(wire.InvoiceRow, answer(200, INVOICE | changes).json()).invoice()


def test_an_invoice_is_read_with_its_lines() -> None:
    invoice = read_invoice()
    (line,) = invoice.lines
    assert (invoice.id, invoice.previous_id, invoice.number, invoice.document_number) == (417, 400, "3", "ACME-0417")
    assert (invoice.billing_date, invoice.payment_due) == (date(2026, 9, 30), Decimal("900.00"))
    assert (line.contract_line, line.position, line.wbs_code_id, line.flat_code) == ("11", 4, 901, "01-100.S")
    assert (line.gross, line.work_retained, line.materials_retained) == (Decimal(1000), Decimal(100), Decimal(0))


def test_unknown_fields_of_a_response_are_ignored() -> None:
    news = LINE | {"new": {"a": 1}, "wbs_code": LINE["wbs_code"] | {"colour": "red"}}
    assert read_invoice(items=[news], brand_new=[1, 2]) == read_invoice()


NULLABLE = ("number", "invoice_number", "billing_date", "vendor_name", "currency_configuration")


@pytest.mark.parametrize("name", NULLABLE)
def test_a_field_that_is_null_reads_like_one_that_is_missing(name: str) -> None:
    missing = {key: value for key, value in INVOICE.items() if key != name}
    assert read_invoice(**{name: None}) == read(wire.InvoiceRow, missing).invoice()


@pytest.mark.parametrize("name", ["origin_id", "previous_requisition_id"])
def test_a_field_whose_null_has_a_meaning_must_be_present(name: str) -> None:
    """Without them an invoice would look as if no other integration had it, or as if it were the subcontract's first one."""
    read_invoice(**{name: None})
    with pytest.raises(UnexpectedAnswer, match=f"{name}: is missing"):
        read(wire.InvoiceRow, {key: value for key, value in INVOICE.items() if key != name})


@pytest.mark.parametrize("name", [name for name in LINE if name != "id"])
def test_a_field_of_a_line_that_is_null_reads_like_one_that_is_missing(name: str) -> None:
    missing = {key: value for key, value in LINE.items() if key != name}
    assert read_invoice(items=[LINE | {name: None}]) == read_invoice(items=[missing])


def test_a_line_without_position_or_line_item_is_still_distinguished() -> None:
    bare = {"id": 7, "wbs_code": None}
    first, second = read_invoice(items=[bare, bare | {"id": 8}]).lines
    assert (first.id, first.contract_line, first.position, first.wbs_code_id) == (7, "", 1, None)
    assert (second.id, second.position) == (8, 2)


def test_a_line_without_a_description_has_that_of_its_code() -> None:
    (line,) = read_invoice(items=[LINE | {"description_of_work": ""}]).lines
    assert line.description == "Concrete"


def test_ids_may_come_as_text() -> None:
    assert read_invoice(id="417", project_id="17", vendor_id="33") == read_invoice()


def test_tax_is_read_and_zero_null_or_a_missing_field_means_none() -> None:
    summary = {"current_payment_due": "900.00"}
    assert read_invoice(summary=summary | {"tax_applicable_to_this_payment": "74.25"}).tax == Decimal("74.25")
    for none in (
        summary,
        summary | {"tax_applicable_to_this_payment": None},
        summary | {"tax_applicable_to_this_payment": "0.00"},
    ):
        assert read_invoice(summary=none).tax == 0


def test_without_several_currencies_the_invoices_own_is_the_base() -> None:
    invoice = read_invoice(currency_configuration={"currency_iso_code": "CAD", "base_currency_iso_code": None})
    assert invoice.currency == invoice.base_currency == "CAD"


@pytest.mark.parametrize("name", ["id", "project_id", "commitment_id", "vendor_id", "summary", "status", "items"])
def test_a_missing_required_field_is_named(name: str) -> None:
    without = {key: value for key, value in INVOICE.items() if key != name}
    for body in (without, INVOICE | {name: None}) if name != "vendor_id" else (without,):
        with pytest.raises(UnexpectedAnswer, match=f"Procore's Invoice is not in the documented format: {name}"):
            read(wire.InvoiceRow, body)


@pytest.mark.parametrize("amount", [900.0, True, "nine hundred", "NaN", [], {}, None, "", "-", "1e3", "9,00", 10**20])
def test_money_that_is_no_decimal_is_refused(amount: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"summary\.current_payment_due"):
        read(wire.InvoiceRow, INVOICE | {"summary": {"current_payment_due": amount}})


@pytest.mark.parametrize(
    "value",
    ["x", "", "-1", -1, 0, True, 17.5, Decimal("17.5"), 2**63, "9" * 19, "9" * 4000, "1_7", " 17", "\u0661", [], {}],
)
@pytest.mark.parametrize("name", ["id", "project_id", "commitment_id", "vendor_id", "previous_requisition_id"])
def test_an_invalid_id_is_named(name: str, value: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match=f"Invoice is not in the documented format: {name}: .* is not an id"):
        read(wire.InvoiceRow, INVOICE | {name: value})


@pytest.mark.parametrize(
    "value",
    [
        1759190400,
        "1759190400",
        "20260930",
        "09/30/2026",
        "2026-9-30",
        "2026-02-30",
        "2026-09-30T",
        "2026-09-30 or later",
        ["2026-09-30"],
        True,
    ],
)
def test_a_day_in_another_form_is_named(value: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="billing_date: "):
        read_invoice(billing_date=value)


@pytest.mark.parametrize("value", [[], {}, True, 1.5, {"a": 1}])
@pytest.mark.parametrize("name", ["invoice_number", "status", "origin_id"])
def test_a_value_that_is_no_text_is_not_converted(name: str, value: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match=f"{name}: .* is not text"):
        read_invoice(**{name: value})


@pytest.mark.parametrize("text", ["2026-09-30T00:00:00Z", "2026-09-30T23:30:00.000-05:00", "2026-09-30 00:00:00 +0000"])
def test_a_billing_date_with_a_time_is_the_day_that_is_written(text: str) -> None:
    assert read_invoice(billing_date=text) == read_invoice()


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_billing_date_is_none(empty: str | None) -> None:
    assert read_invoice(billing_date=empty).billing_date is None


ODD: list[Any] = [[], {}, {"a": 1}, True, 1.5, -1, "x", "", None]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("name", ["number", "vendor_name", "payment_summary"])
def test_a_field_that_is_only_shown_never_blocks_an_invoice(name: str, value: Any) -> None:
    with_odd_value = read_invoice(**{name: value})
    assert (with_odd_value.payment_due, with_odd_value.lines) == (Decimal("900.00"), read_invoice().lines)


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(
    "name",
    ["id", "item_type", "line_item_id", "detail_line_item_id", "previous_progress_id", "position", "description_of_work",
     "gross_amount", "status", "comment", "line_number"],
)  # fmt: skip
def test_a_field_that_is_only_shown_or_matched_never_blocks_a_line(name: str, value: Any) -> None:
    (with_odd_value,), (plain,) = read_invoice(items=[LINE | {name: value}]).lines, read_invoice().lines
    assert (with_odd_value.gross, with_odd_value.work_retained, with_odd_value.wbs_code_id) == (
        plain.gross,
        plain.work_retained,
        plain.wbs_code_id,
    )


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(
    "name", ["number", "vendor_name", "vendor_id", "updated_at", "summary", "currency_configuration"]
)
def test_a_field_that_is_only_shown_never_stops_a_list(name: str, value: Any) -> None:
    odd_row = INVOICE | {"id": 418, name: value}
    parts = {"summary": {"current_payment_due": value}, "currency_configuration": {"currency_iso_code": value}}
    listed = [row.head("approved") for row in read_list(wire.InvoiceHeadRow, [INVOICE, odd_row, odd_row | parts])]
    assert [head.id for head in listed] == [417, 418, 418]
    assert listed[0].facts == {
        "invoice": " ACME-0417 ",
        "vendor": "Acme Concrete",
        "number": "3",
        "payment_due": "900.00",
    }


@pytest.mark.parametrize(("position", "read_as"), [("7", 7), (7, 7), ("A.1", 1), (True, 1), (None, 1)])
def test_a_position_may_be_text_and_defaults_to_the_lines_place(position: Any, read_as: int) -> None:
    """A position that is not a number is replaced by the line's place on the invoice."""
    (line,) = read_invoice(items=[LINE | {"position": position}]).lines
    assert line.position == read_as


@pytest.mark.parametrize("value", ['"258.741"', "258.741", '"0.000000000001"'])
def test_parts_of_a_cent_are_read_unchanged(value: str) -> None:
    line = LINE | {"total_completed_and_stored_to_date": "here"}
    body = json.dumps(INVOICE | {"items": [line], "summary": {"current_payment_due": "here"}}).replace('"here"', value)
    invoice = read(wire.InvoiceRow, answer(200, body).json()).invoice()
    assert invoice.lines[0].completed_to_date == invoice.payment_due == Decimal(value.strip('"'))


def test_a_commitment_may_have_no_company() -> None:
    assert read_invoice(vendor_id=None).vendor_id is None


PARTS = {
    "work_completed_from_previous_application": "300.00",
    "work_completed_this_period": "900.00",
    "materials_presently_stored": "300.00",
    "materials_presently_stored_from_previous_progress": "250.00",
    "materials_moved": "50.00",
}


@pytest.mark.parametrize("missing", [{}, None])
def test_totals_that_procore_leaves_out_are_added_up_from_their_parts(missing: Any) -> None:
    """Materials that Procore moved into earlier work are in both of its figures; they count once."""
    totals = ("total_completed_and_stored_to_date", "total_completed_and_stored_to_date_from_previous")
    plain = {name: value for name, value in LINE.items() if name not in totals}
    nulls = dict.fromkeys(totals) if missing is None else {}
    (line,) = read_invoice(items=[plain | nulls | PARTS]).lines
    assert (line.completed_before, line.completed_to_date) == (Decimal("500.00"), Decimal("1500.00"))


def test_procores_own_total_is_used_whatever_the_sum_of_its_parts() -> None:
    assert read_invoice(items=[LINE | PARTS]).lines[0].completed_before == Decimal("500.00")


@pytest.mark.parametrize("text", [None, "", "  ", [], 1.5])
def test_a_code_without_a_text_is_read_with_a_blank_text(text: Any) -> None:
    """The text may never be needed; where it is, the code gets no name."""
    assert read(wire.WbsCodeRow, {"id": 902, "flat_code": text, "description": text}).flat_code.strip() == ""


def test_one_row_that_is_not_as_published_leaves_the_others() -> None:
    rows = [{"id": 901, "flat_code": "01"}, {"id": None, "flat_code": "02"}, "odd", {"id": "903"}]
    readable, unreadable = read_rows(wire.WbsCodeRow, rows)
    assert [row.id for row in readable] == [901, 903]
    assert [row.id for row in unreadable] == [None, None]
    assert unreadable[0].complaint == "Procore's WbsCode is not in the documented format: id: null is not an id"
    _, unreadable = read_rows(wire.ProjectRow, [PROJECT | {"active": "perhaps"}])
    assert unreadable[0].id == PROJECT["id"]
    with pytest.raises(UnexpectedAnswer):
        read_rows(wire.WbsCodeRow, {"id": 901})


@pytest.mark.parametrize(
    ("flags", "purpose"),
    [({}, ""), ({"template": False}, ""), ({"template": True}, "template"), ({"is_demo": True}, "sample project")],
)
def test_the_purpose_of_a_project_is_read(flags: dict[str, bool], purpose: str) -> None:
    project = read(wire.ProjectRow, PROJECT | {"active": True, "is_demo": False} | flags).project()
    assert (project.purpose, project.active) == (purpose, not purpose)


@pytest.mark.parametrize("active", [None, "yes", 1, "true", []])
def test_whether_a_project_is_active_is_not_guessed(active: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="active"):
        read(wire.ProjectRow, PROJECT | {"active": active})


def test_half_a_character_is_replaced_and_a_huge_text_is_cut() -> None:
    invoice = read_invoice(vendor_name="Acme \ud83c", invoice_number="x" * 1_000_000)
    assert invoice.vendor_name == "Acme \N{REPLACEMENT CHARACTER}"
    assert len(invoice.document_number) == 1001


def test_an_error_repeats_no_long_value() -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        read_invoice(id="sesame" * 9, summary={"current_payment_due": "sesame" * 9}, billing_date="sesame" * 9)
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_money_that_comes_as_a_json_number_is_read_to_the_cent() -> None:
    body = json.dumps(INVOICE).replace('"900.00"', "900.10")
    assert read(wire.InvoiceRow, answer(200, body).json()).invoice().payment_due == Decimal("900.10")


@pytest.mark.parametrize("body", [None, [], "text", 7, [INVOICE]])
def test_a_body_that_is_no_record_is_reported(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="Invoice is not in the documented format: body"):
        read(wire.InvoiceRow, body)


@pytest.mark.parametrize("body", [{"errors": []}, None, "text", [{"name": "no id"}], {"data": {"id": 1}}])
def test_a_body_that_is_no_list_of_records_is_reported(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="Project is not in the documented format"):
        read_list(wire.ProjectRow, wire.rows_of(body))


@pytest.mark.parametrize("body", [[{"id": 1}, {"id": 2}], {"data": [{"id": "1"}, {"id": "2"}]}])
def test_lists_come_bare_or_under_data(body: Any) -> None:
    assert [row.id for row in read_list(wire.BudgetViewRow, wire.rows_of(body))] == [1, 2]


def test_an_error_names_only_a_few_fields() -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        read_list(wire.ProjectRow, [{}] * 500)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("number", ["24-017", " 24 "])
def test_a_projects_number_is_read_literally(number: str) -> None:
    row = read(wire.ProjectRow, PROJECT | {"project_number": number})
    assert row.project() == Project(17, "Harbor", number, active=True)


@pytest.mark.parametrize("number", [None, ""])
def test_a_project_without_number_has_none(number: str | None) -> None:
    assert read(wire.ProjectRow, PROJECT | {"project_number": number}).project().number is None


def test_a_codes_text_is_read_literally() -> None:
    row = read(wire.WbsCodeRow, {"id": "901", "flat_code": " 01-100.S ", "description": None})
    assert row.wbs_code() == WbsCode(901, " 01-100.S ", "")
