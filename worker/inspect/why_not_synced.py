"""Says in one sentence whether a code's Item or an invoice's bill is in NetSuite, and if not, why not yet. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.domain.audit_trail import clock
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.invoices import Invoice, reason_to_skip
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State
from worker.domain.policy import Policy
from worker.domain.problems import of_project
from worker.domain.texts import counted
from worker.domain.work import lane_of
from worker.inspect.named_records import try_query
from worker.inspect.pauses import Stoppages
from worker.store.stores import Stores
from worker.sync.export_preview import ExportPreview
from worker.sync.projects import Projects

Problem = Mapping[str, Any]
"""An open problem as `ProblemViews` returns it."""


@dataclass(frozen=True, slots=True)
class WhyNotSynced:
    """Finds the reason in the ledger, the open problems, the lanes, and what a scan or export would find now."""

    stores: Stores
    policy: Policy
    projects: Projects
    preview: ExportPreview
    stoppages: Stoppages

    def of(
        self,
        key: CodeKey | InvoiceKey,
        record: Record | None,
        problems: Sequence[Problem],
        not_exported: str = "",
    ) -> str:
        """Return one sentence on whether the record is in NetSuite, or why not yet; "" if nothing is known. `not_exported`: why the invoice in
        its current state is not exported, which takes precedence over the result of an earlier attempt.
        """
        thing = "Item" if isinstance(key, CodeKey) else (record.facts.get("document", "bill") if record else "bill")
        own = next((row for row in problems if row["key"] == str(key)), None)
        if record and record.done and not record.write_back_due:
            origin = "entered by hand" if record.state is State.ADOPTED else "created by wbs-sync"
            return f"Its {thing} is in NetSuite: {record.name}, id {record.remote_id}, recorded {clock(record.at)}; {origin}."
        if record and record.write_back_due:
            then = _problem_text(own) if own else self._when(key, record)
            return f"Its {thing} is in NetSuite (id {record.remote_id}), but its id is not saved in Procore yet. {then}"
        if record and record.in_doubt:
            settled = clock(record.sent_at + self.policy.settle_seconds)
            in_doubt = f"NetSuite did not confirm the write of {clock(record.at)}; wbs-sync checks NetSuite for its {thing} and sends nothing again before {settled}"
            return f"Not yet: {in_doubt}. " + (_problem_text(own) if own else self._when(key, record))
        if not_exported:
            return not_exported
        if own:
            return _not_yet(own)
        if record and record.state is State.SKIPPED:
            return self._why_skipped(key, record)
        return f"Not yet: {self._when(key, record)}" if record or self._is_work(key) else ""

    def no_item(self, key: CodeKey, in_procore: Mapping[str, Any], problems: Sequence[Problem]) -> str:
        """Return why there is no ledger record: what a scan would find now."""
        if problems:
            return _not_yet(problems[0])
        if not self.projects.in_pilot(key.project_id):
            return "Skipped: its project is not in PROJECT_IDS."
        if in_procore["error"]:
            return f"Not yet: it is not in the ledger, and Procore could not be queried: {in_procore['error']}"
        if not in_procore["budgeted"]:
            return "No Item needed: no budget line in Procore uses this code."
        if not in_procore["active"] or not in_procore["project_active"]:
            what = "code" if not in_procore["active"] else "project"
            return f"No Item needed: the {what} is not active in Procore."
        then = self._stopped(key)
        return f"Not yet: no scan has seen it. The next scan will; start one with `wbs-sync scan`.{then}"

    def no_bill(self, key: InvoiceKey, invoice: Invoice | None, fault: str | None, problems: Sequence[Problem]) -> str:
        """Return why there is no ledger record: what an export would find now."""
        if problems and problems[0]["key"] in (str(key), of_project(key.project_id, "commitments")):
            return _not_yet(problems[0])
        if invoice is None:
            return f"Not yet: it is not in the ledger, and it could not be read from Procore: {fault}"
        ready, obstacle = try_query(lambda: self.preview.of(key))
        if obstacle:
            return f"Not yet: {obstacle}"
        if isinstance(ready, Outcome) and ready.kind is OutcomeKind.ADOPTED:
            return f"Not yet: {ready.reason} (id {ready.remote_id}). The next export adopts that bill; start one with `wbs-sync export`."
        if isinstance(ready, Outcome):
            return (
                f"Not billed: {ready.reason}."
                if ready.reason
                else f"Procore already has its bill id: {ready.remote_id}."
            )
        then = self._stopped(key)
        return f"Not yet: no export has seen it. The next export will; start one with `wbs-sync export`.{then}"

    def not_exported(self, invoice: Invoice | None) -> str:
        """Return a sentence on why the invoice in its current state in Procore is not exported, or "" if it is."""
        skip = reason_to_skip(invoice, self.policy.export_statuses) if invoice else None
        if not invoice or not skip:
            return ""
        if invoice.status in self.policy.export_statuses:
            return f"Not billed: {skip}."
        exported = " or ".join(map(_spaced, self.policy.export_statuses))
        return f"Not billed: its status in Procore is {_spaced(invoice.status)}; only {exported} invoices are exported."

    def _why_skipped(self, key: CodeKey | InvoiceKey, record: Record) -> str:
        """Return a sentence on a skipped record; for an invoice, on whether the reason still applies."""
        ready, fault = try_query(lambda: self.preview.of(key)) if isinstance(key, InvoiceKey) else (None, "not checked")
        if isinstance(ready, Outcome) or fault:
            reason = ready.reason if isinstance(ready, Outcome) else record.detail
            return f"Not billed: {reason}."
        return f"Not yet: it was skipped at {clock(record.at)} ({record.detail}), and that reason no longer applies; {self._when(key, record)}"

    def _when(self, key: CodeKey | InvoiceKey, record: Record | None) -> str:
        """Return what the record is waiting for, or when its next attempt is."""
        lane = lane_of(str(key))
        if stopped := self.stoppages.of(lane, str(key)):
            return stopped[0].text
        if self.stores.work.is_begun(lane, str(key)):
            return "a worker is working on it."
        if self.stores.work.is_in_progress(lane, str(key)):
            return "it is dispatched, and no worker has started it yet."
        due, now = self.stores.work.waits_until(lane, str(key)), self.stores.now()
        if due is None:
            return "it is in no lane now; the next scan or export picks it up."
        if due > now:
            return f"the next attempt is at {clock(due)}."
        waiting, _ = self.stores.work.depth(lane)
        since = f" since {clock(record.at)}" if record and record.at else ""
        return f"it has been waiting for its turn{since}; {counted(waiting, 'pieces of work')} in its lane."

    def _stopped(self, key: CodeKey | InvoiceKey) -> str:
        """Return what else would block the next scan or export, to be appended to a sentence; "" for nothing."""
        return "".join(f" However: {one.text}" for one in self.stoppages.of(lane_of(str(key)), str(key))[:1])

    def _is_work(self, key: CodeKey | InvoiceKey) -> bool:
        lane, work = lane_of(str(key)), self.stores.work
        return work.is_in_progress(lane, str(key)) or work.waits_until(lane, str(key)) is not None


def _spaced(status: str) -> str:
    return status.replace("_", " ")


def _problem_text(problem: Problem) -> str:
    return f"{problem['sentence']} Owner: {problem['owner']}. {problem['next_step']}"


def _not_yet(problem: Problem) -> str:
    ignored = " This problem is ignored until it changes." if problem["ignored"] else ""
    return f"Not yet: {_problem_text(problem)}{ignored}"
