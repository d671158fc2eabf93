"""Checks of Procore: the login, the projects visible to the app, and the tools it must read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

from worker.clients.procore.client import Procore
from worker.domain.errors import NotFound, NotPermitted
from worker.domain.policy import Policy
from worker.domain.wbs_codes import Project
from worker.inspect.checks.check import Check, Look, doubt, fault, well
from worker.sync.books_currency import BooksCurrency
from worker.sync.projects import Projects

PROJECTS_TRIED = 3
NAMED = 5


@dataclass(frozen=True, slots=True)
class ProcoreChecks:
    """Runs a few read requests. `only`: the ids of PROJECT_IDS, empty for all."""

    procore: Procore
    policy: Policy
    projects: Projects
    books_currency: BooksCurrency

    def looks(self) -> Iterator[Look]:
        """Return these checks."""
        yield "Procore login", self._login
        yield "Procore projects", self._some_project
        yield "PROJECT_IDS", self._pilot
        yield "Project numbers", self._numbers
        yield "Procore budgets", lambda: self._readable("Procore budgets", "Budget", self._count_codes)
        yield "Procore invoices", lambda: self._readable("Procore invoices", "Commitments", self._count_invoices)
        yield "Currency", self._currency
        yield "Procore vendors", self._vendors

    def _login(self) -> Check:
        # A token at hand may be of the secret before this one, and hide for an hour that this one is wrong.
        self.procore.log_in()
        return well("Procore login", f"as {self.procore.who_am_i()}, company {self.procore.company_id}")

    def _some_project(self) -> Check:
        name = "Procore projects"
        try:
            listed = self.projects.refresh()
        except (NotFound, NotPermitted) as error:
            cure = "Check PROCORE_COMPANY_ID, and that the app is installed in that company."
            return fault(name, f"the app has no access to company {self.procore.company_id} ({error})", cure)
        if not any(project.active for project in listed):
            cure = "Add the projects to the app's permitted projects in Procore. Updating or reinstalling the app resets that list."
            return fault(name, "no active project is visible to the app", cure)
        return well(
            name, f"{len(listed)} visible to the app, {len(self.projects.in_scope(listed))} active and in scope"
        )

    def _pilot(self) -> Check:
        name = "PROJECT_IDS"
        if not self.policy.project_ids:
            return well(name, "empty: all projects that the app may see")
        listed = {project.id: project for project in self.projects.all()}
        unseen = [str(one) for one in self.policy.project_ids if one not in listed]
        if unseen:
            cure = "Remove them from PROJECT_IDS, or add them to the app's permitted projects in Procore."
            return fault(name, f"the app does not see {_some(unseen)}", cure)
        idle = [listed[one].label for one in self.policy.project_ids if not listed[one].active]
        if idle:
            return doubt(
                name,
                f"not active, so no Items are created for {_some(idle)}; approved invoices are exported",
                "Remove them from PROJECT_IDS, or make them active in Procore.",
            )
        return well(name, f"{len(self.policy.project_ids)} projects, all visible; other projects are not synced")

    def _numbers(self) -> Check:
        name, projects = "Project numbers", self.projects.in_scope(self.projects.all())
        numberless = [project.label for project in projects if not project.number]
        times = Counter(project.number for project in projects if project.number)
        twice = [str(number) for number, count in times.items() if count > 1]
        if twice:
            cure = "Renumber all but one of each in Procore: their Items would have the same names, so no Item is created for a code that both have."
            return fault(name, f"more than one project has the number {_some(twice)}", cure)
        if numberless:
            return doubt(
                name,
                f"no number: {_some(numberless)}",
                "Add a project number in Procore; no Items are created until then.",
            )
        return well(name, "every project has a unique number")

    def _readable(self, name: str, tool: str, read: Callable[[Project], str]) -> Check:
        """Check that a few projects can be read. One readable project shows that the app has the permission; an unreadable one may be due to that project."""
        refused = []
        for project in self.projects.in_scope(self.projects.all())[:PROJECTS_TRIED]:
            try:
                return well(name, f"{project.label}: {read(project)}")
            except (NotFound, NotPermitted) as error:
                refused.append(f"{project.label}: {error}")
        if not refused:
            return doubt(name, "no project to check", "See the project checks above.")
        return fault(
            name,
            "; ".join(refused),
            f"Grant the app permission on {tool}, and enable the tool in these projects.",
        )

    def _currency(self) -> Check:
        """Check that the currency of the books is known, from the invoices listed or read so far."""
        name, setting = "Currency", self.books_currency.setting
        if setting:
            return well(name, f"{setting}: invoices in any other currency are blocked")
        seen = self.books_currency.seen()
        if len(seen) > 1:
            cure = "Set NETSUITE_CURRENCY to the currency of the books on all machines, then restart the processes."
            return fault(name, f"the Procore projects use {', '.join(seen)}, so no invoice is billed", cure)
        if not seen:
            cure = "Set NETSUITE_CURRENCY to the currency of the books; otherwise the first currency found in Procore is used."
            return doubt(name, "no invoice with a currency has been read yet, and NETSUITE_CURRENCY is empty", cure)
        return well(
            name, f"{seen[0]}, the only currency on Procore invoices; if the books use another, set NETSUITE_CURRENCY"
        )

    def _vendors(self) -> Check:
        """Check that the app may read the company Directory, by querying a vendor that is unlikely to exist. Raises Misconfigured if it may not."""
        projects = self.projects.in_scope(self.projects.all())
        if not projects:
            return doubt("Procore vendors", "no project to check", "See the project checks above.")
        with suppress(NotFound, NotPermitted):
            self.procore.get_vendor(1, projects[0].id)
        return well("Procore vendors", "can be queried")

    def _count_codes(self, project: Project) -> str:
        return f"{len(self.procore.list_budgeted_codes(project.id))} budgeted codes"

    def _count_invoices(self, project: Project) -> str:
        heads = self.procore.list_invoices(project.id, ["approved"])
        self.books_currency.note(head.base_currency for head in heads)
        return f"{len(heads)} approved invoices"


def _some(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
