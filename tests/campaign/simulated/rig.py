"""One schedule's stage: store, remotes, broker, virtual workers and beats, and the faults that strike them."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ConnectionError as StoreAway

from config.schedule import beat_schedule
from config.settings import Settings
from tests.campaign.simulated import situations
from tests.campaign.simulated.beats import Beats
from tests.campaign.simulated.faults import ANY_CALL, Fault, Kind, Striker
from tests.campaign.simulated.moments import Moments
from tests.campaign.simulated.netsuite import NetSuiteModel
from tests.campaign.simulated.notes import NotedClient
from tests.campaign.simulated.procore import ProcoreModel
from tests.campaign.simulated.remotes import Request
from tests.campaign.simulated.scheduler import Scheduler, VThread
from tests.campaign.simulated.store import Server
from tests.campaign.simulated.strikes import Strikes
from tests.campaign.simulated.troubles import Troubles
from tests.campaign.simulated.watch import Watch
from tests.campaign.simulated.wires import Wires
from tests.campaign.simulated.workers import Floor
from tests.campaign.simulated.world import Invoice, build
from worker.domain.identities import InvoiceKey

START = 1_780_000_000.0
PREFIX = "wbs:"
BEAT = 5.0


@dataclass(frozen=True)
class Setup:
    """What a seed decides in addition to its faults and triggers."""

    seed: int
    workers: int
    threads: int
    cap: int
    window: float | None
    numbers: str
    budget_endpoint: bool
    mark_adopted: bool
    beats: int
    skews: tuple[float, ...]
    length: float


class Rig:
    """Everything of one schedule. Made, played and closed by `schedule.play`."""

    def __init__(self, setup: Setup, faults: Sequence[Fault], settings: Settings) -> None:
        self.setup = setup
        self.settings = settings.model_copy(
            update={
                "netsuite_concurrency": setup.cap,
                "netsuite_currency": "USD",
                "netsuite_adopted_items_get_external_id": setup.mark_adopted,
            }
        )
        self.scheduler = Scheduler(START)
        self.chance = random.Random(setup.seed * 7 + 1)
        self.dice = random.Random(setup.seed * 7 + 2)
        self.company = build(random.Random(setup.seed * 7 + 3))
        self.troubles = Troubles()
        self.kinds = frozenset(fault.kind for fault in faults)
        placed = situations.in_company(self.company, faults)
        self.store = Server(lambda: self.scheduler.now, random.Random(setup.seed * 7 + 4))
        self.store.pushed = self._pushed
        self.procore = ProcoreModel(self.company, lambda: self.scheduler.now, has_budget_endpoint=setup.budget_endpoint)
        self.netsuite = NetSuiteModel(
            self.company, lambda: self.scheduler.now, window=setup.window, numbers=setup.numbers
        )
        placed += situations.in_account(self, faults)
        for invoice in map(self.company.invoices.__getitem__, self.company.entered):
            self.netsuite.enter_bill(invoice, self.company.projects[invoice.project_id], exact=True)
        self.striker = Striker(list(faults), START)
        self.striker.struck.update(placed)
        self._repeats = bool(self.striker.of_kind(Kind.STORE_REPEATED))
        self.wires = Wires(self, cap=setup.cap, dice=random.Random(setup.seed * 7 + 5))
        self.floor = Floor(self, self.dice)
        self.beats = Beats(self)
        self.strikes = Strikes(self)
        self.moments = Moments(self)
        self.events: list[tuple[Any, ...]] = []
        self.facts: Counter[str] = Counter()
        self.beat_skew = self.remote_skew = 0.0
        self._set_clocks()
        self._shorten_tokens()
        self.store_away_until = 0.0
        self.faults_over = False
        self.untrue: list[str] = []
        self.accepted: list[tuple[str, float]] = []
        self.begun: dict[str, float] = {}
        self.blocked: dict[str, float] = {}
        self.attempts: Counter[str] = Counter()
        self.settled: list[Invoice] = []
        self.decided: dict[int, float] = {}
        self.copied: dict[int, float] = {}
        self.adopted: dict[str, str] = {}
        self.adopted_at: dict[str, float] = {}
        self.asked_during: dict[str, float] = {}
        self.watch = Watch(self)
        self.skipped_seconds = 0.0
        self.pending = 0
        self._blocked: list[tuple[VThread, Sequence[str]]] = []

    def _shorten_tokens(self) -> None:
        """Where the token service is to hang, tokens end soon enough that somebody needs it."""
        if Kind.TOKENS_HANG in self.kinds:
            self.netsuite.token_lifetime = self.procore.token_lifetime = 240

    # Notes: the story and the trace

    def note(self, *words: Any) -> None:
        """One line of the story."""
        thread = self.scheduler.current
        self.events.append((self.scheduler.now, f"{thread.process.name}/{thread.name}", *words))

    def trace(self) -> str:
        """A short text that is the same only for the same history."""
        digest = hashlib.blake2b(digest_size=12)
        digest.update(repr(self.events).encode())
        digest.update(repr((self.scheduler.switches, self.store.calls)).encode())
        return digest.hexdigest()

    # Clocks

    def _set_clocks(self) -> None:
        """How far the clocks of beat and of the remotes are off."""
        for fault in self.striker.of_kind(Kind.BEAT_SKEW):
            self.beat_skew = random.Random(fault.seed).choice((-60.0, -20.0, 60.0))
            self.striker.struck[fault.kind] += 1
        for fault in self.striker.of_kind(Kind.REMOTE_SKEW):
            self.remote_skew = random.Random(fault.seed).uniform(-90, 90)
            self.striker.struck[fault.kind] += 1

    def expiry_of_resume(self) -> float | None:
        """Return when beat's next message expires, by beat's own clock; None where it never does."""
        lasts = beat_schedule(self.settings)["resume"].get("options", {}).get("expires")
        return self.scheduler.now + self.beat_skew + lasts if lasts else None

    def worker_clock(self) -> float:
        """The wall clock of the worker whose turn it is. Where beat's clock is right, theirs count as right too."""
        return self.scheduler.now + (self.scheduler.current.process.skew if self.beat_skew else 0.0)

    # The store

    def client(self) -> NotedClient:
        """What `connect` gives a container."""
        return NotedClient(self, self._reach, self._wait_for_push)

    def _reach(self, command: Callable[[], Any], _name: str) -> Any:
        scheduler = self.scheduler
        scheduler.pause(self.dice.expovariate(1200))
        self.comes_to_a_call()
        if self.store_away_until > scheduler.now:
            self.outlast()
        if self._repeats and not self.faults_over and self.striker.strike((Kind.STORE_REPEATED,), scheduler.now):
            command()
            scheduler.pause(self.dice.uniform(0.01, 2))
        return command()

    def comes_to_a_call(self) -> None:
        """A worker is about to call the store or a remote."""
        if "mail" in self.scheduler.current.process.things:
            self.strikes.comes_to(ANY_CALL)

    def outlast(self) -> None:
        """Wait for a store that is away: redis-py tries four times, with about a second, two and four in between."""
        for wait in (1.0, 2.0, 4.0):
            self.scheduler.pause(self.dice.uniform(wait / 2, wait))
            if self.store_away_until <= self.scheduler.now:
                return
        self.note("the store does not answer")
        raise StoreAway("Connection refused")

    def _wait_for_push(self, keys: Sequence[str], timeout: float) -> tuple[str, str] | None:
        scheduler = self.scheduler
        scheduler.pause(self.dice.expovariate(1200))
        if self.store_away_until > scheduler.now:
            self.outlast()
        if found := self.store.pop(keys):
            return found
        entry = (scheduler.current, keys)
        self._blocked.append(entry)
        try:
            scheduler.park(scheduler.now + timeout)
        finally:
            if entry in self._blocked:
                self._blocked.remove(entry)
        given: tuple[str, str] | None = scheduler.current.note.pop("pushed", None)
        return given

    def _pushed(self, key: str) -> None:
        """A list grew: the client that has waited longest for it is served, even one that has died meanwhile."""
        for entry in list(self._blocked):
            thread, keys = entry
            if key in keys:
                self._blocked.remove(entry)
                if not thread.done:
                    thread.note["pushed"] = self.store.pop([key])
                    self.scheduler.wake(thread)
                return

    def lock_lost(self, request: Request) -> str:
        """Return why the lock of a create's work is no longer its client's; "" while it is, or if the client died."""
        parts = request.external_id.split("-")
        mine = f"code:{parts[3]}:{parts[4]}" if request.is_item else self._invoice_key(int(parts[3]))
        key = f"{PREFIX}lock:{mine}"
        token = request.thread.note.get(key)
        if token is None or request.thread.process.dead or not request.waiting:
            return ""
        return "" if self.store.call("GET", key) == token else "lost"

    def _invoice_key(self, invoice_id: int) -> str:
        return f"invoice:{self.company.invoices[invoice_id].project_id}:{invoice_id}"

    def blocked_codes(self, key: InvoiceKey) -> None:
        """Check that an invoice that waits for blocked codes has one that was blocked when the work looked it up."""
        invoice = self.company.invoices[key.invoice_id]
        records = self.store.data.get(f"{PREFIX}codes:{key.project_id}", {})
        began_at = self.scheduler.current.note.get("work_began_at", 0.0)
        codes = {line.code_id for version in invoice.versions for line in version.lines}
        if not any(
            '"state":"blocked"' in records.get(str(code), "")
            # Blocked when the work looked; since then another invoice may have asked for the code again.
            or self.blocked.get(f"code:{key.project_id}:{code}", -1e9) >= began_at - 30
            for code in codes
        ):
            self.untrue.append(f"invoice {key.invoice_id} is told to wait for blocked codes, of which it has none")
