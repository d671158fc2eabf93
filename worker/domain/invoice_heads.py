"""What a list of invoices shows of one: enough to know whether it is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from worker.domain.identities import bill_id_of_origin
from worker.domain.invoices import amount_facts, claimed_by_another


@dataclass(frozen=True, slots=True)
class InvoiceHead:
    """One invoice of a list. `updated_at`: as Procore writes it, "" when it does not; `previous_id`: the invoice before it on
    its contract; `payment_due`: None when the list has none; `is_readable`: False where only the id could be read, and the invoice
    itself tells the rest.
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
        """How people call it."""
        return self.document_number or (f"number {self.number}" if self.number else f"id {self.id}")

    @property
    def claimed(self) -> str:
        """Why it is left alone if another integration has it: its origin id is not ours. "" if none has."""
        is_foreign = self.origin_id is not None and bill_id_of_origin(self.origin_id) is None
        return claimed_by_another(self.origin_id or "") if is_foreign else ""

    @property
    def base_due(self) -> Decimal | None:
        """The payment due, if it is in the company's base currency."""
        return self.payment_due if self.currency == self.base_currency else None

    @property
    def facts(self) -> dict[str, str]:
        """Names and what is due, as `Invoice.facts`, as far as the list shows them."""
        names = {"invoice": self.label, "vendor": self.vendor_name, "number": self.number}
        due = {} if self.payment_due is None else amount_facts(self.payment_due, self.currency, self.base_currency)
        return {name: value for name, value in (names | due).items() if value}
