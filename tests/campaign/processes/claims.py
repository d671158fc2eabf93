"""Three claims, each shown where it occurs: what a dead worker had in hand goes on, TERM ends a worker in order, an outage of Redis
leaves every worker at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from tests.campaign.processes.storm import Death, Storm, Term
from tests.campaign.processes.traces import Process

DEAD_WORKER_SECONDS = 60.0
"""Seconds within which a dead worker's work continues, with the product's own times."""
TERM_SECONDS = 30.0
"""A worker has ended within these after TERM."""
LEFT_BEHIND_SECONDS = 25.0
"""Seconds within which the work of a worker that ended continues; it was released."""
TURNED_AWAY = "another worker is processing it"


@dataclass
class Seconds:
    """Measurements of one claim."""

    seconds: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, float | int | None]:
        """Their least, median and most, and how many there are."""
        if not self.seconds:
            return {"min": None, "median": None, "max": None, "n": 0}
        figures = (min(self.seconds), median(self.seconds), max(self.seconds))
        least, middle, most = (round(one, 2) for one in figures)
        return {"min": least, "median": middle, "max": most, "n": len(self.seconds)}


def dead_workers(storm: Storm, violations: list[str]) -> Iterator[float]:
    """Return the seconds until the last piece of work of each dead worker continued. The limit holds for the product's own times."""
    for death in storm.deaths:
        if not death.keys:
            continue
        waits = {key: _goes_on(storm, death, key) for key in death.keys}
        never = sorted(key for key, wait in waits.items() if wait is None)
        violations.extend(
            f"{key}, claimed by {death.process.agent} when it was killed, was never continued" for key in never
        )
        longest = max((wait for wait in waits.values() if wait is not None), default=None)
        if longest is not None:
            yield longest
            if storm.plan.setup.product_times and longest > DEAD_WORKER_SECONDS:
                violations.append(f"the work of {death.process.agent}, which was killed, went on after {longest:.1f} s")


def _goes_on(storm: Storm, death: Death, key: str) -> float | None:
    """When another process made an attempt at it which the dead one's lock did not turn away.

    One that stood still for long before it was killed had lost its claim: the attempt may have been made, and the work ended, before.
    """
    begun = [begin for begin, _, _ in _attempts(death.process, key)]
    begins = [
        begin
        for process in storm.traces
        if process is not death.process
        for begin, end, reason in _attempts(process, key)
        if (end > death.at or (begun and begin > begun[-1])) and reason != TURNED_AWAY
    ]
    return max(0.0, min(begins) - death.at) if begins else None


def _attempts(process: Process, key: str) -> Iterator[tuple[float, float, str]]:
    """(begin, end, reason) of its attempts at a key; one without an end may still be going on."""
    begun: list[float] = []
    for line in process.of("begin", "end"):
        if line["key"] != key:
            continue
        if line["what"] == "begin":
            begun.append(line["at"])
        else:
            yield begun.pop(0), line["at"], line.get("reason", "")
    for begin in begun:
        yield begin, float("inf"), ""


def terms(storm: Storm, violations: list[str]) -> Iterator[float]:
    """Seconds that each worker took to end after TERM, in order and with nothing half claimed."""
    for term in storm.terms:
        process = storm.traces.find(term.name, term.pid)
        if process is None or any(death.process is process for death in storm.deaths):
            continue
        who = process.agent
        if term.ended is None:
            violations.append(f"{who} has not ended after TERM")
            continue
        taken = term.ended - term.asked
        yield taken
        if taken > TERM_SECONDS:
            violations.append(f"{who} ended {taken:.1f} s after TERM")
        for key in process.attempts_in_hand():
            # Another may have gone on with it, and ended it, while this one still had its time to end.
            since_asked = _goes_on(storm, Death(process, term.asked, frozenset()), key)
            after = None if since_asked is None else max(0.0, since_asked - taken)
            # Sooner than the work of a dead worker, which is waited for until it is overdue.
            if after is None or (storm.plan.setup.product_times and after > LEFT_BEHIND_SECONDS):
                violations.append(f"{who} ended in the middle of {key}, which went on after {after} s")
        if term.left:
            violations.append(f"{who} ended and left {term.left}")
        violations.extend(_messages_lost(storm, term, process))


def _messages_lost(storm: Storm, term: Term, process: Process) -> Iterator[str]:
    """What it had fetched and not begun has been begun by another; in an outage it could not be given back in time."""
    if any(outage.down <= (term.ended or 0) and (outage.back or 1e18) >= term.asked - 2 for outage in storm.outages):
        return
    if any(term.asked - 2 <= cut <= (term.ended or 0) for cut in storm.cuts):
        return
    begun = {line["id"] for _, line in storm.traces.lines("run")}
    for task_id, line in process.fetched_and_not_begun().items():
        if task_id not in begun and task_id not in storm.deleted:
            yield f"{process.agent} had fetched {line['task']} for {line['key']} before TERM, and nobody began it"


def outages(storm: Storm, violations: list[str]) -> Iterator[float]:
    """Seconds from the return of Redis until the last worker that lived through it was at work again."""
    for outage in storm.outages:
        if outage.beating:
            yield max(outage.beating.values())
        violations.extend(f"{name}/{pid} has no heartbeat since Redis is back" for name, pid in sorted(outage.away))
