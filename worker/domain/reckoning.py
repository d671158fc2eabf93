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
    words: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reckoned:
    """One line of the bill: `wbs_code_id` is None for retainage and tax. The terms add up to the amount."""

    what: str
    wbs_code_id: int | None
    terms: tuple[Term, ...]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reckoning:
    """All lines in the order of the bill, and their expected total.

    `retainage_reported`: the retainage from Procore's totals, None if it gives none; compared, never billed.
    """

    lines: tuple[Reckoned, ...]
    payment_due: Decimal
    retained: Retainage
    retainage_reported: Decimal | None

    @property
    def total(self) -> Decimal:
        """The total of the lines."""
        return sum((line.amount for line in self.lines), money.ZERO)


def reckon(invoice: Invoice, previous: Invoice | None) -> Reckoning:
    """Break down an invoice's bill, even one that cannot be written. `previous`: the subcontract's previous invoice."""
    work = [
        Reckoned(
            f"{line.flat_code or 'no code'} {line.description}".strip(),
            line.wbs_code_id,
            (
                Term(line.position, COMPLETED, line.completed_to_date),
                Term(line.position, COMPLETED_BEFORE, -line.completed_before),
            ),
            line.gross,
        )
        for line in invoice.lines
        if line.gross
    ]
    retained, before = retainage(invoice, previous), retained_before(invoice, previous)
    balances = list(_balances(invoice, before))
    released = [term for line in invoice.lines for term in _released(line)]
    if retained.released == sum((term.amount for term in released), money.ZERO):
        held = [term for term in balances if term.words != WORK_RELEASED]
        held += [replace(term, amount=-term.amount) for term in released if term.words == MATERIALS_RELEASED]
        lines = [(RETAINAGE_HELD, held, -retained.held), (RETAINAGE_RELEASED, released, retained.released)]
    else:
        # The balance fell by more than Procore calls released: all that it fell by is.
        lines = [(RETAINAGE_RELEASED, balances, retained.released)]
    lines.append((TAX, [Term(None, TAX_OF_INVOICE, invoice.tax)], invoice.tax))
    work += [Reckoned(what, None, tuple(terms), amount) for what, terms, amount in lines if amount]
    return Reckoning(tuple(work), invoice.payment_due, retained, invoice.retainage_reported)


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
    return (Term(line.position, words, amount) for line, words, amount in figures if amount)


def _released(line: InvoiceLine) -> Iterator[Term]:
    figures = ((WORK_RELEASED, line.work_released), (MATERIALS_RELEASED, line.materials_released))
    return (Term(line.position, words, amount) for words, amount in figures if amount)
