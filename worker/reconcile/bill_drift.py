"""Compares invoices with bills: whether every approved invoice has one bill, unchanged, and Procore has its id. Reads only.

A record that was equal is not read again while the lists of both systems show no change. docs/verify.md names what these lists do not show;
a full comparison finds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version

from worker.clients.netsuite.bills import BillHead
from worker.clients.remotes import Remotes
from worker.domain.bill_differences import Aspect, differences
from worker.domain.bills import Bill, FoundBill, NumberKey
from worker.domain.decisions import Decision
from worker.domain.errors import Blocked
from worker.domain.findings import KIND_OF_ASPECT, Finding, bills_of_one_number
from worker.domain.identities import InvoiceKey, bill_external_id, bill_id_of_origin, is_our_bill
from worker.domain.invoice_heads import InvoiceHead
from worker.domain.outcomes import SETTLED, Outcome, OutcomeKind
from worker.domain.policy import Policy
from worker.domain.problems import Cause, FindingKind, describe
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import Project
from worker.reconcile.bill_verdicts import ComparedBill, InvoiceToCompare, ProjectInvoices, Verdict
from worker.store.stores import Stores
from worker.sync.export_preview import ExportPreview
from worker.sync.posting_periods import PostingPeriods

CHOSEN_BY_HAND = (Aspect.LINES, Aspect.DATE, Aspect.TOTAL)


@dataclass(frozen=True, slots=True)
class BillDrift:
    """Compares the invoices of projects with their bills."""

    stores: Stores
    remotes: Remotes
    policy: Policy
    export: ExportPreview
    periods: PostingPeriods

    def look(self, project: Project) -> ProjectInvoices:
        """Return what the lists of both systems have for a project's invoices. Raises NotFound or NotPermitted if the app may not read them."""
        heads = {head.id: head for head in self.remotes.procore.list_invoices(project.id, ())}
        records = self.stores.ledger.invoices(project.id)
        external_ids = {
            number: bill_external_id(self.remotes.procore.company_id, number) for number in {*heads, *records}
        }
        bills = self.remotes.netsuite.bills_by_external_id(list(external_ids.values()))
        found = []
        for number, external_id in sorted(external_ids.items()):
            record, standing = records.get(number), bills.get(external_id.lower(), [])
            head = heads.get(number)
            withdrawn = head is None or head.status not in self.policy.export_statuses
            if withdrawn and not standing and not (record and record.done):
                continue
            head = head or InvoiceHead(number, "", None, record.name if record else "")
            one = InvoiceToCompare(project, head, record, standing, withdrawn, _chain(head, heads))
            found.append(one)
        return ProjectInvoices(self._with_named(found), list(heads))

    def fingerprint(self, one: InvoiceToCompare) -> str:
        """Return a digest of what is known of an invoice without reading it, and of the rules of the comparison."""
        policy = self.policy
        # A newer version may find what an older one did not.
        rules = (
            f"{_version()} {sorted(policy.export_statuses)} {policy.fixed_items} {policy.closed_period} {policy.makes_credits} "
            f"{policy.currency}"
        )
        return one.fingerprint(rules)

    def item_ids(self, project: Project) -> set[str]:
        """Return the Items that may be on bills of a project, from the ledger and the settings."""
        fixed = self.policy.fixed_items
        recorded = {record.remote_id for record in self.stores.ledger.codes(project.id).values() if record.done}
        return ({fixed.retainage, fixed.tax} - {""}) | recorded

    def compare(self, one: InvoiceToCompare, problems: Mapping[str, Cause]) -> Verdict:
        """Compare one invoice, read from Procore, with its bill, read from NetSuite."""
        if one.withdrawn:
            return self._compare_withdrawn(one)
        if one.is_explained(problems):
            return Verdict(explained=True)
        if (decision := self.stores.decisions.of(one.key)) and not one.bills and not one.recorded_id:
            return Verdict(explained=True, findings=list(self._about_decision(one, decision)))
        if one.has_no_bill and self.stores.work.going_on([str(one.key)], due_before=float("inf")):
            # It was listed, and waits for its turn.
            return Verdict(explained=True)
        if one.skipped and (why := self._why_skipped(one)):
            return why
        compared: list[ComparedBill] = []
        findings = self._findings(one, compared)
        # Whose record changed since it was read is being exported just now: what was read before and after does not fit together.
        if findings and self.stores.ledger.invoice(one.key) != one.record:
            return Verdict(explained=True)
        return Verdict(right=not findings, findings=findings, bill=compared[0] if compared else None)

    def entered_twice(
        self, invoices: Sequence[InvoiceToCompare], compared: Mapping[InvoiceKey, ComparedBill]
    ) -> dict[InvoiceKey, Finding]:
        """Return findings for invoices whose vendor has a second bill with the same number: a copy, one entered by hand, or one of another
        invoice.

        Checks every invoice with a bill, also those with a problem, with work in progress, or withdrawn, because that says nothing about
        the second bill. `compared`: bills already read; the lists may not show them yet, or show another number.
        """
        bills = {one.key: _numbered(one, compared.get(one.key)) for one in invoices}
        vendors = sorted({bill.vendor_id for own in bills.values() for bill in own})
        numbers = sorted({bill.document_number for own in bills.values() for bill in own})
        alike: dict[NumberKey, set[str]] = {}
        for head in self.remotes.netsuite.bills_numbered(vendors, numbers):
            alike.setdefault(head.number_key, set()).add(head.id)
        doubled = {}
        for one in invoices:
            for bill in bills[one.key]:
                ids = {bill.id} | alike.get(bill.number_key, set())
                # Several with this invoice's own external id alone are found when it is compared.
                if len(ids) > 1 and not ids <= set(one.standing) and (words := self._of_two(bill.id, ids, one)):
                    doubled[one.key] = one.find(FindingKind.DUPLICATE_BILL, words)
        return doubled

    def _of_two(self, own_id: str, ids: Collection[str], one: InvoiceToCompare) -> str:
        """Return the sentence on bills with the same number (by internal id) and those of an invoice, or "" unless its bill and another one
        are active.

        A void bill is not active: voiding is how users remove one of two.
        """
        every = sorted({*ids, *one.standing}, key=int)
        live = [found for bill_id in every if (found := self.remotes.netsuite.bill(bill_id)) and not found.void]
        return bills_of_one_number(live) if len(live) > 1 and own_id in {found.id for found in live} else ""

    def _with_named(self, invoices: Sequence[InvoiceToCompare]) -> list[InvoiceToCompare]:
        """Add the bills that the ledger or Procore refers to and that do not have the wbs-sync external id, such as adopted ones."""
        named = {
            one.head.id: bill_id
            for one in invoices
            if (bill_id := one.recorded_id or bill_id_of_origin(one.head.origin_id) or "") not in ("", *one.standing)
        }
        heads = self.remotes.netsuite.bills_by_id(sorted(set(named.values())))
        return [
            replace(one, named=[heads[named[one.head.id]]]) if named.get(one.head.id) in heads else one
            for one in invoices
        ]

    def _about_decision(self, one: InvoiceToCompare, decision: Decision) -> Iterator[Finding]:
        """Return findings if the bill of a decision is no longer in NetSuite. The decisions themselves are listed separately, for all invoices."""
        if not decision.bill_id:
            return
        found = self.remotes.netsuite.bill(decision.bill_id)
        if found is None:
            words = (
                f" was marked as billed elsewhere, but that bill (id {decision.bill_id}) no longer exists in NetSuite."
            )
            yield one.find(FindingKind.BILL_DELETED, words)
        elif found.void:
            words = f" was marked as billed elsewhere, but the {found.label} is void."
            yield one.find(FindingKind.BILL_VOIDED, words)

    def _why_skipped(self, one: InvoiceToCompare) -> Verdict | None:
        """Return the verdict on a skipped invoice: explained while the reason applies; None if Procore has a bill id."""
        try:
            now = self.export.plan(one.key)
        except Blocked as error:
            sentence = describe(error.cause, error.facts).sentence
            found = one.find(FindingKind.BILL_MISSING, f" has no bill and no open problem. {sentence}")
            return Verdict(findings=[found])
        if isinstance(now, Outcome):
            return None if now.kind is OutcomeKind.ALREADY else Verdict(explained=True)
        before = one.record.detail if one.record else ""
        words = f" has no bill. It was skipped ({before or 'reason unknown'}), and that reason no longer applies."
        return Verdict(findings=[one.find(FindingKind.BILL_MISSING, words)])

    def _compare_withdrawn(self, one: InvoiceToCompare) -> Verdict:
        """Compare the bills of an invoice that is no longer exported because it is missing in Procore or not approved."""
        why = self.export.why_none(one.key)
        if why is None:
            # Approved again since it was listed.
            return Verdict(explained=True)
        ids = [*one.standing, *([one.recorded_id] if one.recorded_id not in ("", *one.standing) else [])]
        live = [found for bill_id in ids if (found := self.remotes.netsuite.bill(bill_id)) and not found.void]
        if not live:
            return Verdict()
        bills = ", ".join(found.label for found in live)
        words = f": its {bills} {'is' if len(live) == 1 else 'are'} in NetSuite, but the invoice is no longer exported: {why}."
        return Verdict(findings=[one.find(FindingKind.BILL_NOT_COMPARABLE, words)])

    def _findings(self, one: InvoiceToCompare, compared: list[ComparedBill]) -> list[Finding]:
        bill_id = one.recorded_id or bill_id_of_origin(one.head.origin_id) or ""
        if one.standing and bill_id not in one.standing:
            bill_id = one.standing[0]
        if len(one.standing) > 1:
            live = [bill for each in one.standing if (bill := self.remotes.netsuite.bill(each)) and not bill.void]
            if len(live) > 1:
                told = ", ".join(f"{bill.document_number} of {bill.date} (id {bill.id})" for bill in live)
                return [one.find(FindingKind.DUPLICATE_BILL, f" has {len(live)} bills: {told}.")]
            bill_id = live[0].id if live else bill_id
        if not bill_id:
            return [one.find(FindingKind.BILL_MISSING, " has no bill.")]
        found = self.remotes.netsuite.bill(bill_id)
        if found is None:
            return [one.find(FindingKind.BILL_DELETED, f": its bill (id {bill_id}) no longer exists in NetSuite.")]
        return [*self._against_invoice(one, found, compared), *self._against_origin(one, found)]

    def _against_invoice(self, one: InvoiceToCompare, found: FoundBill, compared: list[ComparedBill]) -> list[Finding]:
        name = found.label
        try:
            bill = self.export.expected_bill(one.key)
        except Blocked as error:
            if self.export.is_settled_by(one.key, found):
                return []
            why = describe(error.cause, error.facts).sentence
            return [
                one.find(FindingKind.BILL_NOT_COMPARABLE, f": its {name} is in NetSuite, but cannot be compared. {why}")
            ]
        if found.void:
            words = f": its {name} is void: its total and all its lines are zero."
            return [one.find(FindingKind.BILL_VOIDED, words)] if bill.lines else []
        compared.append(_compared(bill, found))
        differs = differences(bill, found)
        if one.record and SETTLED in one.record.facts and found.total == bill.total:
            # Lines and date are the choice of the person who settled the invoice by hand.
            differs = {aspect: words for aspect, words in differs.items() if aspect not in CHOSEN_BY_HAND}
        findings = [
            one.find(KIND_OF_ASPECT[aspect], f": its {name} differs: {words}.") for aspect, words in differs.items()
        ]
        # A bill that a person made is where that person wanted it, and with another date its period is another one's matter.
        ours = is_our_bill(found.external_id) and Aspect.DATE not in differs
        if ours and (period := self.periods.unwanted(found)):
            words = f": its {name} is posted in {period}, not in the period of its date {found.date}."
            findings.append(one.find(FindingKind.BILL_PERIOD_MISMATCH, words))
        return findings

    def _against_origin(self, one: InvoiceToCompare, found: FoundBill) -> list[Finding]:
        """Return findings if the invoice in Procore does not have its bill's id. While the write-back is due, the next export does it; if
        Procore rejected it, it stays due and has a problem.
        """
        named = bill_id_of_origin(one.head.origin_id)
        own = f"its {found.document} is {found.document_number} (id {found.id})"
        if not one.head.origin_id:
            due = one.record is not None and one.record.write_back_due
            words = f" has no origin id in Procore; {own}."
            return [] if due else [one.find(FindingKind.ORIGIN_ID_MISSING, words)]
        if named is None:
            words = f" has the origin id {one.head.origin_id!r} of another integration in Procore; {own}."
            return [one.find(FindingKind.ORIGIN_ID_CONFLICT, words)]
        if named != found.id:
            other = self.remotes.netsuite.bill(named)
            what = (
                f"the bill {other.document_number} (id {named})"
                if other
                else f"a bill that does not exist (id {named})"
            )
            return [one.find(FindingKind.ORIGIN_ID_CONFLICT, f" has the origin id of {what} in Procore; {own}.")]
        return []


@cache
def _version() -> str:
    return version("wbs-sync")


def _numbered(one: InvoiceToCompare, compared: ComparedBill | None) -> list[BillHead | ComparedBill]:
    """Return the invoice's bills whose number can be queried for duplicates."""
    bills: list[BillHead | ComparedBill] = [*one.bills, *one.named]
    if compared:
        bills.append(compared)
    return [bill for bill in bills if bill.document_number.strip() and not unwritable(bill.document_number)]


def _compared(bill: Bill, found: FoundBill) -> ComparedBill:
    items = tuple(sorted({line.item_id for line in bill.lines}))
    return ComparedBill(found.id, bill.vendor_id, bill.vendor_name, bill.document_number, bill.document.value, items)


def _chain(head: InvoiceHead, heads: Mapping[int, InvoiceHead]) -> list[str]:
    """When the earlier invoices of its contract were last changed, the one before first; "?" for one that is not listed."""
    moments, seen, before = list[str](), {head.id}, head.previous_id
    while before and before not in seen:
        seen.add(before)
        earlier = heads.get(before)
        moments.append(f"{before} {earlier.updated_at if earlier else '?'}")
        before = earlier.previous_id if earlier else None
    return moments
