"""Links from a problem to its records in both systems, if their addresses are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from worker.clients.netsuite.client import NetSuitePages
from worker.clients.procore.client import ProcorePages
from worker.domain.bills import Document
from worker.domain.identities import CodeKey, InvoiceKey, is_internal_id
from worker.domain.problems import finding_of, record_of, subject_of
from worker.store.open_problems import OpenProblem
from worker.store.stores import Stores

Link = dict[str, str]
"""`system`, `record` (its name for users), `url`."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Builds the links of problems."""

    stores: Stores
    procore: ProcorePages
    netsuite: NetSuitePages

    def of(self, problem: OpenProblem) -> list[Link]:
        """Return the links of a problem; records without a known address are left out."""
        pages = [*self._in_procore(problem.key), *self._in_netsuite(problem)]
        return [{"system": system, "record": record, "url": url} for system, record, url in pages if url]

    def _in_procore(self, key: str) -> Iterator[tuple[str, str, str]]:
        about = subject_of(key)
        if about.project_id is None:
            return
        if about.kind == "invoice" or about.part == "commitments":
            yield "Procore", "subcontractor invoices of the project", self.procore.invoices(about.project_id)
        else:
            yield "Procore", "project", self.procore.project(about.project_id)

    def _in_netsuite(self, problem: OpenProblem) -> Iterator[tuple[str, str, str]]:
        for item_id in _ids(problem.facts, "item_id"):
            yield "NetSuite", f"Item {item_id}", self.netsuite.item(item_id)
        for bill_id in _ids(problem.facts, "bill_id"):
            yield "NetSuite", f"bill {bill_id}", self.netsuite.bill(bill_id, credit=_is_credit(problem.facts))
        finding, about = finding_of(problem.key)
        if finding:
            yield from self._recorded(record_of(about))

    def _recorded(self, key: CodeKey | InvoiceKey | None) -> Iterator[tuple[str, str, str]]:
        """Return the record in the ledger of a finding's code or invoice; a finding itself refers to no NetSuite record."""
        if isinstance(key, CodeKey):
            code = self.stores.ledger.code(key)
            item_id = code.remote_id if code else ""
            yield "NetSuite", f"Item {item_id}", item_id and self.netsuite.item(item_id)
        if isinstance(key, InvoiceKey):
            invoice = self.stores.ledger.invoice(key)
            bill_id = invoice.remote_id if invoice else ""
            credit = invoice is not None and _is_credit(invoice.facts)
            yield "NetSuite", f"bill {bill_id}", bill_id and self.netsuite.bill(bill_id, credit=credit)


def _is_credit(facts: Mapping[str, str]) -> bool:
    return facts.get("document") == Document.CREDIT


def _ids(facts: Mapping[str, str], name: str) -> list[str]:
    """Return the internal ids among a problem's facts: one under its name, or several under the plural."""
    ids = [facts.get(name, ""), *facts.get(f"{name}s", "").split(", ")]
    return [one for one in dict.fromkeys(ids) if is_internal_id(one)]
