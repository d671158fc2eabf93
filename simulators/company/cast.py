"""The ordinary records of a company: its projects, codes, budgets, vendors and subcontracts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import cycle

from simulators.company.accounts import link_job, link_vendor
from simulators.company.billing import cents
from simulators.company.catalogue import CITIES, JOBS, SUBCONTRACTORS
from simulators.company.codes import Template
from simulators.company.model import ZERO, Project, Vendor, WbsCode
from simulators.company.subcontracts import bill_series, plan_works
from simulators.company.world import Company

# Invoices of a subcontract: the first month billed, and the status of each monthly invoice. Months 1 and 2 are closed.
Series = tuple[int, tuple[str, ...]]
SERIES: tuple[Series, ...] = (
    (2, ("approved", "approved", "approved", "draft")),
    (2, ("approved", "approved", "approved", "approved", "pending_owner_approval")),
    (3, ("approved", "approved", "approved_as_noted")),
    (1, ("approved", "approved", "approved", "approved", "under_review")),
    (3, ("approved", "approved")),
    (4, ("approved", "revise_and_resubmit")),
)
# Invoices at the end of April (month 4): most subcontracts bill their first month, some have several earlier invoices.
APRIL_SERIES: tuple[Series, ...] = (
    (4, ("approved",)),
    (4, ("approved_as_noted",)),
    (1, ("approved", "approved", "approved", "approved")),
    (2, ("approved", "approved", "approved")),
    (4, ("approved",)),
    (3, ("approved", "draft")),
    (4, ("approved",)),
    (4, ("under_review",)),
)
DESCRIPTIONS = ("footings and walls", "levels 1 to 3", "east wing", "per addendum 2", "allowance")
MAX_CODES = 900  # usual codes of a project; more than any case needs


@dataclass(slots=True)
class Cast:
    """The records on which the cases are built. `jobs`: projects without errors; `good_vendors`: linked vendors."""

    company: Company
    jobs: list[Project] = field(default_factory=list)
    good_vendors: list[Vendor] = field(default_factory=list)
    ambiguous_vendor: Vendor | None = None
    unlinked_vendors: list[Vendor] = field(default_factory=list)
    _spare: dict[int, Iterator[Template]] = field(default_factory=dict)
    _turn: Iterator[Vendor] | None = None

    def next_vendor(self) -> Vendor:
        """Return the next linked vendor, in rotation."""
        if self._turn is None:
            self._turn = cycle(self.good_vendors)
        return next(self._turn)

    def fresh_code(self, project: Project, budget: Decimal | None = None, *, status: str = "active") -> WbsCode:
        """Add a code to `project` that nothing else uses; budgeted if `budget` is given."""
        if project.id not in self._spare:
            taken = {code.flat_code for code in project.codes.values()}
            usual = self.company.code_list.usual(MAX_CODES)
            self._spare[project.id] = iter([each for each in usual if each.flat_code not in taken])
        return self.company.add_code(project, next(self._spare[project.id]), budget, status=status)

    def hire(self, count: int) -> None:
        """Add `count` vendors: most are linked by origin id, some only by external id or name, one is ambiguous, and two are not in NetSuite."""
        for place, name in enumerate(SUBCONTRACTORS[:count]):
            vendor = self.company.add_vendor(name, CITIES[place % len(CITIES)])
            how = "name" if place == 0 else {2: "external_id", 4: "name"}.get(place % 6, "origin_id")
            if place >= count - 2:
                how = "nothing"
                self.unlinked_vendors.append(vendor)
            elif place == count - 3:
                how = "ambiguous"
                self.ambiguous_vendor = vendor
            else:
                self.good_vendors.append(vendor)
            link_vendor(self.company, vendor, how)

    def start_job(
        self,
        number: str | None,
        codes: tuple[int, int],
        *,
        by_origin_id: bool = True,
        linked: bool = True,
        buildings: bool = False,
    ) -> Project:
        """Add a project with its NetSuite job. `codes`: minimum and maximum of its WBS codes, of which five in six are budgeted."""
        company = self.company
        place = len(company.projects)
        project = company.add_project(number, JOBS[place % len(JOBS)], CITIES[place % len(CITIES)], buildings=buildings)
        if linked:
            link_job(company, project, by_origin_id=by_origin_id)
        for position, template in enumerate(company.code_list.usual(company.rng.randint(*codes), buildings)):
            budget = None if position % 6 == 5 else self._budget()
            note = (
                f"{template.items[0].name}, {company.rng.choice(DESCRIPTIONS)}" if company.rng.random() < 0.2 else None
            )
            company.add_code(project, template, budget, description=note)
        return project

    def _budget(self) -> Decimal:
        rng = self.company.rng
        return ZERO if rng.random() < 0.06 else cents(Decimal(rng.randrange(500_000, 60_000_000)) / 100)

    def subcontract_codes(self, project: Project) -> list[WbsCode]:
        """Return the budgeted codes that an ordinary subcontract may bill."""
        return [code for code in project.budgeted_codes() if code.items[1].code == "S" and code.status == "active"]

    def let_subcontracts(self, count: int, series: Sequence[Series]) -> None:
        """Add `count` ordinary subcontracts to the jobs, each with one of the `series` of invoices."""
        company = self.company
        for place in range(count):
            project = self.jobs[place % len(self.jobs)]
            pool = self.subcontract_codes(project)
            codes = company.rng.sample(pool, min(len(pool), company.rng.randint(2, 5)))
            works = plan_works(company.rng, codes, changes=place % 2 == 0)
            percent = Decimal("5") if place % 4 == 3 else Decimal("10")
            commitment = company.open_subcontract(project, self.next_vendor(), works, retainage_percent=percent)
            bill_series(company, commitment, *series[place % len(series)])
