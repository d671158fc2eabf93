"""Vendor bills and vendor credits: the one that an invoice needs, and one in NetSuite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from worker.domain import money
from worker.domain.field_kinds import FieldValue
from worker.domain.posting_periods import PostingPeriod

DOCUMENT_NUMBER_LIMIT = 45
"""Maximum length of a bill's `tranId` (docs/remotes.md)."""
MEMO_LIMIT = 999
"""NetSuite's usual maximum length of a memo. Nothing is identified by a memo, so it may be shortened."""


class Document(StrEnum):
    """The document an invoice becomes: a credit if the payment due is negative."""

    BILL = "bill"
    CREDIT = "vendor credit"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a vendor bill: an Item by its internal id, and its amount. `fields`: further fields to write.

    `amount_kind`: "work" (with stored materials), "retainage_held", "retainage_released" or "tax". `of_line`: the index of the invoice's line;
    None for a line without one.
    """

    item_id: str
    amount: Decimal
    description: str
    item_name: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict, compare=False)
    amount_kind: str = field(default="work", compare=False)
    of_line: int | None = field(default=None, compare=False)


NumberKey = tuple[str, Document, str]
"""The key of a document number: vendor, bill or credit, and the number without case and outer spaces, as NetSuite compares it."""


def number_key(vendor_id: str, document: Document, number: str) -> NumberKey:
    """Return the key under which a vendor has at most one document."""
    return vendor_id, document, number.strip().upper()


@dataclass(frozen=True, slots=True)
class Bill:
    """The expected vendor bill or vendor credit. A credit has the amounts of a bill, with a negative total.

    Ids are NetSuite's internal ids; `job_id` is "" if its lines name no project. `vendor_name`: Procore's name, for messages only. `posting_period`: None = that of its date. `fields`: further
    fields to write.
    """

    external_id: str
    vendor_id: str
    job_id: str
    document_number: str
    date: date
    memo: str
    lines: tuple[BillLine, ...]
    vendor_name: str = ""
    posting_period: PostingPeriod | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict, compare=False)

    @property
    def total(self) -> Decimal:
        """The amount owed to the vendor."""
        return sum((line.amount for line in self.lines), money.ZERO)

    @property
    def document(self) -> Document:
        """Whether it is a bill or a credit."""
        return Document.CREDIT if self.total < 0 else Document.BILL

    @property
    def number_key(self) -> NumberKey:
        """The key under which the vendor has at most one document."""
        return number_key(self.vendor_id, self.document, self.document_number)


@dataclass(frozen=True, slots=True)
class FoundBill:
    """A vendor bill or vendor credit in NetSuite. A credit has the amounts of a bill, with a negative total.

    `period_id`, `period_name`: its posting period, "" if NetSuite does not show it. `exchange_rate`: 1 unless its amounts are in a currency
    other than that of the books. `subsidiary_id`: "" if NetSuite does not show it. `job_id`: the project of its first line that has one, ""
    if none has.
    """

    id: str
    external_id: str | None
    vendor_id: str
    document_number: str
    date: date | None
    total: Decimal
    lines: tuple[BillLine, ...]
    vendor_name: str = ""
    document: Document = Document.BILL
    period_id: str = ""
    period_name: str = ""
    exchange_rate: Decimal = Decimal(1)
    subsidiary_id: str = ""
    job_id: str = ""

    @property
    def label(self) -> str:
        """The bill's name for users."""
        return f"{self.document} {self.document_number} (id {self.id})"

    @property
    def number_key(self) -> NumberKey:
        """The key under which the vendor has at most one document."""
        return number_key(self.vendor_id, self.document, self.document_number)

    @property
    def void(self) -> bool:
        """Whether it is void: voiding sets the total and all lines to zero and keeps the record (ohelp/section_4413162576)."""
        return not self.total and not any(line.amount for line in self.lines)
