"""Turns a subcontractor invoice into its vendor bill: whether it is billed, with which lines, and whether a bill in NetSuite matches it.

Line arithmetic (docs/remotes.md): gross this period = completed and stored to date - the same figure of the previous invoice; retainage
this period = retainage of the line to date - the same figure of the previous invoice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from worker.domain import money
from worker.domain.errors import Blocked
from worker.domain.identities import bill_id_of_origin
from worker.domain.posting_periods import PostingPeriod
from worker.domain.problems import Cause
from worker.domain.texts import unwritable

DOCUMENT_NUMBER_LIMIT = 45
"""Maximum length of a bill's `tranId` (docs/remotes.md)."""
MEMO_LIMIT = 999
"""NetSuite's usual maximum length of a memo, which identifies nothing."""
NOTHING_BILLED = "nothing is billed on it"
"""Reason to skip an invoice whose bill would have no lines."""
SHOWN_LINES = 3
RETAINAGE_HELD, RETAINAGE_RELEASED, TAX = "Retainage held", "Retainage released", "Tax"
"""Descriptions of bill lines without a WBS code."""
WHOLE_CHANGE_ORDER = "whole_change_order_item"
"""Kind of a line that bills a change order as a whole (Procore's API: `item_type`)."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of a subcontractor invoice; amounts in the invoice's currency, with fractions of a cent if Procore has them.

    `previous_line_id`: the line of the previous invoice that it continues. `contract_line`: the contract line that it bills; several lines
    may have the same one, and "" means that Procore does not say. `gross_reported`: Procore's figure for `gross`.
    """

    id: int | None
    kind: str
    previous_line_id: int | None
    contract_line: str
    position: int
    wbs_code_id: int | None
    flat_code: str
    code_description: str
    description: str
    completed_to_date: Decimal
    completed_before: Decimal
    work_retained_before: Decimal
    work_retained: Decimal
    work_released: Decimal
    materials_retained: Decimal
    materials_released: Decimal
    gross_reported: Decimal | None = None

    @property
    def retained_to_date(self) -> Decimal:
        """Retainage of the line after this invoice, on work and on stored materials."""
        return self.work_retained_before + self.work_retained - self.work_released + self.materials_retained

    @property
    def gross(self) -> Decimal:
        """Work and stored materials of this period; negative on deductive lines."""
        return money.in_cents(self.completed_to_date - self.completed_before)

    @property
    def label(self) -> str:
        """The line's position on the invoice, with code and description."""
        return f"line {self.position} ({_line_description(self) or 'no description'})"


class Document(StrEnum):
    """The document an invoice becomes: a credit if the payment due is negative."""

    BILL = "bill"
    CREDIT = "vendor credit"


@dataclass(frozen=True, slots=True)
class Invoice:
    """A subcontractor invoice (Procore's API: requisition).

    `vendor_id`: None if its commitment has no company. `amount_due_reported`: `payment_summary.invoiced_amount_due`, if given.
    """

    id: int
    project_id: int
    commitment_id: int
    previous_id: int | None
    number: str
    document_number: str
    status: str
    origin_id: str | None
    billing_date: date | None
    vendor_id: int | None
    vendor_name: str
    currency: str
    base_currency: str
    payment_due: Decimal
    tax: Decimal
    lines: tuple[InvoiceLine, ...]
    amount_due_reported: Decimal | None = None

    @property
    def label(self) -> str:
        """The invoice's name for users."""
        return self.document_number or f"number {self.number}"

    @property
    def document(self) -> Document:
        """The document it becomes."""
        return Document.CREDIT if self.payment_due < 0 else Document.BILL

    @property
    def base_due(self) -> Decimal | None:
        """The payment due, if it is in the company's base currency."""
        return self.payment_due if self.currency == self.base_currency else None

    @property
    def facts(self) -> dict[str, str]:
        """Names and payment due for the sentences of its problems."""
        names = {"invoice": self.label, "vendor": self.vendor_name, "number": self.number}
        return names | amount_facts(self.payment_due, self.currency, self.base_currency)

    @property
    def retainage_reported(self) -> Decimal | None:
        """Retainage held less released by this invoice, from Procore's totals: gross amounts of the period - amount due (docs/remotes.md). It
        is a cross-check and not billed. None if Procore gives no such totals.
        """
        gross = [line.gross_reported for line in self.lines if line.gross_reported is not None]
        if self.amount_due_reported is None or len(gross) < len(self.lines):
            return None
        return sum(gross, money.ZERO) - self.amount_due_reported

    @property
    def wbs_code_ids(self) -> list[int]:
        """Codes that need an Item, without duplicates: those of lines with an amount this period."""
        return list(dict.fromkeys(line.wbs_code_id for line in self.lines if line.gross and line.wbs_code_id))


def amount_facts(payment_due: Decimal, currency: str, base_currency: str) -> dict[str, str]:
    """The payment due as text, with the currencies if it is not in the base currency."""
    facts = {"payment_due": money.text(payment_due)}
    return facts if currency == base_currency else facts | {"currency": currency, "base_currency": base_currency}


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
class FixedItems:
    """Items of bill lines without a WBS code, by internal id: one for retainage, one for tax. "": not set."""

    retainage: str
    tax: str = ""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a vendor bill: an Item by its internal id, and its amount."""

    item_id: str
    amount: Decimal
    description: str
    item_name: str = ""


NumberKey = tuple[str, Document, str]
"""Return the key of a document number: vendor, bill or credit, and the number without case and outer spaces, as NetSuite compares it."""


def number_key(vendor_id: str, document: Document, number: str) -> NumberKey:
    """The key under which a vendor has at most one document."""
    return vendor_id, document, number.strip().upper()


@dataclass(frozen=True, slots=True)
class Bill:
    """The expected vendor bill, or vendor credit with the amounts of a bill: negative in total.

    Ids are NetSuite's internal ids. `vendor_name`: Procore's name, for messages only. `posting_period`: None = that of its date.
    """

    external_id: str
    vendor_id: str
    job_id: str
    document_number: str
    date: date
    memo: str
    lines: tuple[BillLine, ...]
    vendor_name: str = ""
    posting_period: PostingPeriod | None = None

    @property
    def total(self) -> Decimal:
        """The amount owed to the vendor."""
        return sum((line.amount for line in self.lines), money.ZERO)

    @property
    def document(self) -> Document:
        """Whether it is a bill or a credit."""
        return Document.CREDIT if self.total < 0 else Document.BILL

    @property
    def number_key(self) -> NumberKey:
        """The key under which the vendor has at most one document."""
        return number_key(self.vendor_id, self.document, self.document_number)


@dataclass(frozen=True, slots=True)
class FoundBill:
    """A vendor bill or vendor credit in NetSuite, a credit with the amounts of a bill: what it takes off is negative.

    `period_id`, `period_name`: its posting period, "" if NetSuite does not show it. `exchange_rate`: 1 unless its amounts are in a currency
    other than that of the books. `subsidiary_id`: "" if NetSuite does not show it. `job_id`: the project of its first line that has one, ""
    if none has.
    """

    id: str
    external_id: str | None
    vendor_id: str
    document_number: str
    date: date | None
    total: Decimal
    lines: tuple[BillLine, ...]
    vendor_name: str = ""
    document: Document = Document.BILL
    period_id: str = ""
    period_name: str = ""
    exchange_rate: Decimal = Decimal(1)
    subsidiary_id: str = ""
    job_id: str = ""

    @property
    def label(self) -> str:
        """The bill's name for users."""
        return f"{self.document} {self.document_number} (id {self.id})"

    @property
    def number_key(self) -> NumberKey:
        """The key under which the vendor has at most one document."""
        return number_key(self.vendor_id, self.document, self.document_number)

    @property
    def void(self) -> bool:
        """Whether it is void: voiding sets the total and all lines to zero and keeps the record (ohelp/section_4413162576)."""
        return not self.total and not any(line.amount for line in self.lines)


class Aspect(StrEnum):
    """Aspects in which two bills can differ."""

    VENDOR = "vendor"
    NUMBER = "number"
    DATE = "date"
    TOTAL = "total"
    LINES = "lines"


def reason_to_skip(invoice: Invoice, export_statuses: Collection[str]) -> str | None:
    """Return why an invoice is not exported now; None if it is."""
    if invoice.origin_id and not bill_id_of_origin(invoice.origin_id):
        return claimed_by_another(invoice.origin_id)
    if invoice.status not in export_statuses:
        return f"status is {invoice.status.replace('_', ' ')}"
    if not (invoice.payment_due or invoice.tax) and not any(
        line.gross or line.work_retained or line.work_released or line.materials_released for line in invoice.lines
    ):
        return NOTHING_BILLED
    return None


def claimed_by_another(origin_id: str) -> str:
    """Return why an invoice with the origin id of another integration is skipped."""
    return f"already claimed by another integration (origin id {origin_id})"


def require_billable(
    invoice: Invoice, *, makes_credits: bool = False, bills_tax: bool = False, books_currency: str = ""
) -> None:
    """Raise Blocked for problems of the invoice itself, before anything is queried or written.

    `makes_credits`: whether an invoice with a negative payment due becomes a vendor credit. `bills_tax`: whether tax becomes a line of the
    bill. `books_currency`: the currency of the books in NetSuite, "" if not set. Procore's base currency is that of the project if the
    project has its own, so it alone does not identify a foreign currency.
    """
    facts = invoice.facts
    base = books_currency or invoice.base_currency
    if invoice.currency != base:
        raise Blocked(cause=Cause.FOREIGN_CURRENCY, facts=facts | {"currency": invoice.currency, "base_currency": base})
    if invoice.tax and not bills_tax:
        # Also where the lines tie: whether the payment due has the tax in it is not documented, and a bill without it is too low.
        raise Blocked(cause=Cause.TAX_ITEM_MISSING, facts=facts | {"tax": money.text(invoice.tax)})
    if invoice.payment_due < 0 and not makes_credits:
        raise Blocked(cause=Cause.NEEDS_VENDOR_CREDIT, facts=facts)
    if invoice.billing_date is None:
        raise Blocked(cause=Cause.BILLING_DATE_MISSING, facts=facts)
    if not invoice.document_number:
        raise Blocked(cause=Cause.DOCUMENT_NUMBER_MISSING, facts=facts)
    if len(invoice.document_number) > DOCUMENT_NUMBER_LIMIT:
        raise Blocked(cause=Cause.DOCUMENT_NUMBER_TOO_LONG, facts=facts | {"limit": str(DOCUMENT_NUMBER_LIMIT)})
    if character := unwritable(invoice.document_number):
        raise Blocked(cause=Cause.DOCUMENT_NUMBER_HAS_UNSUPPORTED_CHARACTER, facts=facts | {"character": character})
    contract_company_id(invoice)
    for line in invoice.lines:
        if line.gross and (line.wbs_code_id is None or not line.flat_code):
            whole = line.kind == WHOLE_CHANGE_ORDER
            cause = Cause.CHANGE_ORDER_MISSING_CODE if whole else Cause.LINE_MISSING_CODE
            raise Blocked(cause=cause, facts=facts | {"position": str(line.position), "description": line.description})


def contract_company_id(invoice: Invoice) -> int:
    """Return Procore's id of the company to be paid. Raises Blocked if the commitment has none."""
    if invoice.vendor_id is None:
        raise Blocked(cause=Cause.CONTRACT_COMPANY_MISSING, facts=invoice.facts)
    return invoice.vendor_id


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
            named = what if len(lines) < 1 or what == lines[0].label else f"{what} ({_few_lines(lines)})"
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
        BillLine(item_ids[line.wbs_code_id], line.gross, _line_description(line))
        for line in invoice.lines
        if line.gross and line.wbs_code_id is not None
    ]
    beside = (
        BillLine(fixed.retainage, -retained.held, RETAINAGE_HELD),
        BillLine(fixed.retainage, retained.released, RETAINAGE_RELEASED),
        BillLine(fixed.tax, invoice.tax, TAX),
    )
    return (*lines, *(line for line in beside if line.amount))


def require_retainage_item(invoice: Invoice, retained: Retainage, fixed: FixedItems) -> None:
    """Raise Blocked if the invoice holds or releases retainage and no retainage Item is set."""
    if (retained.held or retained.released) and not fixed.retainage:
        raise Blocked(cause=Cause.RETAINAGE_ITEM_MISSING, facts=invoice.facts)


def difference(bill: Bill, found: FoundBill) -> str | None:
    """Return how a bill in NetSuite differs from the expected one; None if it does not."""
    return "; ".join(differences(bill, found).values()) or None


def differences(bill: Bill, found: FoundBill) -> dict[Aspect, str]:
    """Return how a bill in NetSuite differs from the expected one, by aspect.

    Lines are compared as a multiset of (Item, amount): their order and changed descriptions do not matter. A total that differs because of
    the lines is reported with the lines.
    """
    differs: dict[Aspect, str] = {}
    totals = f"total {money.text(found.total)} instead of {money.text(bill.total)}"
    beside_lines = found.total - sum((line.amount for line in found.lines), money.ZERO)
    if found.vendor_id != bill.vendor_id:
        vendors = _named(found.vendor_name, found.vendor_id), _named(bill.vendor_name, bill.vendor_id)
        differs[Aspect.VENDOR] = "vendor {} instead of {}".format(*vendors)
    if found.document_number != bill.document_number:
        differs[Aspect.NUMBER] = f"reference number {found.document_number!r} instead of {bill.document_number!r}"
    if found.date != bill.date:
        differs[Aspect.DATE] = f"date {found.date} instead of {bill.date}"
    if found.total != bill.total and beside_lines:
        differs[Aspect.TOTAL] = f"{totals}, of which {money.text(beside_lines)} is not on Item lines"
    if found.exchange_rate != 1:
        # The vendor's currency in NetSuite is another one: 900.00 stand there as 900.00 of something else.
        differs[Aspect.TOTAL] = (
            f"total {money.text(found.total)} in another currency (exchange rate {found.exchange_rate})"
        )
    if _amounts(found.lines) != _amounts(bill.lines):
        words = _other_lines(bill.lines, found.lines)
        alone = found.total != bill.total and Aspect.TOTAL not in differs
        differs[Aspect.LINES] = f"{totals}, {words}" if alone else words
    return differs


def _named(name: str, record_id: str) -> str:
    return f"{name} (id {record_id})" if name else f"id {record_id}"


def _other_lines(wanted: Sequence[BillLine], found: Sequence[BillLine]) -> str:
    """Return which lines only one of two bills has."""
    too_many, lacking = _without(found, wanted), _without(wanted, found)
    parts = (("extra lines", too_many), ("missing lines", lacking))
    return ", ".join(f"{words}: {_listed(lines)}" for words, lines in parts if lines)


def _without(lines: Sequence[BillLine], others: Sequence[BillLine]) -> list[BillLine]:
    left = _amounts(others)
    rest = []
    for line in lines:
        kind = (line.item_id, line.amount)
        if left[kind]:
            left[kind] -= 1
        else:
            rest.append(line)
    return rest


def _listed(lines: Sequence[BillLine]) -> str:
    names = (line.item_name or line.description or f"Item {line.item_id or 'none'}" for line in lines[:SHOWN_LINES])
    shown = ", ".join(f"{name} {money.text(line.amount)}" for name, line in zip(names, lines, strict=False))
    return shown if len(lines) <= SHOWN_LINES else f"{shown} and {len(lines) - SHOWN_LINES} more"


def _amounts(lines: Sequence[BillLine]) -> Counter[tuple[str, Decimal]]:
    return Counter((line.item_id, line.amount) for line in lines)


def _contract_lines(invoice: Invoice) -> set[str]:
    """Return the contract lines that an invoice may bill; includes "" because a line without one may belong to any."""
    return {"", *(line.contract_line for line in invoice.lines)}


def _retainage_figures(line: InvoiceLine) -> tuple[Decimal, ...]:
    return line.retained_to_date, line.work_retained_before, line.work_released, line.materials_released


def _few_lines(lines: Sequence[InvoiceLine]) -> str:
    shown = ", ".join(line.label for line in lines[:SHOWN_LINES])
    return shown if len(lines) <= SHOWN_LINES else f"{shown} and {len(lines) - SHOWN_LINES} more"


def _line_description(line: InvoiceLine) -> str:
    return f"{line.flat_code} {line.description}".strip()
