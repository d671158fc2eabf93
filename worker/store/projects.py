"""The company's projects as last listed: names for people, numbers for Item names, links to NetSuite.

Also when the invoices of inactive projects were listed last, since those need not be listed in every run, and of which of them Procore
does not show the invoices.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from worker.domain.wbs_codes import Project
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime
from worker.store.scripts import Script, flag, texts

AT_ONCE = 500
LONGEST_LISTING_SECONDS = 3600
"""What a worker that died has listed so far is gone after this."""
CLAIM_SECONDS = 30
"""A reader that died is waited for no longer than this; a living one renews its claim with each part of the list."""


class ProjectList:
    """One hash of all projects, replaced as a whole."""

    def __init__(self, client: Redis, prefix: str, *, runtime: Runtime = REAL) -> None:
        self._client = client
        self._runtime = runtime
        self._keys = keys = Keys(prefix)
        self._key, self._claim = keys.projects, keys.projects_reading
        self._listed_at, self._outdated_at = keys.projects_listed_at, keys.projects_outdated_at
        self._looked_at, self._refused = keys.projects_looked_at, keys.invoices_refused
        self._take_over = Script(client, "projects/replace", flag)
        self._release = Script(client, "values/delete_if_equal", flag)
        self._age = Script(client, "projects/age", texts)
        self._read: tuple[str, Sequence[Project]] = ("", ())

    def replace(self, projects: Iterable[Project], token: str = "") -> None:
        """Take over a fresh list, as it comes; until it is whole the one before stands. `token`: the claim under which it is read."""
        fresh, rest, count = self._keys.fresh_projects(self._runtime.token(8)), iter(projects), 0
        begun_at = seconds(self._client)
        while some := list(islice(rest, AT_ONCE)):
            self._client.hset(fresh, mapping={str(one.id): _row(one) for one in some})
            self._client.expire(fresh, LONGEST_LISTING_SECONDS)
            if token and self._client.get(self._claim) == token:
                self._client.expire(self._claim, CLAIM_SECONDS)
            count += len(some)
        keys = [fresh, self._key, self._listed_at, self._outdated_at]
        self._take_over(keys=keys, args=[count, begun_at])

    def add(self, project: Project) -> None:
        """Take one project into the list that was looked up by itself."""
        self._client.hset(self._key, mapping={str(project.id): _row(project)})
        self._read = ("", ())

    def claim(self) -> str | None:
        """The right to read a new list, as a token; None while another thread or worker is reading one."""
        token = self._runtime.token(8)
        return token if self._client.set(self._claim, token, nx=True, ex=CLAIM_SECONDS) else None

    def release(self, token: str) -> None:
        """The list was read, or could not be."""
        self._release(keys=[self._claim], args=[token])

    def age(self) -> float:
        """Seconds since the list was begun; infinite when there is none, or when it is known to be outdated."""
        return self._listed()[1]

    def aged(self, project_id: int) -> tuple[float, Project | None]:
        """The age of the list and one project as last listed, in one command: every scanned project needs both."""
        _, age, row = self._listed(str(project_id))
        return age, _project(project_id, row) if row else None

    def outdate(self) -> None:
        """Somebody knows that it changed: from now on the list counts as old, one that is being read as well."""
        self._client.set(self._outdated_at, seconds(self._client))
        self._client.delete(self._listed_at)

    def get(self, project_id: int) -> Project | None:
        """One project, as last listed."""
        row = self._client.hget(self._key, str(project_id))
        return _project(project_id, row) if row else None

    def without(self, project_ids: Sequence[int]) -> list[int]:
        """Those of some projects that were not listed last."""
        rows = self._client.hmget(self._key, [str(one) for one in project_ids]) if project_ids else ()
        return [project_id for project_id, row in zip(project_ids, rows, strict=True) if row is None]

    def all(self) -> Sequence[Project]:
        """All projects, as last listed. Read once for each list: the same one is the same object."""
        return self._all(self._client.get(self._listed_at))

    def all_younger_than(self, age: float) -> Sequence[Project] | None:
        """The same, if the list was begun less than so many seconds ago."""
        listed_at, age_now, _ = self._listed()
        return self._all(listed_at) if age_now < age else None

    def now(self) -> float:
        """Redis' clock, by which all of this is told."""
        return seconds(self._client)

    # When the invoices of inactive projects were listed

    def looks(self) -> Mapping[int, float]:
        """When the invoices of inactive projects were listed last (Redis seconds); 0 where some of them still have to be exported."""
        return {int(project_id): float(at) for project_id, at in self._client.hgetall(self._looked_at).items()}

    def note_look(self, project_id: int, *, left: bool, refused: str = "") -> None:
        """The invoices of an inactive project were listed, or Procore `refused` to list them with this answer. `left`: some still have to be
        exported.
        """
        at = 0.0 if left else seconds(self._client)
        self._client.hset(self._looked_at, mapping={str(project_id): at})
        if refused:
            self._client.hset(self._refused, str(project_id), refused)
        else:
            self._client.hdel(self._refused, str(project_id))

    def refused(self) -> Mapping[int, str]:
        """Inactive projects whose invoices Procore does not show to the app, and its last answer."""
        return {int(project_id): answer for project_id, answer in self._client.hgetall(self._refused).items()}

    def forget_refusals(self, project_ids: Collection[int]) -> None:
        """Of projects that are active again, or gone."""
        if project_ids:
            self._client.hdel(self._refused, *map(str, project_ids))

    def forget_looks(self, project_ids: Collection[int]) -> None:
        """Of projects that are active again, or gone."""
        if project_ids:
            self._client.hdel(self._looked_at, *map(str, project_ids))

    def _listed(self, *project: str) -> tuple[str | None, float, str]:
        """When the list was begun, None when there is none, its age, and the row of a project."""
        listed_at, whole, micro, row = self._age(keys=[self._listed_at, self._key], args=project)
        if not listed_at:
            return None, float("inf"), row
        return listed_at, int(whole) + int(micro) / 1_000_000 - float(listed_at), row

    def _all(self, listed_at: str | None) -> Sequence[Project]:
        known_at, projects = self._read
        if listed_at and listed_at == known_at:
            return projects
        rows = self._client.hgetall(self._key)
        projects = tuple(_project(number, rows[str(number)]) for number in sorted(map(int, rows)))
        self._read = (str(listed_at or ""), projects)
        return projects


def _row(project: Project) -> str:
    return json.dumps([project.name, project.number, project.active, project.origin_id, project.purpose])


def _project(project_id: int, row: str) -> Project:
    # An older version says less of it, a newer one may say more.
    name, number, active, origin_id, *more = json.loads(row)
    return Project(project_id, name, number, active, origin_id, *more[:1])
