"""Builds a company from a seed: the same seed and profile give the same company, to the last id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import count, cycle, islice
from random import Random

from simulators.company.accounts import link_job, link_vendor, opening_books
from simulators.company.billing import Invoice, cents
from simulators.company.cast import APRIL_SERIES, SERIES, Cast, Series
from simulators.company.catalogue import CITIES, SUBCONTRACTORS
from simulators.company.code_cases import add_code_cases, add_project_cases
from simulators.company.codes import CodeList
from simulators.company.ids import Ids
from simulators.company.invoice_cases import add_invoice_cases
from simulators.company.subcontracts import one_invoice
from simulators.company.world import Company

LARGE = re.compile(r"large:([0-9]{1,7})x([0-9]{1,7})(?::([0-9]{1,7}))?")
MAX_CODES = 2_000_000
"""More codes than any contractor has; they need some gigabytes of memory."""
AWKWARD_PROJECTS = 6


def build_company(seed: int = 1, profile: str = "demo") -> Company:
    """Return a contractor with its NetSuite books.

    `profile`: "demo" (24 projects, about 1,100 budgeted codes), "month" (30 projects at the end of April, with 200 approved invoices that the
    app may read), "test" (6 projects without errors and one of each unusual kind) or "large:PxC" (P projects without errors with C budgeted
    codes each; with ":N" at the end N approved invoices). Raises ValueError for any other.
    """
    large = LARGE.fullmatch(profile)
    if large:
        projects, codes, invoices = (int(group or 0) for group in large.groups())
        if projects * codes > MAX_CODES or projects * invoices > MAX_CODES:
            raise ValueError(f'"{profile}" would have more than {MAX_CODES} codes or invoices')
        return _large(_empty(seed, profile), projects, codes, invoices)
    if profile == "demo":
        return _cased(
            _empty(seed, profile), jobs=18, codes=(46, 66), vendors=45, subcontracts=20, troubled=8, long_codes=300
        ).company
    if profile == "month":
        return _month(_empty(seed, profile), projects=30, invoices=200)
    if profile == "test":
        return _cased(
            _empty(seed, profile), jobs=6, codes=(11, 13), vendors=10, subcontracts=2, troubled=4, long_codes=120
        ).company
    raise ValueError(f'no profile "{profile}"; known: demo, month, test, large:PxC, large:PxC:N')


def _empty(seed: int, profile: str) -> Company:
    rng = Random(f"{seed}/{profile}")
    ids = Ids(rng)
    return Company(
        company_id=ids.take("company"),
        name="Granite & Pine Builders",
        seed=seed,
        profile=profile,
        rng=rng,
        ids=ids,
        code_list=CodeList(ids),
        netsuite=opening_books(),
    )


def _cased(
    company: Company,
    *,
    jobs: int,
    codes: tuple[int, int],
    vendors: int,
    subcontracts: int,
    troubled: int,
    long_codes: int,
    series: Sequence[Series] = SERIES,
) -> Cast:
    """Add `jobs` projects without errors and the six unusual ones. Unusual codes and invoices are in the last `troubled` of the former."""
    cast = Cast(company)
    cast.hire(vendors)
    ordinary = (f"24-{place:03d}" for place in count(1) if place != 17)
    numbers = [*islice(ordinary, jobs - 2), "24-017", "24"]
    for place, number in enumerate(numbers):
        by_origin_id = place % 5 != 4
        cast.jobs.append(cast.start_job(number, codes, by_origin_id=by_origin_id, buildings=place % 5 == 1))
    cast.let_subcontracts(subcontracts, series)
    turns = cycle(cast.jobs[-troubled:])
    add_code_cases(cast, turns)
    add_project_cases(cast, codes)
    add_invoice_cases(cast, turns, lines=300, distinct_codes=long_codes)
    return cast


def _month(company: Company, *, projects: int, invoices: int) -> Company:
    """Add the subcontracts of the end of April: some with several invoices, and as many with their first invoice as are needed for `invoices`
    approved ones that can be read.
    """
    jobs = projects - AWKWARD_PROJECTS
    cast = _cased(
        company, jobs=jobs, codes=(16, 24), vendors=45, subcontracts=60, troubled=8, long_codes=120, series=APRIL_SERIES
    )
    for project in islice(cycle(cast.jobs), invoices - len(_approved(company))):
        codes = company.rng.sample(cast.subcontract_codes(project), company.rng.randint(1, 4))
        amounts = [(code, cents(Decimal(company.rng.randrange(80_000, 4_000_000)) / 100)) for code in codes]
        one_invoice(company, project, cast.next_vendor(), amounts)
    return company


def _approved(company: Company) -> list[Invoice]:
    """Return the approved invoices that the app may read."""
    readable = {each.id for each in company.projects.values() if each.permitted and not each.tools_disabled}
    return [each for each in company.invoices.values() if each.status == "approved" and each.project_id in readable]


def _large(company: Company, projects: int, codes: int, invoices: int) -> Company:
    """Add many similar projects, for volume."""
    for place, name in enumerate(SUBCONTRACTORS):
        link_vendor(company, company.add_vendor(name, CITIES[place % len(CITIES)]), "origin_id")
    templates = company.code_list.usual(codes)
    for place in range(projects):
        number = f"{20 + place // 1000}-{place % 1000:03d}"
        project = company.add_project(number, f"Site {place + 1:05d}", CITIES[place % len(CITIES)])
        link_job(company, project, by_origin_id=True)
        for template in templates:
            company.add_code(project, template, Decimal("10000.00"))
    jobs, vendors = list(company.projects.values()), list(company.vendors.values())
    for place in range(invoices):
        project = jobs[place % len(jobs)]
        lines = company.rng.sample(project.budgeted_codes(), min(5, codes))
        amounts = [(code, cents(Decimal(company.rng.randrange(50_000, 2_000_000)) / 100)) for code in lines]
        one_invoice(company, project, vendors[place % len(vendors)], amounts)
    return company
