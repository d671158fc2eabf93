"""Lists what each comparison shows for information: decisions on invoices, and inactive projects whose invoices cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.domain.decisions import Decision
from worker.domain.findings import Finding, FindingKind
from worker.domain.identities import InvoiceKey
from worker.store.stores import Stores
from worker.sync.projects import Projects


@dataclass(frozen=True, slots=True)
class Information:
    """Reads Redis alone, so that nothing is left out because its invoice or project could not be read."""

    stores: Stores
    projects: Projects

    def findings(self) -> Iterator[Finding]:
        """Yield the entries of all projects in scope."""
        for key, decision in self.stores.decisions.all().items():
            if self.projects.in_pilot(key.project_id):
                yield self._of_decision(key, decision)
        for project_id, answer in sorted(self.stores.listed_projects.refused().items()):
            label = self._label(project_id)
            yield Finding(
                FindingKind.INVOICES_NOT_READABLE,
                f"project:{project_id}",
                f"Project {label} is not active and its invoices could not be read from Procore ({answer}), so its approved invoices are not billed.",
                label,
            )

    def _of_decision(self, key: InvoiceKey, decision: Decision) -> Finding:
        sentence = f"Invoice {decision.label} of project {self._label(key.project_id)}: {decision.reason}."
        return Finding(FindingKind.INVOICE_DECIDED, str(key), sentence, decision.label)

    def _label(self, project_id: int) -> str:
        project = self.stores.listed_projects.get(project_id)
        return project.label if project else f"id {project_id}"
