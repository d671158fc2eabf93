"""All stores of a process as one parameter object. A service takes `Stores`, and its body shows which of them it uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from worker.domain.scopes import Remote
from worker.part import BuildingLock, Part
from worker.store.adopted_items import AdoptedItems
from worker.store.bill_claims import BillClaims
from worker.store.cache import Cache, Currencies
from worker.store.circuit_breakers import CircuitBreakers
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.decisions import Decisions
from worker.store.gate import Gate
from worker.store.identity import StoreIdentity
from worker.store.keys import Keys
from worker.store.lanes import Lanes
from worker.store.last_reads import LastReads
from worker.store.ledger import Ledger
from worker.store.limits import RateLimits
from worker.store.local_file import Copy
from worker.store.locks import LeaseKeeper, Locks
from worker.store.open_problems import Handling
from worker.store.presence import Presence, ScheduleRuns
from worker.store.projects import ProjectList
from worker.store.runs import Runs
from worker.store.runtime import Runtime
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
        """Return the NetSuite account id in lower case, as keys and plans contain it."""
        return self.account_id.lower()

    @property
    def owner(self) -> str:
        """Return the company and the account that a ledger belongs to."""
        return f"{self.company_id}/{self.account}"


@dataclass(frozen=True)
class Stores:
    """The stores of one process on its Redis connection, each built at its first use. `keeper`: renews locks and slots."""

    redis: Redis
    keeper: LeaseKeeper
    installation: Installation
    runtime: Runtime
    building: BuildingLock = field(default_factory=BuildingLock, init=False, repr=False, compare=False)

    ledger = _store(lambda own: Ledger(own.redis, own.prefix))
    work = _store(lambda own: Lanes(own.redis, own.prefix, runtime=own.runtime))
    runs = _store(lambda own: Runs(own.redis, own.prefix))
    handling = _store(lambda own: Handling(own.redis, own.prefix))
    breakers = _store(lambda own: CircuitBreakers(own.redis, own.prefix))
    presence = _store(lambda own: Presence(own.redis, own.prefix))
    schedule_runs = _store(lambda own: ScheduleRuns(own.redis, own.prefix))
    series_states = _store(lambda own: SeriesStates(own.redis, own.prefix))
    verifications = _store(lambda own: Verifications(own.redis, own.prefix))
    webhook_counts = _store(lambda own: WebhookCounts(own.redis, own.prefix, runtime=own.runtime))
    bill_claims = _store(lambda own: BillClaims(own.redis, own.prefix))
    currencies = _store(lambda own: Currencies(own.redis, own.prefix))
    last_reads = _store(lambda own: LastReads(own.redis, own.prefix))
    listed_projects = _store(lambda own: ProjectList(own.redis, own.prefix, runtime=own.runtime))
    procore_limits = _store(lambda own: RateLimits(own.redis, own.prefix, Remote.PROCORE, runtime=own.runtime))
    cache = _store(lambda own: Cache(own.redis, own.prefix, own.installation.account))
    gate = _store(
        lambda own: Gate(own.redis, own.prefix, own.keeper, limit=own.installation.slots, runtime=own.runtime)
    )
    identity = _store(lambda own: StoreIdentity(own.redis, own.prefix, own.file("store"), runtime=own.runtime))
    locks = _store(lambda own: Locks(own.redis, own.prefix, own.keeper, own.identity, runtime=own.runtime))
    decisions = _store(lambda own: Decisions(own.redis, own.prefix, own.copy("invoice-decisions"), runtime=own.runtime))
    adopted_items = _store(lambda own: AdoptedItems(own.redis, own.prefix, own.ledger, own.copy("adopted-items")))

    @property
    def prefix(self) -> str:
        """Return the prefix of all Redis keys."""
        return self.installation.prefix

    def file(self, name: str) -> Path:
        """Return the path of a JSON file in DATA_DIR."""
        return self.installation.data_dir / f"{name}.json"

    def copy(self, name: str) -> Copy:
        """Return this ledger's part of a file in DATA_DIR."""
        return Copy(self.file(name), f"{self.prefix} {self.installation.owner}")

    def task_result(self, task_id: str) -> dict[str, Any] | None:
        """Return status, result, name and arguments of a task that a worker has begun, which Celery stores for a day; None for any other task.

        `result` of a failure is `{"exc_type": ..., "exc_message": [...]}`. Other apps read the same key (`{prefix}celery-task-meta-{task id}`).
        """
        text = self.redis.get(Keys(self.prefix).task_result(task_id))
        return json.loads(text) if text else None

    def plan_key(self, *, create: bool = False) -> str:
        """Return the key with which this installation signs its plans; "" if no plan was ever saved. `create`: make it for the first saved plan. It
        is lost with Redis; then, earlier plans are refused.
        """
        name = Keys(self.prefix).plan_key
        if create:
            self.redis.set(name, self.runtime.token(32), nx=True)
        return str(self.redis.get(name) or "")

    def now(self) -> float:
        """Return the time of Redis' clock in unix seconds."""
        return seconds(self.redis)
