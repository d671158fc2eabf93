"""Builds the name of the Item of a project's WBS code, and detects names that are not allowed or not unique."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from worker.domain.errors import Blocked
from worker.domain.problems import Cause
from worker.domain.texts import unwritable

ITEM_NAME_LIMIT = 60
"""Usual length of `itemId`; an account's metadata catalog may say otherwise (docs/remotes.md)."""


@dataclass(frozen=True, slots=True)
class Project:
    """A Procore project. `number`: None if it has none; `origin_id`: its link to the ERP.

    `purpose`: "template" or "sample project" if no money is booked on it, else "".
    """

    id: int
    name: str
    number: str | None
    active: bool
    origin_id: str | None = None
    purpose: str = ""

    @property
    def label(self) -> str:
        """The project's name for users: its number and name."""
        return f"{self.number} {self.name}" if self.number else self.name


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a WBS code. `kind`: Procore's type, such as `cost_code`, `line_item_type` (the cost type) or `custom`; `segment_id`: of the
    segment, whose `name` is "" where Procore does not show it; `code`: the value.
    """

    segment_id: int | None
    name: str
    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class WbsCode:
    """A project's budget code. `flat_code`: its text (`01-100.S`), which may change; `id` does not. `segments`: its parts, if they were read."""

    id: int
    flat_code: str
    description: str
    segments: tuple[Segment, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class NamingRule:
    """How Items are named. `format`: contains `{project_number}` and `{wbs_code}`; `limit`: NetSuite's maximum length."""

    format: str
    limit: int = ITEM_NAME_LIMIT

    def join(self, project_number: str, flat_code: str) -> str:
        """Return the name, not validated; its parts are used as they are, including spaces and case."""
        return self.format.format(project_number=project_number, wbs_code=flat_code)

    def ends(self, *, project_number: str = "\0", flat_code: str = "\0") -> tuple[str, str]:
        """Return the beginning and the end, without case, of all names with a project number, or with a code: the text around the other part."""
        parts = self.join(project_number, flat_code).casefold().split("\0")
        return parts[0], parts[-1]

    def is_of_code(self, name: str, flat_code: str) -> bool:
        """Return whether a name is the code's with any project number."""
        parts = self.join("\0", flat_code).split("\0")
        return re.fullmatch(".+".join(re.escape(part) for part in parts), name, re.IGNORECASE) is not None

    def item_name(self, project: Project, code: WbsCode) -> str:
        """Return the name of the code's Item. Raises Blocked if NetSuite does not allow it."""
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


def same_item_name(one: str, other: str) -> bool:
    """Return whether two Item names may conflict in NetSuite. Ignores case, which is safe whether or not NetSuite does."""
    return one.casefold() == other.casefold()


def bare_name(name: str) -> str:
    """Return a name without case, spaces and punctuation, in which names typed by people often differ."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


class NameClashes:
    """Finds projects whose Items could have the same names as those of another project.

    Different numbers and codes can result in one name: `24` + `017-01.S` and `24-017` + `01.S`. All names of one project have the same
    beginning and the same end. Two projects can clash only if one beginning is a prefix of the other and one end a suffix of the other, and
    only the codes of such projects are compared. The projects are sorted once, because comparing each pair of ten thousand takes too long.
    """

    def __init__(self, projects: Iterable[Project], rule: NamingRule) -> None:
        self._rule = rule
        ends = [(*self._ends(project), project) for project in projects if _has_number(project)]
        shown = rule.join("\1", "\0")
        # If the code comes before the number, all names have the same beginning and are distinguished by their end.
        self._by_tail = shown.find("\0") < shown.find("\1")
        keyed = sorted(((self._key(head, tail), project) for head, tail, project in ends), key=lambda pair: pair[0])
        self._keys = [key for key, _ in keyed]
        self._projects = [project for _, project in keyed]

    def of(self, project: Project) -> list[Project]:
        """Return the other projects whose names could equal one of this project, by ascending id."""
        if not _has_number(project):
            return []
        mine = self._ends(project)
        near = self._near(self._key(*mine))
        clashing = (one for one in near if one.id != project.id and _can_clash(mine, self._ends(one)))
        return sorted(clashing, key=lambda one: one.id)

    def _ends(self, project: Project) -> tuple[str, str]:
        return self._rule.ends(project_number=str(project.number))

    def _key(self, head: str, tail: str) -> str:
        return tail[::-1] if self._by_tail else head

    def _near(self, key: str) -> Iterator[Project]:
        """Yield the projects whose key begins with this key, and those whose key is a prefix of it."""
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


def _can_clash(one: tuple[str, str], other: tuple[str, str]) -> bool:
    heads, tails = (one[0], other[0]), (one[1], other[1])
    longest_head, longest_tail = max(heads, key=len), max(tails, key=len)
    return all(longest_head.startswith(head) for head in heads) and all(longest_tail.endswith(tail) for tail in tails)


def clashing_names(
    project: Project, codes: Iterable[WbsCode], others: Mapping[Project, Iterable[WbsCode]], rule: NamingRule
) -> dict[int, tuple[Project, WbsCode]]:
    """Return, by code id, the other project and code whose Item would have the same name. Includes clashes within the project: two codes that
    differ only in case.
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
        clash = next((pair for pair in sharing if pair != (project, code)), None)
        if clash:
            clashes[code.id] = clash
    return clashes
