"""Builds the parts of one process, each at its first use, so that a command pays for what it uses."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from config.loading import secret_files
from config.names import QueueName
from config.schedule import next_runs
from config.settings import Settings
from config.written_settings import written_settings
from worker.clients.remotes import Remotes
from worker.connections import Connections
from worker.container.installation import chosen_of, installation_of, policy_of
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.policy import Policy
from worker.domain.work import WorkKind
from worker.engine.adoptions import Adoptions
from worker.engine.attempts import Attempts, Handler
from worker.engine.dispatch import Dispatch, lane_limits
from worker.engine.exactly_once import ExactlyOnce
from worker.engine.recovery import Recovery
from worker.engine.remote_failures import RemoteFailures
from worker.engine.runner import Runner
from worker.engine.series_refusals import SeriesRefusals
from worker.engine.settings_agreement import SettingsAgreement
from worker.engine.settlement import Settlement
from worker.engine.systematic_differences import SystematicDifferences
from worker.inspect.account_fields import FieldViews
from worker.inspect.checks import Checks
from worker.inspect.checks.fields import FieldChecks
from worker.inspect.checks.machine import FileChecks, MachineChecks
from worker.inspect.checks.netsuite import NetSuiteChecks
from worker.inspect.checks.processes import ProcessChecks
from worker.inspect.checks.procore import ProcoreChecks
from worker.inspect.checks.redis import RedisChecks
from worker.inspect.explain import Explain
from worker.inspect.invoice_decisions import InvoiceDecisions
from worker.inspect.liveness import Liveness
from worker.inspect.named_records import NamedRecords
from worker.inspect.overview import Overview
from worker.inspect.pauses import Pauses, Stoppages
from worker.inspect.problem_views import ProblemViews
from worker.inspect.report import Reports
from worker.inspect.retries import Retries
from worker.inspect.waiting import Waiting
from worker.inspect.why_not_synced import WhyNotSynced
from worker.ownership import Ownership
from worker.part import BuildingLock, Part, part
from worker.reconcile.applying import Applying
from worker.reconcile.bill_drift import BillDrift
from worker.reconcile.code_plan_lines import CodePlanLines
from worker.reconcile.comparison_failures import Failures
from worker.reconcile.dry_run import fixed_item_names
from worker.reconcile.forgetting import Forgetting
from worker.reconcile.invoice_plan_lines import InvoicePlanLines
from worker.reconcile.item_drift import ItemDrift
from worker.reconcile.orphaned_bills import OrphanedBills
from worker.reconcile.planning import Planning
from worker.reconcile.project_comparison import ProjectComparison
from worker.reconcile.verification import Verification
from worker.redis_access import redis_at, require_one_server
from worker.store.gate import Precedence
from worker.store.identity import MEET_EVERY_SECONDS
from worker.store.locks import LeaseKeeper
from worker.store.runtime import REAL, Runtime
from worker.store.stores import Stores
from worker.sync.bill_drafts import BillDrafts
from worker.sync.bill_ownership import BillOwnership
from worker.sync.bill_records import BillRecords
from worker.sync.bill_writer import BillWriter
from worker.sync.billables import Billables
from worker.sync.bills import Bills
from worker.sync.books_currency import BooksCurrency
from worker.sync.export_ends import ExportEnds
from worker.sync.export_preview import ExportPreview
from worker.sync.export_runs import ExportRuns
from worker.sync.field_sources import FieldSources
from worker.sync.former_items import FormerItems
from worker.sync.invoice_export import InvoiceExport
from worker.sync.invoice_items import SPARE_THREADS, InvoiceItems
from worker.sync.invoice_reader import InvoiceReader
from worker.sync.item_writer import ItemWriter
from worker.sync.items import Items
from worker.sync.late_origin_ids import LateOriginIds
from worker.sync.links import Links
from worker.sync.parallel_reads import READ_AHEAD_THREADS
from worker.sync.posting_periods import PostingPeriods
from worker.sync.projects import Projects
from worker.sync.refusal_names import RefusalNames
from worker.sync.settled_by_hand import SettledByHand
from worker.sync.unchanged_invoices import UnchangedInvoices
from worker.sync.wbs_scan import WbsScan
from worker.sync.webhooks import Webhooks

if TYPE_CHECKING:
    from worker.inspect.metrics import Metrics

T = TypeVar("T")


def _part(build: Callable[[Container], T]) -> Part[T]:
    return Part(build)


def _of_flow(build: Callable[[Flow], T]) -> Part[T]:
    return Part(build)


class Flow:
    """Both flows, with one precedence at the gate and at Procore's limits. `own`: the container, with what all flows share."""

    def __init__(self, own: Container, precedence: Precedence) -> None:
        self.own = own
        self.building: BuildingLock = own.building
        self.stores: Stores = own.stores
        self.policy: Policy = own.policy
        self.remotes: Remotes = own.connections.remotes(precedence)

    # What both are given in NetSuite.
    links = _of_flow(lambda it: Links(it.stores, it.remotes))
    fields = _of_flow(
        lambda it: FieldSources(it.stores, it.remotes, it.policy, it.links, it.own.connections.procore_pages)
    )
    refusal_names = _of_flow(lambda it: RefusalNames(it.stores, it.remotes))

    # Codes to Items.
    projects = _of_flow(
        lambda it: Projects(it.stores, it.remotes.procore, it.policy, it.own.ownership.company_confirmed)
    )
    item_writer = _of_flow(
        lambda it: ItemWriter(it.stores, it.remotes, it.policy, it.own.once, it.fields, it.refusal_names)
    )
    items = _of_flow(
        lambda it: Items(it.stores, it.remotes, it.policy, it.projects, it.own.former_items, it.item_writer)
    )
    wbs_scan = _of_flow(lambda it: WbsScan(it.stores, it.remotes, it.projects, it.items))

    # What an invoice is billed with; reads only.
    books_currency = _of_flow(lambda it: BooksCurrency(it.stores, it.policy))
    invoice_items = _of_flow(lambda it: InvoiceItems(it.stores, it.items, it.own.runner, it.own.item_threads))
    periods = _of_flow(lambda it: PostingPeriods(it.stores, it.remotes, it.policy))
    settled = _of_flow(lambda it: SettledByHand(it.stores, it.remotes, it.links))
    reader = _of_flow(lambda it: InvoiceReader(it.stores, it.remotes, it.policy, it.projects, it.own.read_threads))
    billables = _of_flow(lambda it: Billables(it.policy, it.reader, it.links, it.periods, it.fields))
    drafts = _of_flow(lambda it: BillDrafts(it.stores, it.policy, it.invoice_items))
    preview = _of_flow(
        lambda it: ExportPreview(it.stores, it.reader, it.billables, it.drafts, it.settled, it.books_currency)
    )

    # Invoices to bills.
    bill_ownership = _of_flow(lambda it: BillOwnership(it.stores, it.remotes, it.policy))
    records = _of_flow(lambda it: BillRecords(it.stores, it.remotes))
    writer = _of_flow(
        lambda it: BillWriter(it.stores, it.remotes, it.own.once, it.records, it.bill_ownership, it.billables)
    )
    ends = _of_flow(
        lambda it: ExportEnds(it.stores, it.remotes, it.own.once, it.records, it.bill_ownership, it.refusal_names)
    )
    bills = _of_flow(lambda it: Bills(it.stores, it.drafts, it.writer, it.ends, it.links, it.settled))
    origin_ids = _of_flow(lambda it: LateOriginIds(it.remotes, it.reader, it.billables, it.drafts, it.records))
    unchanged = _of_flow(lambda it: UnchangedInvoices(it.stores, it.policy))
    invoice_export = _of_flow(
        lambda it: InvoiceExport(it.stores, it.preview, it.invoice_items, it.bills, it.origin_ids, it.unchanged)
    )
    export_runs = _of_flow(
        lambda it: ExportRuns(it.stores, it.remotes, it.policy, it.projects, it.unchanged, it.books_currency)
    )


class Container:
    """All parts of one process."""

    def __init__(self, settings: Settings, *, redis_url: str, runtime: Runtime = REAL) -> None:
        self.building: BuildingLock = BuildingLock()
        self.settings = settings
        self.redis_url = redis_url
        self.redis = redis_at(redis_url)
        self.runtime = runtime
        self.keeper = LeaseKeeper(runtime=runtime)

    # The types of parts that a flow uses are declared, since each of the two classes names parts of the other.
    stores: Part[Stores] = _part(lambda own: Stores(own.redis, own.keeper, installation_of(own.settings), own.runtime))
    ownership: Part[Ownership] = _part(lambda own: Ownership(own.stores))
    connections: Part[Connections] = _part(lambda own: Connections(own.settings, own.stores))
    policy: Part[Policy] = _part(lambda own: policy_of(own.settings, own.connections.profile, own.connections.fields))
    exports = _part(lambda own: Flow(own, Precedence.EXPORT))
    scans = _part(lambda own: Flow(own, Precedence.SCAN))
    comparisons = _part(lambda own: Flow(own, Precedence.UPKEEP))

    # The parts of parts that tasks, commands and the parts below name.
    remotes = _part(lambda own: own.exports.remotes)
    preview = _part(lambda own: own.exports.preview)
    ledger = _part(lambda own: own.stores.ledger)
    work = _part(lambda own: own.stores.work)
    runs = _part(lambda own: own.stores.runs)
    wbs_scan = _part(lambda own: own.scans.wbs_scan)
    invoice_export = _part(lambda own: own.exports.invoice_export)
    export_runs = _part(lambda own: own.exports.export_runs)

    # Attempts at work of any kind, and what all flows share.
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
    runner: Part[Runner] = _part(lambda own: Runner(own.stores, own.attempts, own.dispatch, own.handlers()))
    differences = _part(lambda own: SystematicDifferences(own.stores, own.policy.fields.digest))
    refusals = _part(lambda own: SeriesRefusals(own.stores, own.policy.fields.digest))
    once: Part[ExactlyOnce] = _part(lambda own: ExactlyOnce(own.stores, own.policy, own.differences, own.refusals))
    former_items: Part[FormerItems] = _part(lambda own: FormerItems(own.stores))
    item_threads: Part[Executor] = _part(
        lambda own: ThreadPoolExecutor(own.settings.netsuite_concurrency + SPARE_THREADS, "invoice-items")
    )
    read_threads: Part[Executor] = _part(lambda own: ThreadPoolExecutor(READ_AHEAD_THREADS, "read-ahead"))
    webhooks = _part(lambda own: Webhooks(own.stores, own.settings.webhook_invoice_resources))

    # What people and monitoring see.
    pauses = _part(lambda own: Pauses(own.stores))
    waiting = _part(lambda own: Waiting(own.stores, own.pauses))
    liveness = _part(lambda own: Liveness(own.stores, [queue.value for queue in QueueName]))
    problem_views = _part(lambda own: ProblemViews(own.stores, own.connections.pages))
    stoppages = _part(lambda own: Stoppages(own.stores, own.pauses, own.problem_views))
    overview = _part(lambda own: Overview(own.stores, own.pauses, own.problem_views, own.stoppages, own.waiting))
    reports = _part(lambda own: Reports(own.stores, own.overview, own.pauses))
    named_records = _part(lambda own: NamedRecords(own.stores, own.remotes, own.policy, own.exports.projects))
    why_not_synced = _part(
        lambda own: WhyNotSynced(own.stores, own.policy, own.exports.projects, own.preview, own.stoppages)
    )
    explain = _part(
        lambda own: Explain(
            own.stores, own.remotes, own.named_records, own.problem_views, own.preview, own.why_not_synced
        )
    )
    invoice_decisions = _part(
        lambda own: InvoiceDecisions(own.stores, own.remotes, own.named_records, own.exports.bill_ownership)
    )
    retries = _part(lambda own: Retries(own.stores, own.exports.projects, own.exports.items, own.dispatch))

    field_views = _part(lambda own: FieldViews(own.remotes, own.exports.fields, own.preview))

    @part
    def checks(self) -> Checks:
        """The checks of the installation, in the order in which they run."""
        stores, remotes, connections = self.stores, self.remotes, self.connections
        processes = ProcessChecks(stores, self.liveness, self.pauses, connections.clocks, self.written_settings)
        groups = (
            RedisChecks(stores, self.liveness.queues).checks(),
            MachineChecks(stores, connections.certificate_expiry).checks(),
            processes.running(),
            ProcoreChecks(remotes.procore, self.policy, self.exports.projects, self.exports.books_currency).checks(),
            NetSuiteChecks(remotes.netsuite, chosen_of(self.settings, self.policy, connections.profile)).checks(),
            FieldChecks(self.field_views, self.policy.makes_credits).checks(),
            # Last, after both systems have responded.
            processes.clocks(),
            FileChecks(secret_files(self.settings)).checks(),
        )
        return Checks(tuple(chain.from_iterable(groups)))

    @part
    def metrics(self) -> Metrics:
        """The metrics for Prometheus."""
        # Only here: no worker needs Prometheus' client.
        from worker.inspect.metrics import Metrics  # noqa: PLC0415

        expiry, schedule = (lambda: self.connections.certificate_expiry), next_runs(self.settings)
        return Metrics(self.stores, self.liveness, self.pauses, self.waiting, schedule, expiry)

    # Plans and comparisons.
    code_plans = _part(lambda own: CodePlanLines(own.scans.projects, own.scans.items, own.wbs_scan))
    requests = _part(lambda own: own.connections.requests)
    invoice_plans = _part(
        lambda own: InvoicePlanLines(own.stores, own.requests, own.export_runs, own.invoice_export, own.code_plans)
    )
    item_names = _part(lambda own: partial(fixed_item_names, own.stores, own.scans.remotes, own.policy))
    planning = _part(
        lambda own: Planning(own.stores, own.requests, own.code_plans, own.invoice_plans, own.stoppages, own.item_names)
    )
    applying = _part(
        lambda own: Applying(own.stores, own.planning, own.scans.projects, own.scans.items, own.recovery, own.stoppages)
    )
    forgetting = _part(lambda own: Forgetting(own.stores, own.remotes, own.named_records, own.exports.links))

    @part
    def verification(self) -> Verification:
        """The comparison of both systems. All of its requests give way to those of exports and scans."""
        stores, flow = self.stores, self.comparisons
        items = ItemDrift(stores, flow.remotes, flow.items)
        bills = BillDrift(stores, flow.remotes, self.policy, flow.preview, flow.periods)
        failures, orphans = Failures(stores, flow.remotes), OrphanedBills(stores, flow.remotes)
        comparison = ProjectComparison(stores, failures, items, bills)
        return Verification(stores, flow.projects, comparison, orphans, failures)

    def handlers(self) -> dict[WorkKind, Handler]:
        """Return what does the work of each kind. The services are built when the first work of their kind is run."""
        return {
            WorkKind.SCAN_ALL: lambda _: self.wbs_scan.list_projects(),
            WorkKind.SCAN_PROJECT: lambda key: self.wbs_scan.scan_project(*key.ids),
            WorkKind.RESOLVE_CODES: lambda key: self.wbs_scan.resolve_codes(*key.ids),
            WorkKind.CREATE_ITEM: lambda key: self.scans.items.make(CodeKey(*key.ids)),
            WorkKind.EXPORT_ALL: lambda _: self.export_runs.list_projects(),
            WorkKind.LIST_INVOICES: lambda key: self.export_runs.list_invoices(*key.ids),
            WorkKind.EXPORT: lambda key: self.invoice_export.export(InvoiceKey(*key.ids)),
            WorkKind.RECONCILE: lambda _: self.verification.attempt(),
        }

    @property
    def written_settings(self) -> dict[str, str]:
        """A digest of each setting that decides what is written."""
        return written_settings(self.settings, self.connections.profile, self.connections.fields.digest)

    def now(self) -> float:
        """Return the time of Redis' clock in unix seconds."""
        return self.stores.now()

    def give_back(self) -> None:
        """Release the locks of work that this process began and will not end, and queue that work again.

        No slot of the gate is released: NetSuite completes a request after its client has gone, so the slot is free when its lease ends.
        """
        self.stores.locks.give_back()
        self.attempts.give_back()

    def require_own(self) -> None:
        """Make sure that the files with profile and fields are valid, profile and ledger are of no other account, and Redis is one server. Raises InvalidSettings otherwise."""
        require_one_server(self.redis)
        _ = self.policy, self.connections.refusals
        self.ownership.require_no_other()

    def watch_store(self) -> None:
        """Compare the store with the one this process knows at intervals, for the life of the process."""
        self.keeper.repeat(self.stores.identity.meet, every=MEET_EVERY_SECONDS)
