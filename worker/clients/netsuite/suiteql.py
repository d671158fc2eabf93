"""Builds SuiteQL safely: REST takes no bind parameters, so values become literals here and nowhere else.

At most 1,000 values in one IN, no date literals (ohelp/article_0824094533); column names come back in lower case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from worker.domain.errors import Blocked
from worker.domain.problems import Cause
from worker.domain.texts import unwritable

MAX_VALUES = 1000


def literal(value: str) -> str:
    """Return a text literal with quotes doubled (O'Brien). Raises Blocked for a character that no name in NetSuite can have."""
    if character := unwritable(value):
        facts = {"name": value, "character": character}
        raise Blocked(f"{character} cannot be queried", cause=Cause.NAME_HAS_UNSUPPORTED_CHARACTER, facts=facts)
    return "'" + value.replace("'", "''") + "'"


def is_in(column: str, values: Collection[str]) -> str:
    """Return `column IN ('a', 'b')`; `values`: 1 to 1,000."""
    if not 1 <= len(values) <= MAX_VALUES:
        raise ValueError(f"IN takes 1 to {MAX_VALUES} values, not {len(values)}")
    return f"{column} IN ({', '.join(literal(value) for value in values)})"


def begins_with(column: str, stem: str) -> str:
    """Return `column LIKE 'stem%'`."""
    return f"{column} LIKE {literal(stem + '%')}"


def any_of(*conditions: str) -> str:
    """Return the conditions joined by OR, without empty ones."""
    return " OR ".join(condition for condition in conditions if condition)


def batches(values: Sequence[str], size: int = MAX_VALUES) -> Iterator[Sequence[str]]:
    """Return the values in batches, each small enough for one IN."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
