"""Open points about Procore. All but the last three only read; those need invoices that may be spoilt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from worker.clients.procore.client import CODES_PER_PAGE
from worker.domain import money
from worker.domain.errors import Blocked, NotFound, NotPermitted
from worker.services.probe.bench import Bench
from worker.services.probe.point import READ, Answers, Found, Point, Unsettled

T = TypeVar("T")
PROJECTS_TRIED = 5
INVOICES_TRIED = 200
SPOILT = "name invoices that may be spoilt with --invoice: an origin id locks them"


class BudgetLines(Answers):
    """Whether the account has the v2 list of budget lines (BETA)."""

    THERE = "there", "Budgeted codes are read from it."
    MISSING = "missing", "Budgeted codes are read from a budget view, and their texts from the list of WBS codes."


class Pages(Answers):
    """Whether the list of WBS codes tells that it goes on."""

    LINKED = "linked", "The next page is asked for as `Link` says."
    BY_COUNT = "by_count", "There is no `Link`, but pages are as long as asked: a full one is followed by another."
    CUT_SHORT = (
        "cut_short",
        "Pages are shorter than asked and do not tell that there are more: codes would be missed.",
        True,
    )


class RateLimit(Answers):
    """Whether Procore tells its limits."""

    TOLD = "told", "All workers keep to what the headers say."
    SILENT = "silent", "wbs-sync learns of a limit by 429 alone."


class Numbers(Answers):
    """Whether project numbers are unique."""

    UNIQUE = "unique", "As of now: names are compared over all projects all the same."
    REPEATED = "repeated", "Codes of such projects that would share a name are blocked (name_not_unique)."


class LineAmounts(Answers):
    """What a line's gross_amount is."""

    THIS_PERIOD = "this_period", "Not used: the gross is reckoned from the sums to date."
    TO_DATE = "to_date", "Not used: the gross is reckoned from the sums to date."
    NEITHER = "neither", "Not used, and not understood.", True


class Tax(Answers):
    """Whether the payment due has the tax in it."""

    INSIDE = "inside", "Where NETSUITE_TAX_ITEM_ID is set, the tax becomes a line of the bill."
    BESIDE = "beside", "Invoices with tax are blocked: a bill of the payment due would lack the tax."
    NEITHER = "neither", "Invoices with tax are blocked, and this one does not add up either way.", True


class ErpStatus(Answers):
    """What an invoice's ERP status is once it has an origin id."""

    SYNCED = "synced", "People see in Procore that the invoice is synced."
    UNCHANGED = "unchanged", "People see in Procore only that the invoice cannot be edited."
    OTHER = "other", "Not used by wbs-sync; the word is news.", True


class OriginTwice(Answers):
    """What a second invoice with one origin id is answered with."""

    UNPROCESSABLE = "422", "The invoice is blocked as write_back_refused."
    CONFLICT = "409", "The invoice is blocked as write_back_refused."
    TAKEN = "taken", "Procore does not keep two invoices from naming one bill; wbs-sync names each bill once."


class Cleared(Answers):
    """Whether an origin id can be taken away again."""

    CLEARED = "cleared", "A wrong link can be undone over the API."
    REFUSED = (
        "refused",
        "A wrong link is undone by Procore's support or an ERP integration alone; this invoice keeps its origin id.",
    )


def budget_lines(bench: Bench) -> Found:
    """The list itself."""
    has = _first_readable(bench, bench.procore.has_budget_line_items)
    return Found(BudgetLines.THERE if has else BudgetLines.MISSING, READ)


def code_pages(bench: Bench) -> Found:
    """A page of one code, and where that names no next one, the longest page."""

    def of(project_id: int) -> Found:
        page = partial(bench.procore.codes_page, project_id)
        if page(page=1, per_page=1).next_page:
            return Found(Pages.LINKED, READ)
        if not page(page=2, per_page=1).json():
            raise Unsettled("the project has one code at most")
        longest = len(page(page=1).json())
        is_cut = longest < CODES_PER_PAGE and bool(page(page=2).json())
        return Found(Pages.CUT_SHORT if is_cut else Pages.BY_COUNT, READ, {"codes in a page": longest})

    return _first_readable(bench, of)


def rate_limit(bench: Bench) -> Found:
    """The header of an answer."""
    told = bench.procore.rate_limit()
    return Found(RateLimit.TOLD, READ, {"of the nearer window": told}) if told else Found(RateLimit.SILENT, READ)


def project_numbers(bench: Bench) -> Found:
    """The list of projects, inactive ones too."""
    numbers = [one.number for one in bench.procore.list_projects() if one.number]
    repeated = len(numbers) - len(set(numbers))
    facts = {"projects with a number": len(numbers), "numbers repeated": repeated}
    return Found(Numbers.REPEATED if repeated else Numbers.UNIQUE, READ, facts)


def line_amounts(bench: Bench) -> Found:
    """A line that was billed before, so that the period and the sum to date differ."""
    for invoice in _invoices(bench):
        for line in invoice.get("items") or []:
            to_date = _amount(line, "total_completed_and_stored_to_date")
            before, gross = (
                _amount(line, "total_completed_and_stored_to_date_from_previous"),
                _amount(line, "gross_amount"),
            )
            if to_date is None or before is None or gross is None or not before or to_date == before:
                continue
            of_period = {to_date: LineAmounts.TO_DATE, to_date - before: LineAmounts.THIS_PERIOD}
            return Found(of_period.get(gross, LineAmounts.NEITHER), READ)
    raise Unsettled("no invoice has a line that was billed before")


def tax(bench: Bench) -> Found:
    """An invoice with tax: what is due against what was earned less what was certified before."""
    for invoice in _invoices(bench):
        summary = invoice.get("summary") or {}
        names = ("tax_applicable_to_this_payment", "current_payment_due", "total_earned_less_retainage",
                 "less_previous_certificates_for_payment")  # fmt: skip
        of_payment, due, earned, before = (_amount(summary, name) for name in names)
        if not of_payment or due is None or earned is None or before is None:
            continue
        beside = {money.ZERO: Tax.BESIDE, of_payment: Tax.INSIDE}
        return Found(beside.get(due - (earned - before), Tax.NEITHER), READ)
    raise Unsettled("no invoice has tax")


def erp_status(bench: Bench) -> Found:
    """The first of the invoices that may be spoilt, with an origin id of the probe's."""
    project_id, invoice_id = _spoilt(bench, 1)[0]
    before = bench.procore.invoice_as_told(project_id, invoice_id)
    if before.get("origin_id"):
        raise Unsettled("the invoice of --invoice has an origin id already")
    bench.procore.set_origin_id(before, bench.origin_id)
    after = bench.procore.invoice_as_told(project_id, invoice_id)
    if after.get("origin_id") != bench.origin_id:
        raise Unsettled("Procore took the origin id and does not show it")
    bench.origin_invoices.append(after)
    told = str(after.get("erp_status"))
    if told == "synced":
        return Found(ErpStatus.SYNCED)
    return Found(ErpStatus.UNCHANGED if told == str(before.get("erp_status")) else ErpStatus.OTHER)


def origin_twice(bench: Bench) -> Found:
    """The second of the invoices that may be spoilt, with the origin id of the first."""
    project_id, invoice_id = _spoilt(bench, 2)[1]
    if not bench.origin_invoices:
        raise Unsettled("the first invoice of --invoice did not get an origin id (erp_status)")
    second = bench.procore.invoice_as_told(project_id, invoice_id)
    try:
        bench.procore.set_origin_id(second, bench.origin_id)
    except Blocked as error:
        return Found(OriginTwice.CONFLICT if str(error).startswith("409") else OriginTwice.UNPROCESSABLE)
    bench.origin_invoices.append(bench.procore.invoice_as_told(project_id, invoice_id))
    return Found(OriginTwice.TAKEN)


def origin_cleared(bench: Bench) -> Found:
    """What was written is taken away again; this is the cleaning of these points too."""
    if not bench.origin_invoices:
        raise Unsettled(SPOILT)
    for invoice in list(bench.origin_invoices):
        try:
            bench.procore.set_origin_id(invoice, None)
        except (Blocked, NotPermitted):
            continue
        if not bench.procore.invoice_as_told(invoice["project_id"], invoice["id"]).get("origin_id"):
            bench.origin_invoices.remove(invoice)
    return Found(Cleared.REFUSED if bench.origin_invoices else Cleared.CLEARED)


def _first_readable(bench: Bench, read: Callable[[int], T]) -> T:
    for project in bench.readable_projects()[:PROJECTS_TRIED]:
        try:
            return read(project.id)
        except (NotFound, NotPermitted):
            continue
    raise Unsettled(f"none of {PROJECTS_TRIED} projects may be read")


def _invoices(bench: Bench) -> Iterator[Mapping[str, Any]]:
    def of_all() -> Iterator[Mapping[str, Any]]:
        for project in bench.readable_projects()[:PROJECTS_TRIED]:
            try:
                yield from bench.procore.whole_invoices(project.id)
            except (NotFound, NotPermitted):
                continue

    return islice(of_all(), INVOICES_TRIED)


def _amount(record: Mapping[str, Any], name: str) -> Decimal | None:
    try:
        return money.amount(record.get(name))
    except ValueError:
        return None


def _spoilt(bench: Bench, count: int) -> tuple[tuple[int, int], ...]:
    if len(bench.wishes.invoices) < count:
        raise Unsettled(SPOILT)
    return bench.wishes.invoices


READS = (
    Point("budget_line_items", "Does the account have the list of budget lines (BETA)?", "reads one project's budget", BudgetLines,
          budget_lines, writes=False),
    Point("code_pages", "Does the list of WBS codes tell that it goes on?", "reads one project's codes, a page at a time", Pages,
          code_pages, writes=False),
    Point("rate_limit", "Does Procore tell its limits?", "reads who the app is", RateLimit, rate_limit, writes=False),
    Point("project_numbers", "Are project numbers unique?", "reads the list of projects", Numbers, project_numbers, writes=False),
    Point("line_amounts", "Is a line's `gross_amount` of the period or to date?", "reads the invoices of some projects", LineAmounts,
          line_amounts, writes=False),
    Point("tax_in_payment_due", "Has `current_payment_due` the tax in it?", "reads the invoices of some projects", Tax, tax,
          writes=False),
)  # fmt: skip
WRITES = (
    Point("erp_status", "Does `erp_status` follow an origin id?", "writes one to the first `--invoice`", ErpStatus, erp_status),
    Point("origin_id_twice", "What answers a second invoice with one origin id?", "writes it to the second `--invoice`", OriginTwice,
          origin_twice),
    Point("origin_id_cleared", "Can an origin id be taken away again?", "empties it on both", Cleared, origin_cleared),
)  # fmt: skip
