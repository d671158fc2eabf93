"""What asking one question can result in: one of a few known answers, or a reason why it stays open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

TRIED = "tried"
READ = "read"


class PossibleAnswer(Enum):
    """One answer to a question: a word for programs, and what it means for wbs-sync.

    `is_news`: nobody expected this answer, so the report is asked for.
    """

    def __init__(self, word: str, meaning: str, is_news: bool = False) -> None:
        self.word = word
        self.meaning = meaning
        self.is_news = is_news


@dataclass(frozen=True, slots=True)
class Settled:
    """An answer. `sure`: how it is known. `facts`: numbers and NetSuite's response text without names. `effects`: for the profile."""

    answer: PossibleAnswer
    sure: str = TRIED
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    effects: Mapping[str, Any] = field(default_factory=dict)


class Unsettled(Exception):
    """A question could not be answered; the text says why."""
