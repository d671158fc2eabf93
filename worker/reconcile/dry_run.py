"""The state of a dry run: the lines of the plan so far, and what later lines depend on, such as the names of the retainage and tax Items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.clients.remotes import Remotes
from worker.domain.bills import NumberKey
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.plans import PlanLine, Requests, line_of
from worker.domain.policy import Policy
from worker.domain.problems import Cause, describe, of_project
from worker.inspect.named_records import try_query
from worker.store.stores import Stores
from worker.sync.items import ResolvedCode

NOTHING = "nothing"
"""What a plan shows for a record that is not in NetSuite."""
NAME_TTL_SECONDS = 24 * 3600


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
    facts = {"project": label, "what": what, "answer": answer}
    return line_of(of_project(project_id, what), label, what, blocked(Cause.PROJECT_NOT_READABLE, facts))


def blocked(cause: Cause, facts: Mapping[str, str]) -> Outcome:
    """Return the outcome of work that a problem of this cause blocks."""
    return Outcome(OutcomeKind.BLOCKED, reason=describe(cause, facts).sentence, cause=cause)


def fixed_item_names(stores: Stores, remotes: Remotes, policy: Policy) -> dict[str, str]:
    """Return the names of the retainage and tax Items, by internal id, without Items that NetSuite does not return. Looked up once a day."""
    fixed = policy.fixed_items
    names = {item_id: _name_of_item(stores, remotes, item_id) for item_id in (fixed.retainage, fixed.tax) if item_id}
    return {item_id: name for item_id, name in names.items() if name}


def _name_of_item(stores: Stores, remotes: Remotes, item_id: str) -> str:
    if cached := stores.cache.get(f"item-name:{item_id}"):
        return str(cached)
    item, _ = try_query(lambda: remotes.netsuite.item(item_id))
    if item is None:
        return ""
    stores.cache.put(f"item-name:{item_id}", item.name, seconds=NAME_TTL_SECONDS)
    return item.name
