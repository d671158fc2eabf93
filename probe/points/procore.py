"""Open points about Procore. All but the last three only read; those need invoices that may stay locked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from probe.answers import READ, PossibleAnswer, Settled, Unsettled
from probe.point import Point
from probe.session import ProbeSession
from worker.clients.procore.client import CODES_PER_PAGE
from worker.domain import money
from worker.domain.errors import Blocked, NotFound, NotPermitted

T = TypeVar("T")
MAX_PROJECTS = 5
MAX_INVOICES = 200
NO_INVOICE = "name invoices that may stay locked with --invoice: an origin id locks them"


class BudgetLines(PossibleAnswer):
    """Whether the account has the v2 list of budget lines (BETA)."""

    AVAILABLE = "available", "Budgeted codes are read from it."
    MISSING = (
        "missing",
        "Budgeted codes are read from a budget view, and their descriptions from the list of WBS codes.",
    )


class Pages(PossibleAnswer):
    """Whether the list of WBS codes shows that it continues."""

    LINKED = "linked", "The next page is requested as `Link` says."
    BY_COUNT = "by_count", "There is no `Link`, but pages are as long as requested: another page follows each full one."
    CUT_SHORT = (
        "cut_short",
        "Pages are shorter than requested and do not show that there are more: codes would be missed.",
        True,
    )


class RateLimit(PossibleAnswer):
    """Whether Procore reports its limits."""

    REPORTED = "reported", "All workers keep to the limits in the headers."
    SILENT = "silent", "wbs-sync learns of a limit only from a 429."


class Numbers(PossibleAnswer):
    """Whether project numbers are unique."""

    UNIQUE = "unique", "No two projects share a number today; names are compared across all projects anyway."
    REPEATED = "repeated", "Codes of such projects that would share a name are blocked (name_not_unique)."


class LineAmounts(PossibleAnswer):
    """What a line's gross_amount is."""

    THIS_PERIOD = "this_period", "Not used: the gross amount is computed from the totals to date."
    TO_DATE = "to_date", "Not used: the gross amount is computed from the totals to date."
    NEITHER = "neither", "Not used; the amount is unexplained.", True


class Tax(PossibleAnswer):
    """Whether the payment due includes the tax."""

    INCLUDED = "included", "If NETSUITE_TAX_ITEM_ID is set, the tax becomes a line of the bill."
    SEPARATE = "separate", "Invoices with tax are blocked: a bill of the payment due would not contain the tax."
    NEITHER = "neither", "Invoices with tax are blocked, and this one does not add up either way.", True


class ErpStatus(PossibleAnswer):
    """An invoice's ERP status after it got an origin id."""

    SYNCED = "synced", "People see in Procore that the invoice is synced."
    UNCHANGED = "unchanged", "People see in Procore only that the invoice cannot be edited."
    OTHER = "other", "Not used by wbs-sync; nobody has seen this status yet.", True


class OriginTwice(PossibleAnswer):
    """The response to a second invoice with the same origin id."""

    UNPROCESSABLE = "422", "The invoice is blocked as write_back_rejected."
    CONFLICT = "409", "The invoice is blocked as write_back_rejected."
    ACCEPTED = "accepted", "Procore lets two invoices name one bill; wbs-sync names each bill once."


class Cleared(PossibleAnswer):
    """Whether an origin id can be cleared."""

    CLEARED = "cleared", "A wrong link can be undone over the API."
    REFUSED = (
        "refused",
        "Only Procore's support or an ERP integration can undo a wrong link; this invoice keeps its origin id.",
    )


def budget_lines(session: ProbeSession) -> Settled:
    """Read one project's budget lines."""
    has_list = _first_readable(session, session.procore.has_budget_line_items)
    return Settled(BudgetLines.AVAILABLE if has_list else BudgetLines.MISSING, READ)


def code_pages(session: ProbeSession) -> Settled:
    """Read a page of one code and, if it names no next page, the longest page."""

    def of(project_id: int) -> Settled:
        page = partial(session.procore.codes_page, project_id)
        if page(page=1, per_page=1).next_page:
            return Settled(Pages.LINKED, READ)
        if not page(page=2, per_page=1).json():
            raise Unsettled("the project has one code at most")
        longest = len(page(page=1).json())
        is_cut = longest < CODES_PER_PAGE and bool(page(page=2).json())
        return Settled(Pages.CUT_SHORT if is_cut else Pages.BY_COUNT, READ, {"codes in a page": longest})

    return _first_readable(session, of)


def rate_limit(session: ProbeSession) -> Settled:
    """Read the rate limit header of a response."""
    limit = session.procore.rate_limit()
    if not limit:
        return Settled(RateLimit.SILENT, READ)
    return Settled(RateLimit.REPORTED, READ, {"of the nearer window": limit})


def project_numbers(session: ProbeSession) -> Settled:
    """Read the list of projects, inactive ones too."""
    numbers = [one.number for one in session.procore.list_projects() if one.number]
    repeated = len(numbers) - len(set(numbers))
    facts = {"projects with a number": len(numbers), "numbers repeated": repeated}
    return Settled(Numbers.REPEATED if repeated else Numbers.UNIQUE, READ, facts)


def line_amounts(session: ProbeSession) -> Settled:
    """Compare a line that was billed before: its amounts of the period and to date differ."""
    for invoice in _invoices(session):
        for line in invoice.get("items") or []:
            names = (
                "total_completed_and_stored_to_date",
                "total_completed_and_stored_to_date_from_previous",
                "gross_amount",
            )
            to_date, before, gross = (_amount(line, name) for name in names)
            if to_date is None or before is None or gross is None or not before or to_date == before:
                continue
            answers = {to_date: LineAmounts.TO_DATE, to_date - before: LineAmounts.THIS_PERIOD}
            return Settled(answers.get(gross, LineAmounts.NEITHER), READ)
    raise Unsettled("no invoice has a line that was billed before")


def tax(session: ProbeSession) -> Settled:
    """Compare the payment due of an invoice with tax with what was earned less what was certified before."""
    for invoice in _invoices(session):
        summary = invoice.get("summary") or {}
        names = ("tax_applicable_to_this_payment", "current_payment_due", "total_earned_less_retainage",
                 "less_previous_certificates_for_payment")  # fmt: skip
        of_payment, due, earned, before = (_amount(summary, name) for name in names)
        if not of_payment or due is None or earned is None or before is None:
            continue
        answers = {money.ZERO: Tax.SEPARATE, of_payment: Tax.INCLUDED}
        return Settled(answers.get(due - (earned - before), Tax.NEITHER), READ)
    raise Unsettled("no invoice has tax")


def erp_status(session: ProbeSession) -> Settled:
    """Write an origin id of the probe to the first invoice of --invoice."""
    project_id, invoice_id = _lockable_invoices(session, 1)[0]
    before = session.procore.raw_invoice(project_id, invoice_id)
    if before.get("origin_id"):
        raise Unsettled("the invoice of --invoice has an origin id already")
    session.procore.set_origin_id(before, session.origin_id)
    after = session.procore.raw_invoice(project_id, invoice_id)
    if after.get("origin_id") != session.origin_id:
        raise Unsettled("Procore accepted the origin id and does not show it")
    session.origin_invoices.append(after)
    status = str(after.get("erp_status"))
    if status == "synced":
        return Settled(ErpStatus.SYNCED)
    return Settled(ErpStatus.UNCHANGED if status == str(before.get("erp_status")) else ErpStatus.OTHER)


def origin_twice(session: ProbeSession) -> Settled:
    """Write the origin id of the first invoice of --invoice to the second."""
    project_id, invoice_id = _lockable_invoices(session, 2)[1]
    if not session.origin_invoices:
        raise Unsettled("the first invoice of --invoice did not get an origin id (erp_status)")
    second = session.procore.raw_invoice(project_id, invoice_id)
    try:
        session.procore.set_origin_id(second, session.origin_id)
    except Blocked as error:
        return Settled(OriginTwice.CONFLICT if str(error).startswith("409") else OriginTwice.UNPROCESSABLE)
    session.origin_invoices.append(session.procore.raw_invoice(project_id, invoice_id))
    return Settled(OriginTwice.ACCEPTED)


def origin_cleared(session: ProbeSession) -> Settled:
    """Clear the origin ids that were written; this also cleans up after these points."""
    if not session.origin_invoices:
        raise Unsettled(NO_INVOICE)
    for invoice in list(session.origin_invoices):
        try:
            session.procore.set_origin_id(invoice, None)
        except (Blocked, NotPermitted):
            continue
        if not session.procore.raw_invoice(invoice["project_id"], invoice["id"]).get("origin_id"):
            session.origin_invoices.remove(invoice)
    return Settled(Cleared.REFUSED if session.origin_invoices else Cleared.CLEARED)


def _first_readable(session: ProbeSession, read: Callable[[int], T]) -> T:
    for project in session.readable_projects()[:MAX_PROJECTS]:
        try:
            return read(project.id)
        except (NotFound, NotPermitted):
            continue
    raise Unsettled(f"none of {MAX_PROJECTS} projects may be read")


def _invoices(session: ProbeSession) -> Iterator[Mapping[str, Any]]:
    def of_all() -> Iterator[Mapping[str, Any]]:
        for project in session.readable_projects()[:MAX_PROJECTS]:
            try:
                yield from session.procore.raw_invoices(project.id)
            except (NotFound, NotPermitted):
                continue

    return islice(of_all(), MAX_INVOICES)


def _amount(record: Mapping[str, Any], name: str) -> Decimal | None:
    try:
        return money.amount(record.get(name))
    except ValueError:
        return None


def _lockable_invoices(session: ProbeSession, count: int) -> tuple[tuple[int, int], ...]:
    if len(session.options.invoices) < count:
        raise Unsettled(NO_INVOICE)
    return session.options.invoices


READS = (
    Point("budget_line_items", "Does the account have the list of budget lines (BETA)?", "reads one project's budget", BudgetLines,
          budget_lines, writes=False),
    Point("code_pages", "Does the list of WBS codes show that it continues?", "reads one project's codes, a page at a time", Pages,
          code_pages, writes=False),
    Point("rate_limit", "Does Procore report its limits?", "reads the user of the app", RateLimit, rate_limit, writes=False),
    Point("project_numbers", "Are project numbers unique?", "reads the list of projects", Numbers, project_numbers, writes=False),
    Point("line_amounts", "Is a line's `gross_amount` for the period or to date?", "reads the invoices of some projects", LineAmounts,
          line_amounts, writes=False),
    Point("tax_in_payment_due", "Does `current_payment_due` include the tax?", "reads the invoices of some projects", Tax, tax,
          writes=False),
)  # fmt: skip
WRITES = (
    Point("erp_status", "Does `erp_status` follow an origin id?", "writes one to the first `--invoice`", ErpStatus, erp_status),
    Point("origin_id_twice", "What is the response to a second invoice with the same origin id?", "writes it to the second `--invoice`",
          OriginTwice, origin_twice),
    Point("origin_id_cleared", "Can an origin id be cleared?", "clears it on both", Cleared, origin_cleared),
)  # fmt: skip
