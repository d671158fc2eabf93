"""`python -m tests.campaign simulate`: many seeds on all cores, the shortest story of what fails, figures for the report.

`python -m tests.campaign processes`: rounds with real processes (tests/campaign/processes/command.py).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from tests.campaign.processes import command as processes
from tests.campaign.simulated import shims
from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.many import Tally, campaign
from tests.campaign.simulated.mutations import MUTATIONS, mutated
from tests.campaign.simulated.schedule import plan_of, play
from tests.campaign.simulated.story import shrink, story_of


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _simulate(options: argparse.Namespace) -> int:
    mutations = tuple(options.mutation)
    if options.replay is not None:
        return _replay(options.replay, mutations, shortest=options.shrink)
    began, whole = time.monotonic(), Tally()
    for tally in campaign(
        range(options.start, options.start + options.seeds), options.jobs, mutations, stop=bool(mutations)
    ):
        whole.merge(tally)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{whole.seeds} seeds, {len(whole.failing)} failing")
        if whole.failing and (mutations or len(whole.failing) >= 10):
            break
    wall = time.monotonic() - began
    _tell(whole, wall, mutations)
    if options.json:
        Path(options.json).write_text(json.dumps(whole.as_json() | {"wall_seconds": round(wall, 1)}, indent=1))
    if whole.failing and not mutations:
        _replay(min(whole.failing), mutations, shortest=True)
    return int(bool(whole.failing))


def _tell(whole: Tally, wall: float, mutations: tuple[str, ...]) -> None:
    without = f" without {', '.join(mutations)}" if mutations else ""
    counts = f"{len(whole.failing)} failing, {len(whole.excused)} excused"
    cost = f"{wall:.0f} s, {whole.seconds / max(1, whole.seeds):.3f} s a seed"
    _say(f"{whole.seeds} seeds{without}: {counts}; {cost}; at rest {whole.longest_rest:.0f} s after the faults at most")
    for kind in Kind:
        if not mutations:
            _say(f"  {whole.struck[kind.value]:8d}  {kind.value}")
    for seed, told in [*sorted(whole.failing.items())[:10], *sorted(whole.excused.items())]:
        _say(f"  seed {seed}: {told[0]}")


def _replay(seed: int, mutations: tuple[str, ...], *, shortest: bool) -> int:
    with shims.installed() as settings, mutated(mutations):
        result = play(plan_of(seed), settings)
        if result.violations and shortest:
            result = shrink(result, settings)
    _say("\n".join(story_of(result)))
    return int(bool(result.violations))


def _table(options: argparse.Namespace) -> int:
    """Every mutation until it fails."""
    unseen = 0
    for name in options.mutation or MUTATIONS:
        whole = Tally()
        for tally in campaign(range(options.start, options.start + options.seeds), options.jobs, (name,), stop=True):
            whole.merge(tally)
            if whole.failing:
                break
        seed = min(whole.failing, default=None)
        unseen += seed is None
        what = f"fails at seed {seed}: {whole.failing[seed][0]}" if seed is not None else f"not in {whole.seeds} seeds"
        _say(f"{name:14} {what}")
    return unseen


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, job in (("simulate", _simulate), ("mutations", _table)):
        command = commands.add_parser(name)
        command.set_defaults(job=job)
        command.add_argument("--seeds", type=int, default=1000)
        command.add_argument("--from", dest="start", type=int, default=1)
        command.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
        command.add_argument("--mutation", action="append", default=[], choices=sorted(MUTATIONS))
        command.add_argument("--replay", type=int, help="play one seed and tell its story")
        command.add_argument("--shrink", action="store_true", help="tell the shortest story that still fails")
        command.add_argument("--json", help="write the figures to this file")
    processes.add_to(commands)
    options = parser.parse_args(arguments)
    return int(options.job(options))


if __name__ == "__main__":
    sys.exit(main())
