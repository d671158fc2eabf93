"""The work: scans, exports and the comparison, each given what it works with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from config.profile import settle_seconds
from worker.container.part import part
from worker.container.remotes import Remotes
from worker.domain.bill_lines import FixedItems
from worker.domain.posting_periods import ClosedPeriod
from worker.domain.scopes import Remote
from worker.engine.adoptions import Adoptions
from worker.engine.attempts import Attempts
from worker.engine.dispatch import Dispatch, lane_limits
from worker.engine.exactly_once import ExactlyOnce
from worker.engine.recovery import Recovery
from worker.engine.settings_agreement import SettingsAgreement
from worker.engine.systematic_differences import SystematicDifferences
from worker.inspect.invoice_decisions import InvoiceDecisions
from worker.inspect.named_records import NamedRecords
from worker.inspect.retries import Retries
from worker.reconcile.bill_drift import BillDrift
from worker.reconcile.information import Information
from worker.reconcile.item_drift import ItemDrift
from worker.reconcile.orphaned_bills import OrphanedBills
from worker.reconcile.upkeep import Upkeep
from worker.reconcile.verification import Verification
from worker.store.gate import Precedence
from worker.sync.bill_ownership import BillOwnership
from worker.sync.bill_records import BillRecords
from worker.sync.bill_writer import BillWriter
from worker.sync.bills import Bills
from worker.sync.books_currency import BooksCurrency
from worker.sync.export_runs import ExportRuns
from worker.sync.former_items import FormerItems
from worker.sync.invoice_export import InvoiceExport
from worker.sync.invoice_items import InvoiceItems
from worker.sync.item_writer import ItemWriter
from worker.sync.items import Items
from worker.sync.links import Links
from worker.sync.posting_periods import PostingPeriods
from worker.sync.projects import Projects
from worker.sync.settled_by_hand import SettledByHand
from worker.sync.unchanged_invoices import UnchangedInvoices
from worker.sync.wbs_scan import WbsScan
from worker.sync.webhooks import Webhooks

READ_AHEAD_THREADS = 4


class Services(Remotes):
    """All that the tasks call."""

    @part
    def settings_agreement(self) -> SettingsAgreement:
        """Whether all workers have the same settings."""
        return SettingsAgreement(self.presence)

    @part
    def attempts(self) -> Attempts:
        """What becomes of each attempt."""
        return Attempts(
            self.redis,
            work=self.work,
            ledger=self.ledger,
            holds=self.holds,
            recovery=self.recovery,
            keeper=self._keeper,
            agreement=self.settings_agreement,
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
            decisions=self.decisions,
            ledger=self.ledger,
            locks=self.locks,
            work=self.work,
            require_own=self.require_no_other_owner,
            confirmed=self.company_confirmed,
        )

    @part
    def former_items(self) -> FormerItems:
        """Items that may be a project's under former names."""
        return FormerItems(self.redis, self._prefix, ledger=self.ledger, adopted=self.adopted_items)

    @part
    def adoptions(self) -> Adoptions:
        """Adopted Items over a lost Redis and over versions."""
        netsuite = self.netsuite(Precedence.EXPORT)
        return Adoptions(netsuite=netsuite, adopted=self.adopted_items, ledger=self.ledger, locks=self.locks)

    @part
    def dispatch(self) -> Dispatch:
        """Which waiting work is given out."""
        limits = lane_limits(self.settings.netsuite_concurrency)
        return Dispatch(work=self.work, runs=self.runs, holds=self.holds, attempts=self.attempts, limits=limits)

    @part
    def retries(self) -> Retries:
        """What stands still, tried again."""
        return Retries(
            self.redis,
            projects=self.projects(Precedence.EXPORT),
            items=self.items(Precedence.EXPORT),
            ledger=self.ledger,
            holds=self.holds,
            work=self.work,
            dispatch=self.dispatch,
        )

    def projects(self, precedence: Precedence) -> Projects:
        """The company's projects."""
        only, confirmed = self.settings.project_ids, self.company_confirmed
        return Projects(self.procore(precedence), self.listed_projects, only=only, confirmed=confirmed)

    @part
    def once(self) -> ExactlyOnce:
        """What creates records in NetSuite at most once."""
        settle = settle_seconds(self.settings, self.profile)
        return ExactlyOnce(self.redis, self.ledger, self.locks, self.differences, settle)

    def items(self, precedence: Precedence) -> Items:
        """Planning and making Items."""
        writer = ItemWriter(
            self.once,
            netsuite=self.netsuite(precedence),
            company_id=self.settings.procore_company_id,
            adopted=self.adopted_items,
            mark_adopted=self.settings.netsuite_adopted_items_get_external_id,
        )
        return Items(
            self.redis,
            procore=self.procore(precedence),
            netsuite=self.netsuite(precedence),
            projects=self.projects(precedence),
            ledger=self.ledger,
            former=self.former_items,
            work=self.work,
            writer=writer,
            name_format=self.settings.item_name_format,
        )

    @part
    def wbs_scan(self) -> WbsScan:
        """The scan."""
        return WbsScan(
            self.redis,
            procore=self.procore(Precedence.SCAN),
            projects=self.projects(Precedence.SCAN),
            items=self.items(Precedence.SCAN),
            ledger=self.ledger,
            work=self.work,
            runs=self.runs,
            attempts=self.attempts,
            dispatch=self.dispatch,
        )

    @part
    def links(self) -> Links:
        """Vendors and projects in NetSuite."""
        return self._links(Precedence.EXPORT)

    def _links(self, precedence: Precedence) -> Links:
        return Links(procore=self.procore(precedence), netsuite=self.netsuite(precedence), cache=self.cache)

    @part
    def invoice_items(self) -> InvoiceItems:
        """The Items an invoice needs."""
        return self._invoice_items(Precedence.EXPORT)

    def _invoice_items(self, precedence: Precedence) -> InvoiceItems:
        # Two more than there are slots, so that none idles while a thread looks after what it has made.
        pool = ThreadPoolExecutor(self.settings.netsuite_concurrency + 2, thread_name_prefix="invoice-items")
        return InvoiceItems(
            self.redis,
            items=self.items(precedence),
            ledger=self.ledger,
            work=self.work,
            runs=self.runs,
            attempts=self.attempts,
            pool=pool,
        )

    @part
    def _read_ahead(self) -> ThreadPoolExecutor:
        # More exports than this at once read what they need one after the other, each in its own thread.
        return ThreadPoolExecutor(READ_AHEAD_THREADS, thread_name_prefix="read-ahead")

    def posting_periods(self, precedence: Precedence) -> PostingPeriods:
        """The account's posting periods, and what is done about closed ones."""
        policy = ClosedPeriod(self.settings.netsuite_closed_period)
        return PostingPeriods(netsuite=self.netsuite(precedence), cache=self.cache, policy=policy)

    @property
    def _fixed_items(self) -> FixedItems:
        return FixedItems(self.settings.netsuite_retainage_item_id, self.settings.netsuite_tax_item_id)

    @part
    def differences(self) -> SystematicDifferences:
        """What stops a series of records that NetSuite changes."""
        return SystematicDifferences(self.redis, states=self.series_states, ledger=self.ledger, work=self.work)

    @part
    def invoice_decisions(self) -> InvoiceDecisions:
        """What people say about invoices."""
        return InvoiceDecisions(
            self.redis,
            netsuite=self.netsuite(Precedence.EXPORT),
            company_id=self.settings.procore_company_id,
            named=self.named_records,
            ownership=self.bill_ownership,
            ledger=self.ledger,
            locks=self.locks,
            decisions=self.decisions,
            work=self.work,
        )

    @part
    def settled_by_hand(self) -> SettledByHand:
        """Bills that people entered for invoices that cannot be exported."""
        return self._settled_by_hand(Precedence.EXPORT, self.links)

    def _settled_by_hand(self, precedence: Precedence, links: Links) -> SettledByHand:
        return SettledByHand(
            netsuite=self.netsuite(precedence),
            links=links,
            ledger=self.ledger,
            company_id=self.settings.procore_company_id,
        )

    @part
    def bill_ownership(self) -> BillOwnership:
        """One invoice for each document number and each adopted bill."""
        return BillOwnership(
            self.redis,
            netsuite=self.netsuite(Precedence.EXPORT),
            company_id=self.settings.procore_company_id,
            ledger=self.ledger,
            locks=self.locks,
            claims=self.bill_claims,
            settle_seconds=settle_seconds(self.settings, self.profile),
        )

    @part
    def bills(self) -> Bills:
        """Vendor bills, exactly once."""
        return self._bills(Precedence.EXPORT, self.links, self.invoice_items, self.settled_by_hand)

    def _bills(
        self, precedence: Precedence, links: Links, invoice_items: InvoiceItems, settled: SettledByHand
    ) -> Bills:
        records = BillRecords(self.redis, procore=self.procore(precedence), ledger=self.ledger)
        writer = BillWriter(
            self.once,
            netsuite=self.netsuite(precedence),
            records=records,
            ownership=self.bill_ownership,
            periods=self.posting_periods(precedence),
        )
        return Bills(
            self.once,
            netsuite=self.netsuite(precedence),
            company_id=self.settings.procore_company_id,
            writer=writer,
            records=records,
            links=links,
            invoice_items=invoice_items,
            ownership=self.bill_ownership,
            settled=settled,
            decisions=self.decisions,
            fixed_items=self._fixed_items,
        )

    @part
    def invoice_export(self) -> InvoiceExport:
        """The export of one invoice."""
        return self._invoice_export(Precedence.EXPORT, self.links, self.invoice_items, self.settled_by_hand, self.bills)

    def _invoice_export(
        self,
        precedence: Precedence,
        links: Links,
        invoice_items: InvoiceItems,
        settled: SettledByHand,
        bills: Bills,
    ) -> InvoiceExport:
        return InvoiceExport(
            self.redis,
            procore=self.procore(precedence),
            projects=self.projects(precedence),
            links=links,
            invoice_items=invoice_items,
            bills=bills,
            settled=settled,
            decisions=self.decisions,
            ledger=self.ledger,
            attempts=self.attempts,
            export_statuses=self.settings.export_statuses,
            fixed_items=self._fixed_items,
            makes_credits=self.settings.netsuite_create_credits,
            books_currency=self.books_currency,
            unchanged=self.unchanged_invoices,
            pool=self._read_ahead,
        )

    @part
    def books_currency(self) -> BooksCurrency:
        """Which currency the books are in."""
        return BooksCurrency(self.currencies, setting=self.settings.netsuite_currency)

    @part
    def unchanged_invoices(self) -> UnchangedInvoices:
        """What a run of all need not read again."""
        settings = self.settings
        policy = (
            settings.export_statuses,
            settings.netsuite_retainage_item_id,
            settings.netsuite_tax_item_id,
            settings.netsuite_create_credits,
            settings.netsuite_closed_period,
            settings.netsuite_project_field,
            settings.netsuite_subsidiary_id,
            settings.netsuite_currency,
            settings.item_name_format,
        )
        return UnchangedInvoices(self.redis, ledger=self.ledger, reads=self.last_reads, policy=repr(policy))

    @part
    def export_runs(self) -> ExportRuns:
        """The export of all approved invoices."""
        return ExportRuns(
            self.redis,
            procore=self.procore(Precedence.EXPORT),
            projects=self.projects(Precedence.EXPORT),
            ledger=self.ledger,
            work=self.work,
            runs=self.runs,
            attempts=self.attempts,
            claims=self.bill_claims,
            unchanged=self.unchanged_invoices,
            books_currency=self.books_currency,
            export_statuses=self.settings.export_statuses,
        )

    @part
    def webhooks(self) -> Webhooks:
        """What Procore says by itself."""
        return Webhooks(
            self.redis,
            self._prefix,
            company_id=self.settings.procore_company_id,
            invoice_resources=self.settings.webhook_invoice_resources,
            projects=self.listed_projects,
            work=self.work,
        )

    @part
    def verification(self) -> Verification:
        """Procore against NetSuite against the ledger. All of its requests give way to those of exports and scans."""
        upkeep = Precedence.UPKEEP
        procore, netsuite = self.procore(upkeep), self.netsuite(upkeep)
        settings, links, invoice_items = self.settings, self._links(upkeep), self._invoice_items(upkeep)
        settled = self._settled_by_hand(upkeep, links)
        bills = self._bills(upkeep, links, invoice_items, settled)
        return Verification(
            self.redis,
            procore=procore,
            netsuite=netsuite,
            projects=self.projects(upkeep),
            listed=self.listed_projects,
            item_drift=ItemDrift(
                procore=procore,
                netsuite=netsuite,
                items=self.items(upkeep),
                ledger=self.ledger,
                adopted=self.adopted_items,
            ),
            bill_drift=BillDrift(
                procore=procore,
                netsuite=netsuite,
                invoice_export=self._invoice_export(upkeep, links, invoice_items, settled, bills),
                posting_periods=self.posting_periods(upkeep),
                decisions=self.decisions,
                ledger=self.ledger,
                work=self.work,
                export_statuses=settings.export_statuses,
                fixed_items=self._fixed_items,
                rules=f"{settings.netsuite_closed_period} {settings.netsuite_create_credits} {settings.netsuite_currency}",
            ),
            orphaned_bills=OrphanedBills(
                netsuite=netsuite, company_id=procore.company_id, ledger=self.ledger, verifications=self.verifications
            ),
            information=Information(
                projects=self.projects(upkeep), listed=self.listed_projects, decisions=self.decisions
            ),
            ledger=self.ledger,
            locks=self.locks,
            verifications=self.verifications,
        )

    @part
    def upkeep(self) -> Upkeep:
        """Long work that keeps the records in order."""
        return Upkeep(self.redis, work=self.work, attempts=self.attempts, verification=self.verification)

    @part
    def named_records(self) -> NamedRecords:
        """Codes and invoices by what people call them."""
        return NamedRecords(
            projects=self.projects(Precedence.EXPORT), listed=self.listed_projects, ledger=self.ledger,
            name_format=self.settings.item_name_format,
            heads=lambda project_id: self.procore(Precedence.EXPORT).list_invoices(project_id, ()),
        )  # fmt: skip

    def give_back(self) -> None:
        """Locks and work of what this process began and will not end.

        No slot of the gate: NetSuite goes on with a request whose client has gone, so its slot is free when its lease ends.
        """
        self.locks.give_back()
        self.attempts.give_back()

    def require_own(self) -> None:
        """Make sure that profile and ledger are of no other account, and Redis is one server. Raises InvalidSettings otherwise."""
        self.require_one_server()
        _ = self.profile
        self.require_no_other_owner()
