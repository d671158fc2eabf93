"""The state of a dry run: the lines of the plan so far, and the data that later lines depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.domain.bills import NumberKey
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.plans import PlanLine, Requests, line_of
from worker.domain.problems import Cause, describe, of_project
from worker.sync.items import ResolvedCode

NOTHING = "nothing"
"""What a plan shows for a record that is not in NetSuite."""


@dataclass(slots=True)
class DryRun:
    """The lines of a plan by key. `resolved`: codes that have or would get an Item, by project and code id, as `Items.note` takes them; `bills`:
    projects of bills that would be created; `reads`: requests that belong to no line; `item_names`: names of the retainage and tax Items, by id.
    """

    lines: dict[str, PlanLine] = field(default_factory=dict)
    resolved: dict[int, dict[int, ResolvedCode]] = field(default_factory=dict)
    bills: dict[NumberKey, str] = field(default_factory=dict)
    reads: Requests = field(default_factory=Requests)
    item_names: Mapping[str, str] = field(default_factory=dict)

    def add(self, line: PlanLine) -> None:
        """Add a line, unless its code or invoice has one already."""
        self.lines.setdefault(line.key, line)

    def item_ids(self, project_id: int) -> dict[int, str]:
        """Return `id_of` the Items of the project's codes, by WBS code id."""
        return {code_id: id_of(code) for code_id, code in self.resolved.get(project_id, {}).items()}


def id_of(code: ResolvedCode) -> str:
    """Return the id of a code's Item; for an Item to be created, its name."""
    return code.item.id if code.item else code.name


def name_of(code: ResolvedCode) -> str:
    """Return the name of the Item that a code has or would get."""
    return code.item.name if code.item else code.name


def not_readable(project_id: int, label: str, what: str, answer: str) -> PlanLine:
    """Return the line of a project whose budget or commitments (`what`) cannot be read."""
    cause, facts = Cause.PROJECT_NOT_READABLE, {"project": label, "what": what, "answer": answer}
    blocked = Outcome(OutcomeKind.BLOCKED, reason=describe(cause, facts).sentence, cause=cause)
    return line_of(of_project(project_id, what), label, what, blocked)
