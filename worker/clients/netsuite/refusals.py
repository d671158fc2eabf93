"""What NetSuite's refusals of a write mean, by patterns of their text: refusals.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from worker.domain.problems import Cause


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


def known_refusals(extra: Iterable[Mapping[str, str]] = ()) -> Sequence[RefusalPattern]:
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


def _pattern(row: Mapping[str, str]) -> RefusalPattern:
    try:
        return RefusalPattern(
            Cause(row["cause"]), re.compile(row["pattern"]), row.get("example", ""), row.get("source", "")
        )
    except KeyError as error:
        raise ValueError(f"a refusal without {error}: {dict(row)}") from None
    except re.error as error:
        raise ValueError(f"the pattern {row['pattern']!r} is not a regular expression: {error}") from None
