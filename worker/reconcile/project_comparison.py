"""Compares one project: its codes with Items, its invoices with bills. Each result is saved at once, so that the next step continues there.

Verdicts of earlier comparisons are cached. They are valid while the lists of both systems show no change.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from worker.domain.errors import NotFound, NotPermitted
from worker.domain.findings import Finding, Verified
from worker.domain.identities import InvoiceKey, bill_id_of_origin
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project
from worker.reconcile.bill_drift import BillDrift
from worker.reconcile.bill_verdicts import InvoiceToCompare, Verdict
from worker.reconcile.comparison_failures import Failures, GivenUp, Later
from worker.reconcile.item_drift import ItemDrift
from worker.store.stores import Stores
from worker.store.verifications import Verifications, VerificationState

MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?")
"""Timestamps in a format that sorts as text."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of a comparison. `problems`: the cause of each open problem, by key; `until`: monotonic time after which nothing new begins."""

    state: VerificationState
    problems: Mapping[str, Cause]
    until: float

    @property
    def is_over(self) -> bool:
        """Return whether time is up."""
        return time.monotonic() >= self.until


@dataclass(frozen=True, slots=True)
class ProjectComparison:
    """Compares projects, continuing where an earlier step stopped."""

    stores: Stores
    failures: Failures
    items: ItemDrift
    bills: BillDrift

    def compare(self, turn: Turn, project: Project) -> Verified | None:
        """Return the result of one project, or None if time is up before all of it is compared. Raises Later and Interrupted."""
        verified, later = Verified(compared={project.id}), list[Later]()
        parts = self.stores.verifications.parts(turn.state.id, str(project.id))
        # An inactive project needs no new Items, but what was billed in it stays billed.
        for compare in (self._codes, self._invoices) if project.active else (self._invoices,):
            try:
                part = compare(turn, project, parts)
            except (NotFound, NotPermitted) as error:
                part = Verified(unreadable={project.id: f"{project.label}: {error}"})
            except Later as error:
                later.append(error)
                continue
            except GivenUp as error:
                part = Verified(not_compared={f"project:{project.id}": f"Project {project.label}: {error}"})
            if part is None:
                return None
            verified.add(part)
        if later:
            raise later[0]
        if verified.unreadable or f"project:{project.id}" in verified.not_compared:
            verified.compared.discard(project.id)
        return verified

    def _codes(self, turn: Turn, project: Project, parts: Mapping[str, str]) -> Verified | None:
        if "codes" in parts:
            return Verified.of(parts["codes"])
        state, verifications = turn.state, self.stores.verifications
        verified, names = self.failures.attempt(
            state, f"codes {project.id}", lambda: self.items.compare(project, turn.problems)
        )
        verifications.keep_names(state.id, project.id, names.text())
        verifications.keep_part(state.id, str(project.id), "codes", verified.text())
        return verified

    def _invoices(self, turn: Turn, project: Project, parts: Mapping[str, str]) -> Verified | None:
        """Compare the invoices of one project. Return None if time is up before all are compared: each step reads the lists again."""
        state, began = turn.state, time.monotonic()
        found = self.failures.attempt(state, f"invoices {project.id}", lambda: self.bills.list_invoices(project))
        # As much time again as the lists took: else, if they take longer than a step, no invoice would ever be compared.
        turn = replace(turn, until=max(turn.until, 2 * time.monotonic() - began))
        self.stores.verifications.note_listed(state.id, found.listed)
        remembered = RememberedVerdicts(self.stores.verifications, self.bills, project, state, found.moments)
        verdicts: dict[InvoiceKey, tuple[InvoiceToCompare, Verdict]] = {}
        later: list[Later] = []
        for invoice in found.invoices:
            if turn.is_over:
                return None
            try:
                verdicts[invoice.key] = (invoice, self._verdict(turn, invoice, parts, remembered))
            except Later as error:
                later.append(error)
        if later:
            raise later[0]
        bills = {key: verdict.bill for key, (_, verdict) in verdicts.items() if verdict.bill}
        twice = self.failures.attempt(
            state, f"numbers {project.id}", lambda: self.bills.duplicate_bills(found.invoices, bills)
        )
        return _sum(verdicts.values(), twice)

    def _verdict(
        self, turn: Turn, invoice: InvoiceToCompare, parts: Mapping[str, str], remembered: RememberedVerdicts
    ) -> Verdict:
        if (part := parts.get(str(invoice.head.id))) is not None:
            return Verdict.of(part)
        if not invoice.withdrawn and invoice.is_explained(turn.problems):
            return Verdict(explained=True)
        if known := remembered.verdict(invoice):
            return known
        try:
            verdict = self.failures.attempt(
                turn.state, str(invoice.key), lambda: self.bills.compare(invoice, turn.problems)
            )
        except (NotFound, NotPermitted, GivenUp) as error:
            verdict = Verdict(why=str(error))
        self.stores.verifications.keep_part(
            turn.state.id, str(invoice.project.id), str(invoice.head.id), verdict.text()
        )
        remembered.keep(invoice, verdict)
        return verdict


class RememberedVerdicts:
    """The cached verdicts of one project.

    A list shows a change by its time, with a resolution of a second or a minute. So a verdict is cached only if the remote had already shown
    a later change of another record: any further change of this record then has another time.
    """

    def __init__(
        self,
        verifications: Verifications,
        bills: BillDrift,
        project: Project,
        state: VerificationState,
        moments: tuple[list[str], list[str]],
    ) -> None:
        """`moments`: when invoices and bills were last changed, as the lists of this comparison show it."""
        self._verifications = verifications
        self._bills = bills
        self._unit = str(project.id)
        self._since = state.started_at if state.full else 0.0
        self._known = verifications.equal(self._unit)
        self._item_ids = bills.item_ids(project)
        self._now = state.started_at
        procore, netsuite = ([moment for moment in some if MOMENT.fullmatch(moment)] for some in moments)
        self._newest = verifications.newest("procore", *procore), verifications.newest("netsuite", *netsuite)

    def verdict(self, invoice: InvoiceToCompare) -> Verdict | None:
        """Return the cached verdict on an invoice if it still applies; else None."""
        text = self._known.get(str(invoice.head.id))
        if text is None:
            return None
        fingerprint, at, kept_verdict = json.loads(text)
        verdict = Verdict.of(kept_verdict)
        same_items = verdict.bill is None or self._item_ids.issuperset(verdict.bill.item_ids)
        applies = fingerprint == self._bills.fingerprint(invoice) and same_items and at >= self._since
        return verdict if applies else None

    def keep(self, invoice: InvoiceToCompare, verdict: Verdict) -> None:
        """Cache a verdict if the lists would show a later change; else delete the cached one."""
        if verdict.may_be_cached and self._would_show(invoice):
            text = json.dumps([self._bills.fingerprint(invoice), self._now, verdict.text()])
            self._verifications.keep_equal(self._unit, str(invoice.head.id), text)
        elif str(invoice.head.id) in self._known:
            self._verifications.forget_equal(self._unit, [str(invoice.head.id)])

    def _would_show(self, invoice: InvoiceToCompare) -> bool:
        if not (invoice.withdrawn or invoice.skipped or bill_id_of_origin(invoice.head.origin_id)):
            # Only the origin id locks an invoice in Procore.
            return False
        procore = [invoice.head.updated_at, *(moment.partition(" ")[2] for moment in invoice.chain)]
        netsuite = [bill.modified for bill in (*invoice.bills, *invoice.named)]
        pairs = ((procore, self._newest[0]), (netsuite, self._newest[1]))
        return all(MOMENT.fullmatch(moment) and moment < newest for moments, newest in pairs for moment in moments)


def _sum(compared: Iterable[tuple[InvoiceToCompare, Verdict]], twice: Mapping[InvoiceKey, Finding]) -> Verified:
    """Return the result of a project's invoices. `twice`: findings about a second bill with the same number."""
    verified = Verified()
    for invoice, verdict in compared:
        findings = list(verdict.findings)
        if second := twice.get(invoice.key):
            # It lists the invoice's own bills as well.
            findings = [*(each for each in findings if each.kind is not second.kind), second]
        verified.invoices += bool(not invoice.withdrawn or findings or verdict.why)
        verified.explained += verdict.explained
        verified.right += verdict.right and not findings
        verified.find(*findings)
        if verdict.why:
            verified.not_compared[str(invoice.key)] = f"{invoice.label}: {verdict.why}"
    return verified
