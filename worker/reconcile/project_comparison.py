"""Compares one project: its codes with Items, its invoices with bills. Each result is saved at once, so that the next step continues there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from worker.domain.errors import NotFound, NotPermitted
from worker.domain.findings import Finding, Verified
from worker.domain.identities import InvoiceKey
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project
from worker.reconcile.bill_drift import BillDrift
from worker.reconcile.bill_verdicts import InvoiceToCompare, Verdict
from worker.reconcile.comparison_failures import Failures, GivenUp, Later
from worker.reconcile.item_drift import ItemDrift
from worker.reconcile.remembered_verdicts import RememberedVerdicts
from worker.store.stores import Stores
from worker.store.verifications import VerificationState


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
        remembered = RememberedVerdicts(self.stores.verifications, self.bills, project, state)
        remembered.note_moments(found.moments)
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
