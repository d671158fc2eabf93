"""An open point: one question about the account, the request that answers it, and its possible answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from probe.answers import PossibleAnswer, Settled
from probe.session import ProbeSession


@dataclass(frozen=True, slots=True)
class Point:
    """One open point. `action`: what is read or written to answer it, for people."""

    id: str
    question: str
    action: str
    answers: type[PossibleAnswer]
    ask: Callable[[ProbeSession], Settled]
    writes: bool = True


@dataclass(frozen=True, slots=True)
class PointResult:
    """The result of one point. `settled` None: not settled, for the reason `why`. `in_doubt`: a write got no response."""

    point: Point
    settled: Settled | None
    why: str = ""
    in_doubt: bool = False
