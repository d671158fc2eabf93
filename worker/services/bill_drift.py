"""Does every approved invoice have its one bill, as it was written, and does Procore name it? Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from worker.clients.netsuite.client import NetSuite
from worker.domain.errors import Blocked
from worker.domain.findings import KIND_OF_ASPECT, Finding, FindingKind, Verified
from worker.domain.identities import InvoiceKey, bill_external_id, bill_id_of_origin, is_our_bill
from worker.domain.invoice_heads import InvoiceHead
from worker.domain.invoices import Aspect, Bill, FoundBill, NumberKey, differences
from worker.domain.outcomes import SETTLED, Record, State
from worker.domain.problems import describe
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import Project
from worker.services.export_runs import ExportRuns
from worker.services.invoice_export import InvoiceExport
from worker.services.posting_periods import PostingPeriods
from worker.store.ledger import Ledger

CHOSEN_BY_HAND = (Aspect.LINES, Aspect.DATE, Aspect.TOTAL)


@dataclass(frozen=True, slots=True)
class InvoiceToCompare:
    """An invoice, the ledger's record of it, and the internal ids of the bills with its external id."""

    project: Project
    head: InvoiceHead
    record: Record | None
    standing: Sequence[str]

    @property
    def key(self) -> InvoiceKey:
        """The invoice's key in the ledger."""
        return InvoiceKey(self.project.id, self.head.id)

    @property
    def recorded_id(self) -> str:
        """Internal id of the bill that the ledger knows, "" when it knows none."""
        return self.record.remote_id if self.record and self.record.done else ""

    @property
    def foreign(self) -> bool:
        """Whether Procore says that another integration has it."""
        return bool(self.head.origin_id) and not bill_id_of_origin(self.head.origin_id)

    @property
    def label(self) -> str:
        """How people call it, at the beginning of a sentence."""
        return f"Invoice {self.head.document_number or f'id {self.head.id}'} of project {self.project.label}"

    def find(self, kind: FindingKind, words: str) -> Finding:
        """A finding about this invoice; `words` go on after its label."""
        return Finding(kind, str(self.key), f"{self.label}{words}", self.head.document_number)

    def waits(self, problems: Collection[str]) -> bool:
        """Whether it is known why it has no bill yet."""
        unfinished = self.record is not None and not self.record.done and self.record.state is not State.BLOCKED
        if self.standing and self.record and self.record.state is State.SKIPPED:
            # Whatever the reason to leave it alone was, a bill is owed for it.
            return False
        return not self.recorded_id and (unfinished or str(self.key) in problems)


@dataclass(frozen=True, slots=True)
class Compared:
    """An invoice, the bill that should stand, and the one that stands and is not void."""

    one: InvoiceToCompare
    bill: Bill
    found: FoundBill


class BillDrift:
    """Compares the invoices of projects with their bills."""

    def __init__(
        self,
        *,
        netsuite: NetSuite,
        company_id: int,
        export_runs: ExportRuns,
        invoice_export: InvoiceExport,
        posting_periods: PostingPeriods,
        ledger: Ledger,
    ) -> None:
        self._netsuite = netsuite
        self._company_id = company_id
        self._runs = export_runs
        self._export = invoice_export
        self._periods = posting_periods
        self._ledger = ledger

    def compare(self, project: Project, problems: Collection[str]) -> Verified:
        """One project's invoices. Raises NotFound, NotPermitted where the app may not read them."""
        invoices = self._invoices(project)
        verified, compared = Verified(invoices=len(invoices)), list[Compared]()
        found: dict[InvoiceKey, list[Finding]] = {}
        for one in invoices:
            if _is_explained(one, problems):
                verified.explained += 1
                continue
            about = self._findings(one, problems, compared)
            # Whose record changed since it was read is being exported just now: what was read before and after does not fit together.
            if about and self._ledger.invoice(one.key) != one.record:
                verified.explained += 1
                continue
            found[one.key] = about
        for left in self._left_behind(project, {one.head.id for one in invoices}):
            verified.invoices += 1
            verified.find(left)
        for key, doubled in self._entered_twice(compared).items():
            found.get(key, []).append(doubled)
        verified.right = sum(not about for about in found.values())
        verified.find(*(finding for about in found.values() for finding in about))
        return verified

    def _invoices(self, project: Project) -> list[InvoiceToCompare]:
        heads = self._runs.heads(project.id)
        records = self._ledger.invoices(project.id, [head.id for head in heads])
        external_ids = {head.id: bill_external_id(self._company_id, head.id) for head in heads}
        bills = self._netsuite.bill_ids(list(external_ids.values()))
        return [
            InvoiceToCompare(project, head, records.get(head.id), bills.get(external_ids[head.id].lower(), []))
            for head in heads
        ]

    def _left_behind(self, project: Project, listed: Collection[int]) -> Iterator[Finding]:
        """Bills that stand for invoices which are exported no more: gone from Procore, or not approved any longer."""
        for invoice_id, record in self._ledger.invoices(project.id).items():
            if not record.done or invoice_id in listed:
                continue
            head = InvoiceHead(invoice_id, "", None, record.name)
            one = InvoiceToCompare(project, head, record, [])
            why = self._export.why_none(one.key)
            found = self._netsuite.bill(record.remote_id) if why else None
            if found and not found.void:
                words = f": its {found.label} stands, but the invoice is exported no more: {why}."
                yield one.find(FindingKind.BILL_NOT_COMPARABLE, words)

    def _findings(self, one: InvoiceToCompare, problems: Collection[str], compared: list[Compared]) -> list[Finding]:
        bill_id = one.recorded_id or bill_id_of_origin(one.head.origin_id) or ""
        if one.standing and bill_id not in one.standing:
            bill_id = one.standing[0]
        if len(one.standing) > 1:
            live = [bill for each in one.standing if (bill := self._netsuite.bill(each)) and not bill.void]
            if len(live) > 1:
                told = ", ".join(f"{bill.document_number} of {bill.date} (id {bill.id})" for bill in live)
                return [one.find(FindingKind.BILL_DOUBLED, f" has {len(live)} bills: {told}.")]
            bill_id = live[0].id if live else bill_id
        if not bill_id:
            return [one.find(FindingKind.BILL_MISSING, " has no bill.")]
        found = self._netsuite.bill(bill_id)
        if found is None:
            return [one.find(FindingKind.BILL_DELETED, f": its bill (id {bill_id}) is gone from NetSuite.")]
        return [*self._against_invoice(one, found, compared), *self._against_origin(one, found, problems)]

    def _against_invoice(self, one: InvoiceToCompare, found: FoundBill, compared: list[Compared]) -> list[Finding]:
        name = found.label
        try:
            bill = self._export.expected_bill(one.key)
        except Blocked as error:
            if self._export.is_settled_by(one.key, found):
                return []
            why = describe(error.cause, error.facts).sentence
            return [one.find(FindingKind.BILL_NOT_COMPARABLE, f": its {name} stands, but cannot be compared. {why}")]
        if found.void:
            words = f": its {name} is void: its total and all its lines are zero."
            return [one.find(FindingKind.BILL_VOIDED, words)] if bill.lines else []
        compared.append(Compared(one, bill, found))
        differs = differences(bill, found)
        if one.record and SETTLED in one.record.facts and found.total == bill.total:
            # Lines and date are the choice of the person who settled the invoice by hand.
            differs = {aspect: words for aspect, words in differs.items() if aspect not in CHOSEN_BY_HAND}
        findings = [
            one.find(KIND_OF_ASPECT[aspect], f": its {name} differs: {words}.") for aspect, words in differs.items()
        ]
        # A bill that a person made is where that person wanted it, and with another date its period is another one's matter.
        ours = is_our_bill(found.external_id) and Aspect.DATE not in differs
        if ours and (period := self._periods.unwanted(found)):
            words = f": its {name} is posted in {period}, not in the period of its date {found.date}."
            findings.append(one.find(FindingKind.BILL_IN_OTHER_PERIOD, words))
        return findings

    def _against_origin(self, one: InvoiceToCompare, found: FoundBill, problems: Collection[str]) -> list[Finding]:
        """Whether the invoice in Procore names its bill. Where Procore refused that, a problem says so already; where it is due, the
        next export does it.
        """
        named = bill_id_of_origin(one.head.origin_id)
        own = f"its {found.document} is {found.document_number} (id {found.id})"
        if not one.head.origin_id:
            due = one.record is not None and one.record.write_back_due
            explained = due or str(one.key) in problems
            words = f" has no origin id in Procore; {own}."
            return [] if explained else [one.find(FindingKind.ORIGIN_ID_MISSING, words)]
        if named is None:
            words = f" has the origin id {one.head.origin_id!r} of another integration in Procore; {own}."
            return [one.find(FindingKind.ORIGIN_ID_FOREIGN, words)]
        if named != found.id:
            other = self._netsuite.bill(named)
            what = (
                f"the bill {other.document_number} (id {named})"
                if other
                else f"a bill that does not exist (id {named})"
            )
            return [one.find(FindingKind.ORIGIN_ID_FOREIGN, f" names {what} in Procore; {own}.")]
        return []

    def _entered_twice(self, compared: Sequence[Compared]) -> dict[InvoiceKey, Finding]:
        """Invoices whose vendor has a second bill of the same number: a copy, one entered by hand, or the bill of another invoice."""
        numbered = [
            each for each in compared if each.bill.document_number and not unwritable(each.bill.document_number)
        ]
        vendors = sorted({each.bill.vendor_id for each in numbered})
        numbers = sorted({each.bill.document_number for each in numbered})
        with_number: dict[NumberKey, list[str]] = {}
        for head in self._netsuite.bills_numbered(vendors, numbers):
            with_number.setdefault(head.number_key, []).append(head.id)
        doubled = {}
        for each in numbered:
            others = [one for one in with_number.get(each.bill.number_key, []) if one != each.found.id]
            # Void is how people take one of two out of the books.
            if live := [other for other in others if (found := self._netsuite.bill(other)) and not found.void]:
                ids = ", ".join([each.found.id, *live])
                words = f": {each.bill.vendor_name} has {len(live) + 1} bills with its number: ids {ids}."
                doubled[each.one.key] = each.one.find(FindingKind.BILL_DOUBLED, words)
        return doubled


def _is_explained(one: InvoiceToCompare, problems: Collection[str]) -> bool:
    """Whether it is known why there is no bill: a reason or a problem, or it is another integration's. Two are never explained."""
    if len(one.standing) > 1 or (one.standing and one.foreign):
        return False
    return one.waits(problems) or (one.foreign and not one.recorded_id)
