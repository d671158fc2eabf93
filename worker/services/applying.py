"""A plan is carried out: each line is looked at again, and only what is still as it was goes into the lanes.

From there on all is as after a scan or an export: workers make one thing after the other, with lock, intent, look and record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind, Record, outcome_of
from worker.domain.plans import Plan, PlanLine, Would, refusals
from worker.domain.wbs_codes import Project
from worker.domain.work import Lane, RunKind
from worker.services.attempts import RUN_WAITS_SECONDS
from worker.services.items import Items, Planned
from worker.services.planning import Planning
from worker.services.recovery import Recovery
from worker.store.connection import Redis, seconds
from worker.store.ledger import Ledger
from worker.store.work import Work


@dataclass(frozen=True, slots=True)
class Checked:
    """A plan after the second look, at `at` (unix seconds). `to_do`: lines that are still as they were; `already`: ids in NetSuite of
    what stands by now, and `refused`: what changed, both by key; `planned`: the codes as `Items.note` takes them.
    """

    at: float
    kind: RunKind
    to_do: Sequence[PlanLine]
    already: Mapping[str, str]
    refused: Mapping[str, str]
    planned: Mapping[str, Planned]


class Applying:
    """Carries plans out."""

    def __init__(
        self, client: Redis, *, planning: Planning, items: Items, ledger: Ledger, work: Work, recovery: Recovery
    ) -> None:
        self._client = client
        self._planning = planning
        self._items = items
        self._ledger = ledger
        self._work = work
        self._recovery = recovery

    def check(self, plan: Plan, progress: Callable[[Project], None] = lambda _: None) -> Checked:
        """Look again at every line that says what is to be done. Reads only, but that a ledger that was lost is restored first."""
        self._recovery.ensure_ledger()
        look = self._planning.look_again(plan, progress)
        already = {}
        for line in plan.lines:
            record, now = self._record(line), look.lines.get(line.key)
            if record and record.done:
                already[line.key] = record.remote_id
            elif now and now.would is Would.ALREADY:
                already[line.key] = now.remote_id
        refused = refusals(plan.lines, look.lines, already)
        to_do = [line for line in plan.lines if line.would.acts and line.key not in {*already, *refused}]
        return Checked(seconds(self._client), plan.kind, to_do, already, refused, look.planned)

    def carry_out(self, checked: Checked) -> None:
        """Note the codes as a scan does (with that, what stands is adopted), and let what is to be made wait in its lane."""
        codes: dict[int, list[Planned]] = {}
        for line in checked.to_do:
            if not line.of_invoice:
                codes.setdefault(CodeKey.parse(line.key).project_id, []).append(checked.planned[line.key])
        for project_id, planned in codes.items():
            noted = self._items.note(project_id, planned, for_invoice=checked.kind is RunKind.EXPORT)
            self._work.add(Lane.ITEMS, [str(key) for key in noted])
        self._work.add(Lane.EXPORTS, [line.key for line in checked.to_do if line.of_invoice])

    def going_on(self, checked: Checked) -> int:
        """How many lines have not come to an end. What is due only in more than a minute is not waited for."""
        soon = seconds(self._client) + RUN_WAITS_SECONDS
        return len(self._work.going_on([line.key for line in checked.to_do], due_before=soon))

    def ends(self, checked: Checked) -> dict[str, Outcome]:
        """How the lines that were carried out stand now, by key."""
        problems = {one.key: one.problem for one in self._ledger.problems()}
        ends = {}
        for line in checked.to_do:
            record = self._record(line)
            outcome = (
                outcome_of(record) if record else Outcome(OutcomeKind.WAITING, reason="no worker has taken it up yet")
            )
            if record and record.done and record.at >= checked.at:
                outcome = replace(outcome, kind=OutcomeKind(record.state.value))
            if problem := problems.get(line.key):
                kind = outcome.kind if record and record.done else OutcomeKind.BLOCKED
                outcome = replace(outcome, kind=kind, reason=problem.sentence, cause=problem.cause)
            ends[line.key] = outcome
        return ends

    def _record(self, line: PlanLine) -> Record | None:
        if line.of_invoice:
            return self._ledger.invoice(InvoiceKey.parse(line.key))
        return self._ledger.code(CodeKey.parse(line.key)) if line.key.startswith("code:") else None
