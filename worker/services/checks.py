"""Whether this installation can work: Redis, both logins, and the permissions that can be seen without writing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.domain.errors import Blocked, Misconfigured, NotFound, NotPermitted, SyncError, UnexpectedAnswer
from worker.domain.posting_periods import ClosedPeriod
from worker.domain.problems import describe
from worker.domain.wbs_codes import Project
from worker.services.projects import Projects
from worker.store.connection import Redis

PROJECTS_TRIED = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `ok` None: could not be seen, which is no fault by itself."""

    name: str
    ok: bool | None
    words: str


class Checks:
    """Runs them one after the other."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        netsuite: NetSuite,
        projects: Projects,
        retainage_item_id: str,
        closed_period: ClosedPeriod,
        profile_of: str,
        contradictions: Sequence[str],
    ) -> None:
        self._client = client
        self._procore = procore
        self._netsuite = netsuite
        self._projects = projects
        self._retainage_item_id = retainage_item_id
        self._closed_period = closed_period
        self._profile_of = profile_of
        self._contradictions = contradictions

    def run(self) -> Iterator[Check]:
        """Each check as it is done."""
        looks: tuple[tuple[str, Callable[[], Check]], ...] = (
            ("Redis answers", self._redis_answers),
            ("Redis keeps what it is given", self._redis_is_durable),
            ("Procore login", self._procore_login),
            ("Procore projects", self._procore_projects),
            ("Procore budgets", lambda: self._readable("Procore budgets", self._count_codes)),
            ("Procore invoices", lambda: self._readable("Procore invoices", self._count_invoices)),
            ("NetSuite login and SuiteQL", self._netsuite_query),
            ("NetSuite records", self._netsuite_records),
            ("Retainage Item", self._retainage_item),
            ("Posting periods", self._posting_periods),
            ("Account profile", self._account_profile),
        )
        for name, look in looks:
            try:
                yield look()
            except (Blocked, Misconfigured) as error:
                yield Check(name, False, describe(error.cause, error.facts).sentence)
            except (SyncError, RedisError) as error:
                yield Check(name, False, str(error) or type(error).__name__)

    def _redis_answers(self) -> Check:
        self._client.ping()
        told = self._client.info("server")
        version = (
            f"Valkey {told['valkey_version']}"
            if "valkey_version" in told
            else f"Redis {told.get('redis_version', '?')}"
        )
        return Check("Redis answers", True, version)

    def _redis_is_durable(self) -> Check:
        """AOF on and no eviction: anything else may lose the ledger or the queue without a word."""
        name = "Redis keeps what it is given"
        try:
            told = self._client.config_get("appendonly", "maxmemory-policy")
        except RedisError:
            return Check(name, None, "this Redis does not tell; make sure of appendonly yes and noeviction")
        faults = []
        if told.get("appendonly") != "yes":
            faults.append("appendonly is off: set appendonly yes")
        if told.get("maxmemory-policy") != "noeviction":
            faults.append(f"maxmemory-policy is {told.get('maxmemory-policy')}: set noeviction")
        return Check(name, not faults, "; ".join(faults) or "AOF on, noeviction")

    def _procore_login(self) -> Check:
        return Check("Procore login", True, f"as {self._procore.who_am_i()}, company {self._procore.company_id}")

    def _procore_projects(self) -> Check:
        listed = self._projects.refresh()
        wanted = self._projects.in_scope(listed)
        words = f"{len(listed)} visible to the app, {len(wanted)} active and in scope"
        numberless = sum(1 for project in wanted if not project.number)
        if numberless:
            words += f", {numberless} without a project number"
        return Check("Procore projects", bool(wanted), words if wanted else "no active project is visible to the app")

    def _readable(self, name: str, read: Callable[[Project], str]) -> Check:
        """Whether a few projects can be read: one that can shows the app's permission, one that cannot may be a project's own matter."""
        refused = []
        for project in self._projects.in_scope(self._projects.all())[:PROJECTS_TRIED]:
            try:
                return Check(name, True, f"{project.label}: {read(project)}")
            except (NotFound, NotPermitted) as error:
                refused.append(f"{project.label}: {error}")
        return Check(name, False, "; ".join(refused) or "no project to look at")

    def _count_codes(self, project: Project) -> str:
        return f"{len(self._procore.list_budgeted_codes(project.id))} budgeted codes"

    def _count_invoices(self, project: Project) -> str:
        return f"{len(self._procore.list_invoices(project.id, ['approved']))} approved invoices"

    def _netsuite_records(self) -> Check:
        """The look-ups that exports need, each for something that does not exist."""
        self._netsuite.find_items(external_ids=["pcr-check"], names=[])
        self._netsuite.find_vendors(external_id="pcr-check")
        self._netsuite.bill_ids(["pcr-check"])
        return Check("NetSuite records", True, "Items, vendors and bills can be looked up")

    def _netsuite_query(self) -> Check:
        limit = self._netsuite.item_name_limit()
        self._netsuite.find_jobs(number="-")
        return Check("NetSuite login and SuiteQL", True, f"works; Item names may have {limit} characters")

    def _posting_periods(self) -> Check:
        """Whether closed posting periods can be told before a bill is sent, which all policies but `block` need."""
        name, needed = "Posting periods", self._closed_period is not ClosedPeriod.BLOCK
        try:
            periods = self._netsuite.posting_periods()
        except (Blocked, Misconfigured, NotFound, UnexpectedAnswer) as error:
            words = f"cannot be read ({error}); give the role the permission to view accounting periods"
            return Check(name, False if needed else None, words)
        closed = sum(not period.open for period in periods)
        return Check(
            name,
            True,
            f"{len(periods)} base periods, {closed} closed or locked; NETSUITE_CLOSED_PERIOD is {self._closed_period}",
        )

    def _retainage_item(self) -> Check:
        name = "Retainage Item"
        if not self._retainage_item_id:
            return Check(name, None, "not set: invoices with retainage will be blocked (NETSUITE_RETAINAGE_ITEM_ID)")
        item = self._netsuite.item(self._retainage_item_id)
        if item is None:
            return Check(name, False, f"NetSuite has no Item with the id {self._retainage_item_id}")
        return Check(name, not item.inactive, f"{item.name}{' is inactive' if item.inactive else ''}")

    def _account_profile(self) -> Check:
        name = "Account profile"
        if not self._profile_of:
            return Check(name, None, "none: `wbs-sync probe` in a sandbox finds out what nobody documents")
        return Check(
            name,
            not self._contradictions,
            "; ".join(self._contradictions) or f"of {self._profile_of}, and the settings fit it",
        )
