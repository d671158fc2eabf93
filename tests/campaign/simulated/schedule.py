"""One schedule from its seed: set the stage, let people ask for work, let faults strike, wait for rest, ask the questions."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from config.names import TaskName
from config.settings import Settings
from tests.campaign.simulated import money_questions, played, questions, state_questions
from tests.campaign.simulated.faults import EDITS, POINTS, RESTARTS, Fault, Kind, plan
from tests.campaign.simulated.rig import START, Rig, Setup
from tests.campaign.simulated.scheduler import Stuck
from tests.campaign.simulated.situations import WIDER, wider
from worker.container import Container
from worker.domain.findings import Verified
from worker.domain.problems import FindingKind
from worker.store.gate import SLOT_SECONDS

AT_MOST = 2.5 * 3600
"""Virtual seconds after the last fault within which all work has to end."""
CUT_SECONDS = 60.0
"""How long faults strike an interrupted comparison."""
MOMENTS = (*POINTS, *EDITS, Kind.STORE_DOWN, Kind.BEAT_AWAY)


@dataclass(frozen=True, slots=True)
class Trigger:
    """Somebody asks for work: a command's request, or a message of another app."""

    at: float
    what: str
    index: int = 0


@dataclass(frozen=True)
class Plan:
    """All that a seed decides. Leaving out faults or triggers gives a shorter story of the same world."""

    setup: Setup
    faults: tuple[Fault, ...]
    triggers: tuple[Trigger, ...]


@dataclass
class Result:
    """The result of a schedule. `violations`: what must never be; `excused`: pairs that no client could have prevented."""

    plan: Plan
    violations: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)
    struck: Counter[Kind] = field(default_factory=Counter)
    trace: str = ""
    events: list[tuple[object, ...]] = field(default_factory=list)
    rest_after: float = 0.0
    seconds: float = 0.0
    facts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Choice:
    """Which kinds a campaign plays. `drawn`: those that a seed may draw in addition to the first ones; `always`: those that every
    seed plays; `alone`: without the first ones.
    """

    drawn: frozenset[Kind] = frozenset(WIDER)
    always: frozenset[Kind] = frozenset()
    alone: bool = False


AS_USUAL = Choice()


def plan_of(seed: int, choice: Choice = AS_USUAL) -> Plan:
    """The plan of a seed; that of every fiftieth is a loss at the first write, which chance would hardly ever hit."""
    if seed % 50 == 49 and not (choice.always or choice.alone):
        return loss_at_the_first_write(seed)
    return _plan(seed, choice)


def _plan(seed: int, choice: Choice) -> Plan:
    dice = random.Random(seed * 1_000_003 + 17)
    length = dice.choice((60.0, 150.0, 400.0, 900.0))
    windowed = dice.random() < 0.4
    skewed = dice.random() < 0.3
    setup = Setup(
        seed=seed,
        workers=dice.choice((3, 3, 4)),
        threads=dice.choice((2, 3)),
        cap=dice.choice((2, 3, 4)),
        window=dice.choice((0.3, 2.0, 8.0)) if windowed else None,
        numbers=dice.choice(("block", "allow")),
        budget_endpoint=dice.random() < 0.8,
        mark_adopted=dice.random() < 0.3,
        beats=2 if dice.random() < 0.25 else 1,
        skews=tuple(dice.uniform(-200, 200) if skewed else 0.0 for _ in range(4)),
        length=length,
    )
    faults = plan(dice, length)
    faults = [*([] if choice.alone else faults), *wider(seed, length, choice.drawn, choice.always)]
    wanted = dice.randint(3, 8)
    triggers = sorted((_trigger(dice, length) for _ in range(wanted)), key=lambda one: one.at)
    triggers.append(Trigger(dice.uniform(0, 3), dice.choice(("scan", "export_all"))))
    return Plan(setup, tuple(faults), tuple(triggers))


def loss_at_the_first_write(seed: int) -> Plan:
    """The first create is on its way, commits late and is not to be seen in look-ups; its machine and the store are lost."""
    dice = random.Random(seed)
    setup = replace(_plan(seed, AS_USUAL).setup, window=8.0, length=60.0, budget_endpoint=True)
    stage = dice.choice(("intended", "sending", "arrived"))
    kind = dice.choice((Kind.MACHINE_LOST, Kind.MACHINE_LOST, Kind.STORE_EMPTIED))
    faults = [
        Fault(Kind.NS_SLOW_COMMIT, 0.0, 60.0, 1.0, seed=seed),
        Fault(Kind.NS_STALE, 0.0, 900.0, 1.0, seed=seed),
        Fault(kind, nth=1, stage=stage, lasts=1.0, seed=seed),
    ]
    if kind is Kind.STORE_EMPTIED:
        faults.append(Fault(Kind.KILL, nth=1, stage=stage, lasts=1.0, seed=seed))
    asked = [Trigger(dice.uniform(0, 1), what, seed) for what in ("scan", "export", "create_item", "create_item")]
    asked += [Trigger(dice.uniform(0, 30), what, seed + 3) for what in ("scan_message", "export", "create_item")]
    return Plan(setup, tuple(faults), tuple(sorted(asked, key=lambda one: one.at)))


def _trigger(dice: random.Random, length: float) -> Trigger:
    what = dice.choice(("scan", "scan_message", "scan_project", "export_all", "export_all_message", "export", "export",
                        "export", "retry", "create_bill", "create_item", "create_item"))  # fmt: skip
    at = dice.choice((dice.uniform(0, 5), dice.uniform(0, 5), dice.uniform(0, length)))
    return Trigger(at, what, dice.randrange(1000))


def play(plan_: Plan, settings: Settings) -> Result:
    """Play it out; the shims must be installed."""
    began = time.perf_counter()
    rig = Rig(plan_.setup, plan_.faults, settings)
    played.use(rig)
    result = Result(plan_)
    try:
        _set_out(rig, plan_)
        _to_rest(rig, result, "after the faults")
        if not result.violations:
            result.rest_after = rig.scheduler.now - START - plan_.setup.length - rig.skipped_seconds
            questions.at_first_rest(rig, result.violations)
            state_questions.ask_at_first_rest(rig, result.violations, result.rest_after)
            rig.settled = rig.moments.settle_by_hand()
            _once_more(rig, result)
        _leases_end(rig)
        questions.ask(rig, result.violations, result.excused)
        money_questions.ask(rig, result.violations, result.excused)
        state_questions.ask(rig, result.violations)
        doubled = money_questions.invoices_with_a_double(rig)
        if (result.excused or doubled) and not result.violations:
            _verify(rig, result, doubled)
        if Kind.VERIFY_CUT in rig.kinds and not result.violations:
            _verify_through_faults(rig, result)
    except Stuck as error:
        result.violations.append(f"stuck: {error}")
    finally:
        rig.scheduler.close()
        played.use(None)
    result.trace, result.events, result.struck = rig.trace(), rig.events, rig.striker.struck
    _count_standing(rig, result)
    result.seconds = time.perf_counter() - began
    return result


def _count_standing(rig: Rig, result: Result) -> None:
    setup = rig.setup
    if setup.beats > 1:
        result.struck[Kind.BEAT_TWICE] += 1
    if any(setup.skews):
        result.struck[Kind.SKEW] += 1
    result.facts.update(
        requests=len(rig.wires.log), creates=rig.wires.creates, store_calls=rig.store.calls,
        switches=rig.scheduler.switches, excused=len(result.excused),
        window=setup.window is not None, emptied=rig.strikes.emptied,
    )  # fmt: skip


def _set_out(rig: Rig, plan_: Plan) -> None:
    setup, scheduler = plan_.setup, rig.scheduler
    for number in range(setup.workers):
        rig.floor.start_worker(number, setup.skews[number])
    for number in range(setup.beats):
        rig.beats.begin(1.0 + 2.3 * number)
    for trigger in plan_.triggers:
        rig.pending += 1
        scheduler.at(START + trigger.at, partial(_pull, rig, trigger))
    for place, fault in enumerate(plan_.faults):
        if fault.kind in MOMENTS and not fault.nth:
            scheduler.at(START + fault.at, partial(rig.strikes.strike_now, fault))
        elif fault.kind is Kind.NS_STALE:
            scheduler.at(START + fault.at, partial(_lag, rig, place, fault, 20 + fault.seed % 400))
            scheduler.at(START + fault.at + fault.lasts, partial(_lag, rig, place, None, 0))
        elif fault.kind is Kind.NS_CLOSED:
            scheduler.at(START + fault.at, partial(_close, rig, fault))
            scheduler.at(START + fault.at + fault.lasts, partial(_close, rig, None))
    rig.moments.begin(START)
    if any(fault.kind in RESTARTS for fault in plan_.faults):
        scheduler.at(START, rig.strikes.keep_snapshots)
    scheduler.at(START + setup.length, lambda: _calm(rig))


def _lag(rig: Rig, _place: int, fault: Fault | None, seconds: float) -> None:
    rig.netsuite.lag = float(seconds)
    if fault:
        rig.striker.struck[Kind.NS_STALE] += 1


def _close(rig: Rig, fault: Fault | None) -> None:
    rig.netsuite.closed = fault is not None
    if fault:
        # An invoice that was asked for while its period was open may meet a closed one once more.
        for key in [one for one in rig.asked_during if one.startswith("invoice:")]:
            del rig.asked_during[key]
        rig.striker.struck[Kind.NS_CLOSED] += 1


def _calm(rig: Rig) -> None:
    """No new fault strikes; effects of earlier ones may continue (a commit on its way, a worker that pauses)."""
    rig.note("faults stop")
    rig.faults_over = True
    rig.striker.replace([])
    rig.netsuite.closed, rig.netsuite.lag = False, 0.0


def _pull(rig: Rig, trigger: Trigger) -> None:
    rig.pending -= 1
    rig.note("TRIGGER", trigger.what, trigger.index)
    jobs: dict[str, Callable[[Container], object]] = {
        "scan": lambda box: box.wbs_scan.request("person"),
        "export_all": lambda box: box.export_runs.request("person"),
        "retry": lambda box: box.retries.retry([one.key for one in box.ledger.problems()]),
        "scan_project": lambda box: box.wbs_scan.request("person", [_pick(list(rig.company.projects), trigger.index)]),
    }
    if trigger.what in jobs:
        rig.floor.operator(
            f"{trigger.what}{trigger.at:.0f}", lambda box: _asked(rig, trigger.what, jobs[trigger.what], box)
        )
        return
    invoice = rig.company.invoices[_pick(list(rig.company.invoices), trigger.index)]
    project = rig.company.projects[_pick(list(rig.company.projects), trigger.index)]
    code_id = _pick(list(project.codes), trigger.index // 7)
    ids = {"project_id": invoice.project_id, "invoice_id": invoice.id}
    messages: dict[str, tuple[TaskName, dict[str, object]]] = {
        "scan_message": (TaskName.SCAN_PROJECTS, {"trigger": "app"}),
        "export_all_message": (TaskName.EXPORT_APPROVED, {"trigger": "app"}),
        "export": (TaskName.EXPORT, {**ids}),
        "create_bill": (TaskName.CREATE_BILL, {**ids}),
        "create_item": (TaskName.CREATE_ITEM, {"project_id": project.id, "wbs_code_id": code_id}),
    }
    task, arguments = messages[trigger.what]
    rig.floor.send(task.value, arguments)


def _asked(rig: Rig, what: str, job: Callable[[Container], object], box: Container) -> None:
    job(box)
    rig.accepted.append((what, rig.scheduler.now))


def _pick(choices: Sequence[int], index: int) -> int:
    return choices[index % len(choices)]


def _to_rest(rig: Rig, result: Result, when: str) -> None:
    bound = max(rig.scheduler.now, START + rig.setup.length) + AT_MOST
    rig.beats.paused, skipped = False, rig.skipped_seconds
    rig.scheduler.run_until(bound)
    if rig.skipped_seconds > skipped:
        rig.scheduler.run_until(bound + rig.skipped_seconds - skipped)
    if not rig.beats.at_rest():
        lanes = {key: round(at - rig.scheduler.now) for key, at in rig.beats.lanes().items()}
        result.violations.append(f"{when}: no rest within {AT_MOST / 3600:.1f} h; lanes {lanes}")


def _once_more(rig: Rig, result: Result) -> None:
    """In the calm, somebody asks for everything once more: whatever was changed or lost is taken up again."""
    rig.note("everything is asked for once more")
    rig.floor.operator("again-scan", lambda box: box.wbs_scan.request("again"))
    rig.floor.operator("again-export", lambda box: box.export_runs.request("again"))
    _to_rest(rig, result, "after everything was asked for once more")


def _leases_end(rig: Rig) -> None:
    """A slot whose return was lost with the connection is free when its lease has ended."""
    until = rig.scheduler.now + SLOT_SECONDS + 1
    while rig.scheduler.now < until:
        rig.scheduler.run_until(until)


def _verify(rig: Rig, result: Result, doubled: Collection[str]) -> None:
    """What no client could prevent must be found by `verify`, whatever problem its invoice or code has: so must each second bill of a number."""
    # A query may not show for minutes what was written last; a comparison sees no more than that.
    shown_at = max(rig.netsuite.engine.seen_from.values(), default=0.0) + 1
    while rig.scheduler.now < shown_at:
        rig.scheduler.run_until(shown_at)
    verified: list[Verified] = []
    rig.floor.operator("verify", lambda box: verified.append(box.verification.verify()))
    rig.scheduler.run_until(rig.scheduler.now + 600)
    found = [one for each in verified for one in each.findings]
    missing = [one for one in result.excused if not any(finding.key in one for finding in found)]
    result.violations.extend(f"verify does not find: {one}" for one in missing)
    told = {finding.key for finding in found if finding.kind is FindingKind.DUPLICATE_BILL}
    result.violations.extend(f"verify does not find the second bill of {key}" for key in sorted({*doubled} - told))


def _verify_through_faults(rig: Rig, result: Result) -> None:
    """The comparison is requested once, is struck while it is in progress, and ends by itself nevertheless."""
    began, failed_before = rig.scheduler.now, len(rig.floor.failed_tasks)
    rig.faults_over = False
    rig.moments.cut_verify(began - START)
    rig.scheduler.run_until(began + CUT_SECONDS)
    _calm(rig)
    _to_rest(rig, result, "after an interrupted comparison")
    ended = float(rig.store.data.get("wbs:verify:last", {}).get("started_at", 0.0))
    failed = rig.floor.failed_tasks[failed_before:]
    if ended < began:
        result.violations.append(f"verify was interrupted and did not end; {failed}")
    elif failed:
        result.violations.append(f"a task failed: {failed}")


def without(plan_: Plan, *, fault: Fault | None = None, trigger: Trigger | None = None) -> Plan:
    """A shorter plan."""
    return replace(
        plan_,
        faults=tuple(one for one in plan_.faults if one is not fault),
        triggers=tuple(one for one in plan_.triggers if one is not trigger),
    )
