"""Breaks down each amount of a bill into Procore's figures, for `explain`. `worker/domain/bill_lines.py` builds the bill's lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from worker.domain import money
from worker.domain.bill_lines import RETAINAGE_HELD, RETAINAGE_RELEASED, TAX
from worker.domain.invoices import Invoice, InvoiceLine
from worker.domain.retainage import Retainage, RetainedBefore, retainage, retained_before

COMPLETED = "work completed and materials stored to date"
COMPLETED_BEFORE = "work completed and materials stored, prior invoices"
RETAINED_BEFORE = "retainage on work, prior invoices"
RETAINED = "retainage on work, this period"
WORK_RELEASED = "retainage released on work, this period"
MATERIALS_RETAINED = "retainage on stored materials, to date"
MATERIALS_RELEASED = "retainage released on stored materials, this period"
RETAINED_ON_INVOICE_BEFORE = "retainage balance, prior invoice"
TAX_OF_INVOICE = "tax applicable to this payment"


@dataclass(frozen=True, slots=True)
class Term:
    """A figure from Procore with its sign in a sum; `position`: of its invoice line, None for a figure of the invoice itself."""

    position: int | None
    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BreakdownLine:
    """One line of the bill: `wbs_code_id` is None for retainage and tax. The terms add up to the amount."""

    label: str
    wbs_code_id: int | None
    terms: tuple[Term, ...]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BillBreakdown:
    """All lines in the order of the bill, and their expected total.

    `retainage_reported`: the retainage from Procore's totals, None if it gives none; compared, never billed.
    """

    lines: tuple[BreakdownLine, ...]
    payment_due: Decimal
    retained: Retainage
    retainage_reported: Decimal | None

    @property
    def total(self) -> Decimal:
        """The total of the lines."""
        return sum((line.amount for line in self.lines), money.ZERO)


def break_down(invoice: Invoice, previous: Invoice | None) -> BillBreakdown:
    """Break down an invoice's bill, even one that cannot be written. `previous`: the subcontract's previous invoice."""
    retained = retainage(invoice, previous)
    lines = [
        *(_work(line) for line in invoice.lines),
        *_retainage(invoice, retained, retained_before(invoice, previous)),
        BreakdownLine(TAX, None, (Term(None, TAX_OF_INVOICE, invoice.tax),), invoice.tax),
    ]
    billed = tuple(line for line in lines if line.amount)
    return BillBreakdown(billed, invoice.payment_due, retained, invoice.retainage_reported)


def _work(line: InvoiceLine) -> BreakdownLine:
    terms = (
        Term(line.position, COMPLETED, line.completed_to_date),
        Term(line.position, COMPLETED_BEFORE, -line.completed_before),
    )
    label = f"{line.flat_code or 'no code'} {line.description}".strip()
    return BreakdownLine(label, line.wbs_code_id, terms, line.gross)


def _retainage(invoice: Invoice, retained: Retainage, before: RetainedBefore) -> Iterator[BreakdownLine]:
    """Yield the retainage held and released; amounts may be zero."""
    balances = tuple(_balances(invoice, before))
    released = tuple(term for line in invoice.lines for term in _released(line))
    if retained.released == sum((term.amount for term in released), money.ZERO):
        held = [term for term in balances if term.label != WORK_RELEASED]
        held += [replace(term, amount=-term.amount) for term in released if term.label == MATERIALS_RELEASED]
        yield BreakdownLine(RETAINAGE_HELD, None, tuple(held), -retained.held)
        yield BreakdownLine(RETAINAGE_RELEASED, None, released, retained.released)
    else:
        # The balance fell by more than the amounts that Procore shows as released. The whole decrease is released.
        yield BreakdownLine(RETAINAGE_RELEASED, None, balances, retained.released)


def _balances(invoice: Invoice, before: RetainedBefore) -> Iterator[Term]:
    """Yield the previous balance and, negated, the current one: the decrease. Zeros are left out."""
    figures = [(line, RETAINED_ON_INVOICE_BEFORE, line.retained_to_date) for line in before.carried_over]
    for line in invoice.lines:
        if line not in before.new:
            # For a line that is new, Procore's own figure is on both sides.
            figures.append((line, RETAINED_BEFORE, -line.work_retained_before))
        figures += [
            (line, RETAINED, -line.work_retained),
            (line, WORK_RELEASED, line.work_released),
            (line, MATERIALS_RETAINED, -line.materials_retained),
        ]
    return (Term(line.position, label, amount) for line, label, amount in figures if amount)


def _released(line: InvoiceLine) -> Iterator[Term]:
    figures = ((WORK_RELEASED, line.work_released), (MATERIALS_RELEASED, line.materials_released))
    return (Term(line.position, label, amount) for label, amount in figures if amount)
