"""Compares invoices with bills: whether every approved invoice has one bill, unchanged, and Procore has its id. Reads only.

An invoice whose bill was equal is not read again while the lists of both systems show no change. A full comparison also finds the changes
that these lists do not show (docs/verify.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version

from worker.clients.netsuite.bills import BillHead
from worker.clients.remotes import Remotes
from worker.domain.bill_differences import differences
from worker.domain.bills import Bill, FoundBill, NumberKey
from worker.domain.decisions import Decision
from worker.domain.errors import Blocked
from worker.domain.findings import KIND_OF_ASPECT, Finding, bills_of_one_number
from worker.domain.identities import InvoiceKey, bill_external_id, bill_id_of_origin, is_our_bill
from worker.domain.invoices import InvoiceHead
from worker.domain.outcomes import SETTLED, Outcome, OutcomeKind
from worker.domain.policy import Policy
from worker.domain.problems import Cause, FindingKind, describe
from worker.domain.series import Deviation
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import Project
from worker.reconcile.bill_verdicts import ComparedBill, InvoiceToCompare, ProjectInvoices, Verdict
from worker.store.stores import Stores
from worker.sync.export_preview import ExportPreview
from worker.sync.posting_periods import PostingPeriods

CHOSEN_BY_HAND = (Deviation.LINES, Deviation.DATE, Deviation.TOTAL)
"""What the person who enters a bill by hand decides."""


@dataclass(frozen=True, slots=True)
class BillDrift:
    """Compares the invoices of one project at a time with their bills."""

    stores: Stores
    remotes: Remotes
    policy: Policy
    preview: ExportPreview
    periods: PostingPeriods

    def list_invoices(self, project: Project) -> ProjectInvoices:
        """Return a project's invoices and their bills from the lists of both systems. Raises NotFound or NotPermitted if the app may not read
        them.
        """
        heads = {head.id: head for head in self.remotes.procore.list_invoices(project.id, ())}
        records = self.stores.ledger.invoices(project.id)
        external_ids = {
            number: bill_external_id(self.remotes.procore.company_id, number) for number in {*heads, *records}
        }
        bills = self.remotes.netsuite.bills_by_external_id(list(external_ids.values()))
        invoices = []
        for number, external_id in sorted(external_ids.items()):
            record, head, own = records.get(number), heads.get(number), bills.get(external_id.lower(), [])
            withdrawn = head is None or head.status not in self.policy.export_statuses
            if withdrawn and not own and not (record and record.done):
                continue
            head = head or InvoiceHead(number, "", None, record.name if record else "")
            invoices.append(InvoiceToCompare(project, head, record, own, withdrawn, _chain(head, heads)))
        return ProjectInvoices(self._with_named(invoices), list(heads))

    def fingerprint(self, invoice: InvoiceToCompare) -> str:
        """Return a digest of what the lists and the ledger show of an invoice, and of the rules of the comparison."""
        policy = self.policy
        # A newer version may find differences that an older one did not.
        rules = (
            f"{_version()} {sorted(policy.export_statuses)} {policy.fixed_items} {policy.closed_period} {policy.makes_credits} "
            f"{policy.currency}"
        )
        return invoice.fingerprint(rules)

    def item_ids(self, project: Project) -> set[str]:
        """Return the Items that may be on bills of a project, from the ledger and the settings."""
        fixed = self.policy.fixed_items
        recorded = {record.remote_id for record in self.stores.ledger.codes(project.id).values() if record.done}
        return ({fixed.retainage, fixed.tax} - {""}) | recorded

    def compare(self, invoice: InvoiceToCompare, problems: Mapping[str, Cause]) -> Verdict:
        """Read one invoice from Procore and its bill from NetSuite, and compare them. `problems`: the cause of each open problem, by key."""
        if invoice.withdrawn:
            return self._compare_withdrawn(invoice)
        if invoice.is_explained(problems):
            return Verdict(explained=True)
        if (decision := self.stores.decisions.of(invoice.key)) and not invoice.bills and not invoice.recorded_id:
            return Verdict(explained=True, findings=list(self._about_decision(invoice, decision)))
        if invoice.has_no_bill and self.stores.work.pending([str(invoice.key)], due_before=float("inf")):
            # Its export is queued or in progress.
            return Verdict(explained=True)
        if invoice.skipped and (verdict := self._verdict_on_skipped(invoice)):
            return verdict
        compared: list[ComparedBill] = []
        findings = self._findings(invoice, compared)
        # The record has changed since it was read, so an export is in progress: what was read before and after it does not fit together.
        if findings and self.stores.ledger.invoice(invoice.key) != invoice.record:
            return Verdict(explained=True)
        return Verdict(right=not findings, findings=findings, bill=compared[0] if compared else None)

    def duplicate_bills(
        self, invoices: Sequence[InvoiceToCompare], compared: Mapping[InvoiceKey, ComparedBill]
    ) -> dict[InvoiceKey, Finding]:
        """Return findings for invoices whose vendor has a second bill with the same number: a copy, one entered by hand, or one of another
        invoice.

        Checks every invoice with a bill, also one that is withdrawn or has a problem or work in progress: none of these explains a second
        bill. `compared`: bills already read; the lists may not show them yet, or show another number.
        """
        bills = {invoice.key: _numbered(invoice, compared.get(invoice.key)) for invoice in invoices}
        vendors = sorted({bill.vendor_id for own in bills.values() for bill in own})
        numbers = sorted({bill.document_number for own in bills.values() for bill in own})
        ids_by_number: dict[NumberKey, set[str]] = {}
        for head in self.remotes.netsuite.bills_numbered(vendors, numbers):
            ids_by_number.setdefault(head.number_key, set()).add(head.id)
        findings = {}
        for invoice in invoices:
            for bill in bills[invoice.key]:
                ids = {bill.id} | ids_by_number.get(bill.number_key, set())
                # `compare` finds several bills that all have this invoice's external id.
                if len(ids) > 1 and not ids <= set(invoice.bill_ids):
                    active = self._active(sorted({*ids, *invoice.bill_ids}, key=int))
                    if len(active) > 1 and bill.id in {found.id for found in active}:
                        findings[invoice.key] = invoice.find(FindingKind.DUPLICATE_BILL, bills_of_one_number(active))
        return findings

    def _active(self, bill_ids: Iterable[str]) -> list[FoundBill]:
        """Read bills, and return those that exist and are not void: users void one of two bills to remove it."""
        return [found for bill_id in bill_ids if (found := self.remotes.netsuite.bill(bill_id)) and not found.void]

    def _with_named(self, invoices: Sequence[InvoiceToCompare]) -> list[InvoiceToCompare]:
        """Add the bills that the ledger or Procore refers to and that do not have the wbs-sync external id, such as adopted ones."""
        ids = {one.key: one.named_id for one in invoices if one.named_id and one.named_id not in one.bill_ids}
        heads = self.remotes.netsuite.bills_by_id(sorted(set(ids.values())))
        return [replace(one, named=[heads[ids[one.key]]]) if ids.get(one.key) in heads else one for one in invoices]

    def _about_decision(self, invoice: InvoiceToCompare, decision: Decision) -> Iterator[Finding]:
        """Yield a finding if the bill of a decision is void or no longer in NetSuite. `Information` lists the decisions themselves."""
        if not decision.bill_id:
            return
        found = self.remotes.netsuite.bill(decision.bill_id)
        if found is None:
            text = (
                f" was marked as billed elsewhere, but that bill (id {decision.bill_id}) no longer exists in NetSuite."
            )
            yield invoice.find(FindingKind.BILL_DELETED, text)
        elif found.void:
            text = f" was marked as billed elsewhere, but the {found.label} is void."
            yield invoice.find(FindingKind.BILL_VOIDED, text)

    def _verdict_on_skipped(self, invoice: InvoiceToCompare) -> Verdict | None:
        """Return the verdict on a skipped invoice: explained while the reason applies, else a finding; None if Procore has a bill id."""
        try:
            now = self.preview.of(invoice.key)
        except Blocked as error:
            sentence = describe(error.cause, error.facts).sentence
            found = invoice.find(FindingKind.BILL_MISSING, f" has no bill and no open problem. {sentence}")
            return Verdict(findings=[found])
        if isinstance(now, Outcome):
            return None if now.kind is OutcomeKind.ALREADY else Verdict(explained=True)
        before = invoice.record.detail if invoice.record else ""
        text = f" has no bill. It was skipped ({before or 'reason unknown'}), and that reason no longer applies."
        return Verdict(findings=[invoice.find(FindingKind.BILL_MISSING, text)])

    def _compare_withdrawn(self, invoice: InvoiceToCompare) -> Verdict:
        """Compare the bills of an invoice that is no longer exported because it is missing in Procore or not approved."""
        why = self.preview.why_none(invoice.key)
        if why is None:
            # It was approved again after it was listed.
            return Verdict(explained=True)
        ids = dict.fromkeys([*invoice.bill_ids, invoice.recorded_id])
        active = self._active(bill_id for bill_id in ids if bill_id)
        if not active:
            return Verdict()
        bills = ", ".join(found.label for found in active)
        text = f": its {bills} {'is' if len(active) == 1 else 'are'} in NetSuite, but the invoice is no longer exported: {why}."
        return Verdict(findings=[invoice.find(FindingKind.BILL_NOT_COMPARABLE, text)])

    def _findings(self, invoice: InvoiceToCompare, compared: list[ComparedBill]) -> list[Finding]:
        bill_id = invoice.named_id
        if invoice.bill_ids and bill_id not in invoice.bill_ids:
            bill_id = invoice.bill_ids[0]
        if len(invoice.bill_ids) > 1:
            active = self._active(invoice.bill_ids)
            if len(active) > 1:
                listed = ", ".join(f"{bill.document_number} of {bill.date} (id {bill.id})" for bill in active)
                return [invoice.find(FindingKind.DUPLICATE_BILL, f" has {len(active)} bills: {listed}.")]
            bill_id = active[0].id if active else bill_id
        if not bill_id:
            return [invoice.find(FindingKind.BILL_MISSING, " has no bill.")]
        found = self.remotes.netsuite.bill(bill_id)
        if found is None:
            return [invoice.find(FindingKind.BILL_DELETED, f": its bill (id {bill_id}) no longer exists in NetSuite.")]
        return [*self._against_invoice(invoice, found, compared), *self._against_origin(invoice, found)]

    def _against_invoice(
        self, invoice: InvoiceToCompare, found: FoundBill, compared: list[ComparedBill]
    ) -> list[Finding]:
        name = found.label
        try:
            bill = self.preview.expected_bill(invoice.key)
        except Blocked as error:
            if self.preview.is_settled_by(invoice.key, found):
                return []
            why = describe(error.cause, error.facts).sentence
            text = f": its {name} is in NetSuite, but cannot be compared. {why}"
            return [invoice.find(FindingKind.BILL_NOT_COMPARABLE, text)]
        if found.void:
            text = f": its {name} is void: its total and all its lines are zero."
            return [invoice.find(FindingKind.BILL_VOIDED, text)] if bill.lines else []
        compared.append(_compared(bill, found))
        differs = differences(bill, found)
        if invoice.record and SETTLED in invoice.record.facts and found.total == bill.total:
            # The person who settled the invoice by hand chose the lines and the date.
            differs = {aspect: text for aspect, text in differs.items() if aspect not in CHOSEN_BY_HAND}
        findings = [
            invoice.find(KIND_OF_ASPECT[aspect], f": its {name} differs: {text}.") for aspect, text in differs.items()
        ]
        # A person chose the period of a bill entered by hand. A bill with another date has that finding, and so another period too.
        ours = is_our_bill(found.external_id) and Deviation.DATE not in differs
        if ours and (period := self.periods.unwanted(found)):
            text = f": its {name} is posted in {period}, not in the period of its date {found.date}."
            findings.append(invoice.find(FindingKind.BILL_PERIOD_MISMATCH, text))
        return findings

    def _against_origin(self, invoice: InvoiceToCompare, found: FoundBill) -> list[Finding]:
        """Return a finding if the invoice in Procore does not have its bill's id. A write-back that is due is no finding: the next export does
        it, and if Procore rejects it, it stays due and has a problem.
        """
        named = bill_id_of_origin(invoice.head.origin_id)
        own = f"its {found.document} is {found.document_number} (id {found.id})"
        if not invoice.head.origin_id:
            due = invoice.record is not None and invoice.record.write_back_due
            text = f" has no origin id in Procore; {own}."
            return [] if due else [invoice.find(FindingKind.ORIGIN_ID_MISSING, text)]
        if named is None:
            text = f" has the origin id {invoice.head.origin_id!r} of another integration in Procore; {own}."
            return [invoice.find(FindingKind.ORIGIN_ID_CONFLICT, text)]
        if named != found.id:
            other = self.remotes.netsuite.bill(named)
            what = (
                f"the bill {other.document_number} (id {named})"
                if other
                else f"a bill that does not exist (id {named})"
            )
            return [invoice.find(FindingKind.ORIGIN_ID_CONFLICT, f" has the origin id of {what} in Procore; {own}.")]
        return []


@cache
def _version() -> str:
    return version("wbs-sync")


def _numbered(invoice: InvoiceToCompare, compared: ComparedBill | None) -> list[BillHead | ComparedBill]:
    """Return the invoice's bills that have a number which NetSuite can be queried for."""
    bills: list[BillHead | ComparedBill] = [*invoice.bills, *invoice.named]
    if compared:
        bills.append(compared)
    return [bill for bill in bills if bill.document_number.strip() and not unwritable(bill.document_number)]


def _compared(bill: Bill, found: FoundBill) -> ComparedBill:
    items = tuple(sorted({line.item_id for line in bill.lines}))
    return ComparedBill(found.id, bill.vendor_id, bill.vendor_name, bill.document_number, bill.document.value, items)


def _chain(head: InvoiceHead, heads: Mapping[int, InvoiceHead]) -> list[str]:
    """Return id and time of the last change of each earlier invoice of its contract, latest first; "?" for one that is not listed."""
    moments, seen, before = list[str](), {head.id}, head.previous_id
    while before and before not in seen:
        seen.add(before)
        earlier = heads.get(before)
        moments.append(f"{before} {earlier.updated_at if earlier else '?'}")
        before = earlier.previous_id if earlier else None
    return moments
