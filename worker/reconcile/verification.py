"""Compares Procore, NetSuite and the ledger: every budgeted code should have one Item, every invoice one bill.

Reads only. A difference with a known reason (an open problem, a skipped invoice, waiting work) is explained; every other one is a finding.
docs/verify.md describes each kind of finding, its owner, and how to resolve it.

A comparison runs in steps, each of which saves its results, so that any process can continue it after an interruption: at Procore's rate
limit it may take hours. A record that cannot be compared after several attempts is reported as not compared; the comparison continues.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from worker.context import in_context
from worker.domain.errors import Transient
from worker.domain.findings import Finding, Verified
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import FindingKind, finding_of, record_of, subject_of
from worker.domain.wbs_codes import Project
from worker.domain.work import RECONCILE_ALL, Lane
from worker.reconcile.comparison_failures import Failures, GivenUp, Interrupted, Later
from worker.reconcile.orphaned_bills import OrphanedBills
from worker.reconcile.project_comparison import ProjectComparison, Turn
from worker.store.stores import Stores
from worker.store.verifications import VerificationState
from worker.sync.projects import Projects

LOCK = "verify"
PROJECTS_AT_ONCE = 4
STEP_SECONDS = 45.0
"""Seconds after which a step starts no new project or invoice, except the invoices of a project whose lists took that long."""
MAX_OUTAGES = 3
"""Failures in a row (about 15 seconds) after which a waiting user gets an error. A worker continues."""
BUSY_SECONDS = 1.0
FULL_EVERY_SECONDS = 6.5 * 86_400
"""Seconds after which a comparison is a full one, so that a daily comparison at a fixed hour is full once a week."""
ITEM_NAMES, ORPHANED_BILLS, FOR_INFORMATION = "item names", "orphaned bills", "information"
"""Units compared once for the whole account, after the projects."""

MISSING = (FindingKind.ITEM_MISSING, FindingKind.BILL_MISSING)

Progress = Callable[[VerificationState], None]


@dataclass(frozen=True, slots=True)
class Step:
    """The state of a comparison after a step, and when it can continue (unix seconds, 0 = now)."""

    state: VerificationState
    again_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Verification:
    """Runs comparisons, one at a time in an installation."""

    stores: Stores
    projects: Projects
    comparison: ProjectComparison
    orphans: OrphanedBills
    failures: Failures

    def request(self, *, full: bool = False) -> tuple[str, bool]:
        """Start a comparison, or join the one in progress: return (its id, joined). A full comparison replaces one that is not.

        A full comparison ignores cached results. Once a week, any comparison that is started is a full one.
        """
        last, current = self.stores.verifications.last_full(), self.stores.verifications.current()
        due = last is None or self.stores.now() - last > FULL_EVERY_SECONDS
        replace = full and current is not None and not current.full
        return self.stores.verifications.begin(full=full or due, replace=replace)

    def verify(self, progress: Progress = lambda _state: None, *, full: bool = False) -> Verified:
        """Compare everything in scope, continuing the comparison in progress, and keep a problem open for each finding.

        Waits where necessary: for hours if a rate limit is used up, but at most MAX_OUTAGES failures in a row for an outage. Calls
        `progress` after each step. Raises Misconfigured if a login is refused, and Transient if a remote stays down; results so far are
        kept.
        """
        verification_id, _ = self.request(full=full)
        outages_before: int | None = None
        while True:
            step = self.step()
            state = self.stores.verifications.state(verification_id)
            if state is None:
                # Another process has replaced it with a full one.
                verification_id, _ = self.request()
                continue
            progress(state)
            if state.ended:
                return self.result(state.id)
            # Outages before this call do not count.
            outages_before = state.outages if outages_before is None else min(outages_before, state.outages)
            if state.outages - outages_before >= MAX_OUTAGES:
                raise Transient(f"{state.waits_for} The next `wbs-sync verify` continues the comparison from there.")
            if step and step.again_at:
                time.sleep(min(max(step.again_at - self.stores.now(), 0.0), BUSY_SECONDS))

    def step(self) -> Step | None:
        """Continue the comparison in progress for less than a minute; if another process is doing that, only return its state. Return None
        without a comparison. Raises Misconfigured if a login is refused.
        """
        with self.stores.locks.hold(LOCK) as lock:
            state, now = self.stores.verifications.current(), self.stores.now()
            if state is None:
                return None
            if lock is None:
                return Step(state, now + BUSY_SECONDS)
            if state.waits_until > now:
                return Step(state, state.waits_until)
            try:
                self._advance(state)
            except Interrupted as stopped:
                self.failures.wait(state, stopped.error)
            after = self.stores.verifications.state(state.id) or state
            return Step(after, 0.0 if after.ended else self._again_at(after))

    def result(self, verification_id: str) -> Verified:
        """Return the result so far, which is complete when the comparison has ended."""
        results = self.stores.verifications.results(verification_id)
        verified = Verified()
        for unit in sorted(results, key=lambda unit: (not unit.isdecimal(), unit.zfill(20))):
            verified.add(Verified.of(results[unit]))
        return verified

    # As work of the upkeep lane: one worker at a time claims it, and it is dispatched again if the worker dies.

    def queue(self) -> None:
        """Start a comparison for workers to run, or join the one in progress."""
        self.request()
        self.stores.work.add(Lane.UPKEEP, [RECONCILE_ALL])

    def attempt(self) -> Outcome:
        """Run the next step of the comparison in progress. The outcome has the numbers so far: records `checked` and `findings`; none without a
        comparison.
        """
        step = self.step()
        if step is None:
            return Outcome(OutcomeKind.ALREADY, reason="no comparison is in progress")
        verified = self.result(step.state.id)
        counts = {"checked": verified.codes + verified.invoices, "findings": len(verified.findings)}
        if step.state.ended:
            return Outcome(OutcomeKind.ALREADY, counts=counts)
        again_at, reason = max(step.again_at, self.stores.now()), step.state.waits_for or "still running"
        return Outcome(OutcomeKind.WAITING, reason=reason, again_at=again_at, counts=counts)

    def _again_at(self, state: VerificationState) -> float:
        due = self.stores.verifications.next_due(state.id) or 0.0
        return max(state.waits_until, due) if max(state.waits_until, due) > self.stores.now() else 0.0

    def _advance(self, state: VerificationState) -> None:
        until = time.monotonic() + STEP_SECONDS
        if state.projects is None:
            self._list_projects(state)
        if state.waits_until:
            self.stores.verifications.resume(state.id)
        problems = {one.key: one.problem.cause for one in self.stores.ledger.problems()}
        if not self._compare_projects(Turn(state, problems, until)):
            return
        done = self.stores.verifications.results(state.id)
        for unit, compare in (
            (ITEM_NAMES, self._compare_names),
            (ORPHANED_BILLS, self._compare_orphans),
            (FOR_INFORMATION, self._inform),
        ):
            if unit in done:
                continue
            try:
                verified = self.failures.attempt_of_all(state, unit, partial(compare, state))
            except GivenUp as error:
                verified = Verified(not_compared={unit: f"All {unit}: {error}"})
            self._close(state, unit, verified)
        self._end(state)

    def _list_projects(self, state: VerificationState) -> None:
        try:
            compared = self.failures.attempt_of_all(state, "projects", self._projects_to_compare)
        except GivenUp as error:
            # Without the list there is nothing to compare, so it is requested again until it can be read.
            raise Interrupted(Transient(f"the list of projects could not be read: {error}")) from error
        self.stores.verifications.open_projects(state.id, [project.id for project in compared])

    def _projects_to_compare(self) -> list[Project]:
        return self.projects.to_compare(self.projects.refresh(), self.stores.ledger.projects())

    def _compare_projects(self, turn: Turn) -> bool:
        """Compare several projects in parallel; return whether none is left."""
        verification_id = turn.state.id
        with ThreadPoolExecutor(PROJECTS_AT_ONCE, thread_name_prefix="verify") as pool:
            while not turn.is_over:
                due = self.stores.verifications.due(verification_id, limit=4 * PROJECTS_AT_ONCE)
                if not due:
                    break
                stops = [stopped for stopped in pool.map(in_context(partial(self._stopped_by, turn)), due) if stopped]
                if stops:
                    raise stops[0]
        return self.stores.verifications.next_due(verification_id) is None

    def _stopped_by(self, turn: Turn, project_id: int) -> Interrupted | None:
        """Compare one project as far as possible now. Return the error that stops the whole comparison, if there is one."""
        if turn.is_over:
            return None
        try:
            self._compare_project(turn, project_id)
        except Interrupted as stopped:
            return stopped
        except Later as later:
            at = self.stores.now() + later.wait
            self.stores.verifications.postpone(turn.state.id, project_id, at=at)
        return None

    def _compare_project(self, turn: Turn, project_id: int) -> None:
        project = self.stores.listed_projects.get(project_id)
        verified: Verified | None
        if project is None:
            gone = f"Project id {project_id} is no longer listed."
            verified = Verified(not_compared={f"project:{project_id}": gone})
        else:
            verified = self.comparison.compare(turn, project)
        if verified is not None:
            self._close(turn.state, str(project_id), verified)

    def _compare_names(self, state: VerificationState) -> Verified:
        verified = Verified()
        verified.find(*self.comparison.items.near_duplicates(self.stores.verifications.names(state.id)))
        return verified

    def _compare_orphans(self, state: VerificationState) -> Verified:
        compared, not_listed = self.result(state.id).compared, partial(self.stores.verifications.not_listed, state.id)
        return self.orphans.compare(self.stores.listed_projects.all(), compared, not_listed, full=state.full)

    def _inform(self, _state: VerificationState) -> Verified:
        """Return what is listed for information: decisions on invoices, and inactive projects whose invoices cannot be read. From Redis alone, so
        that it does not depend on whether an invoice or project can be read.
        """
        verified, label = Verified(), self.stores.listed_projects.label
        for key, decision in self.stores.decisions.all().items():
            if self.projects.in_pilot(key.project_id):
                sentence = f"Invoice {decision.label} of project {label(key.project_id)}: {decision.reason}."
                verified.find(Finding(FindingKind.INVOICE_DECISION, str(key), sentence, decision.label))
        for project_id, answer in sorted(self.stores.listed_projects.refused().items()):
            name = label(project_id)
            sentence = f"Project {name} is not active and its invoices could not be read from Procore ({answer}), so its approved invoices are not billed."
            verified.find(Finding(FindingKind.INVOICES_UNREADABLE, f"project:{project_id}", sentence, name))
        return verified

    def _close(self, state: VerificationState, unit: str, verified: Verified) -> None:
        """Save the result of a unit, and open the problems of its findings."""
        for finding in verified.findings:
            self.stores.ledger.report(finding.problem_key, finding.cause, finding.facts, at=self.stores.now())
        # Only now: a record that is created later closes the problem itself.
        for finding in [one for one in verified.findings if self._was_made_since(state, one)]:
            self.stores.ledger.resolve(finding.problem_key)
            verified.withdraw(finding)
        self.stores.verifications.close(state.id, unit, verified.text())

    def _was_made_since(self, state: VerificationState, finding: Finding) -> bool:
        """Return whether a missing Item or bill was created or adopted since the comparison began: comparing a project may take hours."""
        about = record_of(finding.key) if finding.kind in MISSING else None
        record = self.stores.ledger.record(about) if about else None
        return record is not None and record.done and record.at > state.started_at

    def _end(self, state: VerificationState) -> None:
        """End the comparison. Close the problem of each finding that no longer exists, unless its subject could not be compared."""
        verified = self.result(state.id)
        found = {finding.problem_key for finding in verified.findings}
        for one in self.stores.ledger.problems():
            if finding_of(one.key)[0] and one.key not in found and self._was_compared(one.key, verified):
                self.stores.ledger.resolve(one.key)
        self.stores.verifications.end(state, verified.counts())

    def _was_compared(self, problem_key: str, verified: Verified) -> bool:
        """Return whether the subject of a finding's problem was compared. Keys: `verify:item_missing:code:17:901`,
        `verify:project_renumbered:project:17`.
        """
        kind, subject = finding_of(problem_key)
        about = subject_of(problem_key)
        if about.project_id is None or about.project_id not in verified.compared:
            return False
        project = self.stores.listed_projects.get(about.project_id)
        if about.kind != "invoice" and (project is None or not project.active):
            # Only the invoices of an inactive project are compared.
            return False
        once = {FindingKind.SIMILAR_ITEM_NAME: ITEM_NAMES, FindingKind.BILL_NOT_COMPARABLE: ORPHANED_BILLS}
        left_out = {subject, next((unit for of, unit in once.items() if of.stored == kind), subject)}
        return not left_out & set(verified.not_compared)
