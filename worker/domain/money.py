"""Money is Decimal with two places; floats never carry it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def amount(value: object) -> Decimal:
    """A remote's amount (Procore: decimal string or null; NetSuite: JSON number read as Decimal) in whole cents.

    Raises ValueError for anything that is not a finite amount or has parts of a cent: rounding would hide a cent.
    """
    if value is None or value == "":
        return ZERO
    if isinstance(value, float | bool):
        raise ValueError(f"not an amount: {value!r}")
    try:
        exact = Decimal(str(value))
        cents = exact.quantize(CENT)
    except InvalidOperation as error:
        raise ValueError(f"not an amount: {value!r}") from error
    if cents != exact:
        raise ValueError(f"{value} has parts of a cent")
    return cents


def text(value: Decimal) -> str:
    """`12,345.60`, for people."""
    return f"{value:,.2f}"
