"""Procore's bodies in the domain's words: nulls and news are taken, what is not as published is named."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.clients.remotes import answer
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
    return wire.read(wire.InvoiceRow, answer(200, INVOICE | changes).json()).invoice()


def test_an_invoice_is_read_with_its_lines() -> None:
    invoice = read_invoice()
    (line,) = invoice.lines
    assert (invoice.id, invoice.previous_id, invoice.number, invoice.document_number) == (417, 400, "3", "ACME-0417")
    assert (invoice.billing_date, invoice.payment_due) == (date(2026, 9, 30), Decimal("900.00"))
    assert (line.line_item_id, line.position, line.wbs_code_id, line.flat_code) == (11, 4, 901, "01-100.S")
    assert (line.gross, line.work_retained, line.materials_retained) == (Decimal(1000), Decimal(100), Decimal(0))


def test_what_procore_adds_to_its_answers_is_ignored() -> None:
    news = LINE | {"new": {"a": 1}, "wbs_code": LINE["wbs_code"] | {"colour": "red"}}
    assert read_invoice(items=[news], brand_new=[1, 2]) == read_invoice()


NULLABLE = ("previous_requisition_id", "number", "invoice_number", "status", "origin_id", "billing_date", "vendor_name", "currency_configuration")  # fmt: skip


@pytest.mark.parametrize("name", NULLABLE)
def test_a_field_that_is_null_reads_like_one_that_is_missing(name: str) -> None:
    missing = {key: value for key, value in INVOICE.items() if key != name}
    assert read_invoice(**{name: None}) == wire.read(wire.InvoiceRow, missing).invoice()


@pytest.mark.parametrize("name", [name for name in LINE if name != "id"])
def test_a_field_of_a_line_that_is_null_reads_like_one_that_is_missing(name: str) -> None:
    missing = {key: value for key, value in LINE.items() if key != name}
    assert read_invoice(items=[LINE | {name: None}]) == read_invoice(items=[missing])


def test_a_line_without_position_or_line_item_is_still_told_apart() -> None:
    bare = {"id": 7, "wbs_code": None}
    first, second = read_invoice(items=[bare, bare | {"id": 8}]).lines
    assert (first.line_item_id, first.position, first.wbs_code_id) == (7, 1, None)
    assert (second.line_item_id, second.position) == (8, 2)


def test_a_line_without_words_of_its_own_is_described_by_its_code() -> None:
    (line,) = read_invoice(items=[LINE | {"description_of_work": ""}]).lines
    assert line.description == "Concrete"


def test_ids_may_come_as_text() -> None:
    assert read_invoice(id="417", project_id="17", vendor_id="33") == read_invoice()


def test_without_several_currencies_the_invoices_own_is_the_base() -> None:
    invoice = read_invoice(currency_configuration={"currency_iso_code": "CAD", "base_currency_iso_code": None})
    assert invoice.currency == invoice.base_currency == "CAD"


@pytest.mark.parametrize("name", ["id", "project_id", "commitment_id", "vendor_id", "summary"])
def test_a_field_that_we_cannot_do_without_is_named_when_it_is_missing(name: str) -> None:
    for body in ({key: value for key, value in INVOICE.items() if key != name}, INVOICE | {name: None}):
        with pytest.raises(UnexpectedAnswer, match=f"Procore's Invoice is not as published: {name}"):
            wire.read(wire.InvoiceRow, body)


@pytest.mark.parametrize("amount", [900.0, True, "nine hundred", "900.001", "NaN", [], {}])
def test_money_that_is_no_decimal_of_whole_cents_is_refused(amount: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"summary\.current_payment_due"):
        wire.read(wire.InvoiceRow, INVOICE | {"summary": {"current_payment_due": amount}})


def test_money_that_comes_as_a_json_number_is_read_to_the_cent() -> None:
    body = json.dumps(INVOICE).replace('"900.00"', "900.10")
    assert wire.read(wire.InvoiceRow, answer(200, body).json()).invoice().payment_due == Decimal("900.10")


@pytest.mark.parametrize("body", [None, [], "text", 7, [INVOICE]])
def test_a_body_that_is_no_record_is_named_as_such(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="Invoice is not as published: body"):
        wire.read(wire.InvoiceRow, body)


@pytest.mark.parametrize("body", [{"errors": []}, None, "text", [{"name": "no id"}], {"data": {"id": 1}}])
def test_a_body_that_is_no_list_of_records_is_named_as_such(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="Project is not as published"):
        wire.read_list(wire.ProjectRow, body)


@pytest.mark.parametrize("body", [[{"id": 1}, {"id": 2}], {"data": [{"id": "1"}, {"id": "2"}]}])
def test_lists_come_bare_or_under_data(body: Any) -> None:
    assert [row.id for row in wire.read_list(wire.ProjectRow, body)] == [1, 2]


def test_a_complaint_names_a_few_fields_and_not_a_screenful() -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        wire.read_list(wire.ProjectRow, [{}] * 500)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("number", ["24-017", " 24 "])
def test_a_projects_number_is_taken_to_the_letter(number: str) -> None:
    row = wire.read(wire.ProjectRow, {"id": 17, "name": "Harbor", "project_number": number, "active": False})
    assert row.project() == Project(17, "Harbor", number, active=False)


@pytest.mark.parametrize("number", [None, ""])
def test_a_project_without_number_has_none(number: str | None) -> None:
    assert wire.read(wire.ProjectRow, {"id": 17, "project_number": number}).project().number is None


def test_a_codes_text_is_taken_to_the_letter() -> None:
    row = wire.read(wire.WbsCodeRow, {"id": "901", "flat_code": " 01-100.S ", "description": None})
    assert row.wbs_code() == WbsCode(901, " 01-100.S ", "")
