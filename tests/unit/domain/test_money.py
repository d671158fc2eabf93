"""Money: whole cents, or an error."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain import money

CENTS = st.integers(min_value=-(10**13), max_value=10**13)


@given(cents=CENTS)
def test_an_amount_in_cents_stays_unchanged(cents: int) -> None:
    exact = Decimal(cents).scaleb(-2)
    assert money.amount(str(exact)) == exact
    assert money.amount(exact) == exact


@given(cents=CENTS.filter(lambda cents: abs(cents) < 10**13))
def test_an_amount_as_text_is_read_back_to_the_cent(cents: int) -> None:
    exact = Decimal(cents).scaleb(-2)
    assert money.read(money.text(exact)) == exact


@pytest.mark.parametrize("text", ["", "1234.50", "1,2,3.00", "1,234.5", "12.00 USD"])
def test_a_text_in_another_format_is_not_read_as_an_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        money.read(text)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("0", "0.00"),
        ("-0.00", "0.00"),
        (Decimal("-0"), "0.00"),
        (12, "12.00"),
        ("12.5", "12.50"),
        ("12.500000", "12.50"),
        ("-1200.10", "-1200.10"),
        (Decimal("7.1"), "7.10"),
        (Decimal("1e3"), "1000.00"),
        ("9999999999999.99", "9999999999999.99"),
    ],
)
def test_amounts_are_read_as_decimals_of_two_places(value: object, amount: str) -> None:
    assert str(money.amount(value)) == amount


@pytest.mark.parametrize("value", [12.5, 0.0, True, math.nan, math.inf])
def test_floats_and_booleans_never_carry_money(value: object) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        money.amount(value)


NO_AMOUNTS: list[object] = [
    None, "", "-", "NaN", "sNaN", "Infinity", "-inf", "twelve", "1,200.00", "1.200,00", "1_000.00", "1e3", " 12.00", "12.00\n", "+5",
    ".50", "5.", "$5.00", "(5.00)", "0x10", "\u0661\u0662.00", "--5", "10000000000000.00", 10**13, -(10**20), [], {}, b"5.00",
    Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1e400"), Decimal("1e999999"), Decimal("1e-999999"),
    "0.000000000000000000001",
]  # fmt: skip


@pytest.mark.parametrize("value", NO_AMOUNTS)
def test_a_value_that_is_no_published_amount_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        money.amount(value)


@given(st.text(min_size=21))
def test_a_refusal_repeats_no_long_value(text: str) -> None:
    with pytest.raises(ValueError, match="something longer"):
        money.amount(text + "x")


PARTS_OF_A_CENT: list[object] = [
    "0.001",
    "12.345",
    "-0.005",
    "258.741",
    "0.000000000001",
    Decimal("1.999"),
    Decimal("1e-3"),
]


@pytest.mark.parametrize("value", PARTS_OF_A_CENT)
def test_parts_of_a_cent_are_refused_instead_of_rounded(value: object) -> None:
    with pytest.raises(ValueError, match="fractions of a cent"):
        money.amount(value)


@pytest.mark.parametrize("value", PARTS_OF_A_CENT)
def test_parts_of_a_cent_can_be_read_and_are_shown_and_read_back_whole(value: object) -> None:
    exact = money.exact(value)
    assert not money.is_whole_cents(exact)
    assert exact == Decimal(str(value)) == money.read(money.text(exact))


def test_amounts_for_people_have_thousands_separators_and_cents() -> None:
    assert money.text(Decimal("-1234567.5")) == "-1,234,567.50"
