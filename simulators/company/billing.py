"""The arithmetic of progress billing: the lines and the summary of a subcontractor invoice, from the amounts billed before.

A contract line has a balance: work, stored materials, and the retainage held on each. An invoice changes that balance, and every figure that
Procore shows is derived from the two. So the equations of a pay application always hold: gross this period = to date - to date before; earned
= completed - retainage; due = earned - earned before.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from simulators.company.model import ZERO, Commitment, ContractLine

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Return `amount` rounded to the cent, half up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Balance:
    """The totals of a contract line after an invoice, to date: amounts billed, and retainage still held on them."""

    work: Decimal = ZERO
    materials: Decimal = ZERO
    work_retainage: Decimal = ZERO
    materials_retainage: Decimal = ZERO

    @property
    def completed_and_stored(self) -> Decimal:
        """Return work plus materials presently stored."""
        return self.work + self.materials

    @property
    def retainage(self) -> Decimal:
        """Return the retainage held on work and materials."""
        return self.work_retainage + self.materials_retainage


@dataclass(slots=True)
class Billed:
    """What an invoice bills on one line this period.

    `materials` and `materials_held`: amounts stored and held at the end of the period, not changes. `moved`: stored material that became work;
    `moved_held`: its retainage, which is part of `held`.
    """

    work: Decimal = ZERO
    materials: Decimal = ZERO
    moved: Decimal = ZERO
    held: Decimal = ZERO
    released: Decimal = ZERO
    materials_held: Decimal = ZERO
    materials_released: Decimal = ZERO
    moved_held: Decimal = ZERO
    quantity: Decimal | None = None


@dataclass(slots=True)
class InvoiceLine:
    """One line of an invoice: the contract line, its balance before, and what is billed on it now."""

    id: int
    contract_line: ContractLine
    before: Balance
    billed: Billed
    previous_id: int | None = None
    quantity_before: Decimal = ZERO

    @property
    def after(self) -> Balance:
        """Return the balance after this invoice."""
        now = self.billed
        return Balance(
            work=self.before.work + now.moved + now.work,
            materials=now.materials,
            work_retainage=self.before.work_retainage + now.held - now.released,
            materials_retainage=now.materials_held,
        )

    @property
    def gross(self) -> Decimal:
        """Return the amount billed this period before retainage, in the contract's currency."""
        return self.after.completed_and_stored - self.before.completed_and_stored

    @property
    def retainage(self) -> Decimal:
        """Return the retainage held (positive) or released (negative) this period."""
        return self.after.retainage - self.before.retainage


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of an invoice (`summary` of the requisitions reference page)."""

    original_contract_sum: Decimal
    net_change_by_change_orders: Decimal
    completed_and_stored: Decimal
    work_retainage: Decimal
    materials_retainage: Decimal
    previous_certificates: Decimal
    current_payment_due: Decimal

    @property
    def contract_sum(self) -> Decimal:
        """Return the original contract sum plus change orders."""
        return self.original_contract_sum + self.net_change_by_change_orders

    @property
    def total_retainage(self) -> Decimal:
        """Return the retainage held to date."""
        return self.work_retainage + self.materials_retainage

    @property
    def earned(self) -> Decimal:
        """Return the amount completed and stored to date, less retainage."""
        return self.completed_and_stored - self.total_retainage


@dataclass(slots=True)
class Invoice:
    """A subcontractor invoice (Procore's API: requisition). `off_by`: makes its summary wrong by this amount, for tests of the tie; `tax`: in
    the summary; `shown`, `shown_lines`: unusual fields of its JSON and of the JSON of each line; `custom_fields`: values by id of their definition.
    """

    id: int
    commitment: Commitment
    number: int
    invoice_number: str
    status: str
    billing_date: dt.date
    period_start: dt.date
    period_end: dt.date
    period_id: int
    lines: list[InvoiceLine]
    previous_id: int | None
    created_at: dt.datetime
    updated_at: dt.datetime
    origin_id: str | None = None
    origin_data: str | None = None
    payment_date: dt.date | None = None
    final: bool = False
    off_by: Decimal = field(default=ZERO)
    tax: Decimal = field(default=ZERO)
    shown: dict[str, Any] = field(default_factory=dict)
    shown_lines: dict[str, Any] = field(default_factory=dict)
    custom_fields: dict[int, Any] = field(default_factory=dict)

    @property
    def project_id(self) -> int:
        """Return the id of the project that it bills."""
        return self.commitment.project_id

    @property
    def vendor_id(self) -> int:
        """Return the id of the subcontract's vendor."""
        return self.commitment.vendor_id

    @property
    def moves_materials(self) -> bool:
        """Return whether stored materials became work on it."""
        return any(line.billed.moved for line in self.lines)

    def line(self, line_id: int) -> InvoiceLine:
        """Return the line with this id. Raises KeyError."""
        for line in self.lines:
            if line.id == line_id:
                return line
        raise KeyError(line_id)

    def summary(self) -> Summary:
        """Return the summary, calculated from the lines, plus `off_by`."""
        contract = [line.contract_line for line in self.lines]
        earned_before = sum((line.before.completed_and_stored - line.before.retainage for line in self.lines), ZERO)
        after = [line.after for line in self.lines]
        earned = sum((balance.completed_and_stored - balance.retainage for balance in after), ZERO)
        return Summary(
            original_contract_sum=sum(
                (line.scheduled_value for line in contract if line.kind == "contract_item"), ZERO
            ),
            net_change_by_change_orders=sum(
                (line.scheduled_value for line in contract if line.kind == "change_order_item"), ZERO
            ),
            completed_and_stored=sum((balance.completed_and_stored for balance in after), ZERO),
            work_retainage=sum((balance.work_retainage for balance in after), ZERO),
            materials_retainage=sum((balance.materials_retainage for balance in after), ZERO),
            previous_certificates=earned_before,
            current_payment_due=earned - earned_before + self.off_by,
        )


def chain(invoices: list[Invoice]) -> None:
    """Recalculate the opening balances of all invoices of a subcontract, after one of them was changed."""
    for earlier, later in pairwise(invoices):
        ended = {line.contract_line.id: line for line in earlier.lines}
        for line in later.lines:
            last = ended.get(line.contract_line.id)
            if last is not None:
                line.before = last.after
                line.quantity_before = last.quantity_before + (last.billed.quantity or ZERO)
