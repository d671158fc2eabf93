"""The company's projects: listed from Procore when the list at hand is old, limited to those this installation is for."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from worker.clients.fields import OddRow
from worker.clients.procore.client import Procore
from worker.domain.errors import NoRoom
from worker.domain.wbs_codes import Project
from worker.store.projects import ProjectList

FRESH_SECONDS = 900.0
"""A list younger than this serves the export of one invoice; a scan and an export of all take a new one."""
READING_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.1
INACTIVE_SECONDS = 86_400.0
"""How often the invoices of an inactive project are listed once all of them are exported: hardly any changes there."""
MAX_INACTIVE = 200
"""Inactive projects in one run: a company may have thousands, and each takes requests of its own."""


@dataclass(slots=True)
class ListedProjects:
    """What a new list has for this installation, as ids: ten thousand projects are never held at once.

    `to_scan`: active ones. `with_invoices`: those whose invoices a run lists. `unreadable`: rows that are not as published, and how.
    """

    to_scan: list[int] = field(default_factory=list)
    with_invoices: list[int] = field(default_factory=list)
    unreadable: list[OddRow] = field(default_factory=list)


class Projects:
    """Look-ups in the list of projects. `only`: ids of a pilot; empty = all that the app may see. `confirmed`: called when Procore has shown a
    project of the company of the settings, before the list is kept.
    """

    def __init__(
        self, procore: Procore, listed: ProjectList, *, only: Collection[int], confirmed: Callable[[], None]
    ) -> None:
        self._procore = procore
        self._listed = listed
        self._only = frozenset(only)
        self._confirmed = confirmed

    def refresh(self) -> Sequence[Project]:
        """Take a new list from Procore: all projects, inactive ones too."""
        self.list_anew()
        return self._listed.all()

    def list_anew(self) -> ListedProjects:
        """Take a new list from Procore, for a caller that needs only ids. Others who need a list meanwhile wait for this one."""
        token = self._listed.claim()
        try:
            return self._list(token or "")
        finally:
            if token:
                self._listed.release(token)

    @property
    def pilot(self) -> Sequence[int]:
        """The ids that PROJECT_IDS names; none = all projects."""
        return sorted(self._only)

    def out_of_sight(self, project_ids: Sequence[int]) -> list[int]:
        """Those of some projects that the list at hand does not have: the app does not see them."""
        return self._listed.without(project_ids)

    def outdate(self) -> None:
        """The next look-up takes a new list."""
        self._listed.outdate()

    def all(self) -> Sequence[Project]:
        """The list at hand, taken anew when it is old."""
        listed = self._listed.all_younger_than(FRESH_SECONDS)
        if listed is not None:
            return listed
        self._renew()
        return self._listed.all()

    def get(self, project_id: int) -> Project | None:
        """One project; None when the app cannot see it. One that the list at hand does not have is asked for by itself."""
        age, found = self._listed.aged(project_id)
        if age >= FRESH_SECONDS:
            self._renew()
            found = self._listed.get(project_id)
        if found is None and (found := self._procore.find_project(project_id)):
            self._listed.add(found)
        return found

    def in_scope(self, projects: Iterable[Project]) -> list[Project]:
        """Active ones that this installation is for; templates and Procore's sample project are nobody's."""
        return [one for one in projects if one.active and not self.why_left_out(one)]

    def with_invoices(self, projects: Sequence[Project]) -> list[Project]:
        """Those whose invoices a run lists that somebody asks for: active and inactive ones.

        A project is often made inactive at its close-out while the release of its retainage is approved and has no bill yet. A run of
        the schedule leaves out inactive ones that were listed within a day.
        """
        usable = [one for one in projects if not self.why_left_out(one)]
        listed = set(self._inactive_to_list([one.id for one in usable if not one.active], {}))
        return [one for one in usable if one.active or one.id in listed]

    def ask_for_all(self) -> None:
        """Somebody asks for a run: it lists inactive projects again."""
        self._listed.forget_looks(self._listed.looks())

    def to_compare(self, projects: Iterable[Project], worked_on: Collection[int]) -> list[Project]:
        """Those that a comparison looks at: active ones, and inactive ones in which something was done."""
        ids = frozenset(worked_on)
        return [one for one in projects if not self.why_left_out(one) and (one.active or one.id in ids)]

    def note_listed(self, project: Project, *, left: bool, refused: str = "") -> None:
        """The invoices of a project were listed, or Procore `refused` to list them. `left`: some still have to be exported, so the next run
        lists them again.
        """
        if not project.active:
            self._listed.note_look(project.id, left=left, refused=refused)

    def why_left_out(self, project: Project) -> str:
        """Why nothing is ever done for a project, active or not; "" where that is not so."""
        if not self.in_pilot(project.id):
            return "the project is not in PROJECT_IDS"
        return f"project {project.label} is a {project.purpose}" if project.purpose else ""

    def in_pilot(self, project_id: int) -> bool:
        """Whether this installation is for a project: always, unless PROJECT_IDS names others."""
        return not self._only or project_id in self._only

    def _renew(self) -> None:
        """Take a new list, once: all who need one at the same time wait for the first of them. Raises NoRoom when that takes long."""
        until = time.monotonic() + READING_TIMEOUT_SECONDS
        while not (token := self._listed.claim()):
            if time.monotonic() > until:
                raise NoRoom("another worker is still reading the list of projects", retry_after=5.0)
            time.sleep(POLL_SECONDS)
            if self._listed.age() < FRESH_SECONDS:
                return
        try:
            # Another one may have ended just before this claim.
            if self._listed.age() >= FRESH_SECONDS:
                self._list(token)
        finally:
            self._listed.release(token)

    def _list(self, token: str) -> ListedProjects:
        new = ListedProjects()
        inactive: list[int] = []

        def passing_by() -> Iterator[Project]:
            for number, project in enumerate(self._procore.list_projects(new.unreadable)):
                if not number:
                    self._confirmed()
                if not self.why_left_out(project):
                    (new.to_scan if project.active else inactive).append(project.id)
                yield project

        self._listed.replace(passing_by(), token)
        looks = self._listed.looks()
        self._listed.forget_looks(looks.keys() - set(inactive))
        self._listed.forget_refusals(self._listed.refused().keys() - set(inactive))
        new.with_invoices = new.to_scan + self._inactive_to_list(inactive, looks)
        return new

    def _inactive_to_list(self, project_ids: Sequence[int], looks: Mapping[int, float]) -> list[int]:
        """Of inactive projects: those with something left to export, and of the others those that were listed longest ago."""
        if not project_ids:
            return []
        now = self._listed.now()
        left = [one for one in project_ids if looks.get(one) == 0.0]
        never = [one for one in project_ids if one not in looks]
        due = [one for one in project_ids if 0.0 < looks.get(one, 0.0) <= now - INACTIVE_SECONDS]
        return left + [*sorted(never, reverse=True), *sorted(due, key=lambda one: looks[one])][:MAX_INACTIVE]
