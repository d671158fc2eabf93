"""From a project's WBS code to the name of its Item, and everything that may forbid that name."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from worker.domain.errors import Blocked
from worker.domain.problems import Cause
from worker.domain.texts import unwritable

ITEM_NAME_LIMIT = 60
"""Usual length of `itemId`; an account's metadata catalog may say otherwise (docs/remotes.md)."""


@dataclass(frozen=True, slots=True)
class Project:
    """A Procore project. `number` is None where the project has none; `origin_id` is its link to the ERP.

    `purpose`: "template" or "sample project" for one that nobody books money on, "" for any other.
    """

    id: int
    name: str
    number: str | None
    active: bool
    origin_id: str | None = None
    purpose: str = ""

    @property
    def label(self) -> str:
        """How people call it."""
        return f"{self.number} {self.name}" if self.number else self.name


@dataclass(frozen=True, slots=True)
class WbsCode:
    """A project's budget code. `flat_code` is its text (`01-100.S`); it may change, `id` does not."""

    id: int
    flat_code: str
    description: str


@dataclass(frozen=True, slots=True)
class NamingRule:
    """How Items are named: the format with `{project_number}` and `{wbs_code}`, and NetSuite's length."""

    format: str
    limit: int = ITEM_NAME_LIMIT

    def join(self, project_number: str, flat_code: str) -> str:
        """The name, unchecked and unchanged: nothing is trimmed, cut or cased."""
        return self.format.format(project_number=project_number, wbs_code=flat_code)

    def is_of_code(self, name: str, flat_code: str) -> bool:
        """Whether a name is that code's under some project number."""
        parts = self.join("\0", flat_code).split("\0")
        return re.fullmatch(".+".join(re.escape(part) for part in parts), name, re.IGNORECASE) is not None

    def item_name(self, project: Project, code: WbsCode) -> str:
        """The name of the code's Item. Raises Blocked when it cannot be one."""
        facts = {"project": project.label, "code": code.flat_code}
        if not _has_number(project):
            raise Blocked(cause=Cause.PROJECT_NUMBER_MISSING, facts=facts)
        if not code.flat_code.strip():
            raise Blocked(cause=Cause.CODE_MISSING_TEXT, facts=facts | {"code_id": str(code.id)})
        name = self.join(str(project.number), code.flat_code)
        facts["name"] = name
        if character := unwritable(name):
            raise Blocked(cause=Cause.NAME_HAS_UNSUPPORTED_CHARACTER, facts=facts | {"character": character})
        if len(name) > self.limit:
            facts |= {"length": str(len(name)), "limit": str(self.limit)}
            raise Blocked(cause=Cause.NAME_TOO_LONG, facts=facts)
        if " : " in name:
            raise Blocked(cause=Cause.NAME_HAS_COLON, facts=facts)
        return name


def same_name(one: str, other: str) -> bool:
    """Whether NetSuite would take two Item names for one. Compared without case, the careful reading of its uniqueness."""
    return one.casefold() == other.casefold()


def bare_name(name: str) -> str:
    """A name without what people type differently and read alike: case, spaces and punctuation."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


class Rivals:
    """Projects whose Items could come to the same names as another project's.

    Joining is not one-to-one: `24` + `017-01.S` and `24-017` + `01.S` are the same text. All names of one project begin alike
    and end alike, so only projects of which one's beginning and end can go on into the other's clash, and only those have
    their codes compared. Sorted once for all projects: one by one, ten thousand would be compared with ten thousand.
    """

    def __init__(self, projects: Iterable[Project], rule: NamingRule) -> None:
        self._rule = rule
        ends = [(*_ends(project, rule), project) for project in projects if _has_number(project)]
        shown = rule.join("\1", "\0")
        # Where the code stands before the number, all names begin alike, and what they end with tells them apart.
        self._by_tail = shown.find("\0") < shown.find("\1")
        keyed = sorted(((self._key(head, tail), project) for head, tail, project in ends), key=lambda pair: pair[0])
        self._keys = [key for key, _ in keyed]
        self._projects = [project for _, project in keyed]

    def of(self, project: Project) -> list[Project]:
        """The other projects that this one's names could meet, by id."""
        if not _has_number(project):
            return []
        mine = _ends(project, self._rule)
        near = self._near(self._key(*mine))
        found = [one for one in near if one.id != project.id and _can_meet(mine, _ends(one, self._rule))]
        return sorted(found, key=lambda one: one.id)

    def _key(self, head: str, tail: str) -> str:
        return tail[::-1] if self._by_tail else head

    def _near(self, key: str) -> Iterator[Project]:
        """Those whose keys begin with this one, and those whose keys this one begins with."""
        for place in range(bisect_left(self._keys, key), len(self._keys)):
            if not self._keys[place].startswith(key):
                break
            yield self._projects[place]
        for length in range(len(key)):
            shorter = key[:length]
            for place in range(bisect_left(self._keys, shorter), bisect_right(self._keys, shorter)):
                yield self._projects[place]


def _has_number(project: Project) -> bool:
    return bool((project.number or "").strip())


def _ends(project: Project, rule: NamingRule) -> tuple[str, str]:
    """What the names of all Items of a project begin with and end with; the code, shown by a NUL, stands between."""
    parts = rule.join(str(project.number), "\0").casefold().split("\0")
    return parts[0], parts[-1]


def _can_meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    heads, tails = (one[0], other[0]), (one[1], other[1])
    longest_head, longest_tail = max(heads, key=len), max(tails, key=len)
    return all(longest_head.startswith(head) for head in heads) and all(longest_tail.endswith(tail) for tail in tails)


def clashing_names(
    project: Project, codes: Iterable[WbsCode], others: Mapping[Project, Iterable[WbsCode]], rule: NamingRule
) -> dict[int, tuple[Project, WbsCode]]:
    """For each code (by id) whose name would also be another code's: that other project and code.

    Clashes inside the project are found too (two codes that differ in case only).
    """
    if not _has_number(project):
        return {}
    mine = list(codes)
    named: dict[str, list[tuple[Project, WbsCode]]] = {}
    for owner, owned in [(project, mine), *others.items()]:
        for code in owned:
            if owner.number:
                named.setdefault(rule.join(owner.number, code.flat_code).casefold(), []).append((owner, code))
    clashes = {}
    for code in mine:
        sharing = named[rule.join(str(project.number), code.flat_code).casefold()]
        other = next((pair for pair in sharing if pair != (project, code)), None)
        if other:
            clashes[code.id] = other
    return clashes
