"""Turns the amounts of an invoice into the lines of its bill, and refuses amounts that do not tie to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from worker.domain import money
from worker.domain.bills import BillLine
from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice, InvoiceLine
from worker.domain.problems import Cause
from worker.domain.retainage import Retainage
from worker.domain.texts import first_few

RETAINAGE_HELD, RETAINAGE_RELEASED, TAX = "Retainage held", "Retainage released", "Tax"
"""Descriptions of bill lines without a WBS code."""


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
        BillLine(item_ids[line.wbs_code_id], line.gross, line.code_and_description, of_line=index)
        for index, line in enumerate(invoice.lines)
        if line.gross and line.wbs_code_id is not None
    ]
    without_code = (
        BillLine(fixed.retainage, -retained.held, RETAINAGE_HELD, amount_kind="retainage_held"),
        BillLine(fixed.retainage, retained.released, RETAINAGE_RELEASED, amount_kind="retainage_released"),
        BillLine(fixed.tax, invoice.tax, TAX, amount_kind="tax"),
    )
    return (*lines, *(line for line in without_code if line.amount))


def require_retainage_item(invoice: Invoice, retained: Retainage, fixed: FixedItems) -> None:
    """Raise Blocked if the invoice holds or releases retainage and no retainage Item is set."""
    if (retained.held or retained.released) and not fixed.retainage:
        raise Blocked(cause=Cause.RETAINAGE_ITEM_MISSING, facts=invoice.facts)


def _retainage_figures(line: InvoiceLine) -> tuple[Decimal, ...]:
    return line.retained_to_date, line.work_retained_before, line.work_released, line.materials_released
