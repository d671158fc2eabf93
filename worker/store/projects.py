"""The company's projects as last listed: names for people, numbers for Item names, links to NetSuite.

Also when the invoices of each inactive project were last listed, since not every run has to list them, and which of these projects have
invoices that Procore refuses to list. All times are of Redis' clock (unix seconds).
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
"""Seconds after which the partial list of a dead worker is deleted."""
CLAIM_SECONDS = 30
"""Seconds until a dead reader's claim expires; a living one renews its claim with each part of the list."""


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
        """Replace the list; the previous one is kept until the new one is complete. `token`: the claim under which it is read."""
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
        """Add one project that was read separately."""
        self._client.hset(self._key, mapping={str(project.id): _row(project)})
        self._read = ("", ())

    def claim(self) -> str | None:
        """Claim the reading of a new list. Return a token; None while another thread or worker is reading it."""
        token = self._runtime.token(8)
        return token if self._client.set(self._claim, token, nx=True, ex=CLAIM_SECONDS) else None

    def release(self, token: str) -> None:
        """Release a claim, after the list was read or could not be."""
        self._release(keys=[self._claim], args=[token])

    def age(self) -> float:
        """Return the seconds since reading the list began; infinite if there is none or it is known to be outdated."""
        return self._listed()[1]

    def aged(self, project_id: int) -> tuple[float, Project | None]:
        """Return the age of the list and one project as last listed (None if it was not), in one command: each scan of a project needs both."""
        _, age, row = self._listed(str(project_id))
        return age, _project(project_id, row) if row else None

    def outdate(self) -> None:
        """Mark the list as outdated, also one that is being read now, because a project has changed."""
        self._client.set(self._outdated_at, seconds(self._client))
        self._client.delete(self._listed_at)

    def get(self, project_id: int) -> Project | None:
        """Return one project as last listed; None if it was not."""
        row = self._client.hget(self._key, str(project_id))
        return _project(project_id, row) if row else None

    def label(self, project_id: int) -> str:
        """Return the number and name of a project as last listed, or its id if it was not."""
        project = self.get(project_id)
        return project.label if project else f"id {project_id}"

    def without(self, project_ids: Sequence[int]) -> list[int]:
        """Return those of some projects that are not in the list."""
        rows = self._client.hmget(self._key, [str(one) for one in project_ids]) if project_ids else ()
        return [project_id for project_id, row in zip(project_ids, rows, strict=True) if row is None]

    def all(self) -> Sequence[Project]:
        """Return all projects as last listed. A list is read from Redis once: further calls return the same object."""
        return self._all(self._client.get(self._listed_at))

    def all_younger_than(self, age: float) -> Sequence[Project] | None:
        """Return all projects if reading the list began less than `age` seconds ago, else None."""
        listed_at, age_now, _ = self._listed()
        return self._all(listed_at) if age_now < age else None

    # When the invoices of inactive projects were listed

    def listing_times(self) -> Mapping[int, float]:
        """Return when the invoices of each inactive project were last listed (unix seconds); 0 if some of them still have to be exported."""
        return {int(project_id): float(at) for project_id, at in self._client.hgetall(self._looked_at).items()}

    def note_listing(self, project_id: int, *, left: bool, refused: str = "") -> None:
        """Record that the invoices of an inactive project were listed, or that Procore `refused` to list them with this response. `left`: some
        still have to be exported.
        """
        at = 0.0 if left else seconds(self._client)
        self._client.hset(self._looked_at, mapping={str(project_id): at})
        if refused:
            self._client.hset(self._refused, str(project_id), refused)
        else:
            self._client.hdel(self._refused, str(project_id))

    def refused(self) -> Mapping[int, str]:
        """Return the inactive projects whose invoices Procore refuses to list, each with its last response."""
        return {int(project_id): answer for project_id, answer in self._client.hgetall(self._refused).items()}

    def forget_refusals(self, project_ids: Collection[int]) -> None:
        """Delete the refusals of projects that are active again or no longer exist."""
        if project_ids:
            self._client.hdel(self._refused, *map(str, project_ids))

    def forget_listings(self, project_ids: Collection[int]) -> None:
        """Delete the times of projects that are active again or no longer exist."""
        if project_ids:
            self._client.hdel(self._looked_at, *map(str, project_ids))

    def _listed(self, *project: str) -> tuple[str | None, float, str]:
        """Return when reading the list began (None without a list), its age in seconds, and the row of a project ("" for none)."""
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
    # An older version writes fewer fields, a newer one may write more.
    name, number, active, origin_id, *more = json.loads(row)
    return Project(project_id, name, number, active, origin_id, *more[:1])
