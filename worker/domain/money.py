"""Amounts are Decimal, never float. Amounts written to NetSuite are in whole cents."""

from __future__ import annotations

import re
from decimal import Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LIMIT = Decimal(10) ** 13
"""Maximum digits before the decimal point in NetSuite amounts."""
FINEST = -20
"""Exponent of the last decimal place that is read; smaller fractions make a value invalid."""
_WRITTEN = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,20})?")


def amount(value: object) -> Decimal:
    """Return a remote's amount (Procore: decimal string; NetSuite: JSON number read as Decimal) in whole cents.

    Raises ValueError for anything else: other notations as text (`1,234.50`, `1e3`), values that are not finite, and fractions of a cent,
    which rounding would hide.
    """
    exact_value = exact(value)
    if not is_whole_cents(exact_value):
        raise ValueError(f"{_shown(value)} has fractions of a cent")
    return exact_value


def exact(value: object) -> Decimal:
    """Return a remote's amount as written, including fractions of a cent. Raises ValueError if it is not an amount."""
    if (isinstance(value, str) and _WRITTEN.fullmatch(value)) or (
        isinstance(value, int | Decimal) and not isinstance(value, bool)
    ):
        number = Decimal(value)
    else:
        raise ValueError(f"not an amount: {_shown(value)}")
    if not number.is_finite() or abs(number) >= LIMIT or int(number.as_tuple().exponent) < FINEST:
        raise ValueError(f"not an amount: {_shown(value)}")
    return in_cents(number)


def in_cents(value: Decimal) -> Decimal:
    """Return the amount with two decimal places if it is in whole cents, else unchanged."""
    cents = value.quantize(CENT)
    return (cents or ZERO) if cents == value else value  # zero has no sign


def is_whole_cents(value: Decimal) -> bool:
    """Return whether an amount can be posted without rounding."""
    return value.quantize(CENT) == value


def text(value: Decimal) -> str:
    """Format an amount as `12,345.60`; fractions of a cent are shown."""
    return f"{value:,.2f}" if is_whole_cents(value) else f"{value:,f}"


def read(written: str) -> Decimal:
    """Return the amount from the output of `text`. Raises ValueError for anything else."""
    value = exact(written.replace(",", ""))
    if text(value) != written:
        raise ValueError(f"not an amount: {_shown(written)}")
    return value


def _shown(value: object) -> str:
    shown = repr(value) if isinstance(value, str | float | bool) else str(value)
    return shown if len(shown) <= 20 else "something longer"
