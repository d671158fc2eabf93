"""A plan: what a scan or an export would do, line by line, with the data that each line is based on.

A line is applied later only if its data is unchanged. The data is stored as text, so that a refusal can say what changed.

A saved plan is signed, so that what is applied is what was approved. Each line has a signature over all of its fields and the plan's id, made
with a key that only the installation has. The signature of a line that was changed, or comes from another plan or program, does not match.
Whole lines may be removed. The plan's id is a digest of the plan, which an approver can write down.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import CATALOGUE, record_of, subject_of
from worker.domain.texts import first_few
from worker.domain.work import RunKind

VERSION = 4
"""Version of the plan format. Plans of other versions are refused: the keys of version 3 had other names."""
ID_LENGTH = 12
"""Hexadecimal digits of a plan's id: short enough to write down, too long to match by chance."""

LineData = Mapping[str, str | tuple[tuple[str, ...], ...]]
"""The data of a line by label; the lines of a bill are rows of (Item, amount, description). Amounts are plain numbers as text (`1234.50`)."""


class Action(StrEnum):
    """What a scan or an export would do with a code or an invoice."""

    CREATE = "create"
    BILL = "bill"
    ADOPT = "adopt"
    ALREADY = "already"
    SKIP = "skip"
    BLOCKED = "blocked"
    PENDING = "pending"
    """A write, its own or that of an Item it needs, is unconfirmed: the workers look it up."""

    @property
    def is_change(self) -> bool:
        """Whether a record would be created in NetSuite or adopted."""
        return self in (Action.CREATE, Action.BILL, Action.ADOPT)


_ACTIONS = {
    OutcomeKind.CREATED: Action.CREATE,
    OutcomeKind.ADOPTED: Action.ADOPT,
    OutcomeKind.ALREADY: Action.ALREADY,
    OutcomeKind.SKIPPED: Action.SKIP,
    OutcomeKind.BLOCKED: Action.BLOCKED,
    OutcomeKind.UNKNOWN: Action.PENDING,
    OutcomeKind.WAITING: Action.PENDING,
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

    `record`: the code's text or the invoice's number; `name`, `remote_id`: of the Item or bill that would be created or exists; `needs`:
    keys of the codes whose Items must be created before the bill; `requests`: requests needed to apply it; `waits_for`: what blocked all
    lines like this one when the plan was made, with the problem and how to continue; `signature`: of a saved line.
    """

    key: str
    project: str
    record: str
    action: Action
    name: str = ""
    remote_id: str = ""
    reason: str = ""
    cause: str = ""
    owner: str = ""
    next_step: str = ""
    data: LineData = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    requests: Requests = Requests()
    waits_for: str = ""
    signature: str = ""

    @property
    def project_id(self) -> int:
        """Id of its project, the second part of every key. Raises ValueError for an invalid key."""
        if (project_id := subject_of(self.key).project_id) is None:
            raise ValueError(f"{self.key} is not the key of a project's record")
        return project_id

    @property
    def is_invoice(self) -> bool:
        """Whether its key is that of an invoice."""
        return isinstance(record_of(self.key), InvoiceKey)

    @property
    def is_credit(self) -> bool:
        """Whether a vendor credit would be created. The total of a line read from a file is validated before."""
        return self.action is Action.BILL and str(self.data.get("total", "")).startswith("-")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one scan or export would do. `made_at`: UTC; `requests`: requests it would send now; `dry_run_requests`: those sent to make the plan.

    `id`, `line_count` and `signature` are those of a saved plan.
    """

    version: int
    kind: RunKind
    company_id: int
    account: str
    made_at: str
    requests: Requests
    dry_run_requests: Requests
    lines: tuple[PlanLine, ...]
    id: str = ""
    line_count: int = 0
    signature: str = ""


def line_of(
    key: str,
    project: str,
    record: str,
    outcome: Outcome,
    *,
    data: LineData | None = None,
    needs: tuple[str, ...] = (),
    requests: Requests = Requests(),
) -> PlanLine:
    """Return the line of a record whose work would end with this outcome."""
    entry = CATALOGUE[outcome.cause] if outcome.cause else None
    creates_bill = outcome.kind is OutcomeKind.CREATED and isinstance(record_of(key), InvoiceKey)
    return PlanLine(
        key,
        project,
        record,
        Action.BILL if creates_bill else _ACTIONS[outcome.kind],
        outcome.name,
        outcome.remote_id,
        outcome.reason,
        cause=outcome.cause.value if outcome.cause else "",
        owner=entry.owner.value if entry else "",
        next_step=entry.next_step if entry else "",
        data=data or {},
        needs=needs,
        requests=requests,
    )


def what_changed(planned: PlanLine, current: PlanLine) -> str:
    """Return why a line cannot be applied as planned; "" if its data is unchanged."""
    ends_now = f"it would be {_PARTICIPLES[current.action]} now"
    if not current.action.is_change and current.action is not planned.action:
        return ends_now + (f": {current.reason}" if current.reason else "")
    labels = dict.fromkeys((*planned.data, *current.data))
    changes = [_change(label, planned.data.get(label, ""), current.data.get(label, "")) for label in labels]
    if any(changes):
        return "; ".join(filter(None, changes))
    return "" if _end(planned) == _end(current) else ends_now


def refusals(
    kind: RunKind, planned: Sequence[PlanLine], current: Mapping[str, PlanLine], done: Collection[str]
) -> dict[str, str]:
    """Return why lines of one project are not applied, by key.

    `current`: the lines of a dry run made now, or the one line of the project; `done`: keys of existing records, which are not changed. An
    invoice depends on its Items: without one of them it is refused, and an Item is not created for invoices that all changed.
    """
    lines = {line.key: line for line in planned}
    invoices_of: dict[str, list[str]] = {}
    for line in planned:
        for item in line.needs:
            invoices_of.setdefault(item, []).append(line.key)
    relevant = [line for line in planned if line.action.is_change or line.needs or line.key in invoices_of]
    relevant = [line for line in relevant if line.key not in done]
    of_project = next((line for line in current.values() if record_of(line.key) is None), None)
    changed = {}
    for line in relevant:
        now = current.get(line.key, of_project)
        if why := what_changed(line, now) if now else _GONE[kind]:
            changed[line.key] = why

    def why_not(line: PlanLine) -> str:
        if line.key in changed:
            return changed[line.key]
        if line.key in invoices_of and all(invoice in changed for invoice in invoices_of[line.key]):
            return "the invoices that need this Item have changed"
        for item in line.needs:
            if item in changed:
                return f"its Item {lines[item].name} must be created first and is refused: {changed[item]}"
            if item not in lines and item not in done:
                return f"its Item ({item}) must be created first and is not in this plan"
        return ""

    return {line.key: why for line in relevant if line.action.is_change and (why := why_not(line))}


_GONE = {
    RunKind.SCAN: "the code is no longer budgeted, or no longer in Procore",
    RunKind.EXPORT: "no invoice of the plan needs it anymore",
}
_PARTICIPLES = {
    Action.CREATE: "created",
    Action.BILL: "billed",
    Action.ADOPT: "adopted",
    Action.ALREADY: "unchanged, because it is already done",
    Action.SKIP: "skipped",
    Action.BLOCKED: "blocked",
    Action.PENDING: "checked or waiting",
}


def _end(line: PlanLine) -> tuple[str, ...]:
    return line.action, line.name, line.remote_id, line.cause


def _change(label: str, planned: object, current: object) -> str:
    if planned == current:
        return ""
    if isinstance(planned, str) and isinstance(current, str):
        return f"{label} was {planned or 'nothing'}, is now {current or 'nothing'}"
    before, after = _rows(planned), _rows(current)
    gone, new = [row for row in before if row not in after], [row for row in after if row not in before]
    return f"{label}: {_quoted(gone)} changed to {_quoted(new)}"


def _rows(value: object) -> list[str]:
    return [" ".join(row) for row in value] if isinstance(value, tuple) else []


def _quoted(rows: Sequence[str]) -> str:
    return first_few([f"'{row}'" for row in rows]) or "nothing"


def signed(plan: Plan, key: str) -> Plan:
    """Return the plan with its id, its number of lines, and a signature for each line and for the head."""
    lines = tuple(replace(line, signature="") for line in plan.lines)
    unsigned = replace(plan, id="", line_count=len(lines), signature="", lines=lines)
    plan_id = hashlib.sha256(_text(asdict(unsigned))).hexdigest()[:ID_LENGTH]
    lines = tuple(replace(line, signature=_line_signature(line, plan_id, key)) for line in lines)
    whole = replace(unsigned, id=plan_id, lines=lines)
    return replace(whole, signature=_head_signature(whole, key))


def has_signed_head(plan: Plan, key: str) -> bool:
    """Return whether the head is unchanged since the installation with this key wrote it."""
    return bool(key) and _matches(plan.signature, _head_signature(plan, key))


def edited_lines(plan: Plan, key: str) -> list[PlanLine]:
    """Return the lines that this installation did not write into this plan in this form."""
    return [line for line in plan.lines if not _matches(line.signature, _line_signature(line, plan.id, key))]


def _matches(signature: str, expected: str) -> bool:
    return hmac.compare_digest(signature.encode(), expected.encode())


def _line_signature(line: PlanLine, plan_id: str, key: str) -> str:
    return _signature(key, {"plan": plan_id, **asdict(replace(line, signature=""))})


def _head_signature(plan: Plan, key: str) -> str:
    return _signature(key, asdict(replace(plan, signature="", lines=())))


def _signature(key: str, content: dict[str, Any]) -> str:
    return hmac.new(key.encode(), _text(content), hashlib.sha256).hexdigest()[:32]


def _text(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
