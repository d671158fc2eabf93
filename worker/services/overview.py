"""Where everything stands, from the ledger and the lanes alone: no remote is asked."""

from __future__ import annotations

from collections import Counter
from typing import Any

from worker.domain.findings import FINDINGS
from worker.domain.outcomes import State
from worker.domain.work import Lane, RunKind
from worker.store.gate import Gate
from worker.store.ledger import Ledger, OpenProblem
from worker.store.projects import ProjectList
from worker.store.work import Run, Work


class Overview:
    """Counts for people and dashboards."""

    def __init__(self, *, ledger: Ledger, work: Work, gate: Gate, projects: ProjectList, slots: int) -> None:
        self._ledger = ledger
        self._work = work
        self._gate = gate
        self._projects = projects
        self._slots = slots

    def status(self) -> dict[str, Any]:
        """The ledger itself, codes and invoices by state, lanes, last runs, gate, problems by cause: plain JSON values."""
        codes: Counter[str] = Counter()
        invoices: Counter[str] = Counter()
        for project_id in self._ledger.projects():
            codes.update(record.state.value for record in self._ledger.codes(project_id).values())
            invoices.update(record.state.value for record in self._ledger.invoices(project_id).values())
        problems = Counter(one.problem.cause.value for one in self._ledger.problems())
        depths = {lane.value: self._work.depth(lane) for lane in Lane}
        return {
            "ledger": {"open": self._ledger.is_open(), "rebuilt_so_far": self._ledger.rebuild_so_far().get("items", 0)},
            "codes": dict(codes),
            "invoices": dict(invoices),
            "lanes": {lane: {"waiting": waiting, "in_hand": in_hand} for lane, (waiting, in_hand) in depths.items()},
            "gate": {"in_use": self._gate.in_use(), "slots": self._slots},
            "runs": {kind.value: run_view(run) for kind in RunKind if (run := self._work.current(kind))},
            "problems": dict(problems),
        }

    def problems(self) -> list[dict[str, Any]]:
        """Open problems, oldest first, with names instead of ids."""
        return [self._problem_view(one) for one in self._ledger.problems()]

    def without_a_write(self) -> list[dict[str, Any]]:
        """What was adopted and what was skipped: each reason with its count and an example, as people call it."""
        found: dict[tuple[str, str], list[str]] = {}
        for project_id in self._ledger.projects():
            records = [*self._ledger.codes(project_id).values(), *self._ledger.invoices(project_id).values()]
            for record in records:
                if record.state is State.ADOPTED:
                    found.setdefault(("adopted", "stood in NetSuite already and fits"), []).append(record.name)
                elif record.state is State.SKIPPED:
                    found.setdefault(("skipped", record.detail.partition(" (")[0]), []).append(record.name)
        return [
            {"outcome": outcome, "reason": reason, "count": len(names), "example": names[0]}
            for (outcome, reason), names in sorted(found.items())
        ]

    def _problem_view(self, one: OpenProblem) -> dict[str, Any]:
        return {
            "key": one.key,
            "about": self._about(one),
            "project_id": next((int(part) for part in one.key.split(":") if part.isdigit()), None),
            "cause": one.problem.cause.value,
            "owner": one.problem.owner.value,
            "sentence": one.problem.sentence,
            "next_step": one.problem.next_step,
            "since": one.since,
        }

    def _about(self, one: OpenProblem) -> str:
        """Which record, as people call it: project and code or invoice."""
        key = one.key.split(":", 2)[2] if one.key.startswith(FINDINGS) else one.key
        kind, _, rest = key.partition(":")
        first = rest.split(":")[0]
        if not first.isdigit():
            return first or one.key
        project = self._projects.get(int(first))
        label = project.label if project else f"project {first}"
        thing = one.facts.get("code" if kind == "code" else "invoice", "")
        return f"{label}, {kind} {thing}" if thing else label


def run_view(run: Run) -> dict[str, Any]:
    """A run as plain JSON values; times in unix seconds."""
    return {
        "run": run.id,
        "trigger": run.trigger,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "open": run.open_keys,
        "counts": dict(run.counts),
    }
