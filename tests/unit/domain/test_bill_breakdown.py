"""The breakdown has the amounts of the bill, and each amount is the sum of its terms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.test_invoices import AMOUNTS, FIXED, amount, invoice, line
from worker.domain.bill_breakdown import BillBreakdown, break_down
from worker.domain.bill_lines import bill_lines
from worker.domain.invoices import Invoice, InvoiceLine
from worker.domain.retainage import retainage

cents = st.integers(-100_000, 100_000).map(lambda number: Decimal(number) / 100)


@st.composite
def lines_of(draw: st.DrawFn) -> list[InvoiceLine]:
    count = draw(st.integers(1, 4))
    figures: list[dict[str, Any]] = [{name: draw(cents) for name in AMOUNTS} for _ in range(count)]
    return [line(place, **amounts) for place, amounts in enumerate(figures, 1)]


def require_sums(breakdown: BillBreakdown) -> None:
    for bill_line in breakdown.lines:
        assert sum((term.amount for term in bill_line.terms), Decimal(0)) == bill_line.amount


@given(now=lines_of(), before=st.none() | lines_of(), tax=st.just(Decimal(0)) | cents)
def test_every_amount_is_the_sum_of_its_terms_and_equals_that_of_the_bill(
    now: list[InvoiceLine], before: list[InvoiceLine] | None, tax: Decimal
) -> None:
    bill, previous = invoice(*now, tax=tax), invoice(*before) if before else None
    breakdown = break_down(bill, previous)
    require_sums(breakdown)
    items = {code_id: str(code_id) for code_id in bill.wbs_code_ids}
    written = bill_lines(bill, retainage(bill, previous), items, FIXED)
    assert [one.amount for one in breakdown.lines] == [one.amount for one in written]
    assert breakdown.total == sum(one.amount for one in written)


def of_retainage(bill: Invoice, previous: Invoice | None) -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [
        (one.label, str(one.amount), [(term.label, str(term.amount)) for term in one.terms])
        for one in break_down(bill, previous).lines
        if one.wbs_code_id is None
    ]


def test_retainage_moved_from_materials_into_work_is_shown_by_balances() -> None:
    """The example of docs/decisions/0006-retainage-from-balances.md."""
    march = line(work_retained=amount("1000.00"), materials_retained=amount("200.00"))
    april = line(work_retained_before=amount("1000.00"), work_retained=amount("500.00"))
    assert of_retainage(invoice(april), invoice(march)) == [
        (
            "Retainage held",
            "-300.00",
            [
                ("retainage balance, prior invoice", "1200.00"),
                ("retainage on work, prior invoices", "-1000.00"),
                ("retainage on work, this period", "-500.00"),
            ],
        )
    ]


def test_held_and_released_on_one_invoice_are_two_lines() -> None:
    now = line(work_retained_before=amount("3000.00"), work_retained=amount("300.00"), work_released=amount("3000.00"))
    assert of_retainage(invoice(now), None) == [
        ("Retainage held", "-300.00", [("retainage on work, this period", "-300.00")]),
        ("Retainage released", "3000.00", [("retainage released on work, this period", "3000.00")]),
    ]


def test_a_line_without_a_code_is_broken_down_too() -> None:
    (bill_line,) = break_down(invoice(line(wbs_code_id=None, completed_to_date=amount("5.00"))), None).lines
    assert (bill_line.wbs_code_id, bill_line.amount) == (None, amount("5.00"))
