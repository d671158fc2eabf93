"""Ordinary subcontracts: contract lines from a budget, and monthly invoices for work, stored materials and released retainage."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from simulators.company.accounts import enter_by_hand
from simulators.company.billing import Balance, Billed, Invoice, cents
from simulators.company.model import ZERO, Commitment, ContractLine, Project, Vendor, WbsCode
from simulators.company.world import CLOSED_BEFORE, Company, Work, periods_of

UNITS = ("LF", "SF", "CY", "EA", "TON")


def percent_of(amount: Decimal, percent: Decimal) -> Decimal:
    """Return `percent` percent of `amount`, to the cent."""
    return cents(amount * percent / 100)


def plan_works(rng: Random, codes: Sequence[WbsCode], *, changes: bool) -> list[Work]:
    """Return a schedule of values over `codes`: lump sums, some by unit price, some with stored materials.

    With `changes` there are two change orders from the second invoice on: an additive one on the first code and a deductive one on the last.
    """
    works = [_plan_line(rng, code, stores=place == 0) for place, code in enumerate(codes)]
    if changes:
        extra = cents(Decimal(rng.randrange(200_000, 900_000)) / 100)
        works.append(Work(codes[0], extra, "CO 01: added scope", "change_order_item", 2))
        works.append(Work(codes[-1], -cents(extra / 3), "CO 02: deleted scope", "change_order_item", 2))
    return works


def _plan_line(rng: Random, code: WbsCode, *, stores: bool) -> Work:
    if not stores and rng.random() < 0.3:
        quantity = Decimal(rng.randrange(50, 900))
        price = Decimal(rng.randrange(450, 22_000)) / 100
        return Work(code, cents(quantity * price), quantity=quantity, unit_price=price, uom=rng.choice(UNITS))
    return Work(code, cents(Decimal(rng.randrange(1_200_000, 18_000_000)) / 100), stores_materials=stores)


def bill_series(company: Company, commitment: Commitment, first_month: int, statuses: Sequence[str]) -> list[Invoice]:
    """Add one invoice per month from `first_month` on (1 = January), one for each status. The bills of closed months were entered by hand."""
    project = company.projects[commitment.project_id]
    periods = periods_of(project)
    invoices = []
    for offset, status in enumerate(statuses):
        period = periods[first_month - 1 + offset]
        last = company.invoices[commitment.invoice_ids[-1]] if commitment.invoice_ids else None
        balances = {line.contract_line.id: line.after for line in last.lines} if last else {}
        number = len(commitment.invoice_ids) + 1
        billed = [
            (line, bill_line(company.rng, line, balances.get(line.id, Balance()), commitment.retainage_percent, number))
            for line in commitment.lines
            if line.first_invoice <= number
        ]
        invoice = company.bill(commitment, period, billed, status=status)
        if period.end < CLOSED_BEFORE:
            enter_by_hand(company, invoice)
        invoices.append(invoice)
    return invoices


def bill_line(rng: Random, line: ContractLine, before: Balance, percent: Decimal, number: int) -> Billed:
    """Return what the `number`-th invoice bills on `line`. `before`: the balance of the line before this invoice."""
    billed = Billed()
    if line.unit_price is not None and line.quantity is not None:
        billed.quantity = cents(line.quantity * Decimal(rng.randrange(8, 24)) / 100)
        billed.work = cents(billed.quantity * line.unit_price)
    elif line.scheduled_value < 0:
        billed.work = cents(line.scheduled_value * Decimal(rng.randrange(20, 50)) / 100)
    else:
        billed.work = cents(line.scheduled_value * Decimal(rng.randrange(0, 24)) / 100)
    # Whether a deductive line releases retainage is not documented; both occur in practice.
    billed.held = ZERO if line.scheduled_value < 0 and rng.random() < 0.5 else percent_of(billed.work, percent)
    if line.stores_materials:
        _store_materials(line, billed, before, percent, number)
    if number >= 4:
        billed.released = cents(before.work_retainage / 2)
    return billed


def _store_materials(line: ContractLine, billed: Billed, before: Balance, percent: Decimal, number: int) -> None:
    """Set the materials of a line over four months: stored; kept, with some retainage released; moved into work; more stored and used at
    once.
    """
    if number == 1:
        billed.materials = percent_of(line.scheduled_value, Decimal("8"))
        billed.materials_held = percent_of(billed.materials, percent)
    elif number == 2:
        billed.materials = before.materials
        billed.materials_released = cents(before.materials_retainage / 4)
        billed.materials_held = before.materials_retainage - billed.materials_released
    elif number == 3:
        billed.moved = before.materials
        billed.moved_held = before.materials_retainage
        billed.held += billed.moved_held
    else:
        billed.materials = percent_of(line.scheduled_value, Decimal("3"))
        billed.materials_held = percent_of(billed.materials, percent)


def one_invoice(
    company: Company,
    project: Project,
    vendor: Vendor,
    amounts: Sequence[tuple[WbsCode | None, Decimal]],
    *,
    percent: Decimal = Decimal("10"),
    month: int = 4,
    status: str = "approved",
    invoice_number: str | None = None,
    off_by: Decimal = ZERO,
) -> Invoice:
    """Add a small subcontract with a single invoice that bills `amounts` of work, with `percent` of them retained."""
    works = [Work(code, amount * 4) for code, amount in amounts]
    commitment = company.open_subcontract(project, vendor, works, retainage_percent=percent)
    billed = [
        (line, Billed(work=amount, held=percent_of(amount, percent)))
        for line, (_, amount) in zip(commitment.lines, amounts, strict=True)
    ]
    period = periods_of(project)[month - 1]
    return company.bill(commitment, period, billed, status=status, invoice_number=invoice_number, off_by=off_by)
