"""Calculates the retainage that an invoice holds and releases, from its balances and those of the previous invoice.

Retainage this period = retainage of the line to date - the same figure of the previous invoice (docs/remotes.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from worker.domain import money
from worker.domain.invoices import Invoice, InvoiceLine


@dataclass(frozen=True, slots=True)
class Retainage:
    """Retainage that an invoice holds and releases this period; `held` is zero or more."""

    held: Decimal
    released: Decimal

    @property
    def net(self) -> Decimal:
        """Held less released."""
        return self.held - self.released


@dataclass(frozen=True, slots=True)
class RetainedBefore:
    """Retainage held before an invoice: by lines of the previous invoice that continue, and, for lines that are `new` on this one, by
    Procore's figure for retainage on earlier work.
    """

    carried_over: tuple[InvoiceLine, ...]
    new: tuple[InvoiceLine, ...]

    @property
    def total(self) -> Decimal:
        """Retainage held before."""
        carried_over = sum((line.retained_to_date for line in self.carried_over), money.ZERO)
        return sum((line.work_retained_before for line in self.new), carried_over)


def retained_before(invoice: Invoice, previous: Invoice | None) -> RetainedBefore:
    """Return the retainage held before an invoice. `previous`: the subcontract's previous invoice, None for the first one.

    Lines continue those that Procore links them to (`previous_progress_id`). Without links, balances are added up, not matched line by
    line: lines of a subcontractor's schedule of values share the id of their contract line, or have none. Then only a line whose contract
    line is certainly not on the other invoice is left out.
    """
    if previous is None:
        return RetainedBefore((), invoice.lines)
    links = {line.previous_line_id for line in invoice.lines if line.previous_line_id is not None}
    if links and links <= {line.id for line in previous.lines}:
        return RetainedBefore(
            tuple(line for line in previous.lines if line.id in links),
            tuple(line for line in invoice.lines if line.previous_line_id is None),
        )
    now, before = _contract_lines(invoice), _contract_lines(previous)
    return RetainedBefore(
        tuple(line for line in previous.lines if line.contract_line in now),
        tuple(line for line in invoice.lines if line.contract_line not in before),
    )


def retainage(invoice: Invoice, previous: Invoice | None) -> Retainage:
    """Return the retainage held and released this period. `previous`: the subcontract's previous invoice, None for the first one.

    Calculated from the balances, so that retainage that moves from stored materials to work is neither lost nor counted twice, whichever of
    its two fields Procore moves it to.
    """
    to_date = sum((line.retained_to_date for line in invoice.lines), money.ZERO)
    released = sum((line.work_released + line.materials_released for line in invoice.lines), money.ZERO)
    held = to_date - retained_before(invoice, previous).total + released
    if held < 0:
        held, released = money.ZERO, released - held
    return Retainage(money.in_cents(held), money.in_cents(released))


def _contract_lines(invoice: Invoice) -> set[str]:
    """Return the contract lines that an invoice may bill; includes "" because a line without one may belong to any."""
    return {"", *(line.contract_line for line in invoice.lines)}
