"""Checks of Procore: the login, the projects visible to the app, and the tools it must read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from worker.clients.procore.client import Procore
from worker.domain.errors import NotFound, NotPermitted
from worker.domain.policy import Policy
from worker.domain.texts import first_few
from worker.domain.wbs_codes import Project
from worker.inspect.checks import Check, NamedCheck, failed, passed, warning
from worker.sync.books_currency import BooksCurrency
from worker.sync.projects import Projects

MAX_PROJECTS_READ = 3
MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class ProcoreChecks:
    """Sends a few read requests."""

    procore: Procore
    policy: Policy
    projects: Projects
    books_currency: BooksCurrency

    def checks(self) -> Iterator[NamedCheck]:
        """Return the checks in order, with their names."""
        yield "Procore login", self._login
        yield "Procore projects", self._projects_visible
        yield "PROJECT_IDS", self._project_ids
        yield "Project numbers", self._numbers
        yield "Procore budgets", lambda: self._readable("Budget", self._count_codes)
        yield "Procore invoices", lambda: self._readable("Commitments", self._count_invoices)
        yield "Currency", self._currency
        yield "Procore vendors", self._vendors

    def _login(self) -> Check:
        # A cached token may come from the previous secret and hide for an hour that the current one is wrong.
        self.procore.log_in()
        return passed(f"as {self.procore.who_am_i()}, company {self.procore.company_id}")

    def _projects_visible(self) -> Check:
        try:
            listed = self.projects.refresh()
        except (NotFound, NotPermitted) as error:
            fix = "Check PROCORE_COMPANY_ID, and that the app is installed in that company."
            return failed(f"the app has no access to company {self.procore.company_id} ({error})", fix)
        if not any(project.active for project in listed):
            fix = "Add the projects to the app's permitted projects in Procore. Updating or reinstalling the app resets that list."
            return failed("no active project is visible to the app", fix)
        return passed(f"{len(listed)} visible to the app, {len(self.projects.in_scope(listed))} active and in scope")

    def _project_ids(self) -> Check:
        if not self.policy.project_ids:
            return passed("empty: all projects that the app may see")
        listed = {project.id: project for project in self.projects.all()}
        unseen = [str(one) for one in sorted(self.policy.project_ids) if one not in listed]
        if unseen:
            fix = "Remove them from PROJECT_IDS, or add them to the app's permitted projects in Procore."
            return failed(f"the app does not see {first_few(unseen, MAX_NAMED)}", fix)
        idle = [listed[one].label for one in sorted(self.policy.project_ids) if not listed[one].active]
        if idle:
            return warning(
                f"not active, so no Items are created for {first_few(idle, MAX_NAMED)}; approved invoices are exported",
                "Remove them from PROJECT_IDS, or make them active in Procore.",
            )
        return passed(f"{len(self.policy.project_ids)} projects, all visible; other projects are not synced")

    def _numbers(self) -> Check:
        projects = self.projects.in_scope(self.projects.all())
        numberless = [project.label for project in projects if not project.number]
        times = Counter(project.number for project in projects if project.number)
        twice = [str(number) for number, count in times.items() if count > 1]
        if twice:
            fix = "Renumber all but one of each in Procore: their Items would have the same names, so no Item is created for a code that both have."
            return failed(f"more than one project has the number {first_few(twice, MAX_NAMED)}", fix)
        if numberless:
            return warning(
                f"no number: {first_few(numberless, MAX_NAMED)}",
                "Add a project number in Procore; no Items are created until then.",
            )
        return passed("every project has a unique number")

    def _readable(self, tool: str, read: Callable[[Project], str]) -> Check:
        """Check that a few projects can be read. One readable project shows that the app has the permission; an unreadable one may be due to that project."""
        refused = []
        for project in self.projects.in_scope(self.projects.all())[:MAX_PROJECTS_READ]:
            try:
                return passed(f"{project.label}: {read(project)}")
            except (NotFound, NotPermitted) as error:
                refused.append(f"{project.label}: {error}")
        if not refused:
            return warning("no project to check", "See the project checks above.")
        return failed("; ".join(refused), f"Grant the app permission on {tool}, and enable the tool in these projects.")

    def _currency(self) -> Check:
        """Check that the currency of the books is known, from the invoices listed or read so far."""
        setting = self.books_currency.setting
        if setting:
            return passed(f"{setting}: invoices in any other currency are blocked")
        currencies = self.books_currency.seen()
        if len(currencies) > 1:
            fix = "Set NETSUITE_CURRENCY to the currency of the books on all machines, then restart the processes."
            return failed(f"the Procore projects use {', '.join(currencies)}, so no invoice is billed", fix)
        if not currencies:
            fix = "Set NETSUITE_CURRENCY to the currency of the books; otherwise the first currency found in Procore is used."
            return warning("no invoice with a currency has been read yet, and NETSUITE_CURRENCY is empty", fix)
        return passed(
            f"{currencies[0]}, the only currency on Procore invoices; if the books use another, set NETSUITE_CURRENCY"
        )

    def _vendors(self) -> Check:
        """Check that the app may read the company Directory, by querying a vendor that is unlikely to exist. Raises Misconfigured if it may not."""
        projects = self.projects.in_scope(self.projects.all())
        if not projects:
            return warning("no project to check", "See the project checks above.")
        with suppress(NotFound, NotPermitted):
            self.procore.get_vendor(1, projects[0].id)
        return passed("can be queried")

    def _count_codes(self, project: Project) -> str:
        return f"{len(self.procore.list_budgeted_codes(project.id))} budgeted codes"

    def _count_invoices(self, project: Project) -> str:
        heads = self.procore.list_invoices(project.id, ["approved"])
        self.books_currency.note(head.base_currency for head in heads)
        return f"{len(heads)} approved invoices"
