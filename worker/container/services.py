"""Builds both flows, and names what does the work of each kind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from worker.container.engine import Engine
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.work import WorkKind
from worker.engine.attempts import Handler
from worker.engine.runner import Runner
from worker.part import Part, part
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

T = TypeVar("T")


def _part(build: Callable[[Services], T]) -> Part[T]:
    return Part(build)


class Services(Engine):
    """Both flows, and what each kind of work does."""

    @part
    def runner(self) -> Runner:
        """Runs work by its key."""
        return Runner(self.stores, self.attempts, self.dispatch, self.handlers())

    def handlers(self) -> dict[WorkKind, Handler]:
        """Return what does the work of each kind of both flows. The services are built when the first work of their kind is run."""
        return {
            WorkKind.SCAN_ALL: lambda _: self.wbs_scan.list_projects(),
            WorkKind.SCAN_PROJECT: lambda key: self.wbs_scan.scan_project(*key.ids),
            WorkKind.PLAN_CODES: lambda key: self.wbs_scan.plan_codes(*key.ids),
            WorkKind.CREATE_ITEM: lambda key: self._scanned_items.make(CodeKey(*key.ids)),
            WorkKind.EXPORT_ALL: lambda _: self.export_runs.list_projects(),
            WorkKind.LIST_INVOICES: lambda key: self.export_runs.list_invoices(*key.ids),
            WorkKind.EXPORT: lambda key: self.invoice_export.export(InvoiceKey(*key.ids)),
        }

    former_items = _part(lambda own: FormerItems(own.stores))

    def projects(self, precedence: Precedence) -> Projects:
        """The company's projects."""
        return Projects(self.stores, self.procore(precedence), self.policy, self.ownership.company_confirmed)

    def items(self, precedence: Precedence) -> Items:
        """Planning and making Items."""
        stores, remotes, policy = self.stores, self.connections.remotes(precedence), self.policy
        writer = ItemWriter(stores, remotes, policy, self.once)
        return Items(stores, remotes, policy, self.projects(precedence), self.former_items, writer)

    @part
    def wbs_scan(self) -> WbsScan:
        """The scan of all projects."""
        remotes = self.connections.remotes(Precedence.SCAN)
        return WbsScan(self.stores, remotes, self.projects(Precedence.SCAN), self._scanned_items)

    _scanned_items = _part(lambda own: own.items(Precedence.SCAN))
    links = _part(lambda own: own._links(Precedence.EXPORT))

    def _links(self, precedence: Precedence) -> Links:
        return Links(self.stores, self.connections.remotes(precedence))

    invoice_items = _part(lambda own: own._invoice_items(Precedence.EXPORT))

    def _invoice_items(self, precedence: Precedence) -> InvoiceItems:
        # Two more than there are slots, so that none idles while a thread looks after what it has made.
        pool = ThreadPoolExecutor(self.settings.netsuite_concurrency + 2, thread_name_prefix="invoice-items")
        return InvoiceItems(self.stores, self.items(precedence), self.runner, pool)

    @part
    def _read_ahead(self) -> ThreadPoolExecutor:
        # More exports than this at once read what they need one after the other, each in its own thread.
        return ThreadPoolExecutor(READ_AHEAD_THREADS, thread_name_prefix="read-ahead")

    def posting_periods(self, precedence: Precedence) -> PostingPeriods:
        """The account's posting periods, and what is done about closed ones."""
        return PostingPeriods(self.stores, self.connections.remotes(precedence), self.policy)

    settled_by_hand = _part(lambda own: own._settled_by_hand(Precedence.EXPORT, own.links))

    def _settled_by_hand(self, precedence: Precedence, links: Links) -> SettledByHand:
        return SettledByHand(self.stores, self.connections.remotes(precedence), links)

    bill_ownership = _part(lambda own: BillOwnership(own.stores, own.remotes, own.policy))

    @part
    def bills(self) -> Bills:
        """Vendor bills, exactly once."""
        return self._bills(Precedence.EXPORT, self.links, self.invoice_items, self.settled_by_hand)

    def _bills(
        self, precedence: Precedence, links: Links, invoice_items: InvoiceItems, settled: SettledByHand
    ) -> Bills:
        records = BillRecords(self.stores, self.connections.remotes(precedence))
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
            decisions=self.stores.decisions,
            fixed_items=self.policy.fixed_items,
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
            decisions=self.stores.decisions,
            ledger=self.ledger,
            export_statuses=self.settings.export_statuses,
            fixed_items=self.policy.fixed_items,
            makes_credits=self.settings.netsuite_create_credits,
            books_currency=self.books_currency,
            unchanged=self.unchanged_invoices,
            pool=self._read_ahead,
        )

    books_currency = _part(lambda own: BooksCurrency(own.stores, own.policy))
    unchanged_invoices = _part(lambda own: UnchangedInvoices(own.stores, own.policy))

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
            claims=self.stores.bill_claims,
            unchanged=self.unchanged_invoices,
            books_currency=self.books_currency,
            export_statuses=self.settings.export_statuses,
        )

    webhooks = _part(lambda own: Webhooks(own.stores, own.settings.webhook_invoice_resources))
