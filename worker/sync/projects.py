"""The company's projects: listed from Procore when the cached list is old, limited to those in scope."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from worker.clients.fields import UnreadableRow
from worker.clients.procore.client import Procore
from worker.domain.errors import NoRoom
from worker.domain.policy import Policy
from worker.domain.wbs_codes import Project
from worker.store.projects import ProjectList
from worker.store.stores import Stores

FRESH_SECONDS = 900.0
"""Maximum age of the cached list for the export of one invoice; a scan and an export of all read a new one."""
READING_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.1
INACTIVE_SECONDS = 86_400.0
"""Seconds between two listings of an inactive project whose invoices are all exported: hardly anything changes there."""
MAX_INACTIVE = 200
"""Maximum inactive projects in one run: a company may have thousands, and each takes separate requests."""


@dataclass(slots=True)
class ListedProjects:
    """The result of a new list, as ids, so that ten thousand projects are never in memory at once.

    `to_scan`: active ones. `with_invoices`: those whose invoices a run lists. `unreadable`: errors of invalid rows.
    """

    to_scan: list[int] = field(default_factory=list)
    with_invoices: list[int] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Projects:
    """Queries on the list of projects. `confirmed`: called before the list is saved, when Procore has returned a project of the company in the
    settings.
    """

    stores: Stores
    procore: Procore
    policy: Policy
    confirmed: Callable[[], None]

    @property
    def _listed(self) -> ProjectList:
        return self.stores.listed_projects

    def refresh(self) -> Sequence[Project]:
        """Read a new list from Procore: all projects, including inactive ones."""
        self.relist()
        return self._listed.all()

    def relist(self) -> ListedProjects:
        """Read a new list from Procore, for a caller that needs only ids. Others that need a list in the meantime wait for this one."""
        token = self._listed.claim()
        try:
            return self._list(token or "")
        finally:
            if token:
                self._listed.release(token)

    @property
    def pilot(self) -> Sequence[int]:
        """Return the ids of PROJECT_IDS; none = all projects."""
        return sorted(self.policy.project_ids)

    def not_visible(self, project_ids: Sequence[int]) -> list[int]:
        """Return the given ids that are not in the cached list: projects that the app cannot see."""
        return self._listed.without(project_ids)

    def outdate(self) -> None:
        """Make the next query read a new list."""
        self._listed.outdate()

    def all(self) -> Sequence[Project]:
        """Return the cached list, read again if it is old."""
        listed = self._listed.all_younger_than(FRESH_SECONDS)
        if listed is not None:
            return listed
        self._renew()
        return self._listed.all()

    def get(self, project_id: int) -> Project | None:
        """Return one project; None if the app cannot see it. A project that is not in the cached list is requested separately."""
        age, found = self._listed.aged(project_id)
        if age >= FRESH_SECONDS:
            self._renew()
            found = self._listed.get(project_id)
        if found is None and (found := self.procore.find_project(project_id)):
            self._listed.add(found)
        return found

    def in_scope(self, projects: Iterable[Project]) -> list[Project]:
        """Return active projects in scope, without templates and Procore's sample project."""
        return [one for one in projects if one.active and not self.why_left_out(one)]

    def with_invoices(self, projects: Sequence[Project]) -> list[Project]:
        """Return the projects whose invoices a requested run lists: active and inactive ones.

        A project is often made inactive at close-out while the release of its retainage is approved and has no bill yet. A scheduled run
        leaves out inactive ones that were listed within a day.
        """
        usable = [one for one in projects if not self.why_left_out(one)]
        listed = set(self._inactive_to_list([one.id for one in usable if not one.active], {}))
        return [one for one in usable if one.active or one.id in listed]

    def ask_for_all(self) -> None:
        """Note that a run was requested: it lists inactive projects again."""
        self._listed.forget_listings(self._listed.listing_times())

    def to_compare(self, projects: Iterable[Project], worked_on: Collection[int]) -> list[Project]:
        """Return the projects that a comparison includes: active ones, and inactive ones with records."""
        ids = frozenset(worked_on)
        return [one for one in projects if not self.why_left_out(one) and (one.active or one.id in ids)]

    def note_listed(self, project: Project, *, left: bool, refused: str = "") -> None:
        """Note that the invoices of a project were listed, or that Procore `refused` to list them. `left`: some still have to be exported, so
        the next run lists them again.
        """
        if not project.active:
            self._listed.note_listing(project.id, left=left, refused=refused)

    def why_left_out(self, project: Project) -> str:
        """Return why a project is never synced, active or not; "" if it is."""
        if not self.in_pilot(project.id):
            return "the project is not in PROJECT_IDS"
        return f"project {project.label} is a {project.purpose}" if project.purpose else ""

    def in_pilot(self, project_id: int) -> bool:
        """Return whether a project is in scope: always, unless PROJECT_IDS is set without it."""
        return not self.policy.project_ids or project_id in self.policy.project_ids

    def _renew(self) -> None:
        """Read a new list once: concurrent callers wait for the first of them. Raises NoRoom if that takes long."""
        runtime = self.stores.runtime
        until = runtime.monotonic() + READING_TIMEOUT_SECONDS
        while not (token := self._listed.claim()):
            if runtime.monotonic() > until:
                raise NoRoom("another worker is still reading the list of projects", retry_after=5.0)
            runtime.sleep(POLL_SECONDS)
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
            for number, project in enumerate(self.procore.list_projects(new.unreadable)):
                if not number:
                    self.confirmed()
                if not self.why_left_out(project):
                    (new.to_scan if project.active else inactive).append(project.id)
                yield project

        self._listed.replace(passing_by(), token)
        listed_at = self._listed.listing_times()
        self._listed.forget_listings(listed_at.keys() - set(inactive))
        self._listed.forget_refusals(self._listed.refused().keys() - set(inactive))
        new.with_invoices = new.to_scan + self._inactive_to_list(inactive, listed_at)
        return new

    def _inactive_to_list(self, project_ids: Sequence[int], listed_at: Mapping[int, float]) -> list[int]:
        """Return inactive projects: those with something left to export, and the least recently listed of the others."""
        if not project_ids:
            return []
        now = self.stores.now()
        left = [one for one in project_ids if listed_at.get(one) == 0.0]
        never = [one for one in project_ids if one not in listed_at]
        due = [one for one in project_ids if 0.0 < listed_at.get(one, 0.0) <= now - INACTIVE_SECONDS]
        return left + [*sorted(never, reverse=True), *sorted(due, key=lambda one: listed_at[one])][:MAX_INACTIVE]
