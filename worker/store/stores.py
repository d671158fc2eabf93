"""The stores in Redis as one parameter object: a service takes `Stores` and says in its body which of them it uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from worker.domain.scopes import Remote
from worker.part import BuildingLock, Part
from worker.store.adopted_items import AdoptedItems
from worker.store.bill_claims import BillClaims
from worker.store.cache import Cache
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.currencies import Currencies
from worker.store.decisions import Decisions
from worker.store.gate import Gate
from worker.store.holds import Holds
from worker.store.identity import StoreIdentity
from worker.store.lanes import Lanes
from worker.store.last_reads import LastReads
from worker.store.leases import LeaseKeeper
from worker.store.ledger import Ledger
from worker.store.limits import RateLimits
from worker.store.locks import Locks
from worker.store.open_problems import Handling
from worker.store.plan_keys import PlanKeys
from worker.store.presence import Presence
from worker.store.projects import ProjectList
from worker.store.runs import Runs
from worker.store.runtime import Runtime
from worker.store.schedule_runs import ScheduleRuns
from worker.store.series import SeriesStates
from worker.store.verifications import Verifications
from worker.store.webhook_counts import WebhookCounts

T = TypeVar("T")


def _store(build: Callable[[Stores], T]) -> Part[T]:
    return Part(build)


@dataclass(frozen=True, slots=True)
class Installation:
    """The installation that the stores belong to. `prefix`: of all its Redis keys; `slots`: NetSuite's limit on concurrent requests."""

    prefix: str
    company_id: int
    account_id: str
    data_dir: Path
    slots: int

    @property
    def account(self) -> str:
        """Return the NetSuite account id as keys and plans have it."""
        return self.account_id.lower()

    @property
    def owner(self) -> str:
        """Return the company and the account that a ledger belongs to."""
        return f"{self.company_id}/{self.account}"


@dataclass(frozen=True)
class Stores:
    """The Redis connection of one process and its stores, each built at its first use. `keeper`: renews locks and slots."""

    redis: Redis
    keeper: LeaseKeeper
    installation: Installation
    runtime: Runtime
    building: BuildingLock = field(default_factory=BuildingLock, init=False, repr=False, compare=False)

    ledger = _store(lambda own: Ledger(own.redis, own.prefix))
    work = _store(lambda own: Lanes(own.redis, own.prefix, runtime=own.runtime))
    runs = _store(lambda own: Runs(own.redis, own.prefix))
    handling = _store(lambda own: Handling(own.redis, own.prefix))
    holds = _store(lambda own: Holds(own.redis, own.prefix))
    presence = _store(lambda own: Presence(own.redis, own.prefix))
    schedule_runs = _store(lambda own: ScheduleRuns(own.redis, own.prefix))
    series_states = _store(lambda own: SeriesStates(own.redis, own.prefix))
    verifications = _store(lambda own: Verifications(own.redis, own.prefix))
    webhook_counts = _store(lambda own: WebhookCounts(own.redis, own.prefix, runtime=own.runtime))
    bill_claims = _store(lambda own: BillClaims(own.redis, own.prefix))
    currencies = _store(lambda own: Currencies(own.redis, own.prefix))
    last_reads = _store(lambda own: LastReads(own.redis, own.prefix))
    plan_keys = _store(lambda own: PlanKeys(own.redis, own.prefix, runtime=own.runtime))
    listed_projects = _store(lambda own: ProjectList(own.redis, own.prefix, runtime=own.runtime))
    procore_limits = _store(lambda own: RateLimits(own.redis, own.prefix, Remote.PROCORE, runtime=own.runtime))
    cache = _store(lambda own: Cache(own.redis, own.prefix, own.installation.account))
    gate = _store(
        lambda own: Gate(own.redis, own.prefix, own.keeper, limit=own.installation.slots, runtime=own.runtime)
    )
    identity = _store(lambda own: StoreIdentity(own.redis, own.prefix, own.file("store"), runtime=own.runtime))
    locks = _store(lambda own: Locks(own.redis, own.prefix, own.keeper, own.identity, runtime=own.runtime))
    decisions = _store(
        lambda own: Decisions(
            own.redis, own.prefix, owner=own.copies_of, file=own.file("invoice-decisions"), runtime=own.runtime
        )
    )
    adopted_items = _store(
        lambda own: AdoptedItems(own.redis, own.prefix, own.ledger, owner=own.copies_of, file=own.file("adopted-items"))
    )

    @property
    def prefix(self) -> str:
        """Return the prefix of all keys."""
        return self.installation.prefix

    @property
    def copies_of(self) -> str:
        """Return the ledger that copies on this machine belong to."""
        return f"{self.prefix} {self.installation.owner}"

    def file(self, name: str) -> Path:
        """Return the file in DATA_DIR with a copy of this name."""
        return self.installation.data_dir / f"{name}.json"

    def now(self) -> float:
        """Return the time of Redis' clock in unix seconds."""
        return seconds(self.redis)
