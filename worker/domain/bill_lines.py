"""Turns the amounts of an invoice into the lines of its bill, and refuses amounts that do not tie to the cent.

The retainage that an invoice holds and releases comes from its balances and those of the previous invoice: retainage this period = retainage
of the line to date - the same figure of the previous invoice (docs/remotes.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from worker.domain import money
from worker.domain.bills import BillLine
from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice, InvoiceLine
from worker.domain.problems import Cause
from worker.domain.texts import first_few

RETAINAGE_HELD, RETAINAGE_RELEASED, TAX = "Retainage held", "Retainage released", "Tax"
"""Descriptions of bill lines without a WBS code."""


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


@dataclass(frozen=True, slots=True)
class FixedItems:
    """Items of bill lines without a WBS code, by internal id: one for retainage, one for tax. "": not set."""

    retainage: str
    tax: str = ""


def require_whole_cents(invoice: Invoice, retained: Retainage) -> None:
    """Raise Blocked for an amount of the bill with fractions of a cent, with the lines that it comes from."""
    amounts = [(line.label, line.gross, [line]) for line in invoice.lines]
    with_retainage = [line for line in invoice.lines if not all(map(money.is_whole_cents, _retainage_figures(line)))]
    amounts += [
        ("the retainage held", retained.held, with_retainage),
        ("the retainage released", retained.released, with_retainage),
        ("the tax", invoice.tax, []),
        ("the payment due", invoice.payment_due, []),
    ]
    for what, amount, lines in amounts:
        if not money.is_whole_cents(amount):
            labels = [line.label for line in lines]
            named = what if labels in ([], [what]) else f"{what} ({first_few(labels)})"
            raise Blocked(
                cause=Cause.AMOUNT_NOT_IN_WHOLE_CENTS,
                facts=invoice.facts | {"what": named, "amount": money.text(amount)},
            )


def require_tie(invoice: Invoice, retained: Retainage) -> None:
    """Raise Blocked unless gross - held + released + tax equals the payment due, to the cent.

    Whether the payment due includes the tax is not documented; the total shows it for each invoice.
    """
    without_tax = sum((line.gross for line in invoice.lines), money.ZERO) - retained.net
    lines_total = without_tax + invoice.tax
    if lines_total == invoice.payment_due:
        return
    if without_tax == invoice.payment_due:
        raise Blocked(cause=Cause.TAX_EXCLUDED_FROM_PAYMENT_DUE, facts=invoice.facts | {"tax": money.text(invoice.tax)})
    facts = invoice.facts | {"lines_total": money.text(lines_total)}
    billed_before = sum((line.completed_before for line in invoice.lines), money.ZERO)
    if invoice.previous_id is None and billed_before:
        facts |= {"billed_before": money.text(billed_before)}
        raise Blocked(cause=Cause.EARLIER_RETAINAGE_UNKNOWN, facts=facts)
    raise Blocked(cause=Cause.LINES_DO_NOT_TIE, facts=facts)


def bills_nothing(invoice: Invoice, retained: Retainage) -> bool:
    """Return whether its bill would have no lines, as when stored materials become work together with their retainage."""
    return not (retained.held or retained.released or invoice.tax or any(line.gross for line in invoice.lines))


def bill_lines(
    invoice: Invoice, retained: Retainage, item_ids: Mapping[int, str], fixed: FixedItems
) -> tuple[BillLine, ...]:
    """Return one line per invoice line with an amount, then retainage held (negative) and released, then tax.

    `item_ids`: Item id by WBS code id, for all of `invoice.wbs_code_ids`. `fixed`: has an Item for each of the other lines.
    """
    lines = [
        BillLine(item_ids[line.wbs_code_id], line.gross, line.code_and_description)
        for line in invoice.lines
        if line.gross and line.wbs_code_id is not None
    ]
    without_code = (
        BillLine(fixed.retainage, -retained.held, RETAINAGE_HELD),
        BillLine(fixed.retainage, retained.released, RETAINAGE_RELEASED),
        BillLine(fixed.tax, invoice.tax, TAX),
    )
    return (*lines, *(line for line in without_code if line.amount))


def require_retainage_item(invoice: Invoice, retained: Retainage, fixed: FixedItems) -> None:
    """Raise Blocked if the invoice holds or releases retainage and no retainage Item is set."""
    if (retained.held or retained.released) and not fixed.retainage:
        raise Blocked(cause=Cause.RETAINAGE_ITEM_MISSING, facts=invoice.facts)


def _retainage_figures(line: InvoiceLine) -> tuple[Decimal, ...]:
    return line.retained_to_date, line.work_retained_before, line.work_released, line.materials_released
