"""Money is Decimal with two places; floats never carry it."""

from __future__ import annotations

import re
from decimal import Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LIMIT = Decimal(10) ** 13
"""NetSuite's amounts have thirteen digits before the point."""
_WRITTEN = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,10})?")


def amount(value: object) -> Decimal:
    """A remote's amount (Procore: decimal string; NetSuite: JSON number read as Decimal) in whole cents.

    Raises ValueError for anything else: other ways to write a number (`1,234.50`, `1e3`) as text, what is no finite amount,
    and parts of a cent, which rounding would hide.
    """
    if (isinstance(value, str) and _WRITTEN.fullmatch(value)) or (
        isinstance(value, int | Decimal) and not isinstance(value, bool)
    ):
        exact = Decimal(value)
    else:
        raise ValueError(f"not an amount: {_shown(value)}")
    if not exact.is_finite() or abs(exact) >= LIMIT:
        raise ValueError(f"not an amount: {_shown(value)}")
    cents = exact.quantize(CENT)
    if cents != exact:
        raise ValueError(f"{_shown(value)} has parts of a cent")
    return cents or ZERO  # zero has no sign


def text(value: Decimal) -> str:
    """`12,345.60`, for people."""
    return f"{value:,.2f}"


def read(words: str) -> Decimal:
    """The amount that `text` wrote. Raises ValueError for anything else."""
    value = amount(words.replace(",", ""))
    if text(value) != words:
        raise ValueError(f"not an amount: {_shown(words)}")
    return value


def _shown(value: object) -> str:
    words = repr(value) if isinstance(value, str | float | bool) else str(value)
    return words if len(words) <= 20 else "something longer"
