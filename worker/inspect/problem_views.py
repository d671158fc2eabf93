"""Problems for users: names instead of ids, links, attempts and notes. Queries no remote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from worker.domain.identities import CodeKey, code_of_item
from worker.domain.items import ADOPTED_ITEMS
from worker.domain.outcomes import Record
from worker.domain.problems import (
    FIX_LOCATIONS,
    describe,
    of_scope,
    record_of,
    scope_of_problem,
    subject_of,
    work_behind,
)
from worker.domain.scopes import NAMES, doing, remote_of
from worker.domain.series import Series
from worker.domain.work import EXPORTS_OF_ALL, RECONCILE_ALL, SCAN_OF_ALL, WorkKey, lane_of
from worker.inspect.pages import Pages
from worker.store.open_problems import Handled, OpenProblem
from worker.store.stores import Stores

_WITHOUT_PROJECT = {
    **{of_scope(remote): name for remote, name in NAMES.items()},
    **{each.problem_key: f"new {each}" for each in Series},
    ADOPTED_ITEMS: "adopted Items",
    SCAN_OF_ALL: "the scan of all projects",
    EXPORTS_OF_ALL: "the export of all projects",
    RECONCILE_ALL: "the comparison of both systems",
}


@dataclass(frozen=True, slots=True)
class ProblemViews:
    """Open problems as JSON values: sentence, owner, next step, links and notes."""

    stores: Stores
    pages: Pages

    def all(self) -> list[dict[str, Any]]:
        """Return all open problems, oldest first; `ignored`: who ignores one and since when, None for the others."""
        return [self._row(one) for one in self.stores.ledger.problems()]

    def named(self, text: str) -> list[str]:
        """Return the keys of open problems of the code, invoice or project with this name, in any letter case; the text itself if it is a key."""
        problems = self.stores.ledger.problems()
        if any(one.key == text for one in problems):
            return [text]
        folded = text.casefold()
        return [one.key for one in problems if folded in self._names(one)]

    def _names(self, problem: OpenProblem) -> set[str]:
        about = subject_of(problem.key)
        kind, project_id = about.kind, about.project_id
        names = {problem.facts.get(name, "") for name in ("invoice", "code", "name")} if kind != "project" else set()
        if (record := self._record(problem.key)) is not None:
            names |= {record.name, record.code}
        if kind == "project" and project_id and (project := self.stores.listed_projects.get(project_id)):
            names |= {project.number or "", project.name, project.label}
        if record_of(problem.key):
            names.add(WorkKey.parse(problem.key).parts[-1])
        return {name.casefold() for name in names if name}

    def shown(self, key: str) -> dict[str, Any] | None:
        """Return the details of one problem, open or closed by a user; None if there is nothing under this key.

        Times in unix seconds. `open`: whether it is open; a closed one has only its notes.
        """
        entry = self.stores.ledger.problem(key)
        notes = [_note(handled) for handled in self.stores.handling.history(key)]
        if entry is None:
            return {"key": key, "open": False, "notes": notes} if notes else None
        return {
            "open": True,
            **self._row(entry),
            "fix_at": FIX_LOCATIONS[entry.problem.problem_class],
            "last_attempt": self._last_attempt(key),
            "next_attempt": self._next_attempt(key),
            "notes": notes,
        }

    def _row(self, stored: OpenProblem) -> dict[str, Any]:
        entry = self._with_names(stored)
        problem, ignored = entry.problem, entry.ignored
        return {
            "key": entry.key,
            "record": self._record_name(entry),
            "project_id": subject_of(entry.key).project_id,
            "cause": problem.cause.value,
            "class": problem.problem_class.value,
            "owner": problem.owner.value,
            "sentence": problem.sentence,
            "next_step": problem.next_step,
            "since": entry.since,
            "links": self.pages.of(entry),
            "ignored": {"by": ignored.by, "at": ignored.at, "note": ignored.note} if ignored else None,
        }

    def _with_names(self, entry: OpenProblem) -> OpenProblem:
        """Return the problem with names for ids in its facts: a record without a name when the problem was found may have one in the list of projects or the
        ledger.
        """
        about = subject_of(entry.key)
        kind, project_id = about.kind, about.project_id
        names: dict[str, str] = {}
        if (
            project_id
            and entry.facts.get("project") == f"id {project_id}"
            and (project := self.stores.listed_projects.get(project_id))
        ):
            names["project"] = project.label
        if record_of(entry.key) and entry.facts.get(kind, "id ").startswith("id "):
            record = self._record(entry.key)
            names[kind] = (record.code or record.name) if record else ""
        if code := code_of_item(entry.facts.get("external_id")):
            names["external_id"] = self._code(code)
        facts = {**entry.facts, **{fact: name for fact, name in names.items() if name}}
        if facts == entry.facts:
            return entry
        return replace(entry, facts=facts, problem=describe(entry.problem.cause, facts))

    def _code(self, key: CodeKey) -> str:
        """Return the name of a code, as far as it is known; "" if it is not."""
        project, record = self.stores.listed_projects.get(key.project_id), self.stores.ledger.code(key)
        name = (record.code or record.name) if record else ""
        return ", code ".join(part for part in (project.label if project else "", name) if part)

    def _record_name(self, entry: OpenProblem) -> str:
        """Return the name of the problem's subject: project and code or invoice."""
        about = subject_of(entry.key)
        kind, project_id = about.kind, about.project_id
        if (scope := scope_of_problem(entry.key)) and entry.key not in _WITHOUT_PROJECT:
            return f"{NAMES[remote_of(scope)]}: {doing(scope)}"
        if project_id is None:
            return _WITHOUT_PROJECT.get(entry.key, entry.key)
        project = self.stores.listed_projects.get(project_id)
        label = project.label if project else f"project {project_id}"
        name = entry.facts.get("code" if kind == "code" else "invoice", "")
        return f"{label}, {kind} {name}" if name else label

    def _last_attempt(self, key: str) -> dict[str, Any]:
        """Return the last attempt: the state of its record and since when, the remote's last response, failed attempts."""
        record = self._record(key)
        return {
            "state": record.state.value if record else None,
            "at": record.at if record else None,
            "detail": record.detail if record else "",
            "failures": sum(self.stores.work.failures(piece) for piece in work_behind(key)),
        }

    def _next_attempt(self, key: str) -> dict[str, Any]:
        """Return when the problem's work is attempted next: now (`in_progress`), `at` a time, or `with` the next run of this kind; none of these if
        no work resolves the problem.
        """
        if scope := scope_of_problem(key):
            return {"in_progress": False, "at": self.stores.breakers.until(scope), "with": None}
        (piece,) = work_behind(key) or ("",)
        if not piece:
            return {"in_progress": False, "at": None, "with": None}
        lane = lane_of(piece)
        return {
            "in_progress": self.stores.work.is_in_progress(lane, piece),
            "at": self.stores.work.waits_until(lane, piece),
            "with": lane.run.value if lane.run else None,
        }

    def _record(self, key: str) -> Record | None:
        record_key = record_of(key)
        return self.stores.ledger.record(record_key) if record_key else None


def _note(handled: Handled) -> dict[str, Any]:
    return {
        "act": handled.act.value,
        "by": handled.by,
        "at": handled.at,
        "note": handled.note,
        "cause": handled.problem.cause.value,
        "sentence": handled.problem.sentence,
    }
