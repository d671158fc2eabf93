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
from worker.engine.adoptions import Adoptions
from worker.engine.attempts import Attempts
from worker.engine.dispatch import Dispatch, lane_limits
from worker.engine.exactly_once import ExactlyOnce
from worker.engine.recovery import Recovery
from worker.engine.remote_failures import RemoteFailures
from worker.engine.settings_agreement import SettingsAgreement
from worker.engine.settlement import Settlement
from worker.engine.systematic_differences import SystematicDifferences
from worker.part import BuildingLock, Part
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

    remotes = _part(lambda own: own.connections.remotes(Precedence.EXPORT))
    settings_agreement = _part(lambda own: SettingsAgreement(own.stores))
    settlement = _part(lambda own: Settlement(own.stores))
    remote_failures = _part(lambda own: RemoteFailures(own.stores, own.remotes, own.settlement))
    adoptions = _part(lambda own: Adoptions(own.stores, own.remotes))
    recovery = _part(
        lambda own: Recovery(
            own.stores, own.remotes, own.adoptions, own.ownership.require_no_other, own.ownership.company_confirmed
        )
    )
    attempts = _part(
        lambda own: Attempts(own.stores, own.recovery, own.settings_agreement, own.settlement, own.remote_failures)
    )
    dispatch = _part(lambda own: Dispatch(own.stores, own.settlement, lane_limits(own.settings.netsuite_concurrency)))
    differences = _part(lambda own: SystematicDifferences(own.stores))
    once = _part(lambda own: ExactlyOnce(own.stores, own.policy, own.differences))
