"""Compares Procore, NetSuite and the ledger: every budgeted code should have one Item, every invoice one bill.

Reads only. A record that is missing for a known reason (an open problem, a skipped invoice, waiting work) is explained; everything else is
a finding. docs/verify.md describes each kind of finding, its owner, and how to resolve it.

A comparison runs in steps, each of which saves its results. So it can continue after any interruption, in any process, for as many hours as
Procore's rate limit requires. What cannot be compared after several attempts is reported as not compared; the rest continues.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from redis.exceptions import RedisError

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.domain.errors import Misconfigured, NoRoom, NotFound, NotPermitted, SyncError, Transient
from worker.domain.findings import FINDINGS, Finding, Verified
from worker.domain.identities import InvoiceKey, bill_id_of_origin
from worker.domain.problems import Cause, FindingKind
from worker.domain.wbs_codes import Project
from worker.observability.correlation import kept
from worker.reconcile.bill_drift import BillDrift, InvoiceToCompare, Verdict
from worker.reconcile.information import Information
from worker.reconcile.item_drift import ItemDrift
from worker.reconcile.orphaned_bills import OrphanedBills
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.ledger import Ledger
from worker.store.locks import Locks
from worker.store.projects import ProjectList
from worker.store.verifications import Verifications, VerificationState
from worker.sync.projects import Projects

log = logging.getLogger(__name__)

LOCK = "verify"
PROJECTS_AT_ONCE = 4
STEP_SECONDS = 45.0
"""Seconds after which a step starts nothing new, except the invoices of a project whose lists took that long."""
MAX_ATTEMPTS = 3
"""Failures after which a record or project is reported as not compared."""
RETRY_SECONDS = 5.0
"""Seconds until the second attempt; each further wait is four times as long."""
MAX_OUTAGE_WAIT_SECONDS = 120.0
MAX_OUTAGES = 3
"""Failures in a row, about a quarter of a minute, after which a waiting user gets an error; a worker continues."""
BUSY_SECONDS = 1.0
FULL_EVERY_SECONDS = 6.5 * 86_400
"""Seconds after which a comparison is a full one, so that a daily comparison at a fixed hour is full once a week."""
ITEM_NAMES, ORPHANED_BILLS, FOR_INFORMATION = "item names", "orphaned bills", "information"
"""Units compared once for the whole account, after the projects."""
LOGINS = (Cause.PROCORE_LOGIN, Cause.NETSUITE_LOGIN, Cause.NETSUITE_KEY)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?")
"""Timestamps in a format that sorts as text."""

T = TypeVar("T")
Progress = Callable[[VerificationState], None]


@dataclass(frozen=True, slots=True)
class Step:
    """The state of a comparison after a step, and when it can continue (unix seconds, 0 = now)."""

    state: VerificationState
    again_at: float = 0.0


class _Interrupted(Exception):
    """The whole comparison cannot continue now, because of `error`."""

    def __init__(self, error: SyncError) -> None:
        super().__init__(str(error))
        self.error = error


class _Later(Exception):
    """One record or project could not be read this time; `wait`: seconds until the next attempt."""

    def __init__(self, wait: float, error: SyncError) -> None:
        super().__init__(str(error))
        self.wait = wait


class _GivenUp(Exception):
    """One record or project is not compared."""


class Verification:
    """Compares the three records."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        netsuite: NetSuite,
        projects: Projects,
        listed: ProjectList,
        item_drift: ItemDrift,
        bill_drift: BillDrift,
        orphaned_bills: OrphanedBills,
        information: Information,
        ledger: Ledger,
        locks: Locks,
        verifications: Verifications,
    ) -> None:
        self._client = client
        self._procore = procore
        self._netsuite = netsuite
        self._projects = projects
        self._listed = listed
        self._items = item_drift
        self._bills = bill_drift
        self._orphans = orphaned_bills
        self._information = information
        self._ledger = ledger
        self._locks = locks
        self._verifications = verifications

    def request(self, *, full: bool = False) -> tuple[str, bool]:
        """Start a comparison, or join the one in progress: return (its id, joined). A full comparison replaces one that is not.

        A full comparison ignores cached results. One is due each week, whoever starts it.
        """
        last, current = self._verifications.last_full(), self._verifications.current()
        due = last is None or seconds(self._client) - last > FULL_EVERY_SECONDS
        replace = full and current is not None and not current.full
        return self._verifications.begin(full=full or due, replace=replace)

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
            state = self._verifications.state(verification_id)
            if state is None:
                # Somebody began a full one instead.
                verification_id, _ = self.request()
                continue
            progress(state)
            if state.ended:
                return self.result(state.id)
            # Those of before this call say nothing about the remote as it is now.
            outages_before = state.outages if outages_before is None else min(outages_before, state.outages)
            if state.outages - outages_before >= MAX_OUTAGES:
                raise Transient(f"{state.waits_for} The next `wbs-sync verify` continues the comparison from there.")
            if step and step.again_at:
                time.sleep(min(max(step.again_at - seconds(self._client), 0.0), BUSY_SECONDS))

    def step(self) -> Step | None:
        """Continue the comparison in progress for less than a minute. Return None if there is none; return immediately if another process is
        running it.

        Raises Misconfigured if a login is refused.
        """
        with self._locks.hold(LOCK) as lock:
            state, now = self._verifications.current(), seconds(self._client)
            if state is None:
                return None
            if lock is None:
                return Step(state, now + BUSY_SECONDS)
            if state.waits_until > now:
                return Step(state, state.waits_until)
            try:
                self._advance(state)
            except _Interrupted as stopped:
                self._wait(state, stopped.error)
            after = self._verifications.state(state.id) or state
            return Step(after, 0.0 if after.ended else self._again_at(after))

    def result(self, verification_id: str) -> Verified:
        """Return the result so far, which is complete when the comparison has ended."""
        results = self._verifications.results(verification_id)
        verified = Verified()
        for unit in sorted(results, key=lambda unit: (not unit.isdecimal(), unit.zfill(20))):
            verified.add(Verified.of(results[unit]))
        return verified

    def _again_at(self, state: VerificationState) -> float:
        due = self._verifications.next_due(state.id) or 0.0
        return max(state.waits_until, due) if max(state.waits_until, due) > seconds(self._client) else 0.0

    def _wait(self, state: VerificationState, error: SyncError) -> None:
        """Record why the comparison waits, and until when."""
        if isinstance(error, Misconfigured):
            raise error
        asked = error.retry_after if isinstance(error, Transient) and not error.down else None
        outages = 0 if asked else state.outages + 1
        wait = asked or min(RETRY_SECONDS * 2 ** min(outages - 1, 10), MAX_OUTAGE_WAIT_SECONDS)
        until = seconds(self._client) + wait
        log.info("The comparison is waiting %.0f s: %s", wait, error)
        self._verifications.wait(state.id, until=until, reason=str(error), outages=outages)

    def _advance(self, state: VerificationState) -> None:
        until = time.monotonic() + STEP_SECONDS
        if state.projects is None:
            self._list_projects(state)
        if state.waits_until:
            self._verifications.go_on(state.id)
        if not self._compare_projects(state, until):
            return
        done = self._verifications.results(state.id)
        for unit, compare in (
            (ITEM_NAMES, self._compare_names),
            (ORPHANED_BILLS, self._compare_orphans),
            (FOR_INFORMATION, self._inform),
        ):
            if unit in done:
                continue
            try:
                verified = self._attempt(state, unit, lambda compare=compare: compare(state))  # type: ignore[misc]
            except _Later as later:
                raise _Interrupted(Transient(str(later))) from later
            except _GivenUp as error:
                verified = Verified(not_compared={unit: f"All {unit}: {error}"})
            self._close(state, unit, verified)
        self._end(state)

    def _list_projects(self, state: VerificationState) -> None:
        try:
            compared = self._attempt(state, "projects", self._projects_to_compare)
        except _Later as later:
            raise _Interrupted(Transient(str(later))) from later
        except _GivenUp as error:
            # Without the list there is nothing to compare: it is asked for until it can be read.
            raise _Interrupted(Transient(f"the list of projects could not be read: {error}")) from error
        self._verifications.open_projects(state.id, [project.id for project in compared])

    def _projects_to_compare(self) -> list[Project]:
        return self._projects.to_compare(self._projects.refresh(), self._ledger.projects())

    def _compare_projects(self, state: VerificationState, until: float) -> bool:
        """Compare several projects in parallel; return whether none is left."""
        problems = {one.key: one.problem.cause for one in self._ledger.problems()}
        with ThreadPoolExecutor(PROJECTS_AT_ONCE, thread_name_prefix="verify") as pool:
            while time.monotonic() < until:
                due = self._verifications.due(state.id, limit=4 * PROJECTS_AT_ONCE)
                if not due:
                    break

                def compare(project_id: int) -> _Interrupted | None:
                    return self._stopped_by(state, project_id, problems, until)

                stops = [stopped for stopped in pool.map(kept(compare), due) if stopped]
                if stops:
                    raise stops[0]
        return self._verifications.next_due(state.id) is None

    def _stopped_by(
        self, state: VerificationState, project_id: int, problems: Mapping[str, Cause], until: float
    ) -> _Interrupted | None:
        """Compare one project as far as possible now; return what stops the whole comparison."""
        if time.monotonic() >= until:
            return None
        try:
            self._compare_project(state, project_id, problems, until)
        except _Interrupted as stopped:
            return stopped
        except _Later as later:
            self._verifications.postpone(state.id, project_id, at=seconds(self._client) + later.wait)
        return None

    def _compare_project(
        self, state: VerificationState, project_id: int, problems: Mapping[str, Cause], until: float
    ) -> None:
        project = self._listed.get(project_id)
        if project is None:
            gone = Verified(not_compared={f"project:{project_id}": f"Project id {project_id} is no longer listed."})
            self._close(state, str(project_id), gone)
            return
        verified, later = Verified(compared={project_id}), list[_Later]()
        parts = self._verifications.parts(state.id, str(project_id))
        # An inactive project needs no new Items, but what was billed in it stays billed.
        for compare in (self._compare_codes, self._compare_invoices) if project.active else (self._compare_invoices,):
            try:
                part = compare(state, project, problems, parts, until)
            except (NotFound, NotPermitted) as error:
                part = Verified(unreadable={project.id: f"{project.label}: {error}"})
            except _Later as error:
                later.append(error)
                continue
            except _GivenUp as error:
                part = Verified(not_compared={f"project:{project.id}": f"Project {project.label}: {error}"})
            if part is None:
                return
            verified.add(part)
        if later:
            raise later[0]
        if verified.unreadable or f"project:{project.id}" in verified.not_compared:
            verified.compared.discard(project.id)
        self._close(state, str(project_id), verified)

    def _compare_codes(
        self,
        state: VerificationState,
        project: Project,
        problems: Mapping[str, Cause],
        parts: Mapping[str, str],
        until: float,
    ) -> Verified | None:
        if "codes" in parts:
            return Verified.of(parts["codes"])
        verified, names = self._attempt(state, f"codes {project.id}", lambda: self._items.compare(project, problems))
        self._verifications.keep_names(state.id, project.id, names.text())
        self._verifications.keep_part(state.id, str(project.id), "codes", verified.text())
        return verified

    def _compare_invoices(
        self,
        state: VerificationState,
        project: Project,
        problems: Mapping[str, Cause],
        parts: Mapping[str, str],
        until: float,
    ) -> Verified | None:
        """Compare the invoices of one project. Return None if time is up before all are compared: each step reads the lists again."""
        began = time.monotonic()
        found = self._attempt(state, f"invoices {project.id}", lambda: self._bills.look(project))
        # At least as long as the lists took: where that is longer than a step, no invoice would ever have its turn.
        until = max(until, 2 * time.monotonic() - began)
        self._verifications.note_listed(state.id, found.listed)
        memory = _Memory(self._verifications, self._bills, project, state)
        memory.note_moments(found.moments)
        verdicts: dict[InvoiceKey, tuple[InvoiceToCompare, Verdict]] = {}
        later: list[_Later] = []
        for one in found.invoices:
            if time.monotonic() >= until:
                return None
            try:
                verdicts[one.key] = (one, self._verdict(state, one, problems, parts, memory))
            except _Later as error:
                later.append(error)
        if later:
            raise later[0]
        bills = {key: verdict.bill for key, (_, verdict) in verdicts.items() if verdict.bill}
        twice = self._attempt(state, f"numbers {project.id}", lambda: self._bills.entered_twice(found.invoices, bills))
        return _sum(verdicts.values(), twice)

    def _verdict(
        self,
        state: VerificationState,
        one: InvoiceToCompare,
        problems: Mapping[str, Cause],
        parts: Mapping[str, str],
        memory: _Memory,
    ) -> Verdict:
        if (part := parts.get(str(one.head.id))) is not None:
            return Verdict.of(part)
        if not one.withdrawn and one.is_explained(problems):
            return Verdict(explained=True)
        if remembered := memory.verdict(one):
            return remembered
        try:
            verdict = self._attempt(state, str(one.key), lambda: self._bills.compare(one, problems))
        except (NotFound, NotPermitted, _GivenUp) as error:
            verdict = Verdict(why=str(error))
        self._verifications.keep_part(state.id, str(one.project.id), str(one.head.id), verdict.text())
        memory.keep(one, verdict)
        return verdict

    def _compare_names(self, state: VerificationState) -> Verified:
        verified = Verified()
        verified.find(*self._items.near_duplicates(self._verifications.names(state.id)))
        return verified

    def _compare_orphans(self, state: VerificationState) -> Verified:
        compared = self.result(state.id).compared

        def not_listed(invoice_ids: Collection[int]) -> list[int]:
            return self._verifications.not_listed(state.id, invoice_ids)

        return self._orphans.compare(self._listed.all(), compared, not_listed, afresh=state.full)

    def _inform(self, _state: VerificationState) -> Verified:
        verified = Verified()
        verified.find(*self._information.findings())
        return verified

    def _close(self, state: VerificationState, unit: str, verified: Verified) -> None:
        """Save the result of a unit, and open the problems of its findings."""
        for finding in verified.findings:
            self._ledger.report(finding.problem_key, finding.cause, finding.facts, at=seconds(self._client))
        self._verifications.close(state.id, unit, verified.text())

    def _end(self, state: VerificationState) -> None:
        """Close the problems of findings that no longer exist. They stay open if their subject could not be compared."""
        verified = self.result(state.id)
        found = {finding.problem_key for finding in verified.findings}
        for one in self._ledger.problems():
            if one.key.startswith(FINDINGS) and one.key not in found and self._was_compared(one.key, verified):
                self._ledger.resolve(one.key)
        self._verifications.end(state, verified.counts())

    def _was_compared(self, problem_key: str, verified: Verified) -> bool:
        """Return whether the subject of a finding's problem was compared: `verify:item_missing:code:17:901`,
        `verify:project_renumbered:project:17`.
        """
        kind, _, subject = problem_key.removeprefix(FINDINGS).partition(":")
        record, *ids = subject.split(":")
        if not ids or not ids[0].isdecimal() or int(ids[0]) not in verified.compared:
            return False
        project = self._listed.get(int(ids[0]))
        if record != "invoice" and (project is None or not project.active):
            # Only the invoices of an inactive project are compared.
            return False
        once = {FindingKind.SIMILAR_ITEM_NAME: ITEM_NAMES, FindingKind.BILL_NOT_COMPARABLE: ORPHANED_BILLS}
        left_out = {subject, next((unit for of, unit in once.items() if of.stored == kind), subject)}
        return not left_out & set(verified.not_compared)

    def _attempt(self, state: VerificationState, name: str, call: Callable[[], T]) -> T:
        """Return the result of the call. Its failures are counted under `name`.

        Raises _Later or _GivenUp for a failure of this record or project, _Interrupted for a failure of all, NotFound and NotPermitted as
        they are.
        """
        try:
            return call()
        except (NotFound, NotPermitted, RedisError, _Interrupted, _Later, _GivenUp):
            raise
        except NoRoom as error:
            raise _Interrupted(error) from error
        except SyncError as error:
            if isinstance(error, Misconfigured) and error.cause in LOGINS:
                raise _Interrupted(error) from error
            if isinstance(error, Transient) and (error.down or error.retry_after) and self._stops_all(error):
                raise _Interrupted(error) from error
            failures = self._verifications.failed(state.id, name)
            if failures < MAX_ATTEMPTS:
                raise _Later(RETRY_SECONDS * 4 ** (failures - 1), error) from error
            if isinstance(error, Transient) and not self._remotes_answer():
                raise _Interrupted(error) from error
            raise _GivenUp(str(error) or type(error).__name__) from error
        except Exception as error:
            log.exception("%s could not be compared", name)
            raise _GivenUp(f"an internal error of wbs-sync; see its log ({type(error).__name__})") from error

    def _stops_all(self, error: Transient) -> bool:
        """Return whether a failure affects more than one record: the remote asks all clients to wait, or fails other requests as well."""
        return not error.down or not self._remotes_answer()

    def _remotes_answer(self) -> bool:
        """Return whether both systems respond to a ping: then the failure is that of the record."""
        try:
            self._procore.who_am_i()
            self._netsuite.find_items(external_ids=["pcr-check"], names=[])
        except NoRoom as error:
            raise _Interrupted(error) from error
        except Transient:
            return False
        except SyncError:
            return True
        return True


class _Memory:
    """Cached results of one project from earlier comparisons. Used only while the lists of both systems show the record unchanged.

    A list shows a change by its time, with a resolution of a second or a minute. So a result is cached only if something else was changed
    later than the record, before it was read: then any later change of the record shows another time.
    """

    def __init__(
        self, verifications: Verifications, bills: BillDrift, project: Project, state: VerificationState
    ) -> None:
        self._verifications = verifications
        self._bills = bills
        self._unit = str(project.id)
        self._since = state.started_at if state.full else 0.0
        self._known = verifications.equal(self._unit)
        self._item_ids = bills.item_ids(project)
        self._newest = ("", "")
        self._now = state.started_at

    def note_moments(self, moments: tuple[list[str], list[str]]) -> None:
        """Note when invoices and bills were last changed, as just listed."""
        procore, netsuite = ([moment for moment in some if _MOMENT.fullmatch(moment)] for some in moments)
        newest = self._verifications.newest
        self._newest = newest("procore", *procore), newest("netsuite", *netsuite)

    def verdict(self, one: InvoiceToCompare) -> Verdict | None:
        """Return the cached verdict that still applies."""
        text = self._known.get(str(one.head.id))
        if text is None:
            return None
        fingerprint, at, kept_verdict = json.loads(text)
        verdict = Verdict.of(kept_verdict)
        same_items = verdict.bill is None or self._item_ids.issuperset(verdict.bill.item_ids)
        is_true = fingerprint == self._bills.fingerprint(one) and same_items and at >= self._since
        return verdict if is_true else None

    def keep(self, one: InvoiceToCompare, verdict: Verdict) -> None:
        """Cache a verdict, if a later change would be visible."""
        if verdict.equal and self._would_show(one):
            text = json.dumps([self._bills.fingerprint(one), self._now, verdict.text()])
            self._verifications.keep_equal(self._unit, str(one.head.id), text)
        elif str(one.head.id) in self._known:
            self._verifications.forget_equal(self._unit, [str(one.head.id)])

    def _would_show(self, one: InvoiceToCompare) -> bool:
        if not (one.withdrawn or one.skipped or bill_id_of_origin(one.head.origin_id)):
            # Only the origin id locks an invoice in Procore.
            return False
        procore = [one.head.updated_at, *(moment.partition(" ")[2] for moment in one.chain)]
        netsuite = [bill.modified for bill in (*one.bills, *one.named)]
        pairs = ((procore, self._newest[0]), (netsuite, self._newest[1]))
        return all(_MOMENT.fullmatch(moment) and moment < newest for moments, newest in pairs for moment in moments)


def _sum(compared: Iterable[tuple[InvoiceToCompare, Verdict]], twice: Mapping[InvoiceKey, Finding]) -> Verified:
    """Return the result of a project's invoices. `twice`: findings about a second bill with the same number."""
    verified = Verified()
    for one, verdict in compared:
        findings = list(verdict.findings)
        if second := twice.get(one.key):
            # It names all bills of its own, too.
            findings = [*(each for each in findings if each.kind is not second.kind), second]
        verified.invoices += bool(not one.withdrawn or findings or verdict.why)
        verified.explained += verdict.explained
        verified.right += verdict.right and not findings
        verified.find(*findings)
        if verdict.why:
            verified.not_compared[str(one.key)] = f"{one.label}: {verdict.why}"
    return verified
