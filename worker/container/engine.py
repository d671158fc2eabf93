"""Builds the engine, and what every part is built from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from config.settings import Settings
from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.container.connections import Connections
from worker.container.installation import installation_of, policy_of
from worker.container.ownership import Ownership
from worker.domain.scopes import Remote
from worker.engine.adoptions import Adoptions
from worker.engine.attempts import Attempts
from worker.engine.dispatch import Dispatch, lane_limits
from worker.engine.exactly_once import ExactlyOnce
from worker.engine.recovery import Recovery
from worker.engine.remote_failures import RemoteFailures
from worker.engine.settings_agreement import SettingsAgreement
from worker.engine.settlement import Settlement
from worker.engine.systematic_differences import SystematicDifferences
from worker.part import BuildingLock, Part, part
from worker.redis_access import redis_at
from worker.store.gate import Precedence
from worker.store.leases import LeaseKeeper
from worker.store.runtime import REAL, Runtime
from worker.store.stores import Stores

T = TypeVar("T")


def _part(build: Callable[[Engine], T]) -> Part[T]:
    return Part(build)


class Engine:
    """One attempt at one piece of work, and each write once. What else an installation has is built on it."""

    def __init__(self, settings: Settings, *, redis_url: str, runtime: Runtime = REAL) -> None:
        self.building = BuildingLock()
        self.settings = settings
        self.redis_url = redis_url
        self.redis = redis_at(redis_url)
        self.runtime = runtime
        self.keeper = LeaseKeeper(runtime=runtime)

    stores = _part(lambda own: Stores(own.redis, own.keeper, installation_of(own.settings), own.runtime))
    ownership = _part(lambda own: Ownership(own.stores))
    connections = _part(lambda own: Connections(own.settings, own.stores))
    policy = _part(lambda own: policy_of(own.settings, own.connections.profile))

    # The stores that commands and the parts below name.
    ledger = _part(lambda own: own.stores.ledger)
    work = _part(lambda own: own.stores.work)
    runs = _part(lambda own: own.stores.runs)

    def now(self) -> float:
        """Return the time of Redis' clock in unix seconds."""
        return self.stores.now()

    def procore(self, precedence: Precedence) -> Procore:
        """Return Procore for exports or for scans."""
        return self.connections.procore(precedence)

    def netsuite(self, precedence: Precedence) -> NetSuite:
        """Return NetSuite for exports or for scans."""
        return self.connections.netsuite(precedence)

    settings_agreement = _part(lambda own: SettingsAgreement(own.stores.presence))

    @part
    def attempts(self) -> Attempts:
        """One attempt at one piece of work."""
        return Attempts(
            work=self.work,
            keeper=self.keeper,
            recovery=self.recovery,
            agreement=self.settings_agreement,
            settlement=self.settlement,
            failures=self.remote_failures,
        )

    @part
    def settlement(self) -> Settlement:
        """How attempts end."""
        return Settlement(self.redis, work=self.work, ledger=self.ledger)

    @part
    def remote_failures(self) -> RemoteFailures:
        """What is paused because of failed requests."""
        return RemoteFailures(
            self.redis,
            settlement=self.settlement,
            work=self.work,
            ledger=self.ledger,
            holds=self.stores.holds,
            pings={
                Remote.PROCORE: lambda: self.procore(Precedence.EXPORT).who_am_i(),
                Remote.NETSUITE: lambda: self.netsuite(Precedence.EXPORT).item("0"),
            },
        )

    @part
    def recovery(self) -> Recovery:
        """The ledger, restored from NetSuite when Redis was lost."""
        return Recovery(
            self.redis,
            netsuite=self.netsuite(Precedence.EXPORT),
            company_id=self.settings.procore_company_id,
            adoptions=self.adoptions,
            decisions=self.stores.decisions,
            ledger=self.ledger,
            locks=self.stores.locks,
            work=self.work,
            require_own=self.ownership.require_no_other,
            confirmed=self.ownership.company_confirmed,
        )

    @part
    def adoptions(self) -> Adoptions:
        """Adopted Items over a lost Redis and over versions."""
        netsuite = self.netsuite(Precedence.EXPORT)
        return Adoptions(
            netsuite=netsuite, adopted=self.stores.adopted_items, ledger=self.ledger, locks=self.stores.locks
        )

    @part
    def dispatch(self) -> Dispatch:
        """Which waiting work is given out."""
        limits = lane_limits(self.settings.netsuite_concurrency)
        return Dispatch(
            work=self.work, runs=self.runs, holds=self.stores.holds, settlement=self.settlement, limits=limits
        )

    differences = _part(
        lambda own: SystematicDifferences(own.redis, states=own.stores.series_states, ledger=own.ledger, work=own.work)
    )

    once = _part(
        lambda own: ExactlyOnce(own.redis, own.ledger, own.stores.locks, own.differences, own.policy.settle_seconds)
    )
