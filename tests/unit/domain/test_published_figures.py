"""Figures of pay applications that Procore's own pages print, and of answers that real accounts gave: each ties, as it does there.

Sources: Procore's API reference (example of a requisition), its support pages on setting and releasing retainage and on invoices for the
release of retainage, the field texts of `move_materials_to_previous_work_completed`; live rows of `contract_detail_items`. Where a page
prints only the retainage, the amounts are calculated from its 10 %.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from worker.clients.fields import read
from worker.clients.procore.wire import InvoiceRow
from worker.domain.bill_breakdown import break_down
from worker.domain.bill_lines import require_tie, require_whole_cents
from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice
from worker.domain.problems import Cause
from worker.domain.retainage import Retainage, retainage

FIELDS = {
    "before": "total_completed_and_stored_to_date_from_previous",
    "to_date": "total_completed_and_stored_to_date",
    "held_before": "work_completed_retainage_from_previous_application",
    "held": "work_completed_retainage_retained_this_period",
    "released": "work_completed_retainage_released_this_period",
    "materials_held": "materials_stored_retainage_currently_retained",
}
Lines = list[dict[str, str]]
Links = Callable[[int, int], dict[str, Any]]
"""From an invoice's number and a line's place to the fields that name its contract line and its line before."""


def own_ids(number: int, place: int) -> dict[str, Any]:
    return {"line_item_id": place}


def invoice(number: int, due: str, lines: Lines, links: Links = own_ids) -> Invoice:
    """Return an invoice as read from the wire."""
    items = [
        {
            "id": number * 100 + place,
            "wbs_code": {"id": 9, "flat_code": "01.S"},
            **{FIELDS[name]: amount for name, amount in line.items()},
            **links(number, place),
        }
        for place, line in enumerate(lines, 1)
    ]
    body = {
        "id": number, "project_id": 1, "commitment_id": 2, "previous_requisition_id": number - 1 or None, "number": number,
        "invoice_number": f"A-{number}", "status": "approved", "origin_id": None, "billing_date": "2026-10-31", "vendor_id": 3,
        "vendor_name": "V", "currency_configuration": {"currency_iso_code": "USD"}, "summary": {"current_payment_due": due},
        "items": items,
    }  # fmt: skip
    return read(InvoiceRow, json.loads(json.dumps(body))).invoice()


def tied(now: Invoice, before: Invoice | None) -> tuple[str, str]:
    """Return what is held and released. Raises Blocked unless the invoice ties; AssertionError unless the shown arithmetic does."""
    retained = retainage(now, before)
    require_whole_cents(now, retained)
    require_tie(now, retained)
    assert break_down(now, before).total == now.payment_due
    return str(retained.held), str(retained.released)


SETTING_RETAINAGE: Lines = [{"to_date": "500.00", "held": "50.00"}, {"to_date": "2096.30", "held": "209.63"}]
RELEASING_RETAINAGE: Lines = [
    {"before": "500.00", "to_date": "500.00", "held_before": "50.00", "released": "50.00"},
    {"before": "2096.30", "to_date": "2096.30", "held_before": "209.63", "released": "209.63"},
]
HELD_TEN_PERCENT: Lines = [{"to_date": "25000.00", "held": "2500.00"}, {"to_date": "12500.00", "held": "1250.00"}]
RELEASED_IN_PART: Lines = [
    {"before": "25000.00", "to_date": "25000.00", "held_before": "2500.00", "released": "2500.00"},
    {"before": "12500.00", "to_date": "12500.00", "held_before": "1250.00", "released": "625.00"},
]


@pytest.mark.parametrize(
    ("lines", "due", "retained", "lines_after", "due_after", "retained_after"),
    [
        (SETTING_RETAINAGE, "2336.67", ("259.63", "0.00"), RELEASING_RETAINAGE, "259.63", ("0.00", "259.63")),
        (HELD_TEN_PERCENT, "33750.00", ("3750.00", "0.00"), RELEASED_IN_PART, "3125.00", ("0.00", "3125.00")),
    ],
)
def test_retainage_that_procores_pages_set_and_release_ties(
    lines: Lines,
    due: str,
    retained: tuple[str, str],
    lines_after: Lines,
    due_after: str,
    retained_after: tuple[str, str],
) -> None:
    first, second = invoice(1, due, lines), invoice(2, due_after, lines_after)
    assert tied(first, None) == retained
    assert tied(second, first) == retained_after


def test_the_example_of_the_api_reference_ties_with_one_decimal_place() -> None:
    """Its amounts are numbers with one decimal place."""
    published = invoice(1, "10812.6", [{"to_date": "12014.0", "held": "1201.0", "materials_held": "0.4"}])
    assert tied(published, None) == ("1201.40", "0.00")


MARCH: Lines = [{"to_date": "12000.00", "held": "1000.00", "materials_held": "200.00"}]


@pytest.mark.parametrize(("held_before", "held"), [("1000.00", "500.00"), ("1200.00", "300.00")])
def test_materials_that_become_work_tie_however_their_retainage_moves(held_before: str, held: str) -> None:
    """The materials' retainage may count as held before or as held this period."""
    march = invoice(1, "10800.00", MARCH)
    april = invoice(
        2, "2700.00", [{"before": "12000.00", "to_date": "15000.00", "held_before": held_before, "held": held}]
    )
    assert tied(march, None) == ("1200.00", "0.00")
    assert tied(april, march) == ("300.00", "0.00")


# Rows of a subcontractor's schedule of values

FIRST: Lines = [
    {"to_date": "10000.00", "held": "1000.00"},
    {"to_date": "4000.00", "held": "400.00", "materials_held": "50.00"},
]
SECOND: Lines = [
    {"before": "10000.00", "to_date": "15000.00", "held_before": "1000.00", "held": "500.00"},
    {"before": "4000.00", "to_date": "4000.00", "held_before": "400.00", "materials_held": "50.00"},
]


def linked(number: int, place: int) -> dict[str, Any]:
    return {"previous_progress_id": (number - 1) * 100 + place if number > 1 else None}


@pytest.mark.parametrize(
    "links",
    [
        pytest.param(own_ids, id="ids of their own"),
        pytest.param(
            lambda number, place: {"line_item_id": 77, **linked(number, place)}, id="the contract line's id, linked"
        ),
        pytest.param(lambda number, place: {"line_item_id": 77}, id="the contract line's id"),
        pytest.param(linked, id="linked alone"),
        pytest.param(lambda number, place: {}, id="nothing"),
        pytest.param(lambda number, place: {"detail_line_item_id": 500 + place}, id="ids of the details alone"),
        pytest.param(
            lambda number, place: {"line_item_id": number * 10 + place, **linked(number, place)}, id="new ids, linked"
        ),
        pytest.param(
            lambda number, place: {"line_item_id": 77} if place == 1 else {}, id="one with an id, one without"
        ),
    ],
)
def test_an_invoice_ties_whatever_names_its_rows(links: Links) -> None:
    first, second = invoice(1, "12550.00", FIRST, links), invoice(2, "4500.00", SECOND, links)
    assert tied(first, None) == ("1450.00", "0.00")
    assert tied(second, first) == ("500.00", "0.00")


def test_a_new_or_removed_line_has_no_balance_on_the_other_invoice() -> None:
    """The line's id shows that the other invoice does not have the line."""
    first = invoice(1, "12550.00", FIRST)
    new: Lines = [SECOND[0], {"before": "0.00", "to_date": "100.00", "held_before": "40.00", "held": "10.00"}]
    second = invoice(2, "4590.00", new, lambda number, place: {"line_item_id": place if place == 1 else 99})
    assert tied(second, first) == ("510.00", "0.00")


def test_of_rows_that_share_an_id_the_link_says_which_is_gone() -> None:
    links: Links = lambda number, place: {"line_item_id": 77, **linked(number, place)}  # noqa: E731
    first = invoice(1, "12550.00", FIRST, links)
    assert tied(invoice(2, "4500.00", SECOND[:1], links), first) == ("500.00", "0.00")


# Parts of a cent


def refusal(now: Invoice, before: Invoice | None = None) -> tuple[Cause, str]:
    with pytest.raises(Blocked) as caught:
        tied(now, before)
    return caught.value.cause, caught.value.facts["what"]


@pytest.mark.parametrize("amount", ["258.741", "0.000000000001"])
def test_a_gross_with_fractions_of_a_cent_is_a_problem_that_names_the_line(amount: str) -> None:
    """Its cause is an amount that is not in whole cents, however small the fraction."""
    published = invoice(1, "100.00", [{"to_date": "100.00"}, {"to_date": amount}])
    assert refusal(published) == (Cause.AMOUNT_NOT_IN_WHOLE_CENTS, "line 2 (01.S)")


def test_half_a_cent_of_retainage_names_the_lines_that_have_one() -> None:
    published = invoice(1, "236.11", [{"to_date": "123.45", "held": "12.345"}, {"to_date": "125.00", "held": "0.00"}])
    assert refusal(published) == (Cause.AMOUNT_NOT_IN_WHOLE_CENTS, "the retainage held (line 1 (01.S))")


def test_half_cents_that_make_whole_ones_together_are_billed() -> None:
    half: Lines = [{"to_date": "123.45", "held": "12.345"}, {"to_date": "123.45", "held": "12.345"}]
    assert tied(invoice(1, "222.21", half), None) == ("24.69", "0.00")


def test_parts_of_a_cent_on_one_invoice_do_not_block_the_next() -> None:
    first = invoice(1, "258.74", [{"to_date": "258.741"}])
    assert refusal(first)[0] is Cause.AMOUNT_NOT_IN_WHOLE_CENTS
    assert tied(invoice(2, "100.00", [{"before": "258.741", "to_date": "358.741"}]), first) == ("0.00", "0.00")


def test_a_payment_due_with_parts_of_a_cent_is_named() -> None:
    assert refusal(invoice(1, "100.005", [{"to_date": "100.00"}]))[1] == "the payment due"


# The first invoice of a subcontract that was billed elsewhere before


def test_known_retainage_on_earlier_work_ties_without_a_previous_invoice() -> None:
    """No previous invoice is needed, because Procore states the balance."""
    published = invoice(
        1, "4050.00", [{"before": "9000.00", "to_date": "13500.00", "held_before": "900.00", "held": "450.00"}]
    )
    assert tied(published, None) == ("450.00", "0.00")


def test_unknown_earlier_retainage_on_materials_is_the_accountants_problem() -> None:
    """Without a previous invoice and a stated balance, the amount is unknown."""
    published = invoice(1, "4350.00", [{"before": "13000.00", "to_date": "17500.00", "held": "450.00"}])
    with pytest.raises(Blocked) as caught:
        tied(published, None)
    assert (caught.value.cause, caught.value.facts["billed_before"]) == (Cause.EARLIER_RETAINAGE_UNKNOWN, "13,000.00")


# A second witness


def test_procores_own_totals_say_what_an_invoice_retains() -> None:
    body: dict[str, Any] = {"gross_amount": "4500.0"}
    published = invoice(1, "4050.00", [{"to_date": "4500.00", "held": "450.00"}], lambda number, place: body)
    assert published.retainage_reported is None
    witnessed = read(
        InvoiceRow, {**_body(published), "payment_summary": {"invoiced_amount_due": "4050.00"}, "items": [body]}
    )
    assert witnessed.invoice().retainage_reported == Decimal("450.00") == Retainage(Decimal(450), Decimal(0)).net


def _body(published: Invoice) -> dict[str, Any]:
    return {
        "id": published.id, "project_id": 1, "commitment_id": 2, "previous_requisition_id": None, "status": "approved", "origin_id": None,
        "vendor_id": 3, "summary": {"current_payment_due": str(published.payment_due)},
    }  # fmt: skip
