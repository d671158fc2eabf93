"""The company's projects: listed from Procore when the list at hand is old, limited to those this installation is for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from worker.clients.procore.client import Procore
from worker.domain.wbs_codes import Project
from worker.store.projects import ProjectList

FRESH_SECONDS = 900.0
"""A list younger than this serves the export of one invoice; a scan and an export of all take a new one."""


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

    def list_anew(self) -> list[int]:
        """The same, for those who only need the ids of what is in scope: ten thousand projects are never held at once."""
        ids: list[int] = []

        def passing_by() -> Iterator[Project]:
            for number, project in enumerate(self._procore.list_projects()):
                if not number:
                    self._confirmed()
                ids.extend(one.id for one in self.in_scope([project]))
                yield project

        self._listed.replace(passing_by())
        return ids

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
        return self.refresh() if listed is None else listed

    def get(self, project_id: int) -> Project | None:
        """One project; None when the app cannot see it. A project that is not in the list at hand is looked for in a new one."""
        found = self._listed.get(project_id) if self._listed.age() < FRESH_SECONDS else None
        if found is None:
            self.list_anew()
            found = self._listed.get(project_id)
        return found

    def in_scope(self, projects: Iterable[Project]) -> list[Project]:
        """Active ones that this installation is for."""
        return [one for one in projects if one.active and self.in_pilot(one.id)]

    def in_pilot(self, project_id: int) -> bool:
        """Whether this installation is for a project: always, unless PROJECT_IDS names others."""
        return not self._only or project_id in self._only
