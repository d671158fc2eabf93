"""Every kind of fault, and the plan of a seed: which strike, when, how often."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from tests.campaign.simulated.remotes import Request


class Kind(StrEnum):
    """What may go wrong, in the words of the report."""

    NS_REFUSED = "NetSuite: connection refused"
    NS_LOST_BEFORE = "NetSuite: connection lost before the commit"
    NS_LOST_AFTER = "NetSuite: connection lost after the commit"
    NS_SLOW_COMMIT = "NetSuite: commit lands minutes later"
    NS_5XX_BEFORE = "NetSuite: 5xx before the commit"
    NS_5XX_AFTER = "NetSuite: 5xx after the commit"
    NS_TIMEOUT = "NetSuite: read timeout"
    NS_429 = "NetSuite: 429 burst"
    NS_401 = "NetSuite: 401 in disguise"
    NS_MAINTENANCE = "NetSuite: HTML 503 for all"
    NS_NO_LOCATION = "NetSuite: created without Location"
    NS_PERMISSION = "NetSuite: permission missing for a while"
    NS_STALE = "NetSuite: SuiteQL minutes behind"
    NS_CLOSED = "NetSuite: period closed for a while"
    PC_REFUSED = "Procore: connection refused"
    PC_403 = "Procore: 403"
    PC_404 = "Procore: 404"
    PC_5XX = "Procore: 5xx"
    PC_429 = "Procore: 429"
    PC_401 = "Procore: 401"
    PC_LOST = "Procore: answer lost (write-back done or not)"
    MSG_LOST = "broker: message lost"
    MSG_DOUBLED = "broker: message doubled"
    MSG_DELAYED = "broker: message delayed"
    MSG_REORDERED = "broker: messages out of order"
    KILL = "worker: killed and restarted"
    STALL = "worker: paused beyond lock and gate lease"
    LONG_STALL = "worker: paused beyond the settle window"
    PAUSE = "worker: paused for some seconds"
    LOCK_DELETED = "store: lock lost while held"
    STORE_BACK = "store: restarted, last second of writes gone"
    STORE_DOWN = "store: away for some seconds"
    STORE_REPEATED = "store: answer lost, command repeated"
    STORE_EMPTIED = "store: emptied"
    POWER_CUT = "machine: a worker killed and the store's last second gone"
    MACHINE_LOST = "machine: a worker killed and the store emptied"
    BEAT_TWICE = "beat: two at once"
    BEAT_AWAY = "beat: away for minutes"
    SKEW = "workers: clocks apart"
    UNBUDGETED = "Procore: code un-budgeted in mid-flight"
    INVOICE_CHANGED = "Procore: invoice changed in mid-flight"
    INVOICE_WITHDRAWN = "Procore: invoice withdrawn and re-approved"
    RENUMBERED = "Procore: project renumbered in mid-flight"
    ITEM_EDITED = "accountant: edits an Item"
    ITEM_RENAMED = "accountant: renames an Item"
    ITEM_INACTIVATED = "accountant: inactivates an Item"
    ITEM_BY_HAND = "accountant: makes an Item by hand in mid-flight"
    BILL_BY_HAND = "accountant: enters a bill by hand in mid-flight"
    BILL_EDITED = "accountant: edits a bill"
    # Drawn in addition to those above (situations.py).
    SAME_NUMBER = "Procore: two invoices of one vendor with one number"
    VENDOR_LINK_WRONG = "Procore: vendor linked to another NetSuite vendor"
    VENDOR_LINK_INACTIVE = "NetSuite: linked vendor inactive, another of its name active"
    VENDOR_LINK_FOREIGN = "Procore: vendor carries the id of another system"
    PROJECT_LINK_WRONG = "Procore: project linked to another NetSuite project"
    PROJECT_LINK_FOREIGN = "Procore: project carries the id of another system"
    PROJECT_INACTIVATED = "Procore: project made inactive"
    ODD_ROWS = "Procore: unreadable rows in lists"
    TEMPLATE = "Procore: project template in the list"
    LINES_SHARE_ID = "Procore: invoice lines share an id"
    LINES_WITHOUT_ID = "Procore: invoice lines without an id"
    LINES_MOVED = "Procore: amounts moved between codes while the origin id is refused"
    WITHDRAWN_IN_DOUBT = "Procore: invoice withdrawn while its bill is in doubt"
    CENT_OFF = "Procore: payment due a cent off its lines"
    SETTLED_BY_HAND = "accountant: enters a blocked invoice by hand"
    OUTAGE_WITH_ROOM = "Procore: 503 with rate-limit headers and room left"
    PC_SLOW = "Procore: answers after half a minute"
    TOKENS_HANG = "token service: no answer"
    ONE_KIND_AWAY = "workers: one kind absent for minutes"
    REQUEST_DURING = "request arrives during an attempt"
    BEAT_SKEW = "beat: its clock apart"
    REMOTE_SKEW = "remotes: their clocks apart"
    WEEK_LATER = "everything paused for more than a week"
    ADOPTED_LOST = "adopted Item renamed, then the store emptied"
    DECIDED = "person: says that an invoice is not to be exported"
    FIELD_REFUSED = "NetSuite: refuses a field of one bill"
    SUBSIDIARY_REFUSED = "NetSuite: refuses a vendor in the subsidiary"
    CREDITS_REFUSED = "NetSuite: role may not create vendor credits"
    EDIT_REFUSED = "NetSuite: role may create Items and not edit them"
    GENERATED_NAMES = "NetSuite: generates Item names"
    GENERATED_NUMBERS = "NetSuite: generates bill numbers"
    TAX_ADDED = "NetSuite: adds tax to bills"
    NIGHTLY = "verify: runs while other work is in progress"
    VERIFY_CUT = "verify: interrupted"


FIRST = tuple(Kind)[: list(Kind).index(Kind.SAME_NUMBER)]
"""What `plan` draws from."""

NETSUITE_ANY = (Kind.NS_REFUSED, Kind.NS_429, Kind.NS_401, Kind.NS_MAINTENANCE, Kind.NS_5XX_BEFORE, Kind.NS_LOST_AFTER,
                Kind.NS_TIMEOUT, Kind.NS_PERMISSION)  # fmt: skip
NETSUITE_WRITES = (Kind.NS_LOST_BEFORE, Kind.NS_SLOW_COMMIT, Kind.NS_5XX_AFTER, Kind.NS_NO_LOCATION)
PROCORE_ANY = (Kind.PC_REFUSED, Kind.PC_403, Kind.PC_404, Kind.PC_5XX, Kind.PC_429, Kind.PC_401, Kind.PC_LOST,
               Kind.OUTAGE_WITH_ROOM, Kind.PC_SLOW)  # fmt: skip
MESSAGES = (Kind.MSG_LOST, Kind.MSG_DOUBLED, Kind.MSG_DELAYED, Kind.MSG_REORDERED)
RESTARTS = (Kind.STORE_BACK, Kind.POWER_CUT)
LOSSES = (Kind.STORE_EMPTIED, Kind.MACHINE_LOST)
STALLS = (Kind.STALL, Kind.LONG_STALL, Kind.PAUSE)
POINTS = (Kind.KILL, *STALLS, Kind.LOCK_DELETED, *RESTARTS, *LOSSES)
EDITS = (Kind.UNBUDGETED, Kind.INVOICE_CHANGED, Kind.INVOICE_WITHDRAWN, Kind.RENUMBERED, Kind.ITEM_EDITED,
         Kind.ITEM_RENAMED, Kind.ITEM_INACTIVATED, Kind.ITEM_BY_HAND, Kind.BILL_BY_HAND, Kind.BILL_EDITED)  # fmt: skip
WINDOWS = (*NETSUITE_ANY, *NETSUITE_WRITES, *PROCORE_ANY, *MESSAGES, Kind.NS_STALE, Kind.NS_CLOSED, Kind.STORE_REPEATED)
STAGES = ("intending", "intending", "intended", "sending", "arrived", "committed")
"""Stages of a create: before and after its intent, on its way, at NetSuite, and written there."""
ANY_CALL = "call"
"""Any call of a worker to the store or to a remote."""

# How often a kind is drawn, where it is not once.
_WEIGHTS = {
    Kind.KILL: 6, Kind.STALL: 5, Kind.LOCK_DELETED: 4, Kind.NS_SLOW_COMMIT: 4, Kind.NS_LOST_AFTER: 3,
    Kind.NS_LOST_BEFORE: 2, Kind.NS_5XX_AFTER: 3, Kind.NS_TIMEOUT: 2, Kind.MSG_LOST: 3, Kind.MSG_DOUBLED: 3, Kind.NS_STALE: 3, Kind.STORE_BACK: 2,
    Kind.POWER_CUT: 2, Kind.STORE_EMPTIED: 0.4, Kind.MACHINE_LOST: 0.6, Kind.NS_PERMISSION: 0.5, Kind.NS_CLOSED: 0.5, Kind.NS_MAINTENANCE: 0.7,
    Kind.BEAT_AWAY: 0.7, Kind.INVOICE_CHANGED: 2, Kind.INVOICE_WITHDRAWN: 2,
}  # fmt: skip
_RARE = {Kind.NS_PERMISSION: 0.3, Kind.NS_SLOW_COMMIT: 0.5, Kind.NS_TIMEOUT: 0.3, Kind.STORE_REPEATED: 0.1}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: from `at` for `lasts` seconds of the schedule, or at the `nth` place of a stage."""

    kind: Kind
    at: float = 0.0
    lasts: float = 0.0
    rate: float = 0.0
    nth: int = 0
    stage: str = ""
    seed: int = 0

    def __str__(self) -> str:
        if self.nth:
            where = f"at call {self.nth}" if self.stage == ANY_CALL else f"at create {self.nth} ({self.stage})"
            return f"{self.kind}, {where}, {self.lasts:.0f} s"
        return f"{self.kind}, from {self.at:.0f} s for {self.lasts:.0f} s, rate {self.rate:.2f}"


def plan(dice: random.Random, length: float) -> list[Fault]:
    """Some faults of many kinds within the first `length` seconds."""
    kinds = FIRST
    weights = [_WEIGHTS.get(kind, 1) for kind in kinds]
    faults = [_fault(dice, kind, length) for kind in dice.choices(kinds, weights, k=dice.randint(2, 9))]
    if any(fault.kind in LOSSES for fault in faults):
        # Two kinds of loss at once would need two different sets of questions.
        faults = [fault for fault in faults if fault.kind not in RESTARTS]
    return faults


def _fault(dice: random.Random, kind: Kind, length: float) -> Fault:
    at, seed = dice.uniform(0, length), dice.getrandbits(32)
    if kind in POINTS:
        ranges = {Kind.STALL: (21, 75), Kind.LONG_STALL: (890, 1000), Kind.PAUSE: (1, 15)}
        lasts = dice.uniform(*ranges.get(kind, (0.1, 4)))
        chance = dice.random()
        if chance < 0.5:
            return Fault(kind, 0.0, lasts, nth=dice.randint(1, 6), stage=dice.choice(STAGES), seed=seed)
        if chance < 0.8:
            nth = dice.choice((dice.randint(1, 60), dice.randint(1, 300), dice.randint(1, 1000)))
            return Fault(kind, 0.0, lasts, nth=nth, stage=ANY_CALL, seed=seed)
        return Fault(kind, at, lasts, seed=seed)
    if kind in EDITS and dice.random() < 0.5:
        return Fault(kind, 0.0, 0.0, nth=dice.randint(1, 6), stage=dice.choice(STAGES), seed=seed)
    if kind in WINDOWS:
        whole = dice.random() < 0.3
        lasts = length if whole else dice.uniform(5, length)
        rate = dice.choice((0.1, 0.3, 0.6, 1.0)) * _RARE.get(kind, 1.0)
        return Fault(kind, 0.0 if whole else at * 0.5, lasts, rate, seed=seed)
    if kind is Kind.STORE_DOWN:
        return Fault(kind, at, dice.uniform(0.2, 12), seed=seed)
    if kind is Kind.BEAT_AWAY:
        return Fault(kind, at, dice.uniform(30, 240), seed=seed)
    return Fault(kind, at, dice.uniform(5, 120), seed=seed)


class Striker:
    """The plan in action: each fault has separate dice, so that leaving one out changes the others little."""

    def __init__(self, faults: list[Fault], start: float) -> None:
        self._start = start
        self.struck: Counter[Kind] = Counter()
        self.replace(faults)

    def replace(self, faults: list[Fault]) -> None:
        """From here on these are planned, and no others."""
        self.faults = faults
        self._dice = {fault: random.Random(fault.seed) for fault in faults}
        self._by_kind: dict[Kind, list[Fault]] = {}
        for fault in faults:
            self._by_kind.setdefault(fault.kind, []).append(fault)

    def strike(self, kinds: tuple[Kind, ...], now: float) -> tuple[Kind, random.Random] | None:
        """The first of these kinds that strikes here and now, and its dice."""
        for kind in kinds:
            for fault in self._by_kind.get(kind, ()):
                since = now - self._start - fault.at
                dice = self._dice[fault]
                if 0 <= since < fault.lasts and dice.random() < fault.rate:
                    self.struck[kind] += 1
                    return kind, dice
        return None

    def request_fault(self, request: Request, now: float) -> tuple[Kind, random.Random] | None:
        """Return the fault of one request."""
        if request.path.endswith("/token") and (hit := self.strike((Kind.TOKENS_HANG,), now)):
            return hit
        if request.remote == "procore":
            return self.strike(PROCORE_ANY, now)
        if request.creates and (hit := self.strike(NETSUITE_WRITES, now)):
            return hit
        return self.strike(NETSUITE_ANY, now)

    def of_kind(self, kind: Kind) -> list[Fault]:
        """The planned faults of a kind."""
        return self._by_kind.get(kind, [])
