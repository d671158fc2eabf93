"""An invoice to compare with its bills, and the verdict on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from worker.clients.netsuite.bills import BillHead
from worker.domain.bills import Document, NumberKey, number_key
from worker.domain.findings import Finding
from worker.domain.identities import InvoiceKey, bill_id_of_origin
from worker.domain.invoices import InvoiceHead
from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause, FindingKind
from worker.domain.wbs_codes import Project


@dataclass(frozen=True, slots=True)
class InvoiceToCompare:
    """An invoice with its ledger record and its bills: those with its external id, and those that the ledger or Procore refers to.

    `withdrawn`: Procore lists it in a status that is not exported, or no longer lists it (`head.status` is "" then). `chain`: when each
    earlier invoice of its contract was last changed; its amounts depend on theirs. `named`: the bill that the ledger or Procore refers to, if
    it does not have the external id.
    """

    project: Project
    head: InvoiceHead
    record: Record | None
    bills: Sequence[BillHead]
    withdrawn: bool = False
    chain: Sequence[str] = ()
    named: Sequence[BillHead] = ()

    @property
    def key(self) -> InvoiceKey:
        """Return the invoice's ledger key."""
        return InvoiceKey(self.project.id, self.head.id)

    @property
    def bill_ids(self) -> list[str]:
        """Return the internal ids of the bills with its external id."""
        return [bill.id for bill in self.bills]

    @property
    def recorded_id(self) -> str:
        """Return the internal id of the bill in the ledger, "" if there is none."""
        return self.record.remote_id if self.record and self.record.done else ""

    @property
    def named_id(self) -> str:
        """Return the internal id of the bill that the ledger, else Procore, refers to; "" if there is none."""
        return self.recorded_id or bill_id_of_origin(self.head.origin_id) or ""

    @property
    def has_no_bill(self) -> bool:
        """Return whether neither system nor the ledger has a bill for it."""
        return not self.bills and not self.named_id

    @property
    def is_claimed_elsewhere(self) -> bool:
        """Return whether Procore has an origin id of another integration."""
        return bool(self.head.origin_id) and not bill_id_of_origin(self.head.origin_id)

    @property
    def skipped(self) -> bool:
        """Return whether the ledger has it as skipped and it has no bill."""
        return self.record is not None and self.record.state is State.SKIPPED and not self.bills

    @property
    def label(self) -> str:
        """Return the invoice's name for the start of a sentence."""
        return f"Invoice {self.head.document_number or f'id {self.head.id}'} of project {self.project.label}"

    def find(self, kind: FindingKind, text: str) -> Finding:
        """Return a finding about this invoice; `text` follows its label."""
        return Finding(kind, str(self.key), f"{self.label}{text}", self.head.document_number)

    def is_explained(self, problems: Mapping[str, Cause]) -> bool:
        """Return whether unfinished work, an open problem or another integration explains the state of an invoice without a bill in the ledger.

        If it has a bill with its external id, only the problem that this bill differs does. Two bills are never explained, nor is a skip: its
        reason is checked again. `problems`: the cause of each open problem, by key.
        """
        if self.recorded_id or len(self.bills) > 1 or (self.bills and self.is_claimed_elsewhere):
            return False
        if self.is_claimed_elsewhere or (self.record is not None and self.record.unfinished):
            return True
        cause = problems.get(str(self.key))
        return cause is Cause.BILL_DIFFERS if self.bills else cause is not None

    def fingerprint(self, rules: str) -> str:
        """Return a digest of what the lists and the ledger show; while it is unchanged, so is the verdict. `rules`: of the comparison."""
        record = self.record and [self.record.state, self.record.remote_id, self.record.write_back_due]
        head = [self.head.status, self.head.origin_id, self.head.document_number, self.head.updated_at]
        bills = [
            [bill.id, bill.external_id, bill.vendor_id, bill.document_number, bill.document, bill.modified]
            for bill in (*self.bills, *self.named)
        ]
        known = json.dumps([rules, head, self.chain, record, bills, self.project.number, self.project.origin_id])
        return hashlib.sha256(known.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ComparedBill:
    """A bill that is not void, with the fields needed to find a second one with the same vendor and number."""

    id: str
    vendor_id: str
    vendor_name: str
    document_number: str
    document: str
    item_ids: Sequence[str] = ()

    @property
    def number_key(self) -> NumberKey:
        """Return the key that bills with the same vendor and number share."""
        return number_key(self.vendor_id, Document(self.document), self.document_number)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one invoice: right, explained, findings, or the reason `why` it could not be compared. A withdrawn invoice with a void
    bill is none of these.
    """

    right: bool = False
    explained: bool = False
    findings: Sequence[Finding] = ()
    bill: ComparedBill | None = None
    why: str = ""

    @property
    def may_be_cached(self) -> bool:
        """Return whether the result may be cached."""
        return not self.findings and not self.why

    def text(self) -> str:
        """Return the result as JSON."""
        bill = self.bill and astuple(self.bill)
        return json.dumps([self.right, self.explained, [each.row() for each in self.findings], bill, self.why])

    @classmethod
    def of(cls, text: str) -> Verdict:
        """Return the result from the JSON of `text()`."""
        right, explained, findings, bill, why = json.loads(text)
        compared = ComparedBill(*bill) if bill else None
        return cls(right, explained, [Finding.of(row) for row in findings], compared, why)


@dataclass(frozen=True, slots=True)
class ProjectInvoices:
    """The invoices of a project that may have a bill. `listed`: ids of all invoices in Procore, in any status."""

    invoices: Sequence[InvoiceToCompare]
    listed: Sequence[int]

    @property
    def moments(self) -> tuple[list[str], list[str]]:
        """Return when its invoices and their bills were last changed."""
        procore = [one.head.updated_at for one in self.invoices]
        netsuite = [bill.modified for one in self.invoices for bill in (*one.bills, *one.named)]
        return procore, netsuite
