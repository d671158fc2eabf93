"""What one process needs of Redis, built part by part: the stores."""

from __future__ import annotations

from threading import RLock
from typing import Any

from config.settings import InvalidSettings, Settings
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
from worker.store.last_reads import LastReads
from worker.store.leases import LeaseKeeper
from worker.store.ledger import Ledger
from worker.store.limits import RateLimits
from worker.store.locks import Locks
from worker.store.open_problems import Handling
from worker.store.plan_keys import PlanKeys
from worker.store.presence import Presence
from worker.store.projects import ProjectList
from worker.store.schedule_runs import ScheduleRuns
from worker.store.series import SeriesStates
from worker.store.verifications import Verifications
from worker.store.webhook_counts import WebhookCounts
from worker.store.work import Work


class Stores:
    """The Redis of one process and what is kept in it."""

    def __init__(self, settings: Settings, *, redis_url: str) -> None:
        self.building = RLock()
        self.settings = settings
        self.redis_url = redis_url
        self.redis = redis_at(redis_url)
        self._prefix = settings.redis_key_prefix
        self._keys = Keys(self._prefix)
        self._keeper = LeaseKeeper()
        self.may_claim = True

    def now(self) -> float:
        """Redis' clock, unix seconds."""
        return seconds(self.redis)

    @part
    def ledger(self) -> Ledger:
        """What is known of codes and invoices."""
        return Ledger(self.redis, self._prefix)

    @part
    def handling(self) -> Handling:
        """What people did about problems."""
        return Handling(self.redis, self._prefix)

    @part
    def presence(self) -> Presence:
        """The processes that run now."""
        return Presence(self.redis, self._prefix)

    @part
    def webhook_counts(self) -> WebhookCounts:
        """How the receiver of webhooks answered."""
        return WebhookCounts(self.redis, self._prefix)

    @part
    def schedule_runs(self) -> ScheduleRuns:
        """How many messages wait in each queue."""
        return ScheduleRuns(self.redis, self._prefix)

    @part
    def locks(self) -> Locks:
        """Locks on codes and invoices."""
        return Locks(self.redis, self._prefix, self._keeper, self.identity)

    @part
    def adopted_items(self) -> AdoptedItems:
        """Which code has adopted which Item."""
        file, owner = self.settings.data_dir / "adopted-items.json", f"{self._prefix} {self._owner}"
        return AdoptedItems(self.redis, self._prefix, self.ledger, owner=owner, file=file)

    @part
    def decisions(self) -> Decisions:
        """What people decided about invoices."""
        file, owner = self.settings.data_dir / "invoice-decisions.json", f"{self._prefix} {self._owner}"
        return Decisions(self.redis, self._prefix, owner=owner, file=file)

    @part
    def identity(self) -> StoreIdentity:
        """Which store this process knows."""
        return StoreIdentity(self.redis, self._prefix, self.settings.data_dir / "store.json")

    def watch_store(self) -> None:
        """Compare the store with the one this process knows again and again, as long as the process lives."""
        self._keeper.repeat(self.identity.meet, every=MEET_EVERY_SECONDS)

    @part
    def bill_claims(self) -> BillClaims:
        """Which invoice has which document number and adopted bill."""
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
    def work(self) -> Work:
        """Lanes and runs."""
        return Work(self.redis, self._prefix)

    @part
    def holds(self) -> Holds:
        """Remotes that cannot be worked with now."""
        return Holds(self.redis, self._prefix)

    @part
    def gate(self) -> Gate:
        """The cap on NetSuite requests in flight."""
        return Gate(self.redis, self._prefix, self._keeper, limit=self.settings.netsuite_concurrency)

    @part
    def cache(self) -> Cache:
        """Links and facts of the NetSuite account."""
        return Cache(self.redis, self._prefix, self.settings.netsuite_account_id.lower())

    @part
    def plan_keys(self) -> PlanKeys:
        """The key with which plans are signed."""
        return PlanKeys(self.redis, self.settings.redis_key_prefix)

    @part
    def last_reads(self) -> LastReads:
        """What the list showed of invoices when they were last read."""
        return LastReads(self.redis, self.settings.redis_key_prefix)

    @part
    def verifications(self) -> Verifications:
        """What the last comparison came to."""
        return Verifications(self.redis, self._prefix)

    @part
    def procore_limits(self) -> RateLimits:
        """Procore's windows."""
        return RateLimits(self.redis, self._prefix, Remote.PROCORE)

    @part
    def listed_projects(self) -> ProjectList:
        """The projects as last listed."""
        return ProjectList(self.redis, self._prefix)

    def result_of(self, task_id: str) -> dict[str, Any] | None:
        """What Celery keeps of a task."""
        return results.kept(self.redis, self._prefix, task_id)

    def company_confirmed(self) -> None:
        """A remote has shown something of the company and account of the settings: the ledger is theirs from here on, unless this process only looks.

        Not before: a mistyped company would keep the right one out. Raises InvalidSettings when the ledger is another's.
        """
        if self.may_claim:
            self.redis.set(self._keys.belongs_to, self._owner, nx=True)
            self.require_no_other_owner()

    def require_one_server(self) -> None:
        """Raise InvalidSettings when the Redis of the settings is a cluster."""
        require_one_server(self.redis)

    def require_no_other_owner(self) -> bool:
        """Raise InvalidSettings when the ledger in this Redis is another company's or account's. False when nobody has claimed it yet."""
        theirs = self.redis.get(self._keys.belongs_to)
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
