"""Reads invoices and their projects from Procore."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.errors import Blocked, NotFound, NotPermitted
from worker.domain.identities import InvoiceKey
from worker.domain.invoices import Invoice, reason_to_skip
from worker.domain.policy import Policy
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project
from worker.store.stores import Stores
from worker.sync.projects import Projects


@dataclass(frozen=True, slots=True)
class InvoiceReader:
    """Reads one invoice at a time. `pool`: threads for independent reads."""

    stores: Stores
    remotes: Remotes
    policy: Policy
    projects: Projects
    pool: Executor

    def read(self, key: InvoiceKey) -> Invoice:
        """Return an invoice. Raises Blocked (`invoice_not_found`) if the app cannot read it."""
        try:
            return self.remotes.procore.get_invoice(key.project_id, key.invoice_id)
        except (NotFound, NotPermitted) as error:
            raise self._unreadable(key, str(error)) from error

    def previous(self, invoice: Invoice) -> Invoice | None:
        """Return the subcontract's previous invoice, whose balances determine this period's retainage. Raises Blocked like `read`."""
        if not invoice.previous_id:
            return None
        try:
            return self.remotes.procore.get_invoice(invoice.project_id, invoice.previous_id)
        except (NotFound, NotPermitted) as error:
            answer = f"the invoice before it, id {invoice.previous_id}: {error}"
            raise self._unreadable(InvoiceKey(invoice.project_id, invoice.id), answer) from error

    def project_of(self, invoice: Invoice) -> Project:
        """Return the project of an invoice. Raises Blocked (`invoice_not_found`) if the app cannot see it."""
        project = self.projects.get(invoice.project_id)
        if project is None:
            raise self._unreadable(InvoiceKey(invoice.project_id, invoice.id), "the project is not visible to the app")
        return project

    def project_label(self, project_id: int) -> str:
        """Return a project's number and name, or its id if the app cannot see it."""
        project = self.projects.get(project_id)
        return project.label if project else f"id {project_id}"

    def why_skipped(self, invoice: Invoice) -> str | None:
        """Return why an invoice is not exported now; None if it is."""
        return reason_to_skip(invoice, self.policy.export_statuses)

    def _unreadable(self, key: InvoiceKey, answer: str) -> Blocked:
        """Return the problem, with the name of the invoice recorded by an earlier attempt, if any."""
        record = self.stores.ledger.invoice(key)
        name = record.name if record and record.name else f"id {key.invoice_id}"
        facts = {"invoice": name, "project": f"id {key.project_id}", "answer": answer}
        return Blocked(answer, cause=Cause.INVOICE_NOT_FOUND, facts=facts)
