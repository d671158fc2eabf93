"""The result of one question: one of its known answers, or the reason why there is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

TRIED = "tried"
READ = "read"


class PossibleAnswer(Enum):
    """One possible answer to a question. `word`: its name in JSON and in the profile; `meaning`: what it means for wbs-sync.

    `is_news`: the answer is unexpected, so the user is asked to send the report.
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
