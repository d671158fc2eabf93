"""A failing seed's shortest story: fewer faults, fewer triggers, then what happened, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from config.settings import Settings
from tests.campaign.simulated.rig import START
from tests.campaign.simulated.schedule import Plan, Result, play, without

MOST_PLAYS = 80


def shrink(failing: Result, settings: Settings, told: Callable[[str], None] = lambda _: None) -> Result:
    """The smallest plan found that still violates something, one fault or trigger left out at a time."""
    best, plays = failing, 0
    again = True
    while again and plays < MOST_PLAYS:
        again = False
        for shorter in _shorter(best.plan):
            plays += 1
            result = play(shorter, settings)
            if result.violations:
                best, again = result, True
                told(f"  {len(shorter.faults)} faults and {len(shorter.triggers)} triggers are enough")
                break
            if plays >= MOST_PLAYS:
                break
    return best


def _shorter(plan: Plan) -> Iterator[Plan]:
    for fault in plan.faults:
        yield without(plan, fault=fault)
    for trigger in plan.triggers:
        yield without(plan, trigger=trigger)


def story_of(result: Result) -> list[str]:
    """Lines to read: the world, the faults, the events, what is wrong."""
    setup = result.plan.setup
    window = "checked and committed at once" if setup.window is None else f"with a window of {setup.window} s"
    workers = f"{setup.workers} workers of {setup.threads} threads, cap {setup.cap}, {setup.beats} beat(s)"
    lines = [f"seed {setup.seed}: {workers}, uniqueness {window}; trace {result.trace}"]
    lines += [f"  fault: {fault}" for fault in result.plan.faults]
    lines += [f"  asked: {one.what} at {one.at:.1f} s" for one in result.plan.triggers]
    lines += [_line(event) for event in result.events if _tells(event)]
    return lines + [f"  WRONG: {one}" for one in result.violations]


def _tells(event: tuple[object, ...]) -> bool:
    """Return whether it is a read that succeeded, which is hardly worth a line."""
    if event[2] == "answer":
        return bool(event[4]) or (isinstance(event[5], int) and event[5] >= 400)
    if event[2] == "send":
        return bool(event[6]) or bool(event[7])
    return True


def _line(event: tuple[object, ...]) -> str:
    at, who, *words = event
    assert isinstance(at, float)
    return f"  {at - START:9.2f}  {who:<12} " + " ".join(str(word) for word in words if word not in ("", None))
