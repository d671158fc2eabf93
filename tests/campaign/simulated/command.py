"""`python -m tests.campaign simulate` and `mutations`: many seeds on all cores, the shortest story of what fails, figures."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

from tests.campaign import figures
from tests.campaign.simulated import shims
from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.many import Tally, campaign
from tests.campaign.simulated.mutations import MUTATIONS, mutated
from tests.campaign.simulated.schedule import Choice, plan_of, play
from tests.campaign.simulated.situations import WIDER
from tests.campaign.simulated.story import shrink, story_of

_WIDER = {kind.name: kind for kind in WIDER}
MOST_FAILING = 10
"""After so many failing seeds a campaign ends: something has to be fixed first."""


def add_to(commands: Any) -> None:
    """The two commands."""
    simulate = commands.add_parser("simulate", help="the services on virtual time, under one seeded scheduler")
    simulate.set_defaults(job=_simulate)
    simulate.add_argument("--replay", type=int, metavar="SEED", help="play one seed and tell its story")
    simulate.add_argument("--shrink", action="store_true", help="tell the shortest story that still fails")
    table = commands.add_parser("mutations", help="take the parts out one at a time, until the campaign notices")
    table.set_defaults(job=_table)
    for command in (simulate, table):
        command.add_argument("--seeds", type=int, default=1000)
        command.add_argument("--from", dest="start", type=int, default=1, help="the first seed")
        command.add_argument(
            "--jobs", type=int, default=os.cpu_count() or 1, help="processes; as many as cores if not given"
        )
        command.add_argument(
            "--mutation", action="append", default=[], choices=sorted(MUTATIONS), help="without this part"
        )
        command.add_argument("--always", action="append", default=[], choices=_WIDER, help="is played in every seed")
        command.add_argument("--alone", action="store_true", help="nothing but what --always names")
        command.add_argument("--first", action="store_true", help="only the first kinds, no situations")
        command.add_argument("--json", metavar="FILE", help="write the figures to this file")


def _choice(options: argparse.Namespace) -> Choice:
    always = frozenset(map(_WIDER.__getitem__, options.always))
    return Choice(frozenset() if options.first or options.alone else frozenset(WIDER), always, options.alone)


def _simulate(options: argparse.Namespace) -> int:
    mutations = tuple(options.mutation)
    if options.replay is not None:
        return _replay(options.replay, mutations, _choice(options), shortest=options.shrink)
    began, whole = time.monotonic(), Tally()
    for tally in campaign(_seeds(options), options.jobs, mutations, choice=_choice(options), stop=bool(mutations)):
        whole.merge(tally)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{whole.seeds} seeds, {len(whole.failing)} failing")
        if whole.failing and (mutations or len(whole.failing) >= MOST_FAILING):
            break
    wall = time.monotonic() - began
    _tell(whole, wall, mutations)
    if options.json:
        figures.write(options.json, whole.as_json() | {"first_seed": options.start, "wall_seconds": round(wall, 1)})
    if whole.failing and not mutations:
        _replay(min(whole.failing), mutations, _choice(options), shortest=True)
    return int(bool(whole.failing))


def _seeds(options: argparse.Namespace) -> range:
    return range(options.start, options.start + options.seeds)


def _tell(whole: Tally, wall: float, mutations: tuple[str, ...]) -> None:
    without = f" without {', '.join(mutations)}" if mutations else ""
    counts = f"{len(whole.failing)} failing, {len(whole.excused)} excused"
    cost = f"{wall:.0f} s, {whole.seconds / max(1, whole.seeds):.3f} s a seed"
    _say(f"{whole.seeds} seeds{without}: {counts}; {cost}; at rest {whole.longest_rest:.0f} s after the faults at most")
    for kind in Kind:
        if not mutations:
            _say(f"  {whole.struck[kind.value]:8d}  {kind.value}")
    for seed, told in [*sorted(whole.failing.items())[:MOST_FAILING], *sorted(whole.excused.items())]:
        _say(f"  seed {seed}: {told[0]}")


def _replay(seed: int, mutations: tuple[str, ...], choice: Choice, *, shortest: bool) -> int:
    with shims.installed() as settings, mutated(mutations):
        result = play(plan_of(seed, choice), settings)
        if result.violations and shortest:
            result = shrink(result, settings)
    _say("\n".join(story_of(result)))
    return int(bool(result.violations))


def _table(options: argparse.Namespace) -> int:
    """Every part taken out by itself, until a seed fails; how many parts nobody missed."""
    rows: dict[str, dict[str, Any]] = {}
    for name in options.mutation or MUTATIONS:
        whole = Tally()
        for tally in campaign(_seeds(options), options.jobs, (name,), choice=_choice(options), stop=True):
            whole.merge(tally)
            if whole.failing:
                break
        seed = min(whole.failing, default=None)
        told = whole.failing[seed][0] if seed is not None else ""
        rows[name] = {"taken_out": _words(name), "seed": seed, "seeds": whole.seeds, "told": told}
        _say(f"{name:14} {f'fails at seed {seed}: {told}' if told else f'not in {whole.seeds} seeds'}")
        if options.json:
            figures.write(options.json, {"seeds": options.seeds, "parts": rows})
    return sum(row["seed"] is None for row in rows.values())


def _words(name: str) -> str:
    """What the product does without the part."""
    return " ".join((MUTATIONS[name].__doc__ or "").split())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
