"""Findings for information: decisions on invoices, and inactive projects whose invoices cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.domain.findings import Finding
from worker.domain.identities import InvoiceKey
from worker.domain.problems import FindingKind
from worker.store.decisions import Decision
from worker.store.stores import Stores
from worker.sync.projects import Projects


@dataclass(frozen=True, slots=True)
class Information:
    """Lists the findings from Redis alone, so that they do not depend on whether an invoice or project can be read."""

    stores: Stores
    projects: Projects

    def findings(self) -> Iterator[Finding]:
        """Yield the findings of all projects in scope."""
        for key, decision in self.stores.decisions.all().items():
            if self.projects.in_pilot(key.project_id):
                yield self._of_decision(key, decision)
        for project_id, answer in sorted(self.stores.listed_projects.refused().items()):
            label = self._label(project_id)
            yield Finding(
                FindingKind.INVOICES_UNREADABLE,
                f"project:{project_id}",
                f"Project {label} is not active and its invoices could not be read from Procore ({answer}), so its approved invoices are not billed.",
                label,
            )

    def _of_decision(self, key: InvoiceKey, decision: Decision) -> Finding:
        sentence = f"Invoice {decision.label} of project {self._label(key.project_id)}: {decision.reason}."
        return Finding(FindingKind.INVOICE_DECISION, str(key), sentence, decision.label)

    def _label(self, project_id: int) -> str:
        project = self.stores.listed_projects.get(project_id)
        return project.label if project else f"id {project_id}"
