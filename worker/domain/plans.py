"""A plan: what a scan or an export would do, line by line, with the data that each line was based on.

A line is applied later only if its data is unchanged. The data is stored as text, so that a refusal can say what changed. A saved plan is
signed (worker/domain/plan_signatures.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problem_keys import record_of, subject_of
from worker.domain.problems import CATALOGUE
from worker.domain.texts import first_few
from worker.domain.work import RunKind

VERSION = 3
"""Version of the plan format. Plans of other versions are rejected."""

World = Mapping[str, str | tuple[tuple[str, ...], ...]]
"""The data of a line by label; the lines of a bill are rows of (Item, amount, description). Amounts are plain numbers as text (`1234.50`)."""


class Would(StrEnum):
    """What would happen to a code or an invoice."""

    CREATE = "create"
    BILL = "bill"
    ADOPT = "adopt"
    ALREADY = "already"
    SKIP = "skip"
    BLOCKED = "blocked"
    LOOK = "look"
    """A write is unconfirmed or awaited: its result is not known yet."""

    @property
    def acts(self) -> bool:
        """Whether a record would be created in NetSuite or adopted."""
        return self in (Would.CREATE, Would.BILL, Would.ADOPT)


OF_KIND = {
    OutcomeKind.CREATED: Would.CREATE,
    OutcomeKind.ADOPTED: Would.ADOPT,
    OutcomeKind.ALREADY: Would.ALREADY,
    OutcomeKind.SKIPPED: Would.SKIP,
    OutcomeKind.BLOCKED: Would.BLOCKED,
    OutcomeKind.UNKNOWN: Would.LOOK,
    OutcomeKind.WAITING: Would.LOOK,
}


@dataclass(frozen=True, slots=True)
class Requests:
    """Numbers of requests per remote, without logins."""

    procore: int = 0
    netsuite: int = 0

    def __add__(self, other: Requests) -> Requests:
        return Requests(self.procore + other.procore, self.netsuite + other.netsuite)

    def __sub__(self, other: Requests) -> Requests:
        return Requests(self.procore - other.procore, self.netsuite - other.netsuite)


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One code, one invoice, or a project that could not be checked.

    `about`: the code's text or the invoice's number; `name`, `remote_id`: of the Item or bill that would be created or exists; `needs`:
    keys of the codes whose Items must be created before the bill; `requests`: requests needed to apply it; `waits_for`: what blocked all
    lines like this one when the plan was made, with the problem and how to continue.
    """

    key: str
    project: str
    about: str
    would: Would
    name: str = ""
    remote_id: str = ""
    reason: str = ""
    cause: str = ""
    owner: str = ""
    next_step: str = ""
    world: World = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    requests: Requests = field(default_factory=Requests)
    waits_for: str = ""
    fingerprint: str = ""

    @property
    def project_id(self) -> int:
        """Id of its project, the second part of every key. Raises ValueError for an invalid key."""
        if (project_id := subject_of(self.key).project_id) is None:
            raise ValueError(f"{self.key} is the key of no project's record")
        return project_id

    @property
    def of_invoice(self) -> bool:
        """Whether the line is about an invoice."""
        return isinstance(record_of(self.key), InvoiceKey)

    @property
    def is_credit(self) -> bool:
        """Whether a vendor credit would be created. The total of a line read from a file is validated before (`Would.acts`)."""
        return self.would is Would.BILL and str(self.world.get("total", "")).startswith("-")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one scan or export would do. `made_at`: UTC; `requests`: requests it would take now; `looked`: requests of this dry run.

    `id`, `count` (of lines) and `signature` are those of a saved plan (worker/domain/plan_signatures.py).
    """

    version: int
    kind: RunKind
    company_id: int
    account: str
    made_at: str
    requests: Requests
    looked: Requests
    lines: tuple[PlanLine, ...]
    id: str = ""
    count: int = 0
    signature: str = ""


def line_of(key: str, project: str, about: str, outcome: Outcome, **more: object) -> PlanLine:
    """Return the line for an outcome; `more`: further fields of the line."""
    entry = CATALOGUE[outcome.cause] if outcome.cause else None
    bills = outcome.kind is OutcomeKind.CREATED and isinstance(record_of(key), InvoiceKey)
    line = PlanLine(
        key,
        project,
        about,
        Would.BILL if bills else OF_KIND[outcome.kind],
        outcome.name,
        outcome.remote_id,
        outcome.reason,
        cause=outcome.cause.value if outcome.cause else "",
        owner=entry.owner.value if entry else "",
        next_step=entry.next_step if entry else "",
    )
    return replace(line, **more)  # type: ignore[arg-type]


def what_changed(then: PlanLine, now: PlanLine) -> str:
    """Return why a line cannot be applied as planned; "" if its data is unchanged."""
    if not now.would.acts and now.would is not then.would:
        return f"it would be {_WORDS[now.would]} now" + (f": {now.reason}" if now.reason else "")
    changes = [
        sentence
        for what in dict.fromkeys((*then.world, *now.world))
        if (sentence := _change(what, then.world.get(what, ""), now.world.get(what, "")))
    ]
    if changes:
        return "; ".join(changes)
    told = (then.would, then.name, then.remote_id, then.cause)
    return "" if told == (now.would, now.name, now.remote_id, now.cause) else f"it would be {_WORDS[now.would]} now"


def refusals(
    kind: RunKind, then: Sequence[PlanLine], now: Mapping[str, PlanLine], done: Collection[str]
) -> dict[str, str]:
    """Return why lines of one project are not applied, by key. `now`: the current lines, or one of the project; `done`: keys of existing
    records, which are not changed.

    An invoice depends on its Items: without one of them it is refused, and an Item is not created for invoices that all changed.
    """
    asked_by: dict[str, list[str]] = {}
    for line in then:
        for need in line.needs:
            asked_by.setdefault(need, []).append(line.key)
    looked_at = [line for line in then if line.would.acts or line.needs or line.key in asked_by]
    of_project = next((line for line in now.values() if record_of(line.key) is None), None)
    changed = {}
    for line in looked_at:
        seen = now.get(line.key, of_project)
        why = what_changed(line, seen) if seen else _GONE[kind]
        if why and line.key not in done:
            changed[line.key] = why
    refused = dict(changed)
    planned = {line.key: line for line in then}
    for line in looked_at:
        if line.key in done or line.key in changed:
            continue
        if line.key in asked_by and all(key in changed for key in asked_by[line.key]):
            refused[line.key] = "the invoices that need this Item have changed"
        for need in line.needs:
            if need not in planned and need not in done:
                refused[line.key] = f"its Item ({need}) must be created first and is not in this plan"
            elif need in changed:
                refused[line.key] = (
                    f"its Item {planned[need].name} must be created first and is refused: {changed[need]}"
                )
    return {key: why for key, why in refused.items() if planned[key].would.acts}


_GONE = {
    RunKind.SCAN: "the code is no longer budgeted, or no longer in Procore",
    RunKind.EXPORT: "no invoice of the plan needs it anymore",
}
_WORDS = {
    Would.CREATE: "created",
    Would.BILL: "billed",
    Would.ADOPT: "adopted",
    Would.ALREADY: "unchanged, because it is already done",
    Would.SKIP: "skipped",
    Would.BLOCKED: "blocked",
    Would.LOOK: "checked or waiting",
}


def _change(what: str, then: object, now: object) -> str:
    if then == now:
        return ""
    if isinstance(then, str) and isinstance(now, str):
        return f"{what} was {then or 'nothing'}, is now {now or 'nothing'}"
    rows_then, rows_now = _rows(then), _rows(now)
    gone, new = [row for row in rows_then if row not in rows_now], [row for row in rows_now if row not in rows_then]
    return f"{what}: {_few(gone)} changed to {_few(new)}"


def _rows(value: object) -> list[str]:
    return [" ".join(row) for row in value] if isinstance(value, tuple) else []


def _few(rows: Sequence[str]) -> str:
    return first_few([f"'{row}'" for row in rows]) or "nothing"
