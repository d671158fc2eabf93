"""docs/money.md: every example on the page is what the product makes of the JSON that Procore would send, and every number counts.

The page is read as people see it: **Invoice** tables become requisitions, **Bill** tables are the bills expected of them, **Refused** is the
cause and its sentence. Sums in the text are computed; an amount that stands alone in the text must be one of the section's tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from worker.clients.fields import read
from worker.clients.procore.wire import InvoiceLineRow, InvoiceRow
from worker.domain.bill_lines import FixedItems, bill_lines, require_tie, require_whole_cents
from worker.domain.bills import BillLine
from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice, require_billable
from worker.domain.problems import Cause, describe
from worker.domain.retainage import retainage

PAGE = (Path(__file__).parents[3] / "docs" / "money.md").read_text(encoding="utf-8").replace("\N{MINUS SIGN}", "-")
AMOUNT = re.compile(r"-?\d[\d,]*\.\d\d(?!\d)")
SUM = re.compile(rf"{AMOUNT.pattern}(?: [+-] {AMOUNT.pattern})+ = {AMOUNT.pattern}")
NOT_USED = {"work_completed_this_period_quantity", "scheduled_unit_price"}
NOT_IN_EXAMPLES = {
    "gross_amount",
    "work_completed_from_previous_application",
    "work_completed_this_period",
    "materials_presently_stored",
    "materials_presently_stored_from_previous_progress",
    "materials_moved",
}
"""Used where Procore leaves out a total, or as a second witness."""
FIXED, PROJECT_NUMBER = FixedItems(retainage="Retainage", tax="Tax"), "24-017"
CENT = Decimal("0.01")


@dataclass
class Example:
    """An invoice of the page and its expected result: the rows of a bill or of a vendor credit, or a cause and its sentence."""

    name: str
    header: str
    lines: list[dict[str, str]]
    bill: list[dict[str, str]] = field(default_factory=list)
    credit: list[dict[str, str]] = field(default_factory=list)
    refusal: tuple[str, str] | None = None


def value(text: str) -> Decimal:
    return Decimal(text.strip("* ").replace(",", ""))


def sections(page: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def table(text: str) -> list[dict[str, str]]:
    """Return the rows of the first table of a text, by the names of their columns."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)
    ]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def fields(page: str) -> dict[str, str]:
    """Return Procore's field for each amount by its name on the page."""
    return {row["Here"]: row["In Procore's API"].strip("`") for row in table(sections(page)["Words"])}


def examples(section: str) -> list[Example]:
    parsed: list[Example] = []
    for name, header, text in re.findall(
        r"^\*\*((?:Invoice|Bill|Credit|Refused)[ \d]*)\*\*(.*)\n((?:(?!^\*\*).*\n?)*)", section, re.MULTILINE
    ):
        if name.startswith("Invoice"):
            parsed.append(Example(name, header, table(text)))
        elif name.startswith("Bill"):
            assert name.removeprefix("Bill") == parsed[-1].name.removeprefix("Invoice")
            parsed[-1].bill = table(text)
        elif name.startswith("Credit"):
            assert name.removeprefix("Credit") == parsed[-1].name.removeprefix("Invoice")
            parsed[-1].credit = table(text)
        else:
            (cause,), (sentence,) = re.findall(r"as `(\w+)`", header), re.findall(r"^> (.+)$", text, re.MULTILINE)
            parsed[-1].refusal = (cause, sentence)
    return parsed


def as_procore_sends_it(example: Example, place: int, names: dict[str, str]) -> dict[str, Any]:
    """Return the body of GET /rest/v1.1/requisitions/{id}."""
    items = []
    for row in example.lines:
        code = row["WBS code"]
        amounts = {names[name]: str(value(cell)) for name, cell in row.items() if name in names}
        codes = None if code == "none" else {"id": codes_of(code), "flat_code": code, "description": ""}
        items.append(
            {"id": place * 100 + int(row["Line"]), "line_item_id": int(row["Line"]), "wbs_code": codes, **amounts}
        )
        if change_order := row.get("Change order"):
            items[-1] |= {"item_type": "whole_change_order_item", "description_of_work": change_order}
        items[-1]["position"] = int(row["Line"])
    header = re.fullmatch(
        rf", payment due ({AMOUNT.pattern})(?:, tax ({AMOUNT.pattern}))?(?:, in (\w+))?", example.header
    )
    assert header, example.header
    return {
        "id": 417 + place,
        "project_id": 17,
        "commitment_id": 5,
        "previous_requisition_id": 417 + place - 1 if place else None,
        "number": place + 1,
        "invoice_number": "ACME-0417",
        "status": "approved",
        "origin_id": None,
        "billing_date": "2026-09-30",
        "vendor_id": 33,
        "vendor_name": "Acme Concrete",
        "currency_configuration": {"currency_iso_code": header[3] or "USD", "base_currency_iso_code": "USD"},
        "summary": {
            "current_payment_due": str(value(header[1])),
            "tax_applicable_to_this_payment": str(value(header[2] or "0.00")),
        },
        "items": items,
    }


def codes_of(flat_code: str) -> int:
    return int(re.sub(r"\D", "", flat_code)) * 1000 + ord(flat_code[-1])


def assert_it_ties(invoice: Invoice, previous: Invoice | None) -> None:
    try:
        require_tie(invoice, retainage(invoice, previous))
    except Blocked as error:
        raise AssertionError(str(error.facts)) from error


def outcome(
    invoice: Invoice, previous: Invoice | None, *, makes_credits: bool, bills_tax: bool
) -> tuple[BillLine, ...] | tuple[Cause, str]:
    """Return the lines of its bill, or the reason why there is none."""
    try:
        require_billable(invoice, makes_credits=makes_credits, bills_tax=bills_tax)
        retained = retainage(invoice, previous)
        require_whole_cents(invoice, retained)
        require_tie(invoice, retained)
    except Blocked as error:
        return error.cause, describe(error.cause, error.facts).sentence
    items = {line.wbs_code_id: f"{PROJECT_NUMBER}-{line.flat_code}" for line in invoice.lines if line.wbs_code_id}
    return bill_lines(invoice, retained, items, FIXED)


DO_NOT_TIE = (
    Cause.LINES_DO_NOT_TIE,
    Cause.EARLIER_RETAINAGE_UNKNOWN,
    Cause.TAX_EXCLUDED_FROM_PAYMENT_DUE,
    Cause.AMOUNT_NOT_IN_WHOLE_CENTS,
)


def check_example(example: Example, invoice: Invoice, previous: Invoice | None) -> None:
    """Raise AssertionError unless the product's result is what the page says."""
    without_tax_item = example.refusal is not None and example.refusal[0] == Cause.TAX_ITEM_MISSING
    made = outcome(invoice, previous, makes_credits=bool(example.credit), bills_tax=not without_tax_item)
    if example.refusal:
        assert made == example.refusal
    else:
        # On a credit all amounts have the other sign.
        sign = -1 if example.credit else 1
        rows = example.credit or example.bill
        expected = [(row["Item"], row["Description"], sign * value(row["Amount"])) for row in rows]
        lines = [(line.item_id, line.description, line.amount) for line in made if isinstance(line, BillLine)]
        assert [*lines, ("**Total**", "", invoice.payment_due)] == expected
    if made[0] not in DO_NOT_TIE:
        assert_it_ties(invoice, previous)
    for row in example.lines:
        if "Quantity" in row:
            product = (value(row["Quantity"]) * value(row["Unit price"])).quantize(CENT, ROUND_HALF_UP)
            assert product == value(row["To date"]) - value(row["Before"])


def check_text(section: str) -> None:
    """Raise AssertionError unless sums add up and every single amount is one of a sum, a table or a sentence."""
    shown = re.compile(r"^(?:\||>|\*\*Invoice).*", re.MULTILINE)
    text = shown.sub("", section).replace("\n", " ")
    sums = SUM.findall(text)
    for match in sums:
        left, _, right = match.partition(" = ")
        terms = re.findall(rf"(?:^|(?<= ))([+-] )?({AMOUNT.pattern})", left)
        total = sum((value(term) * (-1 if sign == "- " else 1) for sign, term in terms), Decimal(0))
        assert total == value(right), match
    known = AMOUNT.findall("\n".join([*shown.findall(section), *sums]))
    assert {value(alone) for alone in AMOUNT.findall(SUM.sub("", text))} <= {value(each) for each in known}


def check(section: str, names: dict[str, str]) -> int:
    """Return how many examples a section has. Raises AssertionError if the product's result of one differs."""
    previous: Invoice | None = None
    for place, example in enumerate(parsed := examples(section)):
        assert example.bill or example.credit or example.refusal, example.name
        invoice = read(InvoiceRow, as_procore_sends_it(example, place, names)).invoice()
        check_example(example, invoice, previous)
        previous = invoice
    check_text(section)
    return len(parsed)


RULES = [name for name, text in sections(PAGE).items() if examples(text)]
WITHOUT_EXAMPLE = {"Words", "The posting period", "When somebody edits in between"}


def test_every_rule_of_the_page_has_an_example() -> None:
    assert set(sections(PAGE)) == set(RULES) | WITHOUT_EXAMPLE


@pytest.mark.parametrize("rule", RULES)
def test_every_example_of_the_page_is_the_products_result(rule: str) -> None:
    assert check(sections(PAGE)[rule], fields(PAGE))


def changed_a_little(section: str) -> Iterator[tuple[str, str]]:
    for match in AMOUNT.finditer(section):
        replacement = f"{value(match[0]) + 7 * CENT:,.2f}"
        yield f"{section[: match.start()]}{replacement}{section[match.end() :]}", f"{match[0]} at {match.start()}"


@pytest.mark.parametrize("rule", RULES)
def test_no_number_of_the_page_can_be_changed_unnoticed(rule: str) -> None:
    names, unnoticed = fields(PAGE), []
    for changed, where in changed_a_little(sections(PAGE)[rule]):
        try:
            check(changed, names)
        except AssertionError:
            continue
        unnoticed.append(where)
    assert unnoticed == []


def test_the_page_names_exactly_the_amounts_that_are_read_of_a_line() -> None:
    read_of_a_line = InvoiceLineRow.model_fields
    amounts = {name for name, read_as in read_of_a_line.items() if "Decimal" in str(read_as.annotation)}
    assert set(fields(PAGE).values()) == amounts - NOT_IN_EXAMPLES | NOT_USED
    assert not NOT_USED & set(read_of_a_line)
    assert amounts >= NOT_IN_EXAMPLES
    assert all(f"`{name}`" in sections(PAGE)["Words"] for name in NOT_IN_EXAMPLES)
