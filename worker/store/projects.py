"""The company's projects as last listed: names for people, numbers for Item names, links to NetSuite."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from itertools import islice

from worker.domain.wbs_codes import Project
from worker.store.connection import Redis, seconds

_TAKE_OVER = """
-- KEYS: fresh list, list, when it was taken. ARGV: how many projects, now
if ARGV[1] == '0' then redis.call('DEL', KEYS[2])
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('PERSIST', KEYS[2])
end
redis.call('SET', KEYS[3], ARGV[2])
return 1
"""
AT_ONCE = 500
LONGEST_LISTING_SECONDS = 3600
"""What a worker that died has listed so far is gone after this."""


class ProjectList:
    """One hash of all projects, replaced as a whole."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key = f"{prefix}projects"
        self._listed_at = f"{prefix}projects:listed_at"
        self._take_over = client.register_script(_TAKE_OVER)
        self._read: tuple[str, Sequence[Project]] = ("", ())

    def replace(self, projects: Iterable[Project]) -> None:
        """Take over a fresh list, as it comes; until it is whole the one before stands."""
        fresh, rest, count = f"{self._key}:{secrets.token_hex(8)}", iter(projects), 0
        while some := list(islice(rest, AT_ONCE)):
            rows = {str(one.id): json.dumps([one.name, one.number, one.active, one.origin_id]) for one in some}
            self._client.hset(fresh, mapping=rows)
            self._client.expire(fresh, LONGEST_LISTING_SECONDS)
            count += len(some)
        self._take_over(keys=[fresh, self._key, self._listed_at], args=[count, seconds(self._client)])

    def age(self) -> float:
        """Seconds since the list was taken; infinite when there is none."""
        return self._age_of(self._client.get(self._listed_at))

    def outdate(self) -> None:
        """Somebody knows that it changed: from now on the list counts as old."""
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
        """The same, if the list was taken less than so many seconds ago."""
        listed_at = self._client.get(self._listed_at)
        return self._all(listed_at) if self._age_of(listed_at) < age else None

    def _age_of(self, listed_at: str | None) -> float:
        return seconds(self._client) - float(listed_at) if listed_at else float("inf")

    def _all(self, listed_at: str | None) -> Sequence[Project]:
        known_at, projects = self._read
        if listed_at and listed_at == known_at:
            return projects
        rows = self._client.hgetall(self._key)
        projects = tuple(_project(number, rows[str(number)]) for number in sorted(map(int, rows)))
        self._read = (str(listed_at or ""), projects)
        return projects


def _project(project_id: int, row: str) -> Project:
    # A newer version may say more of it.
    name, number, active, origin_id, *_ = json.loads(row)
    return Project(project_id, name, number, active, origin_id)
