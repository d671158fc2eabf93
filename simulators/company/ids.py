"""Numeric ids as Procore assigns them: one sequence per kind of record; no id is used twice."""

from __future__ import annotations

from random import Random

# Procore warns that ids may exceed 32 bits; every third record gets such an id, so that a client with 32 bits fails.
BEYOND_32_BITS = 562_949_953_000_000

STARTS = {
    "company": 4_000,
    "project": 225_000,
    "code": 182_877_000,
    "budget_line": 51_200_000,
    "budget_view": 88_000,
    "vendor": 161_000,
    "commitment": 786_000,
    "contract_line": 5_175_000,
    "invoice": 1_280_000,
    "invoice_line": 17_918_000,
    "period": 117_000,
    "segment": 447_000,
    "segment_item": 654_142_000,
    "pattern": 3_113_000,
}


class Ids:
    """Assigns ids. The seed shifts every sequence, so that two companies have different ids."""

    def __init__(self, rng: Random) -> None:
        self._next = {kind: start + rng.randrange(900) for kind, start in STARTS.items()}

    def take(self, kind: str) -> int:
        """Return the next id of `kind` (a key of `STARTS`)."""
        number = self._next[kind]
        self._next[kind] = number + 1
        return BEYOND_32_BITS + number if number % 3 == 0 and kind != "company" else number

    def block(self, kind: str, size: int) -> int:
        """Return the first of `size` consecutive ids of `kind`, all below 32 bits."""
        number = self._next[kind]
        self._next[kind] = number + size
        return number
