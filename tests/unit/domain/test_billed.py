"""The digest of an invoice changes with data that determines its bill, and with no other data."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.domain.test_invoices import invoice as invoice_of
from tests.unit.domain.test_invoices import line
from worker.domain.bill_differences import billed_digest, changes
from worker.domain.invoices import Invoice, InvoiceLine
from worker.domain.series import Deviation

AMOUNTS = [each.name for each in fields(InvoiceLine) if each.type in ("Decimal", Decimal)]


@pytest.fixture
def invoice() -> Invoice:
    return invoice_of(line(1), line(2))


def with_line(invoice: Invoice, **changed: Any) -> Invoice:
    return replace(invoice, lines=(replace(invoice.lines[0], **changed), *invoice.lines[1:]))


@pytest.mark.parametrize("name", AMOUNTS)
def test_every_amount_of_a_line_counts(invoice: Invoice, name: str) -> None:
    changed = with_line(invoice, **{name: getattr(invoice.lines[0], name) + Decimal("0.01")})
    assert billed_digest(changed) != billed_digest(invoice)


@pytest.mark.parametrize(
    ("changed", "aspect"),
    [
        ({"vendor_id": 2}, Deviation.VENDOR),
        ({"document_number": "OTHER"}, Deviation.NUMBER),
        ({"billing_date": date(2020, 1, 1)}, Deviation.DATE),
        ({"payment_due": Decimal("1.23")}, Deviation.TOTAL),
        ({"tax": Decimal("1.23")}, Deviation.LINES),
        ({"currency": "CAD"}, Deviation.LINES),
    ],
)
def test_the_head_counts_and_its_change_has_a_sentence(
    invoice: Invoice, changed: dict[str, Any], aspect: Deviation
) -> None:
    assert list(changes(invoice, replace(invoice, **changed))) == [aspect]


def test_exchanged_codes_change_the_digest(invoice: Invoice) -> None:
    first, second = invoice.lines
    first = replace(first, completed_to_date=first.completed_to_date + 1)
    assert billed_digest(replace(invoice, lines=(first, second))) != billed_digest(
        replace(
            invoice,
            lines=(
                replace(first, wbs_code_id=second.wbs_code_id),
                replace(second, wbs_code_id=first.wbs_code_id),
            ),
        )
    )


def test_texts_order_status_and_origin_id_do_not_count(invoice: Invoice) -> None:
    same = with_line(invoice, description="as an accountant says it", position=99, flat_code="01-999.S")
    same = replace(
        same, lines=same.lines[::-1], status="approved_as_noted", origin_id="ns-vendorbill-1", vendor_name="?"
    )
    assert billed_digest(same) == billed_digest(invoice)
    assert changes(invoice, same) == {}
