"""Procore: the login, the projects that the app may see, and the two tools it has to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from worker.clients.procore.client import Procore
from worker.domain.errors import NotFound, NotPermitted
from worker.domain.wbs_codes import Project
from worker.services.books_currency import BooksCurrency
from worker.services.checks.check import Check, Look, doubt, fault, well
from worker.services.projects import Projects

PROJECTS_TRIED = 3
NAMED = 5


class ProcoreChecks:
    """Reads a little. `only`: the ids of PROJECT_IDS, empty for all."""

    def __init__(
        self, *, procore: Procore, projects: Projects, only: Collection[int], books_currency: BooksCurrency
    ) -> None:
        self._procore = procore
        self._projects = projects
        self._only = only
        self._books_currency = books_currency

    def looks(self) -> Iterator[Look]:
        """All of them."""
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
        self._procore.log_in()
        return well("Procore login", f"as {self._procore.who_am_i()}, company {self._procore.company_id}")

    def _some_project(self) -> Check:
        name = "Procore projects"
        try:
            listed = self._projects.refresh()
        except (NotFound, NotPermitted) as error:
            cure = "Check PROCORE_COMPANY_ID, and that the app is installed in that company."
            return fault(
                name, f"Procore lets the app read nothing of company {self._procore.company_id} ({error})", cure
            )
        if not any(project.active for project in listed):
            cure = "Add the projects to the app's permitted projects in Procore; an update or a reinstallation of the app resets that list."
            return fault(name, "no active project is visible to the app", cure)
        return well(
            name, f"{len(listed)} visible to the app, {len(self._projects.in_scope(listed))} active and in scope"
        )

    def _pilot(self) -> Check:
        name = "PROJECT_IDS"
        if not self._only:
            return well(name, "empty: all projects that the app may see")
        listed = {project.id: project for project in self._projects.all()}
        unseen = [str(one) for one in self._only if one not in listed]
        if unseen:
            cure = "Take them out, or add them to the app's permitted projects in Procore."
            return fault(name, f"the app does not see {_some(unseen)}", cure)
        idle = [listed[one].label for one in self._only if not listed[one].active]
        if idle:
            return doubt(
                name,
                f"not active, so no Items are made for {_some(idle)}; approved invoices are exported",
                "Take them out, or make them active in Procore.",
            )
        return well(name, f"{len(self._only)} projects, all visible; nothing is done for others")

    def _numbers(self) -> Check:
        name, projects = "Project numbers", self._projects.in_scope(self._projects.all())
        numberless = [project.label for project in projects if not project.number]
        times = Counter(project.number for project in projects if project.number)
        twice = [str(number) for number, count in times.items() if count > 1]
        if twice:
            cure = "Renumber all but one of each in Procore: their Items would have the same names, so none is made for a code that both have."
            return fault(name, f"more than one project has the number {_some(twice)}", cure)
        if numberless:
            return doubt(
                name, f"none: {_some(numberless)}", "Give them a number in Procore; until then they get no Items."
            )
        return well(name, "every project has one of its own")

    def _readable(self, name: str, tool: str, read: Callable[[Project], str]) -> Check:
        """Whether a few projects can be read: one that can shows the app's permission, one that cannot may be a project's own matter."""
        refused = []
        for project in self._projects.in_scope(self._projects.all())[:PROJECTS_TRIED]:
            try:
                return well(name, f"{project.label}: {read(project)}")
            except (NotFound, NotPermitted) as error:
                refused.append(f"{project.label}: {error}")
        if not refused:
            return doubt(name, "no project to look at", "See the checks of projects above.")
        return fault(
            name,
            "; ".join(refused),
            f"Give the app the permission on {tool}, and switch the tool on in these projects.",
        )

    def _currency(self) -> Check:
        """Whether it is known which currency the books are in, by the invoices that were listed or read so far."""
        name, setting = "Currency", self._books_currency.setting
        if setting:
            return well(name, f"{setting}: invoices in any other are blocked")
        seen = self._books_currency.seen()
        if len(seen) > 1:
            cure = "Set NETSUITE_CURRENCY to the currency of the books, on all machines, and start the processes again."
            return fault(name, f"Procore's projects are in {', '.join(seen)}, so no invoice is billed", cure)
        if not seen:
            cure = "Set NETSUITE_CURRENCY to the currency of the books; otherwise the first one that Procore names counts as theirs."
            return doubt(name, "no invoice has named one yet, and NETSUITE_CURRENCY is empty", cure)
        return well(name, f"{seen[0]}, the only one on Procore's invoices; if the books differ, set NETSUITE_CURRENCY")

    def _vendors(self) -> Check:
        """Whether the app may read the company's Directory, by asking for a vendor that hardly exists. Raises Misconfigured where not."""
        projects = self._projects.in_scope(self._projects.all())
        if not projects:
            return doubt("Procore vendors", "no project to look at", "See the checks of projects above.")
        with suppress(NotFound, NotPermitted):
            self._procore.get_vendor(1, projects[0].id)
        return well("Procore vendors", "can be looked up")

    def _count_codes(self, project: Project) -> str:
        return f"{len(self._procore.list_budgeted_codes(project.id))} budgeted codes"

    def _count_invoices(self, project: Project) -> str:
        heads = self._procore.list_invoices(project.id, ["approved"])
        self._books_currency.note(head.base_currency for head in heads)
        return f"{len(heads)} approved invoices"


def _some(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
