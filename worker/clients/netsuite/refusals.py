"""What NetSuite's refusals of a write mean, by patterns of their text: refusals.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from worker.domain.problems import Cause
from worker.domain.refusals import REFUSED

NEEDED: Mapping[Cause, frozenset[str]] = {
    Cause.FIELD_REQUIRED: frozenset({"field"}),
    Cause.FIELD_NOT_SETTABLE: frozenset({"field"}),
    Cause.FIELD_TOO_LONG: frozenset({"field", "limit"}),
    Cause.NOT_IN_SUBSIDIARY: frozenset({"field", "value", "subsidiary"}),
    Cause.CURRENCY_NOT_OF_VENDOR: frozenset({"value", "entity"}),
}
"""The named groups that a pattern of each cause has: its sentence needs these facts."""


@dataclass(frozen=True, slots=True)
class RefusalPattern:
    """One pattern for `CODE text` of an error detail. `example`: a text that it recognizes; `source`: who has seen the text."""

    cause: Cause
    pattern: re.Pattern[str]
    example: str = ""
    source: str = ""

    def facts_of(self, text: str) -> dict[str, str] | None:
        """Return the named parts of a text that has this pattern; None for any other text."""
        match = self.pattern.search(text)
        return {name: part for name, part in match.groupdict().items() if part} if match else None


def known_refusals(extra: Iterable[Mapping[str, Any]] = ()) -> Sequence[RefusalPattern]:
    """Return the patterns in the order in which they are tried.

    `extra`: an account's patterns, which are tried first, because texts vary by account and language: rows as in refusals.toml, of which
    cause and pattern are required. The account's file supplies them. Raises ValueError for a row that cannot be used.
    """
    return [*map(_pattern, extra), *_shipped()]


def meaning_of(text: str, known: Sequence[RefusalPattern]) -> tuple[Cause, dict[str, str]] | None:
    """Return the cause and the facts of the first pattern that a text has; None for an unknown text."""
    for one in known:
        facts = one.facts_of(text)
        if facts is not None:
            return one.cause, facts
    return None


@cache
def _shipped() -> tuple[RefusalPattern, ...]:
    rows = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text("utf-8"))["refusals"]
    return tuple(map(_pattern, rows))


def _pattern(row: Mapping[str, Any]) -> RefusalPattern:
    named, text = row.get("cause"), row.get("pattern")
    if not (isinstance(named, str) and isinstance(text, str) and named and text):
        raise ValueError("each entry needs a `cause` and a `pattern`")
    if named not in REFUSED:
        raise ValueError(f"has the unknown cause {named!r}; the causes are {', '.join(sorted(REFUSED))}")
    try:
        pattern = re.compile(text)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"the pattern {text!r} is not a regular expression: {error}") from None
    cause = Cause(named)
    if missing := sorted(NEEDED.get(cause, frozenset()) - pattern.groupindex.keys()):
        raise ValueError(f"the pattern of {cause} needs a group named {missing[0]}: (?P<{missing[0]}>…)")
    return RefusalPattern(cause, pattern, row.get("example", ""), row.get("source", ""))
