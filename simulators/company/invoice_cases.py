"""The unusual subcontractor invoices. Each is recorded in `Company.cases` under its name, with the ids that it concerns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from simulators.company.accounts import OLD_COST_ITEM, RETAINAGE_ITEM, add_bill, enter_by_hand
from simulators.company.billing import Billed, Invoice, cents
from simulators.company.cast import Cast
from simulators.company.model import ZERO, Project, WbsCode
from simulators.company.subcontracts import one_invoice, percent_of
from simulators.company.world import Work, periods_of

BUDGET = Decimal("40000.00")
TEN = Decimal("10")
FEBRUARY, APRIL, MAY = 1, 3, 4  # indexes of a project's billing periods


def add_invoice_cases(cast: Cast, jobs: Iterator[Project], lines: int, distinct_codes: int) -> None:
    """Add one or two invoices for each case. The long one has `lines` lines with `distinct_codes` codes."""
    _unlinked_and_unfinished(cast, jobs)
    _shared_codes(cast, jobs)
    _odd_amounts(cast, jobs)
    _releases(cast, jobs)
    _odd_invoices(cast, jobs)
    _numbers_already_used(cast, jobs)
    _long_invoice(cast, next(jobs), lines, distinct_codes)


def _note(cast: Cast, case: str, invoice: Invoice, **more: object) -> None:
    codes = [line.contract_line.code.id for line in invoice.lines if line.contract_line.code]
    facts = {"invoice_id": invoice.id, "project_id": invoice.project_id, "vendor_id": invoice.vendor_id}
    cast.company.cases[case] = {**facts, "wbs_code_ids": list(dict.fromkeys(codes)), **more}


def _unlinked_and_unfinished(cast: Cast, jobs: Iterator[Project]) -> None:
    company = cast.company
    assert cast.ambiguous_vendor is not None
    for case, vendor in (("vendor_not_linked", cast.unlinked_vendors[0]), ("vendor_ambiguous", cast.ambiguous_vendor)):
        project = next(jobs)
        code = cast.fresh_code(project, BUDGET)
        _note(cast, case, one_invoice(company, project, vendor, [(code, Decimal("8350.75"))]))
    for case, status in (("draft_invoice", "draft"), ("under_review_invoice", "under_review")):
        project = next(jobs)
        code = cast.fresh_code(project, BUDGET)
        _note(
            cast, case, one_invoice(company, project, cast.next_vendor(), [(code, Decimal("4100.00"))], status=status)
        )
    project = next(jobs)
    foreign = one_invoice(
        company, project, cast.next_vendor(), [(cast.fresh_code(project, BUDGET), Decimal("5150.00"))]
    )
    foreign.origin_id = "sage-991"
    _note(cast, "foreign_origin_id", foreign, origin_id="sage-991")


def _shared_codes(cast: Cast, jobs: Iterator[Project]) -> None:
    company = cast.company
    for case, budget in (("shared_new_code", None), ("shared_budgeted_code", BUDGET)):
        project = next(jobs)
        code = cast.fresh_code(project, budget)
        amounts = (Decimal("7000.00"), Decimal("3333.33"))
        pair = [one_invoice(company, project, cast.next_vendor(), [(code, amount)]) for amount in amounts]
        _note(cast, case, pair[0], wbs_code_id=code.id, invoice_ids=[invoice.id for invoice in pair])
    project = next(jobs)
    code = cast.fresh_code(project)
    invoice = one_invoice(company, project, cast.next_vendor(), [(code, Decimal("2875.40"))])
    _note(cast, "unbudgeted_code_invoice", invoice, wbs_code_id=code.id)


def _odd_amounts(cast: Cast, jobs: Iterator[Project]) -> None:
    company = cast.company
    project = next(jobs)
    idle = company.open_subcontract(project, cast.next_vendor(), [Work(cast.fresh_code(project, BUDGET), BUDGET)])
    _note(cast, "zero_invoice", company.bill(idle, periods_of(project)[APRIL], [(idle.lines[0], Billed())]))
    project = next(jobs)
    code = cast.fresh_code(project, BUDGET)
    works = [Work(code, BUDGET), Work(code, Decimal("-9000.00"), "CO 01: deleted scope", "change_order_item")]
    reduced = company.open_subcontract(project, cast.next_vendor(), works)
    amounts = (Decimal("1000.00"), Decimal("-4500.00"))
    billed = [
        (line, Billed(work=amount, held=percent_of(amount, TEN)))
        for line, amount in zip(reduced.lines, amounts, strict=True)
    ]
    _note(cast, "net_negative_invoice", company.bill(reduced, periods_of(project)[APRIL], billed))
    project = next(jobs)
    code = cast.fresh_code(project, BUDGET)
    loose = one_invoice(company, project, cast.next_vendor(), [(code, Decimal("9999.99"))], off_by=Decimal("0.01"))
    _note(cast, "invoice_does_not_tie", loose)


def _releases(cast: Cast, jobs: Iterator[Project]) -> None:
    """Add releases of retainage: alone on the invoice, or more than the invoice withholds on its work."""
    company = cast.company
    works = {"release_only_invoice": ZERO, "retainage_due_invoice": Decimal("3000.00")}
    for case, work in works.items():
        project = next(jobs)
        subcontract = company.open_subcontract(
            project, cast.next_vendor(), [Work(cast.fresh_code(project, BUDGET), BUDGET)]
        )
        line, periods = subcontract.lines[0], periods_of(project)
        earlier = company.bill(
            subcontract, periods[FEBRUARY], [(line, Billed(work=Decimal("30000.00"), held=Decimal("3000.00")))]
        )
        enter_by_hand(company, earlier)
        now = Billed(work=work, held=percent_of(work, TEN), released=Decimal("3000.00"))
        _note(cast, case, company.bill(subcontract, periods[APRIL], [(line, now)]), previous_invoice_id=earlier.id)


def _odd_invoices(cast: Cast, jobs: Iterator[Project]) -> None:
    company = cast.company
    project = next(jobs)
    late = one_invoice(
        company, project, cast.next_vendor(), [(cast.fresh_code(project, BUDGET), Decimal("6120.00"))], month=2
    )
    late.billing_date = dt.date(2026, 2, 25)
    _note(cast, "closed_period_invoice", late)
    project = next(jobs)
    amounts = [(cast.fresh_code(project, BUDGET), Decimal("2500.00")), (None, Decimal("750.00"))]
    _note(cast, "line_without_wbs_code", one_invoice(company, project, cast.next_vendor(), amounts))
    project = next(jobs)
    abroad = one_invoice(
        company, project, cast.next_vendor(), [(cast.fresh_code(project, BUDGET), Decimal("11200.00"))]
    )
    abroad.commitment.currency, abroad.commitment.exchange_rate = "CAD", Decimal("0.7312")
    _note(cast, "multi_currency_invoice", abroad)


def _numbers_already_used(cast: Cast, jobs: Iterator[Project]) -> None:
    """Add bills entered by hand in NetSuite with the document number of an approved invoice."""
    company = cast.company
    by_hand = company.cases["item_by_hand"]
    project = company.projects[by_hand["project_id"]]
    equal = one_invoice(
        company, project, cast.next_vendor(), [(project.codes[by_hand["wbs_code_id"]], Decimal("5400.00"))]
    )
    gross, held = Decimal("5400.00"), Decimal("-540.00")
    _bill_again(cast, "same_number_same_vendor_equal", equal, [(by_hand["item_id"], gross), (RETAINAGE_ITEM, held)])
    project = next(jobs)
    different = one_invoice(
        company, project, cast.next_vendor(), [(cast.fresh_code(project, BUDGET), Decimal("7750.00"))]
    )
    _bill_again(cast, "same_number_same_vendor_different", different, [(OLD_COST_ITEM, Decimal("1234.56"))])
    project = next(jobs)
    number = "1007"  # a number that several subcontractors may use
    mine = one_invoice(
        company,
        project,
        cast.next_vendor(),
        [(cast.fresh_code(project, BUDGET), Decimal("3600.00"))],
        invoice_number=number,
    )
    other = company.vendor_links[cast.next_vendor().id]
    _bill_again(cast, "same_number_other_vendor", mine, [(OLD_COST_ITEM, Decimal("3240.00"))], entity=other)


def _bill_again(
    cast: Cast, case: str, invoice: Invoice, lines: list[tuple[str, Decimal]], entity: str | None = None
) -> None:
    company = cast.company
    bill = add_bill(
        company,
        entity or company.vendor_links[invoice.vendor_id],
        invoice.invoice_number,
        invoice.billing_date,
        lines,
        job=company.job_links[invoice.project_id],
        memo="Typed in by accounting",
    )
    _note(cast, case, invoice, bill_id=bill.id, invoice_number=invoice.invoice_number)


def _long_invoice(cast: Cast, project: Project, lines: int, distinct_codes: int) -> None:
    """Add an invoice with all budgeted codes that a subcontract may use and codes that are not budgeted, repeated until it has `lines` lines."""
    rng = cast.company.rng
    codes: list[WbsCode] = [code for code in project.budgeted_codes() if code in _untroubled(cast, project)][:40]
    codes += [cast.fresh_code(project) for _ in range(distinct_codes - len(codes))]
    amounts = [
        (codes[place % distinct_codes], cents(Decimal(rng.randrange(10_000, 900_000)) / 100)) for place in range(lines)
    ]
    _note(cast, "invoice_300_lines", one_invoice(cast.company, project, cast.next_vendor(), amounts, month=MAY))


def _untroubled(cast: Cast, project: Project) -> list[WbsCode]:
    """Return the codes of the project that no other case uses."""
    claimed: set[int] = set()
    for facts in cast.company.cases.values():
        claimed.update(facts.get("wbs_code_ids", ()))
        claimed.update(pair["wbs_code_id"] for pair in facts.get("codes", ()))
        claimed.update({facts["wbs_code_id"]} if "wbs_code_id" in facts else ())
    return [code for code in project.codes.values() if code.id not in claimed and code.status == "active"]
