"""`python -m tests.campaign processes`: rounds with real processes, the story of each that fails, figures for the report."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaign import figures
from tests.campaign.processes.claims import Seconds
from tests.campaign.processes.plan import EVERY_TENTH, Fault, plan_of
from tests.campaign.processes.rounds import Result, play

CLAIMS = ("dead_worker_seconds", "term_seconds", "outage_seconds")
REPLAY = "The seed gives the same plan; its processes run in real time, so what comes of it may differ from run to run."


@dataclass
class Tally:
    """The result of a campaign. The claims are those with the product's own times; `shortened` are the others."""

    rounds: int = 0
    product_times_rounds: int = 0
    failing: dict[int, list[str]] = field(default_factory=dict)
    excused: dict[int, list[str]] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    claims: dict[str, Seconds] = field(default_factory=lambda: {claim: Seconds() for claim in CLAIMS})
    shortened: dict[str, Seconds] = field(default_factory=lambda: {claim: Seconds() for claim in CLAIMS})

    def add(self, seed: int, result: Result) -> None:
        """One round more."""
        self.rounds += 1
        self.product_times_rounds += result.plan.setup.product_times
        if result.violations:
            self.failing[seed] = result.violations
        if result.excused:
            self.excused[seed] = result.excused
        self.struck.update({fault.value: count for fault, count in result.struck.items()})
        self.facts.update(result.facts)
        claims = self.claims if result.plan.setup.product_times else self.shortened
        for claim, seconds in result.claims.items():
            claims[claim].seconds += seconds

    def as_json(self, wall: float) -> dict[str, Any]:
        """For the report."""
        return {
            "rounds": self.rounds,
            "failing": {str(seed): told for seed, told in sorted(self.failing.items())},
            "excused": {str(seed): told for seed, told in sorted(self.excused.items())},
            "struck": {fault.value: self.struck[fault.value] for fault in Fault},
            "facts": dict(self.facts),
            "claims": {claim: seconds.as_json() for claim, seconds in self.claims.items()},
            "claims_with_shortened_times": {claim: seconds.as_json() for claim, seconds in self.shortened.items()},
            "wall_seconds": round(wall, 1),
            "product_times_rounds": self.product_times_rounds,
        }


def add_to(commands: Any) -> None:
    """The command `processes`."""
    command = commands.add_parser("processes", help="real processes, killed for real")
    command.set_defaults(job=run)
    command.add_argument("--rounds", type=int, default=100)
    command.add_argument("--from", "--seed", dest="start", type=int, default=1, help="seed of the first round")
    command.add_argument("--replay", type=int, metavar="SEED", help="play one round and tell its whole story")
    command.add_argument("--json", metavar="FILE", help="write the figures to this file")


def run(options: argparse.Namespace) -> int:
    """Play the rounds; 1 when one fails."""
    seeds = [options.replay] if options.replay is not None else range(options.start, options.start + options.rounds)
    base = Path(tempfile.mkdtemp(prefix="wbs-sync-campaign-"))
    tally, began = Tally(), time.monotonic()
    for seed in seeds:
        _round(seed, base / f"round-{seed}", tally, whole=options.replay is not None)
        if options.json:
            figures.write(options.json, tally.as_json(time.monotonic() - began))
    _tell(tally, time.monotonic() - began)
    if not tally.failing and options.replay is None:
        shutil.rmtree(base, ignore_errors=True)
    return int(bool(tally.failing))


def _round(seed: int, folder: Path, tally: Tally, *, whole: bool) -> None:
    folder.mkdir()
    plan = plan_of(seed)
    try:
        result = play(plan, folder)
    except Exception:
        result = Result(plan, violations=[f"the round broke off: {traceback.format_exc()}"])
    tally.add(seed, result)
    times = "the product's own times" if plan.setup.product_times else "shortened times"
    verdict = f"{len(result.violations)} VIOLATIONS" if result.violations else "well"
    excused = f", {len(result.excused)} excused" if result.excused else ""
    _say(f"round {seed}: {verdict}{excused}; {times}; {result.seconds:.1f} s; {_measured(result)}")
    for words in result.excused:
        _say(f"  excused: {words}")
    if result.violations or whole:
        _story(seed, result, folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(result: Result) -> str:
    told = (
        f"{claim.removesuffix('_seconds')} {max(seconds):.1f} s" for claim, seconds in result.claims.items() if seconds
    )
    return ", ".join(told) or "no claim asked"


def story_of(result: Result) -> list[str]:
    """Lines to read: the world, the plan, what happened, what is wrong."""
    setup = result.plan.setup
    world = "checked and committed at once" if setup.window is None else f"with a window of {setup.window} s"
    lines = [
        f"seed {setup.seed}: {setup.profile}, {setup.slots} slots, uniqueness {world}; machines {dict(setup.machines)}"
    ]
    lines += [f"  planned {step}" for step in sorted(map(str, (*result.plan.steps, *result.plan.weather)))]
    lines += [f"  {line}" for line in result.story]
    lines += [f"  WRONG: {words}" for words in result.violations]
    return lines + [f"  excused: {words}" for words in result.excused]


def _story(seed: int, result: Result, folder: Path) -> None:
    """Write the events, to standard output and to `story.txt` next to the logs."""
    lines = story_of(result)
    (folder / "story.txt").write_text("\n".join(lines) + "\n")
    for line in lines:
        _say(line)
    _say(f"  logs and traces of its processes, and this story: {folder}")
    _say(f"  again: python -m tests.campaign processes --replay {seed}. {REPLAY}")


def _tell(tally: Tally, wall: float) -> None:
    own = f"{tally.product_times_rounds} with the product's own times (seeds that {EVERY_TENTH} divides)"
    _say(
        f"{tally.rounds} rounds, {own}: {len(tally.failing)} failing, {len(tally.excused)} with an excuse; {wall:.0f} s"
    )
    for fault in Fault:
        _say(f"  {tally.struck[fault.value]:6d}  {fault.value}")
    for name, count in sorted(tally.facts.items()):
        _say(f"  {count:6d}  {name}")
    for claim in CLAIMS:
        _say(f"  {claim}: {tally.claims[claim].as_json()}; with shortened times {tally.shortened[claim].as_json()}")
    for seed, told in sorted(tally.failing.items()):
        _say(f"  seed {seed}: {told[0]}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
