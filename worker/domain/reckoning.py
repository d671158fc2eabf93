"""How each amount of a bill comes about from Procore's figures, for people. `worker/domain/invoices.py` makes the bill itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from worker.domain import money
from worker.domain.invoices import RETAINAGE_HELD, RETAINAGE_RELEASED, TAX, Invoice, InvoiceLine, retainage

COMPLETED = "work completed and materials stored to date"
COMPLETED_BEFORE = "the same before this invoice"
RETAINED_BEFORE = "retained on work before"
RETAINED = "retained on work this period"
WORK_RELEASED = "released on work this period"
MATERIALS_RETAINED = "retained on stored materials now"
MATERIALS_RELEASED = "released on stored materials this period"
RETAINED_ON_INVOICE_BEFORE = "retained after the invoice before"
TAX_OF_INVOICE = "tax applicable to this payment"


@dataclass(frozen=True, slots=True)
class Term:
    """A figure of Procore's with the sign that it has in a sum; `position` of its invoice line, None for the invoice's own."""

    position: int | None
    words: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reckoned:
    """One line of the bill: `wbs_code_id` is None for those of retainage and tax. The terms add up to the amount."""

    what: str
    wbs_code_id: int | None
    terms: tuple[Term, ...]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reckoning:
    """All lines in the bill's order, and what they must come to."""

    lines: tuple[Reckoned, ...]
    payment_due: Decimal

    @property
    def total(self) -> Decimal:
        """What the lines come to."""
        return sum((line.amount for line in self.lines), money.ZERO)


def reckon(invoice: Invoice, previous: Invoice | None) -> Reckoning:
    """The arithmetic of an invoice's bill, also where that cannot be written. `previous`: the subcontract's invoice before."""
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
    before = {line.line_item_id: line.retained_to_date for line in previous.lines} if previous else {}
    retained = retainage(invoice, previous)
    balances = [term for line in invoice.lines for term in _less_held(line, before.get(line.line_item_id))]
    released = [term for line in invoice.lines for term in _released(line)]
    told = sum((term.amount for term in released), money.ZERO)
    if retained.released == told:
        held = [term for line in invoice.lines for term in _less_held_whole(line, before.get(line.line_item_id))]
        lines = [(RETAINAGE_HELD, held, -retained.held), (RETAINAGE_RELEASED, released, retained.released)]
    else:
        # The balance fell by more than Procore calls released: all that it fell by is.
        lines = [(RETAINAGE_RELEASED, balances, retained.released)]
    lines.append((TAX, [Term(None, TAX_OF_INVOICE, invoice.tax)], invoice.tax))
    work += [Reckoned(what, None, tuple(terms), amount) for what, terms, amount in lines if amount]
    return Reckoning(tuple(work), invoice.payment_due)


def _less_held(line: InvoiceLine, before: Decimal | None) -> Iterator[Term]:
    """What the balance of a line fell by: the one before, less the figures of the one now. Zeros are left out."""
    figures = [
        (RETAINED, -line.work_retained),
        (WORK_RELEASED, line.work_released),
        (MATERIALS_RETAINED, -line.materials_retained),
    ]
    if before is not None:
        # Without an invoice before, Procore's own figure stands on both sides.
        figures = [(RETAINED_ON_INVOICE_BEFORE, before), (RETAINED_BEFORE, -line.work_retained_before), *figures]
    return (Term(line.position, words, amount) for words, amount in figures if amount)


def _less_held_whole(line: InvoiceLine, before: Decimal | None) -> Iterator[Term]:
    """The same, less what was released: that is a line of its own."""
    yield from (term for term in _less_held(line, before) if term.words != WORK_RELEASED)
    if line.materials_released:
        yield Term(line.position, MATERIALS_RELEASED, -line.materials_released)


def _released(line: InvoiceLine) -> Iterator[Term]:
    figures = ((WORK_RELEASED, line.work_released), (MATERIALS_RELEASED, line.materials_released))
    return (Term(line.position, words, amount) for words, amount in figures if amount)
