"""The arithmetic of every invoice holds to the cent, whatever the seed, and every kind of line occurs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.company import build_company
from simulators.company.billing import Balance, Billed, Invoice, chain
from simulators.procore.edits import Edits


def assert_it_ties(invoice: Invoice) -> None:
    summary = invoice.summary()
    gross = sum((line.gross for line in invoice.lines), Decimal(0))
    held = sum((line.retainage for line in invoice.lines), Decimal(0))
    due = summary.current_payment_due - invoice.off_by
    assert gross - held == due
    assert summary.earned == summary.completed_and_stored - summary.total_retainage
    assert due == summary.earned - summary.previous_certificates
    for line in invoice.lines:
        now, after = line.billed, line.after
        assert line.gross == now.work + now.materials + now.moved - line.before.materials
        assert line.retainage == now.held - now.released + now.materials_held - line.before.materials_retainage
        for amount in (
            line.gross,
            line.retainage,
            after.work,
            after.materials,
            after.work_retainage,
            after.materials_retainage,
        ):
            assert amount == amount.quantize(Decimal("0.01"))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**32), profile=st.sampled_from(["test", "demo", "large:5x12:40"]))
def test_every_invoice_ties_to_the_cent(seed: int, profile: str) -> None:
    company = build_company(seed, profile)
    for invoice in company.invoices.values():
        assert_it_ties(invoice)
    untied = [invoice.id for invoice in company.invoices.values() if invoice.off_by]
    assert untied == [facts["invoice_id"] for case, facts in company.cases.items() if case == "invoice_does_not_tie"]


@pytest.mark.parametrize("seed", range(5))
def test_every_invoice_starts_where_the_one_before_it_ended(seed: int) -> None:
    company = build_company(seed, "demo")
    for commitment in company.commitments.values():
        balances: dict[int, Balance] = {}
        certified, previous_id = Decimal(0), None
        for invoice in (company.invoices[each] for each in commitment.invoice_ids):
            assert invoice.previous_id == previous_id
            assert all(line.before == balances.get(line.contract_line.id, Balance()) for line in invoice.lines)
            assert set(balances) <= {line.contract_line.id for line in invoice.lines}
            assert invoice.summary().previous_certificates == certified
            balances = {line.contract_line.id: line.after for line in invoice.lines}
            certified, previous_id = invoice.summary().earned, invoice.id


def test_every_kind_of_line_occurs_in_the_demo() -> None:
    lines = [line for invoice in build_company(1, "demo").invoices.values() for line in invoice.lines]
    assert any(line.billed.moved for line in lines)
    assert any(line.billed.materials and line.billed.materials == line.before.materials for line in lines)
    assert any(line.billed.materials > line.before.materials for line in lines)
    assert any(line.billed.released for line in lines)
    assert any(line.billed.materials_released for line in lines)
    assert any(line.billed.quantity for line in lines)
    assert any(line.contract_line.kind == "change_order_item" and line.gross < 0 for line in lines)
    assert any(line.contract_line.scheduled_value < 0 and line.retainage < 0 for line in lines)
    assert any(line.contract_line.scheduled_value < 0 and line.billed.work and not line.retainage for line in lines)


def test_a_correction_carries_through_to_the_later_invoices() -> None:
    company = build_company(1, "test")
    commitment = next(each for each in company.commitments.values() if len(each.invoice_ids) >= 4)
    first, *later = (company.invoices[each] for each in commitment.invoice_ids)
    before = later[-1].summary()
    Edits(company).edit_invoice_line(first.id, work=first.lines[0].billed.work + 100)
    after = later[-1].summary()
    assert after.completed_and_stored == before.completed_and_stored + 100
    assert after.current_payment_due == before.current_payment_due
    for invoice in (first, *later):
        assert_it_ties(invoice)


def test_a_single_invoice_is_not_changed() -> None:
    company = build_company(1, "large:1x5:1")
    invoice = next(iter(company.invoices.values()))
    chain([invoice])
    assert invoice.lines[0].before == Balance()


def test_a_line_moves_its_balance_by_what_is_billed() -> None:
    company = build_company(1, "large:1x5:1")
    line = next(iter(company.invoices.values())).lines[0]
    line.before = Balance(Decimal("100"), Decimal("40"), Decimal("10"), Decimal("4"))
    line.billed = Billed(work=Decimal("50"), moved=Decimal("40"), held=Decimal("9"), moved_held=Decimal("4"))
    assert line.after == Balance(Decimal("190"), Decimal("0"), Decimal("19"), Decimal("0"))
    assert (line.gross, line.retainage) == (Decimal("50"), Decimal("5"))
