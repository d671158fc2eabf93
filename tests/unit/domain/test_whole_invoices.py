"""Whole subcontracts, billed over several months, through the JSON that Procore would send: every bill totals the payment due.

What is drawn: lump sums, unit prices and deductive lines, lines that join later; materials that are stored, kept and built in, all or
in part; retainage at rates that do not divide evenly, held, released, or released alone; tax. The truth is the simulator's own arithmetic
(simulators/company/billing.py), which shares no code with the product.

A failure prints the months that were drawn and a blob for `@reproduce_failure`, which replays them on any machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain

import pytest
from hypothesis import event, given, note, settings
from hypothesis import strategies as st

from simulators.company import Company, billing, build_company
from simulators.company.billing import Balance, Billed
from simulators.company.model import ContractLine
from simulators.company.subcontracts import percent_of
from simulators.company.world import Work, periods_of
from simulators.procore.invoice_shapes import InvoicePrinter
from simulators.procore.settings import ProcoreSettings
from worker.clients.fields import read
from worker.clients.netsuite.wire import AccountDefaults, bill_body
from worker.clients.procore.wire import InvoiceRow
from worker.domain.bill_lines import FixedItems, bill_lines, bills_nothing, require_tie
from worker.domain.bills import Bill, BillLine, Document
from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice, reason_to_skip, require_billable
from worker.domain.problems import Cause
from worker.domain.retainage import retainage

ZERO = Decimal("0.00")
FIXED = FixedItems(retainage="9000", tax="9001")
WORLDS = [
    ProcoreSettings(
        moved_retainage=moved, line_amounts=amounts, line_ids=line_ids, totals_before=totals, tax_in_payment_due=True
    )
    for moved, amounts, line_ids, totals in (
        ("this_period", "this_period", "own", True),
        ("from_previous", "to_date", "own", True),
        ("this_period", "to_date", "shared", True),
        ("from_previous", "this_period", "detail", False),
        ("this_period", "this_period", "none", False),
        ("from_previous", "to_date", "none", False),
    )
]
"""What is not documented of Procore's invoices, each way: where moved materials show, what names a line, which totals are left out."""
TAX_BESIDE = replace(WORLDS[0], tax_in_payment_due=False)
KINDS = ("stores materials", "lump sum", "unit price", "deductive")
RATES = tuple(map(Decimal, ("10", "2.5", "3.333", "5", "7.77", "12.5", "0")))


def cents(least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda amount: Decimal(amount).scaleb(-2))


def up_to(amount: Decimal) -> st.SearchStrategy[Decimal]:
    """Draw nothing, all of an amount, or a part to the cent; nothing of a balance below zero, which a deductive line may have."""
    part = cents(0, int(max(amount, ZERO) * 100))
    return st.one_of(st.just(ZERO), st.just(max(amount, ZERO)), part)


@st.composite
def works(draw: st.DrawFn, company: Company) -> Work:
    """Draw a line of the schedule of values, on a code that other lines may have too."""
    kind, first = draw(st.sampled_from(KINDS)), draw(st.sampled_from((1, 1, 2, 3)))
    code = draw(st.sampled_from(list(next(iter(company.projects.values())).codes.values())))
    value = draw(cents(1_00, 90_000_000))
    if kind == "deductive":
        return Work(code, -value, "CO: deleted scope", "change_order_item", first)
    if kind == "unit price":
        price = draw(cents(1, 999_99))
        return Work(code, value, first_invoice=first, quantity=draw(cents(1, 900_00)), unit_price=price, uom="LF")
    return Work(code, value, first_invoice=first, stores_materials=kind == "stores materials")


@st.composite
def billed_on(draw: st.DrawFn, line: ContractLine, balance: Balance, *, only_release: bool) -> Billed:
    """Draw what a month bills on a line with this balance."""
    billed, rate = (
        Billed(materials=balance.materials, materials_held=balance.materials_retainage),
        draw(st.sampled_from(RATES)),
    )
    if draw(st.booleans()):
        billed.released = draw(up_to(balance.work_retainage))
    if only_release:
        return billed
    if line.unit_price is not None:
        billed.quantity = draw(cents(0, 300_00))
        billed.work = billing.cents(billed.quantity * line.unit_price)
    else:
        billed.work = draw(up_to(Decimal(abs(line.scheduled_value)))) * (-1 if line.scheduled_value < 0 else 1)
    # Whether a deductive line gives retainage back is not documented; both are met in practice.
    billed.held = ZERO if line.scheduled_value < 0 and draw(st.booleans()) else percent_of(billed.work, rate)
    if line.stores_materials:
        _materials(draw, billed, balance, rate)
    return billed


def _materials(draw: st.DrawFn, billed: Billed, balance: Balance, rate: Decimal) -> None:
    """Let some stored materials become work with their retainage, release some of the rest's retainage, and store more."""
    billed.moved = draw(up_to(balance.materials))
    all_of_it = billed.moved == balance.materials
    billed.moved_held = balance.materials_retainage if all_of_it else draw(up_to(balance.materials_retainage))
    billed.held += billed.moved_held
    billed.materials_released = draw(up_to(balance.materials_retainage - billed.moved_held))
    stored = draw(st.one_of(cents(1_00, 25_000_00), st.just(ZERO)))
    billed.materials = balance.materials - billed.moved + stored
    left = balance.materials_retainage - billed.moved_held - billed.materials_released
    billed.materials_held = left + percent_of(stored, rate)


@dataclass(frozen=True, repr=False)
class Subcontract:
    """A subcontract of a company, with its invoices. A company is too large to print: the months are noted instead."""

    company: Company
    invoices: list[billing.Invoice]


@st.composite
def subcontracts(draw: st.DrawFn) -> Subcontract:
    """Draw a subcontract with up to six lines and five invoices."""
    company = build_company(draw(st.integers(0, 2**32)), "large:1x5:1")
    project, vendor = next(iter(company.projects.values())), next(iter(company.vendors.values()))
    planned = [draw(works(company)) for _ in range(draw(st.integers(1, 6)))]
    planned[0] = Work(**{**{name: getattr(planned[0], name) for name in Work.__slots__}, "first_invoice": 1})
    commitment = company.open_subcontract(project, vendor, planned)
    balances: dict[int, Balance] = {}
    invoices = []
    for number, period in enumerate(periods_of(project)[: draw(st.integers(1, 5))], start=1):
        only_release = number > 1 and draw(st.integers(1, 5)) == 1
        lines = [
            (line, draw(billed_on(line, balances.get(line.id, Balance()), only_release=only_release)))
            for line in commitment.lines
            if line.first_invoice <= number
        ]
        invoice = company.bill(commitment, period, lines)
        invoice.tax = draw(st.one_of(st.just(ZERO), cents(1, 9_999_99)))
        invoices.append(invoice)
        balances = {line.contract_line.id: line.after for line in invoice.lines}
        note(f"invoice {number}: {[(line.contract_line.id, line.billed) for line in invoice.lines]}, tax {invoice.tax}")
    return Subcontract(company, invoices)


@dataclass(frozen=True)
class Sent:
    """An invoice of the simulator, and what the product reads of it and of the previous one."""

    truth: billing.Invoice
    invoice: Invoice
    previous: Invoice | None


def as_sent(company: Company, world: ProcoreSettings, chosen: list[billing.Invoice]) -> Iterator[Sent]:
    """Yield the invoices as text on the wire, read with the product's models."""
    printer = InvoicePrinter(company, world)

    def received(invoice: billing.Invoice) -> Invoice:
        return read(InvoiceRow, json.loads(json.dumps(printer.show(invoice, "extended")))).invoice()

    for truth in chosen:
        before = received(company.invoices[truth.previous_id]) if truth.previous_id else None
        yield Sent(truth, received(truth), before)


def lines_of(sent: Sent) -> tuple[BillLine, ...]:
    retained = retainage(sent.invoice, sent.previous)
    require_tie(sent.invoice, retained)
    assert retained.held >= 0
    items = {code_id: str(code_id) for code_id in sent.invoice.wbs_code_ids}
    return bill_lines(sent.invoice, retained, items, FIXED)


def sum_as_netsuite_reads_it(lines: tuple[BillLine, ...], sent: Sent) -> Decimal:
    """Return the sum of the rates in the body of the bill, as JSON text; a vendor credit has them with the opposite sign."""
    day = sent.invoice.billing_date
    assert day
    bill = Bill("pcr-bill-1-1", "1", "1", sent.invoice.document_number, day, "", lines)
    body = json.dumps(bill_body(bill, AccountDefaults(item_type="otherChargePurchaseItem"), bill.document))
    rows = json.loads(body, parse_float=Decimal)["item"]["items"]
    assert all(row["quantity"] == 1 for row in rows)
    total = sum((Decimal(row["rate"]) for row in rows), ZERO)
    assert total >= 0
    return -total if bill.document is Document.CREDIT else total


def assert_the_bill_is_right(sent: Sent) -> tuple[BillLine, ...]:
    """Compare with the simulator's arithmetic: what is due, what each line bills, what is held and released."""
    lines, truth = lines_of(sent), sent.truth
    payment_due = truth.summary().current_payment_due + truth.tax
    assert sum((line.amount for line in lines), ZERO) == payment_due == sum_as_netsuite_reads_it(lines, sent)
    assert all(line.amount for line in lines)
    work = [(line.item_id, line.amount) for line in lines if line.item_id not in (FIXED.retainage, FIXED.tax)]
    assert work == [
        (str(line.contract_line.code.id), line.gross) for line in truth.lines if line.contract_line.code and line.gross
    ]
    kept = [line.amount for line in lines if line.item_id == FIXED.retainage]
    taxes = [line.amount for line in lines if line.item_id == FIXED.tax]
    assert taxes == ([truth.tax] if truth.tax else [])
    assert -sum(kept, ZERO) == sum((line.retainage for line in truth.lines), ZERO)
    let_go = sum((line.billed.released + line.billed.materials_released for line in truth.lines), ZERO)
    released = sum((amount for amount in kept if amount > 0), ZERO)
    assert released >= let_go
    # More than what was released counts as released only where nothing at all is held.
    assert released == let_go or min(kept) > 0
    return lines


@given(subcontracts())
def test_every_bill_totals_the_payment_due_whatever_is_billed(drawn: Subcontract) -> None:
    worlds = [list(as_sent(drawn.company, world, drawn.invoices)) for world in WORLDS]
    for sent in chain(*worlds):
        assert_the_bill_is_right(sent)
    for same in zip(*worlds, strict=True):
        assert len({lines_of(sent) for sent in same}) == 1, "one invoice, one bill, whichever way Procore shows it"
        event(_kind_of(same[0]))
        if any(line.billed.materials_released for line in same[0].truth.lines):
            event("retainage of materials released")


def _kind_of(sent: Sent) -> str:
    """Return the kind of an invoice for `--hypothesis-show-statistics`, which counts them."""
    if sent.invoice.payment_due < 0:
        return "net credit"
    if not any(line.gross for line in sent.invoice.lines):
        return "nothing but retainage" if sent.invoice.payment_due else "nothing"
    return "materials become work" if sent.truth.moves_materials else "ordinary"


@given(subcontracts())
def test_only_negative_invoices_are_refused_and_only_empty_ones_skipped(drawn: Subcontract) -> None:
    """An invoice is skipped only if it bills nothing; a negative one needs a vendor credit."""
    for sent in as_sent(drawn.company, WORLDS[0], drawn.invoices):
        if sent.invoice.payment_due < 0:
            with pytest.raises(Blocked) as caught:
                require_billable(sent.invoice, bills_tax=True)
            assert caught.value.cause is Cause.NEEDS_VENDOR_CREDIT
            require_billable(sent.invoice, makes_credits=True, bills_tax=True)
        else:
            require_billable(sent.invoice, bills_tax=True)
        skipped = reason_to_skip(sent.invoice, ("approved",)) is not None
        is_empty = bills_nothing(sent.invoice, retainage(sent.invoice, sent.previous))
        assert is_empty or not skipped
        assert is_empty == (not lines_of(sent))


@given(subcontracts())
def test_tax_outside_the_payment_due_results_in_no_bill(drawn: Subcontract) -> None:
    for sent in as_sent(drawn.company, TAX_BESIDE, drawn.invoices):
        if sent.truth.tax:
            with pytest.raises(Blocked) as caught:
                lines_of(sent)
            assert caught.value.cause is Cause.TAX_EXCLUDED_FROM_PAYMENT_DUE
        else:
            assert_the_bill_is_right(sent)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), world=st.sampled_from(WORLDS))
def test_every_invoice_of_a_simulated_company_becomes_a_bill_that_ties(seed: int, world: ProcoreSettings) -> None:
    """These are the companies that the demo, the tests and the campaigns use."""
    company = build_company(seed, "demo")
    untied = company.cases["invoice_does_not_tie"]["invoice_id"]
    uncoded = company.cases["line_without_wbs_code"]["invoice_id"]
    for sent in as_sent(company, world, list(company.invoices.values())):
        if sent.invoice.id == untied:
            with pytest.raises(Blocked) as caught:
                lines_of(sent)
            assert caught.value.cause is Cause.LINES_DO_NOT_TIE
        elif sent.invoice.id == uncoded:
            with pytest.raises(Blocked) as caught:
                require_billable(sent.invoice)
            assert caught.value.cause is Cause.LINE_MISSING_CODE
        else:
            assert_the_bill_is_right(sent)
