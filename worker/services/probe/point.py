"""What a point of the probe is: a question, what is done to answer it, and every answer that wbs-sync can make something of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.services.probe.bench import Bench

TRIED = "tried"
READ = "read"


class Answers(Enum):
    """The answers of one point: a word for programs, and what it means for wbs-sync. `alarming`: nobody has thought of that yet,
    and the report is asked for.
    """

    def __init__(self, word: str, meaning: str, alarming: bool = False) -> None:
        self.word = word
        self.meaning = meaning
        self.alarming = alarming


@dataclass(frozen=True, slots=True)
class Found:
    """An answer. `sure`: how it is known. `facts`: numbers and NetSuite's words without names. `effects`: what settings read."""

    answer: Answers
    sure: str = TRIED
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    effects: Mapping[str, Any] = field(default_factory=dict)


class Unsettled(Exception):
    """A point could not be tried; the text says why."""


@dataclass(frozen=True, slots=True)
class Point:
    """One open point."""

    id: str
    question: str
    does: str
    """What is read or written for it."""
    answers: type[Answers]
    ask: Callable[[Bench], Found]
    writes: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one point: `found` None means not settled, for the reason `why`. `in_doubt`: a write got no answer."""

    point: Point
    found: Found | None
    why: str = ""
    in_doubt: bool = False
