"""What people ask: what would happen, what is the case, and why; each given what it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from config.names import QueueName
from config.written_settings import written_settings
from worker.container.checks import checks_of
from worker.container.installation import pages_of, schedule_of
from worker.container.services import Services
from worker.domain.work import WorkKind
from worker.engine.attempts import Handler
from worker.inspect.explain import Explain
from worker.inspect.fixed_item_names import FixedItemNames
from worker.inspect.invoice_decisions import InvoiceDecisions
from worker.inspect.liveness import Liveness
from worker.inspect.named_records import NamedRecords
from worker.inspect.overview import Overview
from worker.inspect.pauses import Pauses
from worker.inspect.problem_views import ProblemViews
from worker.inspect.report import Reports
from worker.inspect.retries import Retries
from worker.inspect.stoppages import Stoppages
from worker.inspect.waiting import Waiting
from worker.inspect.why_not_synced import WhyNotSynced
from worker.part import Part, part
from worker.reconcile.applying import Applying
from worker.reconcile.bill_drift import BillDrift
from worker.reconcile.code_plans import CodePlans
from worker.reconcile.comparison_failures import Failures
from worker.reconcile.forgetting import Forgetting
from worker.reconcile.information import Information
from worker.reconcile.invoice_plans import ExportSteps, InvoicePlans
from worker.reconcile.item_drift import ItemDrift
from worker.reconcile.orphaned_bills import OrphanedBills
from worker.reconcile.planning import Planning
from worker.reconcile.project_comparison import ProjectComparison
from worker.reconcile.upkeep import Upkeep
from worker.reconcile.verification import Verification
from worker.store import results
from worker.store.gate import Precedence
from worker.store.identity import MEET_EVERY_SECONDS

if TYPE_CHECKING:
    from worker.inspect.metrics import Metrics


T = TypeVar("T")
QUEUES = [queue.value for queue in QueueName]


def _part(build: Callable[[Container], T]) -> Part[T]:
    return Part(build)


class Container(Services):
    """All parts, wired. Built lazily, part by part, so that a command pays for what it uses."""

    remotes_of_scans = _part(lambda own: own.connections.remotes(Precedence.SCAN))
    remotes_of_upkeep = _part(lambda own: own.connections.remotes(Precedence.UPKEEP))

    # What people and monitoring see.
    pauses = _part(lambda own: Pauses(own.stores))
    waiting = _part(lambda own: Waiting(own.stores, own.pauses))
    liveness = _part(lambda own: Liveness(own.stores, QUEUES))
    problem_views = _part(lambda own: ProblemViews(own.stores, pages_of(own.settings, own.stores)))
    stoppages = _part(lambda own: Stoppages(own.stores, own.pauses, own.problem_views))
    overview = _part(lambda own: Overview(own.stores, own.pauses, own.problem_views, own.stoppages, own.waiting))
    reports = _part(lambda own: Reports(own.stores, own.overview, own.pauses))
    named_records = _part(
        lambda own: NamedRecords(own.stores, own.remotes, own.policy, own.projects(Precedence.EXPORT))
    )
    why_not_synced = _part(
        lambda own: WhyNotSynced(
            own.stores, own.policy, own.projects(Precedence.EXPORT), own.invoice_export, own.stoppages
        )
    )
    explain = _part(
        lambda own: Explain(
            own.stores, own.remotes, own.named_records, own.overview, own.invoice_export, own.why_not_synced
        )
    )
    invoice_decisions = _part(
        lambda own: InvoiceDecisions(own.stores, own.remotes, own.named_records, own.bill_ownership)
    )
    retries = _part(
        lambda own: Retries(own.stores, own.projects(Precedence.EXPORT), own.items(Precedence.EXPORT), own.dispatch)
    )
    checks = _part(lambda own: checks_of(own, own.liveness, own.pauses))

    @part
    def metrics(self) -> Metrics:
        """Metrics for Prometheus."""
        # Only here: no worker needs Prometheus' client.
        from worker.inspect.metrics import Metrics  # noqa: PLC0415

        return Metrics(
            self.stores,
            self.liveness,
            self.pauses,
            self.waiting,
            schedule_of(self.settings),
            lambda: self.connections.certificate_expiry,
        )

    @property
    def written_settings(self) -> dict[str, str]:
        """A digest of each setting that decides what is written."""
        return written_settings(self.settings, self.connections.profile)

    def give_back(self) -> None:
        """Release the locks of work that this process began and will not end, and queue that work again.

        No slot of the gate is released: NetSuite completes a request after its client has gone, so the slot is free when its lease ends.
        """
        self.stores.locks.give_back()
        self.attempts.give_back()

    def require_own(self) -> None:
        """Make sure that profile and ledger are of no other account, and Redis is one server. Raises InvalidSettings otherwise."""
        self.ownership.require_one_server()
        _ = self.connections.profile
        self.ownership.require_no_other()

    def watch_store(self) -> None:
        """Compare the store with the one this process knows at intervals, for the life of the process."""
        self.keeper.repeat(self.stores.identity.meet, every=MEET_EVERY_SECONDS)

    def result_of(self, task_id: str) -> dict[str, Any] | None:
        """Celery's task results."""
        return results.kept(self.redis, self.stores.prefix, task_id)

    @part
    def planning(self) -> Planning:
        """What a scan or an export would do."""
        projects, items = self.projects(Precedence.SCAN), self.items(Precedence.SCAN)
        codes = CodePlans(projects, items, self.wbs_scan)
        steps = ExportSteps(self.invoice_export, self.invoice_items, self.bills)
        requests = self.connections.requests
        invoices = InvoicePlans(self.stores, requests, self.export_runs, steps, codes)
        names = FixedItemNames(self.stores, self.remotes_of_scans, self.policy).names
        return Planning(self.stores, requests, codes, invoices, self.stoppages, names)

    applying = _part(
        lambda own: Applying(
            own.stores,
            own.planning,
            own.projects(Precedence.SCAN),
            own.items(Precedence.SCAN),
            own.recovery,
            own.stoppages,
        )
    )
    forgetting = _part(lambda own: Forgetting(own.stores, own.remotes, own.named_records, own.links))

    @part
    def verification(self) -> Verification:
        """The comparison of both systems. All of its requests give way to those of exports and scans."""
        upkeep, stores, remotes = Precedence.UPKEEP, self.stores, self.remotes_of_upkeep
        links, invoice_items = self._links(upkeep), self._invoice_items(upkeep)
        settled = self._settled_by_hand(upkeep, links)
        bills = self._bills(upkeep, links, invoice_items, settled)
        export = self._invoice_export(upkeep, links, invoice_items, settled, bills)
        failures, projects = Failures(stores, remotes), self.projects(upkeep)
        item_drift = ItemDrift(stores, remotes, self.items(upkeep))
        bill_drift = BillDrift(stores, remotes, self.policy, export, self.posting_periods(upkeep))
        comparison = ProjectComparison(stores, failures, item_drift, bill_drift)
        orphans, information = OrphanedBills(stores, remotes), Information(stores, projects)
        return Verification(stores, projects, comparison, orphans, information, failures)

    upkeep = _part(lambda own: Upkeep(own.redis, work=own.work, verification=own.verification))

    def handlers(self) -> dict[WorkKind, Handler]:
        """Return what does the work of each kind."""
        return super().handlers() | {WorkKind.RECONCILE: lambda _: self.upkeep.compare()}
