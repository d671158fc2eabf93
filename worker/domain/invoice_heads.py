"""Invoices as Procore lists them: enough to decide whether to read the whole invoice."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from worker.domain.identities import bill_id_of_origin
from worker.domain.invoices import amount_facts, claimed_by_another


@dataclass(frozen=True, slots=True)
class InvoiceHead:
    """One invoice of a list. `updated_at`: Procore's text, "" if missing; `previous_id`: the previous invoice of the contract; `payment_due`:
    None if the list does not show it; `is_readable`: False if only the id could be read, so that the invoice itself must be read.
    """

    id: int
    status: str
    origin_id: str | None
    document_number: str
    updated_at: str = ""
    previous_id: int | None = None
    vendor_id: int | None = None
    vendor_name: str = ""
    number: str = ""
    payment_due: Decimal | None = None
    currency: str = ""
    base_currency: str = ""
    is_readable: bool = True

    @property
    def label(self) -> str:
        """The invoice's name for users."""
        return self.document_number or (f"number {self.number}" if self.number else f"id {self.id}")

    @property
    def claimed(self) -> str:
        """Why it is skipped if another integration has claimed it, which its origin id shows; "" if none has."""
        is_foreign = self.origin_id is not None and bill_id_of_origin(self.origin_id) is None
        return claimed_by_another(self.origin_id or "") if is_foreign else ""

    @property
    def base_due(self) -> Decimal | None:
        """The payment due, if it is in the company's base currency."""
        return self.payment_due if self.currency == self.base_currency else None

    @property
    def facts(self) -> dict[str, str]:
        """The facts of `Invoice.facts` that the list shows."""
        names = {"invoice": self.label, "vendor": self.vendor_name, "number": self.number}
        due = {} if self.payment_due is None else amount_facts(self.payment_due, self.currency, self.base_currency)
        return {name: value for name, value in (names | due).items() if value}
