"""From a subcontractor invoice to its bill: the arithmetic, the tie to the cent, and every refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.bill_lines import FixedItems, bill_lines, bills_nothing, require_retainage_item, require_tie
from worker.domain.bills import BillLine
from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice, InvoiceLine, reason_to_skip, require_billable
from worker.domain.problems import Cause, describe
from worker.domain.retainage import Retainage, retainage

FIXED = FixedItems(retainage="9000", tax="9001")
AMOUNTS = (
    "completed_to_date",
    "completed_before",
    "work_retained_before",
    "work_retained",
    "work_released",
    "materials_retained",
    "materials_released",
)


def amount(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"))


def line(place: int = 1, *, wbs_code_id: int | None = 0, **amounts: Decimal) -> InvoiceLine:
    plain: dict[str, Any] = dict.fromkeys(AMOUNTS, amount("0"))
    code_id = 900 + place if wbs_code_id == 0 else wbs_code_id
    code_text = f"01-{place}.S" if code_id else ""
    names = ("contract_item", None, str(place), place, code_id, code_text, "Concrete", "Slab on grade")
    return InvoiceLine(place, *names, **plain | amounts)


def invoice(*lines: InvoiceLine, due: str = "0", **changes: Any) -> Invoice:
    plain = Invoice(
        id=417,
        project_id=17,
        commitment_id=5,
        previous_id=None,
        number="3",
        document_number="ACME-0417",
        status="approved",
        origin_id=None,
        billing_date=date(2026, 9, 30),
        vendor_id=33,
        vendor_name="Acme Concrete",
        currency="USD",
        base_currency="USD",
        payment_due=amount(due),
        tax=amount("0"),
        lines=lines,
    )
    return replace(plain, **changes)


USUAL = line(completed_to_date=amount("1500.00"), completed_before=amount("500.00"), work_retained=amount("100.00"))


# Arithmetic


def test_a_line_totals_what_was_completed_since_the_previous_invoice() -> None:
    assert USUAL.gross == amount("1000.00")


def test_retainage_held_and_released_are_distinguished() -> None:
    lines = (line(1, work_retained=amount("100.00")), line(2, work_released=amount("30.00")))
    assert retainage(invoice(*lines), None) == Retainage(held=amount("100.00"), released=amount("30.00"))


def test_retainage_on_stored_materials_counts_by_its_change() -> None:
    """It counts by the change since the previous invoice."""
    now = invoice(
        line(1, materials_retained=amount("50.00")),
        line(2, materials_retained=amount("5.00"), materials_released=amount("20.00")),
    )
    before = invoice(line(1, materials_retained=amount("20.00")), line(2, materials_retained=amount("25.00")))
    assert retainage(now, before) == Retainage(held=amount("30.00"), released=amount("20.00"))


@pytest.mark.parametrize("field", ["work_retained_before", "work_retained"])
def test_retainage_moved_from_materials_into_work_is_not_counted_again(field: str) -> None:
    """It is neither held again nor released."""
    before = invoice(line(materials_retained=amount("50.00")))
    held: dict[str, Any] = {field: amount("50.00")}
    assert retainage(invoice(line(**held)), before) == Retainage(held=amount("0"), released=amount("0"))


def test_a_balance_that_shrinks_without_a_release_counts_as_released() -> None:
    now, before = invoice(line()), invoice(line(materials_retained=amount("50.00")))
    assert retainage(now, before) == Retainage(held=amount("0"), released=amount("50.00"))


def test_on_the_first_invoice_all_retainage_on_stored_materials_is_held() -> None:
    assert retainage(invoice(line(materials_retained=amount("50.00"))), None).held == amount("50.00")


def test_a_line_missing_on_the_previous_invoice_starts_from_procores_value() -> None:
    """Procore's own value of what was held before counts for such a line."""
    now = invoice(line(2, materials_retained=amount("5.00"), work_retained_before=amount("40.00")))
    assert retainage(now, invoice(line(1, materials_retained=amount("99.00")))).held == amount("5.00")


def test_the_bill_has_a_line_for_each_code_and_one_for_retainage_held() -> None:
    billed = invoice(USUAL, due="900")
    lines = bill_lines(billed, retainage(billed, None), {901: "5871"}, FIXED)
    assert lines == (
        BillLine("5871", amount("1000.00"), "01-1.S Slab on grade"),
        BillLine(FIXED.retainage, amount("-100.00"), "Retainage held"),
    )


def test_released_retainage_is_a_line_that_adds_to_the_bill() -> None:
    billed = invoice(line(work_released=amount("75.00")), due="75")
    lines = bill_lines(billed, retainage(billed, None), {}, FIXED)
    assert lines == (BillLine(FIXED.retainage, amount("75.00"), "Retainage released"),)


def test_lines_that_total_zero_are_left_out_and_need_no_item() -> None:
    idle = line(2, completed_to_date=amount("10.00"), completed_before=amount("10.00"))
    billed = invoice(USUAL, idle, line(3, wbs_code_id=None), due="900")
    assert billed.wbs_code_ids == [901]
    assert [
        one.item_id for one in bill_lines(billed, Retainage(amount("0"), amount("0")), {901: "5871"}, FixedItems(""))
    ] == ["5871"]


def test_a_code_on_several_lines_is_needed_once() -> None:
    assert invoice(USUAL, replace(USUAL, id=2)).wbs_code_ids == [901]


CENTS = st.integers(min_value=-(10**9), max_value=10**9).map(lambda cents: Decimal(cents).scaleb(-2))
HELD = st.integers(min_value=0, max_value=10**8).map(lambda cents: Decimal(cents).scaleb(-2))


def drawn_amounts(draw: st.DrawFn) -> dict[str, Any]:
    return {name: draw(CENTS if name.startswith("completed") else HELD) for name in AMOUNTS}


@st.composite
def invoices(draw: st.DrawFn) -> tuple[Invoice, Invoice | None]:
    places = range(1, draw(st.integers(1, 6)) + 1)
    lines = [
        line(
            place,
            wbs_code_id=draw(st.integers(1, 3)),
            **drawn_amounts(draw),
        )
        for place in places
    ]
    before = [
        line(place, materials_retained=draw(HELD), work_retained=draw(HELD)) for place in places if draw(st.booleans())
    ]
    has_previous = draw(st.booleans())
    previous = invoice(*before) if has_previous else None
    return invoice(*lines), previous


@given(invoices())
def test_the_lines_of_a_bill_total_gross_less_held_plus_released(
    drawn: tuple[Invoice, Invoice | None],
) -> None:
    current, previous = drawn
    retained = retainage(current, previous)
    total = sum((line.gross for line in current.lines), Decimal(0)) - retained.held + retained.released
    lines = bill_lines(current, retained, {1: "11", 2: "12", 3: "13"}, FIXED)
    assert sum((line.amount for line in lines), Decimal(0)) == total
    assert all(line.amount for line in lines)
    assert retained.held >= 0

    tied = replace(current, payment_due=total)
    require_tie(tied, retained)
    for cent in (Decimal("0.01"), Decimal("-0.01")):
        with pytest.raises(Blocked):
            require_tie(replace(current, payment_due=total + cent), retained)


# Invoices that are skipped or refused


@pytest.mark.parametrize(
    ("checked", "reason"),
    [
        pytest.param(invoice(USUAL, due="900"), None, id="to be billed"),
        pytest.param(invoice(USUAL, due="900", origin_id="ns-vendorbill-88"), None, id="named by a bill of ours"),
        pytest.param(invoice(USUAL, due="900", origin_id="sage-1"), "another integration (origin id sage-1)", id="claimed"),
        pytest.param(invoice(USUAL, due="900", status="under_review"), "status is under review", id="not approved"),
        pytest.param(invoice(line()), "nothing is billed", id="all zero"),
        pytest.param(invoice(), "nothing is billed", id="no lines"),
        pytest.param(invoice(line(), tax=amount("5")), None, id="nothing but tax"),
        pytest.param(invoice(line(materials_released=amount("5"))), None, id="released on materials only"),
        pytest.param(invoice(USUAL), None, id="lines that cancel each other out"),
        pytest.param(invoice(line(work_released=amount("5")), due="5"), None, id="released retainage only"),
        pytest.param(invoice(line(work_retained=amount("5")), due="-5"), None, id="held retainage only"),
    ],
)  # fmt: skip
def test_an_invoice_is_skipped_only_with_a_reason(checked: Invoice, reason: str | None) -> None:
    skip_reason = reason_to_skip(checked, ("approved",))
    assert skip_reason is None if reason is None else reason in str(skip_reason)


@pytest.mark.parametrize(
    ("checked", "cause"),
    [
        (invoice(USUAL, due="900", currency="CAD"), Cause.FOREIGN_CURRENCY),
        (invoice(USUAL, due="900", tax=amount("80")), Cause.TAX_ITEM_MISSING),
        (invoice(USUAL, due="980", tax=amount("80")), Cause.TAX_ITEM_MISSING),
        (invoice(USUAL, due="900", tax=amount("-0.01")), Cause.TAX_ITEM_MISSING),
        (invoice(USUAL, due="-0.01"), Cause.NEEDS_VENDOR_CREDIT),
        (invoice(USUAL, due="900", billing_date=None), Cause.BILLING_DATE_MISSING),
        (invoice(USUAL, due="900", document_number=""), Cause.DOCUMENT_NUMBER_MISSING),
        (invoice(USUAL, due="900", document_number="x" * 46), Cause.DOCUMENT_NUMBER_TOO_LONG),
        (invoice(USUAL, due="900", document_number="A\n1"), Cause.DOCUMENT_NUMBER_HAS_UNSUPPORTED_CHARACTER),
        (
            invoice(USUAL, due="900", document_number="\N{REPLACEMENT CHARACTER}"),
            Cause.DOCUMENT_NUMBER_HAS_UNSUPPORTED_CHARACTER,
        ),
        (invoice(replace(USUAL, wbs_code_id=None), due="900"), Cause.LINE_MISSING_CODE),
    ],
)
def test_a_fault_of_the_invoice_is_a_complete_problem(checked: Invoice, cause: Cause) -> None:
    with pytest.raises(Blocked) as caught:
        require_billable(checked)
    assert caught.value.cause is cause
    assert "not recorded]" not in describe(cause, caught.value.facts).sentence


@pytest.mark.parametrize(
    "checked",
    [
        invoice(USUAL, due="900"),
        invoice(USUAL, due="0"),
        invoice(USUAL, due="900", document_number="x" * 45),
        invoice(USUAL, due="900", document_number="{0} [red] O'Brien \u200f%s"),
        invoice(USUAL, line(2, wbs_code_id=None), due="900"),
    ],
)
def test_a_valid_invoice_may_be_billed(checked: Invoice) -> None:
    require_billable(checked)
    assert reason_to_skip(checked, ("approved",)) is None


def test_an_invoice_that_does_not_tie_says_both_amounts() -> None:
    billed = invoice(USUAL, due="900.01", previous_id=400)
    with pytest.raises(Blocked) as caught:
        require_tie(billed, retainage(billed, None))
    sentence = describe(caught.value.cause, caught.value.facts).sentence
    assert caught.value.cause is Cause.LINES_DO_NOT_TIE
    assert "900.00" in sentence
    assert "900.01" in sentence


@pytest.mark.parametrize("retained", [Retainage(amount("1"), amount("0")), Retainage(amount("0"), amount("1"))])
def test_retainage_without_an_item_for_it_is_a_problem(retained: Retainage) -> None:
    with pytest.raises(Blocked) as caught:
        require_retainage_item(invoice(USUAL, due="900"), retained, FixedItems("", tax="9001"))
    assert caught.value.cause is Cause.RETAINAGE_ITEM_MISSING


@pytest.mark.parametrize("tax", ["80.00", "-80.00"])
def test_tax_in_the_payment_due_becomes_a_separate_line(tax: str) -> None:
    billed = invoice(USUAL, due=str(900 + amount(tax)), tax=amount(tax))
    require_billable(billed, bills_tax=True)
    retained = retainage(billed, None)
    require_tie(billed, retained)
    assert bill_lines(billed, retained, {901: "5871"}, FIXED) == (
        BillLine("5871", amount("1000.00"), "01-1.S Slab on grade"),
        BillLine("9000", amount("-100.00"), "Retainage held"),
        BillLine("9001", amount(tax), "Tax"),
    )


@pytest.mark.parametrize(
    ("due", "cause"),
    [
        ("900", Cause.TAX_EXCLUDED_FROM_PAYMENT_DUE),
        ("980.01", Cause.LINES_DO_NOT_TIE),
        ("979.99", Cause.LINES_DO_NOT_TIE),
        ("820", Cause.LINES_DO_NOT_TIE),
    ],
)
def test_tax_outside_the_payment_due_prevents_the_bill(due: str, cause: Cause) -> None:
    billed = invoice(USUAL, due=due, tax=amount("80"), previous_id=400)
    with pytest.raises(Blocked) as caught:
        require_tie(billed, retainage(billed, None))
    assert caught.value.cause is cause
    assert "not recorded]" not in describe(cause, caught.value.facts).sentence


def test_an_invoice_with_only_tax_is_billed() -> None:
    billed = invoice(due="5", tax=amount("5"))
    assert not bills_nothing(billed, Retainage(amount("0"), amount("0")))
