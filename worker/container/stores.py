"""The Redis stores of one process, each built on first use."""

from __future__ import annotations

from threading import RLock
from typing import Any

from config.setting_faults import InvalidSettings
from config.settings import Settings
from worker.container.part import part
from worker.domain.scopes import Remote
from worker.redis_access import redis_at, require_one_server
from worker.store import results
from worker.store.adopted_items import AdoptedItems
from worker.store.bill_claims import BillClaims
from worker.store.cache import Cache
from worker.store.connection import seconds
from worker.store.currencies import Currencies
from worker.store.decisions import Decisions
from worker.store.gate import Gate
from worker.store.holds import Holds
from worker.store.identity import MEET_EVERY_SECONDS, StoreIdentity
from worker.store.keys import Keys
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
from worker.store.runtime import REAL, Runtime
from worker.store.schedule_runs import ScheduleRuns
from worker.store.series import SeriesStates
from worker.store.verifications import Verifications
from worker.store.webhook_counts import WebhookCounts


class Stores:
    """The Redis connection of one process and its stores."""

    def __init__(self, settings: Settings, *, redis_url: str, runtime: Runtime = REAL) -> None:
        self.building = RLock()
        self.settings = settings
        self.redis_url = redis_url
        self.runtime = runtime
        self.redis = redis_at(redis_url)
        self._prefix = settings.redis_key_prefix
        self._keys = Keys(self._prefix)
        self._keeper = LeaseKeeper(runtime=runtime)
        self.may_claim = True

    def now(self) -> float:
        """Return the time of Redis' clock in unix seconds."""
        return seconds(self.redis)

    @part
    def ledger(self) -> Ledger:
        """The ledger of codes and invoices."""
        return Ledger(self.redis, self._prefix)

    @part
    def handling(self) -> Handling:
        """Decisions on problems."""
        return Handling(self.redis, self._prefix)

    @part
    def presence(self) -> Presence:
        """The running processes."""
        return Presence(self.redis, self._prefix)

    @part
    def webhook_counts(self) -> WebhookCounts:
        """Counts of the webhook receiver's responses."""
        return WebhookCounts(self.redis, self._prefix, runtime=self.runtime)

    @part
    def schedule_runs(self) -> ScheduleRuns:
        """Numbers of messages in each queue."""
        return ScheduleRuns(self.redis, self._prefix)

    @part
    def locks(self) -> Locks:
        """Locks on codes and invoices."""
        return Locks(self.redis, self._prefix, self._keeper, self.identity, runtime=self.runtime)

    @part
    def adopted_items(self) -> AdoptedItems:
        """Adopted Items by code."""
        file, owner = self.settings.data_dir / "adopted-items.json", f"{self._prefix} {self._owner}"
        return AdoptedItems(self.redis, self._prefix, self.ledger, owner=owner, file=file)

    @part
    def decisions(self) -> Decisions:
        """Decisions on invoices."""
        file, owner = self.settings.data_dir / "invoice-decisions.json", f"{self._prefix} {self._owner}"
        return Decisions(self.redis, self._prefix, owner=owner, file=file, runtime=self.runtime)

    @part
    def identity(self) -> StoreIdentity:
        """The identity of the store that this process knows."""
        return StoreIdentity(self.redis, self._prefix, self.settings.data_dir / "store.json", runtime=self.runtime)

    def watch_store(self) -> None:
        """Compare the store with the one this process knows at intervals, for the life of the process."""
        self._keeper.repeat(self.identity.meet, every=MEET_EVERY_SECONDS)

    @part
    def bill_claims(self) -> BillClaims:
        """Claims of invoices on document numbers and adopted bills."""
        return BillClaims(self.redis, self._prefix)

    @part
    def currencies(self) -> Currencies:
        """Base currencies of invoices."""
        return Currencies(self.redis, self._prefix)

    @part
    def series_states(self) -> SeriesStates:
        """Whether NetSuite keeps Items and bills as they are sent."""
        return SeriesStates(self.redis, self._prefix)

    @part
    def work(self) -> Lanes:
        """Work that waits, is dispatched or is claimed."""
        return Lanes(self.redis, self._prefix, runtime=self.runtime)

    @part
    def runs(self) -> Runs:
        """Scans and exports of all."""
        return Runs(self.redis, self._prefix)

    @part
    def holds(self) -> Holds:
        """Circuit breakers of the remotes."""
        return Holds(self.redis, self._prefix)

    @part
    def gate(self) -> Gate:
        """The limit on concurrent NetSuite requests."""
        return Gate(
            self.redis, self._prefix, self._keeper, limit=self.settings.netsuite_concurrency, runtime=self.runtime
        )

    @part
    def cache(self) -> Cache:
        """Cached links and facts of the NetSuite account."""
        return Cache(self.redis, self._prefix, self.settings.netsuite_account_id.lower())

    @part
    def plan_keys(self) -> PlanKeys:
        """The key that signs plans."""
        return PlanKeys(self.redis, self.settings.redis_key_prefix, runtime=self.runtime)

    @part
    def last_reads(self) -> LastReads:
        """The listed state of invoices when they were last read."""
        return LastReads(self.redis, self.settings.redis_key_prefix)

    @part
    def verifications(self) -> Verifications:
        """Cached results of the last comparisons."""
        return Verifications(self.redis, self._prefix)

    @part
    def procore_limits(self) -> RateLimits:
        """Windows of Procore's rate limit."""
        return RateLimits(self.redis, self._prefix, Remote.PROCORE, runtime=self.runtime)

    @part
    def listed_projects(self) -> ProjectList:
        """The projects as last listed."""
        return ProjectList(self.redis, self._prefix, runtime=self.runtime)

    def result_of(self, task_id: str) -> dict[str, Any] | None:
        """Celery's task results."""
        return results.kept(self.redis, self._prefix, task_id)

    def company_confirmed(self) -> None:
        """Claim the ledger for the company and account of the settings after a remote has returned data of them, unless this process only
        reads.

        Not earlier: a mistyped company would lock out the correct one. Raises InvalidSettings if the ledger belongs to another.
        """
        if self.may_claim:
            self.ledger.state.claim_for(self._owner)
            self.require_no_other_owner()

    def require_one_server(self) -> None:
        """Raise InvalidSettings if the Redis of the settings is a cluster."""
        require_one_server(self.redis)

    def require_no_other_owner(self) -> bool:
        """Raise InvalidSettings if the ledger in this Redis belongs to another company or account. Return False if it is unowned."""
        theirs = self.ledger.state.owner()
        if theirs not in (None, self._owner):
            sentence = (
                f"The ledger under {self._prefix!r} in this Redis belongs to Procore company/NetSuite account {theirs}, the settings are for "
                f"{self._owner}. Set a different REDIS_KEY_PREFIX."
            )
            raise InvalidSettings(faults=(sentence,))
        return theirs is not None

    @property
    def _owner(self) -> str:
        return f"{self.settings.procore_company_id}/{self.settings.netsuite_account_id.lower()}"
