"""One round from its seed: set out, storm, calm, rest, and the questions."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import worker.local.supervisor
from tests.campaign.processes import claims, questions
from tests.campaign.processes.plan import Fault, Plan
from tests.campaign.processes.questions import Verdict
from tests.campaign.processes.storm import Storm
from tests.campaign.processes.story import Story, Supervision
from tests.kit.site import Site

REST_SECONDS = {False: 90.0, True: 240.0}
"""How long it may take to come to rest; with the product's own times longer. Far above what it takes, since a busy machine is no fault."""
HUNG_SECONDS = 15.0
"""When a supervisor takes a process for hung, with shortened times: longer than any pause of the plan."""
STILL_SECONDS = 0.4
"""Rest is what lasts so long."""


@dataclass
class Result:
    """The result of a round. `claims`: seconds by claim."""

    plan: Plan
    violations: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    struck: Counter[Fault] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    claims: dict[str, list[float]] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    seconds: float = 0.0


def play(plan: Plan, folder: Path) -> Result:
    """Play a round in `folder`, in which the logs and traces of its processes stay."""
    began = time.monotonic()
    result, story = Result(plan), Story()
    options: dict[str, Any] = {"uniqueness": "atomic"}
    if plan.setup.window is not None:
        options = {"uniqueness": "window", "uniqueness_window": plan.setup.window}
    with (
        contextlib.chdir(folder),  # no .env of the developer's
        _supervision(story, short=not plan.setup.product_times),
        Site.open(
            folder,
            profile=plan.setup.profile,
            slots=plan.setup.slots,
            env=plan.setup.settings,
            concurrency_limit=plan.setup.account_limit,
            disguise_429_as_401=plan.setup.seed % 2 == 0,
            write_latency=plan.setup.write_latency,
            latency_spread=0.3,
            # A second instead of the ten that the product waits where Procore does not say how long.
            retry_after_on_429=not plan.setup.product_times,
            **options,
        ) as site,
    ):
        storm = Storm(site, plan, story)
        verdict = Verdict()
        try:
            storm.set_out()
            storm.run()
            _ask(storm, verdict)
        finally:
            storm.tick()
            result.story = story.told(site, storm.traces)
        result.violations, result.excused, result.struck = verdict.violations, verdict.excused, storm.struck
        _count(storm, result)
    result.seconds = time.monotonic() - began
    return result


def _ask(storm: Storm, verdict: Verdict) -> None:
    """Rest by itself, and what was asked for is done; the broker's timeout passes; everything is asked for once more; the questions."""
    if not _to_rest(storm, verdict, "after the faults"):
        return
    questions.at_first_rest(storm, verdict)
    storm.deliver_again()
    storm.story.tell("the visibility timeout passes")
    if not _to_rest(storm, verdict, "after the visibility timeout"):
        return
    questions.about_messages(storm, verdict)
    storm.site.container.wbs_scan.request("once more")
    storm.site.container.export_runs.request("once more")
    storm.story.tell("everything is asked for once more")
    if _to_rest(storm, verdict, "after everything was asked for once more"):
        questions.at_the_end(storm, verdict)


def _to_rest(storm: Storm, verdict: Verdict, when: str) -> bool:
    began = still_since = time.monotonic()
    while True:
        moving = storm.rests()
        now = time.monotonic()
        if moving:
            still_since = now
        elif now - still_since >= STILL_SECONDS:
            storm.story.tell(f"AT REST {when}")
            return True
        if now - began > REST_SECONDS[storm.plan.setup.product_times]:
            verdict.violations.append(f"no rest {when}: {moving}")
            return False
        time.sleep(0.1)


def _count(storm: Storm, result: Result) -> None:
    result.claims = {
        "dead_worker_seconds": list(claims.dead_workers(storm, result.violations)),
        "term_seconds": list(claims.terms(storm, result.violations)),
        "outage_seconds": list(claims.outages(storm, result.violations)),
    }
    journal = storm.site.stage.netsuite.journal.writes()
    made = [entry for entry in journal if entry["by"] == "client" and entry["write"] == "create"]
    bills = sum(entry["type"] == "vendorBill" for entry in made)
    result.facts = storm.facts
    result.facts.update(
        {
            "processes started": sum(1 for _ in storm.traces),
            "messages": len(storm.traces.lines("run")),
            "attempts": len(storm.traces.lines("begin")),
            "items": len(made) - bills,
            "bills": bills,
            "requests to Procore": len(storm.site.stage.procore.journal.requests()),
            "rounds with a window": storm.plan.setup.window is not None,
            "TERM": len(storm.terms),
            "edits by accountants": len(storm.deeds.edited),
        }
    )


@contextmanager
def _supervision(story: Story, *, short: bool) -> Iterator[None]:
    """The supervisors' words become part of the story; with shortened times a death soon counts as the first one again."""
    log, handler = logging.getLogger("worker.local.supervisor"), Supervision(story)
    log.addHandler(handler)
    # Clients that are killed in the middle of a request are no fault of the simulators.
    remotes = logging.getLogger("uvicorn.error")
    remotes.addFilter(_nothing)
    before, log.propagate = log.propagate, False
    steady, hung = (3.0, HUNG_SECONDS) if short else (worker.local.supervisor.STEADY, worker.local.supervisor.HUNG)
    try:
        with mock.patch.multiple(worker.local.supervisor, STEADY=steady, HUNG=hung):
            yield
    finally:
        log.removeHandler(handler)
        remotes.removeFilter(_nothing)
        log.propagate = before


def _nothing(_: logging.LogRecord) -> bool:
    return False
