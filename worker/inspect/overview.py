"""The state of the installation, from the ledger and the lanes alone, without querying a remote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind, State, outcome_of
from worker.domain.texts import counted
from worker.domain.work import Lane, RunKind, lane_of
from worker.inspect.pauses import Pauses, Stoppages
from worker.inspect.problem_views import ProblemViews
from worker.inspect.waiting import Waiting
from worker.store.ledger_state import LedgerState
from worker.store.runs import Run
from worker.store.stores import Stores

_OUTCOMES = ("created", "adopted", "already", "skipped", "blocked", "unknown", "waiting")


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts for users and dashboards."""

    stores: Stores
    pauses: Pauses
    views: ProblemViews
    stoppages: Stoppages
    waiting: Waiting

    def status(self) -> dict[str, Any]:
        """Return the state as JSON values: the ledger, codes and invoices by state, unfinished records and the oldest of each, what has waited
        longest and why, lanes, pauses, last runs, gate, problems by cause, and inactive projects whose invoices Procore does not show.
        """
        codes: Counter[str] = Counter()
        invoices: Counter[str] = Counter()
        for project_id in self.stores.ledger.projects():
            codes.update(record.state.value for record in self.stores.ledger.codes(project_id).values())
            invoices.update(record.state.value for record in self.stores.ledger.invoices(project_id).values())
        problems = self.stores.ledger.problems()
        depths = {lane.value: self.stores.work.depth(lane) for lane in Lane}
        return {
            "ledger": {
                "open": self.stores.ledger.state.is_open(),
                "rebuilt_so_far": self.stores.ledger.state.rebuild_counts().get("items", 0),
                "notice": ledger_notice(self.stores.ledger.state),
            },
            "codes": dict(codes),
            "invoices": dict(invoices),
            "lanes": {
                lane: {"waiting": waiting, "in_progress": in_hand} for lane, (waiting, in_hand) in depths.items()
            },
            "pauses": [asdict(one) for one in self.pauses.all()],
            "gate": {"in_use": self.stores.gate.in_use(), "slots": self.stores.gate.caps()[0]},
            "runs": {kind.value: run_view(run) for kind in RunKind if (run := self.stores.runs.current(kind))},
            "problems": dict(Counter(one.problem.cause.value for one in problems if not one.ignored)),
            "invoices_unreadable": [
                {"project": self.stores.listed_projects.label(project_id), "answer": answer}
                for project_id, answer in sorted(self.stores.listed_projects.refused().items())
            ],
            "oldest_waiting": [asdict(one) for one in self.waiting.oldest()],
            "unfinished": [asdict(one) for one in self.stores.ledger.unfinished() if one.count],
            "ignored_problems": sum(one.ignored is not None for one in problems),
        }

    def of(self, key: CodeKey | InvoiceKey) -> dict[str, Any]:
        """Return the state of one code or invoice in the format of a task's result: `outcome` is None if nothing is known.

        `in_progress`: a worker has claimed it; `next_attempt_at`: time of the next attempt in unix seconds, None if none is scheduled.
        """
        lane, outcome = lane_of(str(key)), self.outcome_of(key)
        result = outcome.result(noun="item" if isinstance(key, CodeKey) else "bill") if outcome else {"outcome": None}
        again_at = self.stores.work.waits_until(lane, str(key))
        return {
            "key": str(key),
            **result,
            "in_progress": self.stores.work.is_in_progress(lane, str(key)),
            "next_attempt_at": again_at,
        }

    def outcome_of(self, key: CodeKey | InvoiceKey) -> Outcome | None:
        """Return the outcome from the ledger, from a problem without a ledger record, or as waiting work; None for none of these."""
        if record := self.stores.ledger.record(key):
            outcome = outcome_of(record)
            waits = outcome.kind is OutcomeKind.WAITING and not outcome.reason
            return replace(outcome, reason=self._waits_for(key)) if waits else outcome
        if entry := self.stores.ledger.problem(str(key)):
            return Outcome(OutcomeKind.BLOCKED, reason=entry.problem.sentence, cause=entry.problem.cause)
        if self.stores.work.pending([str(key)], due_before=float("inf")):
            return Outcome(OutcomeKind.WAITING, reason=self._waits_for(key) or "no worker has started it yet")
        return None

    def _waits_for(self, key: CodeKey | InvoiceKey) -> str:
        """Return why work of this kind is blocked now; "" if it is not."""
        return " ".join(one.text for one in self.stoppages.of(lane_of(str(key)), str(key)))

    def problems(self) -> list[dict[str, Any]]:
        """Return the open problems that are not ignored, oldest first, with names instead of ids."""
        return [row for row in self.views.all() if not row["ignored"]]

    def without_a_write(self) -> list[dict[str, Any]]:
        """Return what was adopted and what was skipped: each reason with its count and the name of an example."""
        names: dict[tuple[str, str], list[str]] = {}
        for project_id in self.stores.ledger.projects():
            records = [
                *self.stores.ledger.codes(project_id).values(),
                *self.stores.ledger.invoices(project_id).values(),
            ]
            for record in records:
                if record.state is State.ADOPTED:
                    names.setdefault(("adopted", "matches a record already in NetSuite"), []).append(record.name)
                elif record.state is State.SKIPPED:
                    names.setdefault(("skipped", record.detail.partition(" (")[0]), []).append(record.name)
        return [
            {"outcome": outcome, "reason": reason, "count": len(examples), "example": examples[0]}
            for (outcome, reason), examples in sorted(names.items())
        ]


def ledger_notice(state: LedgerState) -> str:
    """Return sentences on a ledger that is missing or whose rebuild has begun (it may have been interrupted); "" if it is open."""
    if state.is_open():
        return ""
    if counts := state.rebuild_counts():
        items = counted(counts.get("items", 0), "Items")
        return f"A rebuild of the ledger from NetSuite has begun: {items} so far. Nothing is written before it is complete."
    return "There is no ledger yet. A worker restores it from NetSuite before its first piece of work."


def run_view(run: Run) -> dict[str, Any]:
    """Return a run as JSON values; times in unix seconds."""
    return {
        "run": run.id,
        "correlation_id": run.correlation_id,
        "trigger": run.trigger,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "open": run.open_keys,
        "counts": dict(run.counts),
        "requests": asdict(run.requests) if run.requests else None,
    }


def run_counts(counts: Mapping[str, int]) -> str:
    """Return `102 created, 18 blocked; 262 Items for them; 1 project not readable`, without zeros.

    The outcomes are those of codes in a scan, and of invoices in an export. An export's Items, and projects that could not be read or were
    skipped for a reason (`wbs-sync status` names them), are counted separately.
    """
    outcomes = ", ".join(f"{counts[name]:,} {name}" for name in _OUTCOMES if counts.get(name))
    items = f"{counted(counts['items'], 'Items')} for them" if counts.get("items") else ""
    unread = f"{counted(counts['projects_blocked'], 'projects')} not readable" if counts.get("projects_blocked") else ""
    skipped = f"{counted(counts['projects_skipped'], 'projects')} skipped" if counts.get("projects_skipped") else ""
    return "; ".join(part for part in (outcomes, items, unread, skipped) if part) or "nothing to do"
