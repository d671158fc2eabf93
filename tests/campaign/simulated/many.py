"""Many seeds in separate processes, and their results."""

from __future__ import annotations

import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.campaign.simulated import shims
from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.mutations import mutated
from tests.campaign.simulated.schedule import AS_USUAL, Choice, Result, plan_of, play

CHUNK = 25
COLLECTED_EVERY = 5
"""Seeds between two collections of garbage."""


@dataclass
class Tally:
    """The results of a campaign."""

    seeds: int = 0
    failing: dict[int, list[str]] = field(default_factory=dict)
    excused: dict[int, list[str]] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    longest_rest: float = 0.0

    def add(self, seed: int, result: Result) -> None:
        """One schedule more."""
        self.seeds += 1
        if result.violations:
            self.failing[seed] = result.violations
        if result.excused:
            self.excused[seed] = result.excused
        self.struck.update({kind.value: count for kind, count in result.struck.items()})
        self.facts.update(result.facts)
        self.seconds += result.seconds
        self.longest_rest = max(self.longest_rest, result.rest_after)

    def merge(self, other: Tally) -> None:
        """Another's share."""
        self.seeds += other.seeds
        self.failing |= other.failing
        self.excused |= other.excused
        self.struck.update(other.struck)
        self.facts.update(other.facts)
        self.seconds += other.seconds
        self.longest_rest = max(self.longest_rest, other.longest_rest)

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "seeds": self.seeds,
            "failing": {str(seed): told for seed, told in sorted(self.failing.items())},
            "excused": {str(seed): told for seed, told in sorted(self.excused.items())},
            "struck": {kind.value: self.struck[kind.value] for kind in Kind},
            "facts": dict(self.facts),
            "seconds_of_one_core": round(self.seconds, 1),
            "longest_rest_seconds": round(self.longest_rest),
        }


@dataclass(frozen=True)
class Share:
    """Some seeds for one process; with `stop`, none after a failing one."""

    seeds: range
    mutations: tuple[str, ...]
    choice: Choice
    stop: bool


def play_some(share: Share) -> Tally:
    """Play a share of the seeds, in a separate process."""
    tally = Tally()
    with shims.installed() as settings, mutated(share.mutations), _collected_by_hand():
        for number, seed in enumerate(share.seeds, 1):
            result = play(plan_of(seed, share.choice), settings)
            tally.add(seed, result)
            if share.stop and result.violations:
                break
            if number % COLLECTED_EVERY == 0:
                gc.collect()
    return tally


@contextmanager
def _collected_by_hand() -> Iterator[None]:
    """No garbage collection on its own: it would walk all imported modules in the middle of a schedule, again and again."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def campaign(
    seeds: range, jobs: int, mutations: tuple[str, ...] = (), *, choice: Choice = AS_USUAL, stop: bool = False
) -> Iterator[Tally]:
    """All seeds in shares, as they come in; with `stop`, no further ones after a failure."""
    shares = [Share(seeds[place : place + CHUNK], mutations, choice, stop) for place in range(0, len(seeds), CHUNK)]
    if jobs == 1:
        yield from map(play_some, shares)
        return
    # Fresh processes: the virtual threads of this one would not survive a fork.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(play_some, shares)
