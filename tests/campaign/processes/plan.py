"""The plan of a round, from its seed: the world, who works in it, what people ask for, and which faults strike when.

The same seed gives the same plan. What comes of it is decided by real processes in real time, and differs from run to run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tests.kit.site import QUICK

ABSENT_MACHINE = "b"
"""The machine that has all workers of one kind, where these are to be absent."""
EVERY_TENTH = 10
"""Rounds whose seed this divides are played with the product's own times."""
SHORTENED = QUICK | {
    "worker.engine.settlement.LONGEST_BACK_OFF_SECONDS": 4,
    "worker.engine.remote_failures.REFUSED_PAUSE_SECONDS": 3,
    "worker.domain.outcomes.BUSY_SECONDS": 1,
    "worker.engine.recovery.LOOK_THROUGH_AFTER_SECONDS": 6,
    "worker.domain.outcomes.MAX_CHECK_SECONDS": 2,
    "worker.sync.invoice_export.ITEMS_LATE_SECONDS": 1,
    # Below the time for which work may be claimed, as in the product.
    "worker.sync.invoice_items.DEADLINE_SECONDS": 2,
    "worker.store.tokens.MINT_SECONDS": 3,
    "worker.runtime.pool.TASK_SECONDS": 2,
}


class Fault(StrEnum):
    """What may go wrong, in the words of the report."""

    KILL_WORKER = "worker: kill -9"
    KILL_BEAT = "beat: kill -9"
    KILL_REDIS = "Redis: kill -9, back with its append-only file"
    PAUSE = "worker: stopped beyond its locks and slots"
    TERM = "worker: TERM"
    ROLLING = "machine: a new one starts, the old one's processes get TERM"
    TWO_BEATS = "beat: two at once"
    CUT = "Redis: every connection cut"
    QUEUE_DELETED = "broker: queue deleted"
    AGAIN = "broker: claimed messages delivered again"
    TWICE = "broker: message sent twice"
    NS_CUT_BEFORE = "NetSuite: connection cut before the work"
    NS_CUT_AFTER = "NetSuite: connection cut after the commit"
    NS_ERROR_BEFORE = "NetSuite: 5xx before the commit"
    NS_ERROR_AFTER = "NetSuite: 5xx after the commit"
    NS_SLOW = "NetSuite: commit after the client's read timeout"
    NS_LATE = "NetSuite: commit long after the client has gone"
    NS_HTML = "NetSuite: HTML 503"
    NS_401 = "NetSuite: 401 in disguise"
    NS_429 = "NetSuite: 429"
    NS_LATENCY = "NetSuite: slow answers"
    NS_LAG = "NetSuite: SuiteQL behind"
    PC_CUT_BEFORE = "Procore: connection cut before the work"
    PC_CUT_AFTER = "Procore: connection cut after the work"
    PC_ERROR = "Procore: 5xx"
    PC_HTML = "Procore: HTML 503"
    PC_401 = "Procore: 401"
    PC_429 = "Procore: 429"
    PC_LATENCY = "Procore: slow answers"
    # Drawn in addition to those above.
    KIND_ABSENT = "workers: one kind stopped for five minutes"
    BEAT_CLOCK = "beat: its clock a minute off"
    BEAT_RECORD = "beat: killed, and the record of its last runs damaged"
    SLOW_VERIFY = "verify: Procore answers slowly"
    FULL = "Redis: full"
    DISK_FULL = "Redis: its disk full"
    READ_ONLY = "Redis: read-only"
    NOT_PERMITTED = "Redis: no permission to write"
    NO_CONNECTION = "Redis: too many clients"
    HANG = "worker: hangs until its supervisor kills it"


REFUSALS = {
    Fault.FULL: "full",
    Fault.DISK_FULL: "disk full",
    Fault.READ_ONLY: "read-only",
    Fault.NOT_PERMITTED: "not permitted",
    Fault.NO_CONNECTION: "too many clients",
}
"""What tests/real/redis_faults.py calls them."""


class Deed(StrEnum):
    """What people and other apps do."""

    SCAN = "scan"
    EXPORT_ALL = "export all"
    SCAN_MESSAGE = "message: scan"
    SCAN_PROJECT_MESSAGE = "message: scan a project"
    ITEM_MESSAGE = "message: make an Item"
    EXPORT_ALL_MESSAGE = "message: export all"
    EXPORT_PROJECT_MESSAGE = "message: export a project"
    EXPORT_MESSAGE = "message: export an invoice"
    VERIFY_MESSAGE = "message: compare everything"
    ADD_CODE = "a code is budgeted"
    ADD_INVOICE = "an invoice is approved"
    ITEM_BY_HAND = "an accountant makes an Item"
    EDIT_ITEM = "an accountant edits an Item"
    EDIT_BILL = "an accountant edits a bill"


class ByHand(StrEnum):
    """What an Item that a person made before does to the code of that name."""

    ADOPTED = "adopted"
    OTHER_TYPE = "of another type"
    INACTIVE = "inactive"


@dataclass(frozen=True)
class Setup:
    """The world of a round. `machines`: the processes of each, by kind. `account_limit`: requests that NetSuite itself takes at once.
    `beat_clock`: by how many seconds beat's clock is off.
    """

    seed: int
    product_times: bool
    profile: str
    machines: Mapping[str, Sequence[str]]
    slots: int
    account_limit: int
    window: float | None
    write_latency: float
    lag: float
    by_hand: Sequence[ByHand]
    beat_clock: float = 0.0

    @property
    def times(self) -> Mapping[str, float]:
        """Constants of the product that are changed."""
        return {} if self.product_times else SHORTENED

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings of the product that this round decides. The 900 seconds of the settle window cannot be waited for."""
        settle, read = ("60", {}) if self.product_times else ("6", {"NETSUITE_READ_TIMEOUT_SECONDS": "1.5"})
        if not self.product_times:
            read["PROCORE_READ_TIMEOUT_SECONDS"] = "1.5"
        return {"NETSUITE_SETTLE_SECONDS": settle, **read}

    @property
    def lock_seconds(self) -> float:
        """Return how long a lock outlives a process that hangs."""
        return 20.0 if self.product_times else 3.0

    @property
    def slot_seconds(self) -> float:
        """The same for a slot at the gate."""
        return 30.0 if self.product_times else 3.0

    @property
    def settle(self) -> float:
        """Nothing is sent again before."""
        return float(self.settings["NETSUITE_SETTLE_SECONDS"])

    @property
    def read_timeout(self) -> float:
        """When a client gives a request up."""
        return 120.0 if self.product_times else 1.5


@dataclass(frozen=True, slots=True)
class Step:
    """A fault of a moment, or a deed. `lasts`: until Redis is back, or the stopped worker goes on.

    `aimed`: at a worker in mid-write; `point`: just where it has noted its "intent", or was "told" how the write ended.
    """

    at: float
    what: Fault | Deed
    dice: int
    lasts: float = 0.0
    aimed: bool = False
    point: str = ""
    twice: bool = False

    def __str__(self) -> str:
        words = f"{self.at:5.1f}  {self.what}" + (f", for {self.lasts:.1f} s" if self.lasts else "")
        return words + (f" ({self.point})" if self.point else "")


@dataclass(frozen=True)
class Weather:
    """Faults of one remote for some seconds: each with the rule that its simulator plays."""

    at: float
    lasts: float
    remote: str
    rules: Sequence[tuple[Fault, Mapping[str, Any]]]
    dice: int

    def __str__(self) -> str:
        return f"{self.at:5.1f}  {'; '.join(fault for fault, _ in self.rules)}, for {self.lasts:.1f} s"


@dataclass(frozen=True)
class Plan:
    """All that a seed decides."""

    setup: Setup
    length: float
    steps: Sequence[Step]
    weather: Sequence[Weather]


def plan_of(seed: int, length: float | None = None) -> Plan:
    """The plan of a seed. `length`: seconds of faults, where the seed shall not decide that as well."""
    more = _with_more(_plan(seed, length), random.Random(seed * 1_000_003 + 31))
    return _with_refusals(more, random.Random(seed * 1_000_003 + 37))


def _plan(seed: int, length: float | None) -> Plan:
    dice = random.Random(seed * 1_000_003 + 29)
    if seed % EVERY_TENTH == 0:
        return _with_product_times(seed, dice)
    setup = _setup(seed, dice)
    length = length or dice.uniform(7, 9)
    steps = [*_deeds(dice, length, 9), *(_strike(dice, length) for _ in range(dice.randint(3, 7)))]
    weather = [*_spells(dice, "netsuite", length), *_spells(dice, "procore", length)]
    return Plan(setup, length, sorted(steps, key=lambda step: step.at), weather)


ABSENT_SECONDS = {True: 300.0, False: 22.5}
"""Five minutes; with shortened times as many times the seconds for which work may be claimed."""


def _with_more(plan: Plan, dice: random.Random) -> Plan:
    """Return what is drawn in addition, with separate dice, so that it changes nothing else in a plan."""
    seed, setup, length = plan.setup.seed, plan.setup, plan.length
    steps, weather = list(plan.steps), list(plan.weather)
    draws = {
        kind: dice.random() for kind in (Fault.KIND_ABSENT, Fault.BEAT_CLOCK, Fault.BEAT_RECORD, Fault.SLOW_VERIFY)
    }
    # With the product's own times it takes the whole five minutes.
    if seed % 50 == 0 or (not setup.product_times and draws[Fault.KIND_ABSENT] < 0.06):
        absent = dice.choice(("items", "invoices"))
        other = "invoices" if absent == "items" else "items"
        setup = replace(setup, machines={"a": (other, "beat"), ABSENT_MACHINE: (absent,)})
        lasts = ABSENT_SECONDS[setup.product_times]
        steps.append(Step(dice.uniform(0.3, 3), Fault.KIND_ABSENT, dice.getrandbits(32), lasts=lasts))
    if draws[Fault.BEAT_CLOCK] < 0.15:
        setup = replace(setup, beat_clock=dice.choice((-60.0, 60.0)))
    if draws[Fault.BEAT_RECORD] < 0.15:
        steps.append(Step(dice.uniform(1, length), Fault.BEAT_RECORD, dice.getrandbits(32)))
    if draws[Fault.SLOW_VERIFY] < 0.15:
        steps.append(Step(dice.uniform(2, length), Deed.VERIFY_MESSAGE, dice.getrandbits(32)))
        slow = {"kind": "latency", **_API, "probability": 0.5, "value": 0.8}
        weather.append(
            Weather(length * 0.5, length * 0.5, "procore", [(Fault.SLOW_VERIFY, slow)], dice.getrandbits(32))
        )
    return Plan(setup, length, sorted(steps, key=lambda step: step.at), weather)


def _with_refusals(plan: Plan, dice: random.Random) -> Plan:
    """The same for a Redis that answers and refuses, and for workers that hang."""
    steps = list(plan.steps)
    if dice.random() < 0.35:
        kind, at, lasts = dice.choice(list(REFUSALS)), dice.uniform(0.5, plan.length), dice.uniform(2, 5)
        steps.append(Step(at, kind, dice.getrandbits(32), lasts=lasts))
    if dice.random() < 0.12 and not plan.setup.product_times:
        steps.append(Step(dice.uniform(0.5, plan.length), Fault.HANG, dice.getrandbits(32), aimed=dice.random() < 0.7))
    return replace(plan, steps=sorted(steps, key=lambda step: step.at))


# The world


def _setup(seed: int, dice: random.Random) -> Setup:
    slots = dice.choice((2, 3, 4, 5))
    tight = dice.random() < 0.25
    return Setup(
        seed=seed,
        product_times=False,
        profile=f"large:{dice.choice((2, 3))}x{dice.choice((8, 10, 12))}:{dice.choice((5, 6, 8))}",
        machines=_machines(dice),
        slots=slots,
        # Else the account would take more than the gate lets through, so that the gate is seen to hold.
        account_limit=max(1, slots - 1) if tight else 50,
        window=dice.choice((0.1, 0.3, 0.6)) if dice.random() < 0.45 else None,
        write_latency=dice.choice((0.1, 0.2, 0.3)),
        lag=dice.choice((0.5, 1.0, 2.0)) if dice.random() < 0.3 else 0.0,
        by_hand=_by_hand(dice),
    )


def _machines(dice: random.Random) -> dict[str, tuple[str, ...]]:
    second = dice.choice((("all",), ("items", "invoices"), ("all", "beat")))
    return {"a": ("items", "invoices", "beat"), "b": second}


def _by_hand(dice: random.Random) -> tuple[ByHand, ...]:
    kinds = (ByHand.ADOPTED, ByHand.ADOPTED, ByHand.OTHER_TYPE, ByHand.INACTIVE)
    return tuple(dice.choice(kinds) for _ in range(dice.randint(0, 3)))


# What is done


def _deeds(dice: random.Random, length: float, at_most: int) -> list[Step]:
    first = [
        Step(0.2, dice.choice((Deed.SCAN, Deed.SCAN_MESSAGE)), 0),
        Step(dice.uniform(0.2, 1.5), Deed.EXPORT_ALL, 0),
    ]
    kinds = [
        *(deed for deed in Deed if deed is not Deed.VERIFY_MESSAGE),
        Deed.SCAN,
        Deed.EXPORT_ALL,
        *[Deed.EXPORT_MESSAGE] * 3,
        Deed.ITEM_MESSAGE,
        Deed.EDIT_ITEM,
    ]
    kinds += [Deed.ITEM_BY_HAND] * 2
    more = [
        Step(dice.uniform(0.5, length), dice.choice(kinds), dice.getrandbits(32), twice=dice.random() < 0.3)
        for _ in range(dice.randint(5, at_most))
    ]
    return first + more


_MOMENTS = {
    Fault.KILL_WORKER: 5, Fault.KILL_BEAT: 1.5, Fault.KILL_REDIS: 2.5, Fault.PAUSE: 3, Fault.TERM: 2.5, Fault.ROLLING: 0.7,
    Fault.CUT: 1.5, Fault.QUEUE_DELETED: 1.5, Fault.AGAIN: 1.5,
}  # fmt: skip
"""How often each is drawn."""


POINTS = ("", "", "intent", "intent", "told")


def _strike(dice: random.Random, length: float) -> Step:
    kind = dice.choices(list(_MOMENTS), list(_MOMENTS.values()))[0]
    lasts = {Fault.KILL_REDIS: dice.choice((0.0, 1.0, 2.0, 3.5)), Fault.PAUSE: dice.uniform(3.5, 6.0)}.get(kind, 0.0)
    aimed = dice.random() < 0.7
    point = dice.choice(POINTS) if aimed and kind in (Fault.KILL_WORKER, Fault.PAUSE) else ""
    return Step(dice.uniform(0.6, length), kind, dice.getrandbits(32), lasts, aimed, point)


# Weather

Rule = Callable[[random.Random], Mapping[str, Any]]
_WRITES = {"method": "POST", "path": "record/v1/(otherCharge|vendorBill)"}
_API = {"path": "/rest/"}
SHORT_RULES: dict[str, dict[Fault, Rule]] = {
    "netsuite": {
        Fault.NS_CUT_BEFORE: lambda dice: {"kind": "cut_before", "path": "/rest/", "probability": dice.choice((0.1, 0.4))},
        Fault.NS_CUT_AFTER: lambda dice: {"kind": "cut_after", **_WRITES, "probability": dice.choice((0.2, 0.5, 1.0))},
        Fault.NS_ERROR_BEFORE: lambda dice: {"kind": "error_before", **_WRITES, "probability": 0.4, "value": dice.choice((500, 503))},
        Fault.NS_ERROR_AFTER: lambda dice: {"kind": "error_after", **_WRITES, "probability": dice.choice((0.3, 0.7)), "value": dice.choice((500, 502, 504))},
        Fault.NS_SLOW: lambda dice: {"kind": "slow_commit", **_WRITES, "probability": dice.choice((0.2, 0.5)), "value": dice.uniform(1.7, 3.5)},
        Fault.NS_LATE: lambda dice: {"kind": "slow_commit", "method": "POST", "path": "record/v1", "probability": 0.3, "times": 2, "value": dice.uniform(3.5, 5.4)},
        Fault.NS_HTML: lambda dice: {"kind": "html", "path": "/rest/", "probability": 0.5, "times": 4, "value": 503},
        Fault.NS_401: lambda dice: {"kind": "unauthorized", "path": "record|query", "probability": dice.choice((0.2, 0.6))},
        Fault.NS_429: lambda dice: {"kind": "too_many", "path": "record|query", "probability": dice.choice((0.2, 0.6))},
        Fault.NS_LATENCY: lambda dice: {"kind": "latency", "path": "/rest/", "probability": 0.3, "value": dice.choice((0.5, 1.2, 2.5))},
    },
    "procore": {
        Fault.PC_CUT_BEFORE: lambda dice: {"kind": "cut_before", **_API, "probability": dice.choice((0.1, 0.4))},
        Fault.PC_CUT_AFTER: lambda dice: {"kind": "cut_after", "method": "PATCH", "probability": dice.choice((0.5, 1.0))},
        Fault.PC_ERROR: lambda dice: {"kind": "error_before", **_API, "probability": 0.3, "value": dice.choice((500, 502))},
        Fault.PC_HTML: lambda dice: {"kind": "html", **_API, "probability": 0.5, "times": 4, "value": 503},
        Fault.PC_401: lambda dice: {"kind": "unauthorized", **_API, "probability": 0.2},
        Fault.PC_429: lambda dice: {"kind": "too_many", **_API, "times": 2},
        Fault.PC_LATENCY: lambda dice: {"kind": "latency", **_API, "probability": 0.2, "value": dice.choice((0.5, 2.0))},
    },
}  # fmt: skip


def _spells(dice: random.Random, remote: str, length: float) -> list[Weather]:
    """One spell after the other, with fair weather in between."""
    spells, at = [], dice.uniform(0.2, 3)
    while at < length - 0.5:
        kinds = dice.sample(list(SHORT_RULES[remote]), dice.choice((1, 1, 2)))
        if remote == "procore" and dice.random() < 0.4:
            # The one write there, which few requests are.
            kinds = [Fault.PC_CUT_AFTER]
        lasts = min(dice.uniform(1, 3), length - at)
        spells.append(
            Weather(
                at, lasts, remote, [(kind, SHORT_RULES[remote][kind](dice)) for kind in kinds], dice.getrandbits(32)
            )
        )
        at += lasts + dice.uniform(0.5, 4 if remote == "netsuite" else 6)
    return spells


# With the product's own times


def _with_product_times(seed: int, dice: random.Random) -> Plan:
    """Work for some twenty seconds; perhaps an outage; then a worker is killed and another one gets TERM, each in mid-write.

    The outage comes first: while Redis is away nobody can take up a dead worker's work.
    """
    setup = Setup(
        seed=seed,
        product_times=True,
        profile="large:3x20:9",
        machines=_machines(dice),
        slots=3,
        account_limit=50,
        window=0.3 if dice.random() < 0.5 else None,
        write_latency=0.8,
        lag=0.0,
        by_hand=_by_hand(dice),
    )
    steps = [Step(0.2, Deed.SCAN, 0), Step(0.5, Deed.EXPORT_ALL, 0), *_deeds(dice, 16, 7)[2:]]
    if dice.random() < 0.5:
        steps.append(Step(dice.uniform(2, 4), Fault.KILL_REDIS, 0, lasts=dice.uniform(0, 3)))
    if dice.random() < 0.4:
        steps.append(
            Step(dice.uniform(9, 11), Fault.PAUSE, dice.getrandbits(32), lasts=dice.uniform(22, 35), aimed=True)
        )
    steps.append(Step(dice.uniform(11, 13), Fault.KILL_WORKER, dice.getrandbits(32), aimed=True))
    steps.append(Step(dice.uniform(16, 18), Fault.TERM, dice.getrandbits(32), aimed=True))
    steps += [Step(dice.uniform(14, 18), Fault.AGAIN, 0)] if dice.random() < 0.3 else []
    slow = {"kind": "slow_commit", **_WRITES, "times": dice.choice((1, 2)), "value": dice.uniform(32, 42)}
    lost = {"kind": "cut_after", **_WRITES, "probability": 0.2}
    weather = [
        Weather(dice.uniform(5, 8), 4, "netsuite", [(Fault.NS_CUT_AFTER, lost)], dice.getrandbits(32)),
        Weather(14.5, 4, "netsuite", [(Fault.NS_LATENCY, slow)], dice.getrandbits(32)),
    ]
    return Plan(setup, 18.5, sorted(steps, key=lambda step: step.at), weather)
