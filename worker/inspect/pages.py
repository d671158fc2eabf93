"""Links from a problem to its records in both systems, if their addresses are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from worker.clients.netsuite.pages import NetSuitePages
from worker.clients.procore.pages import ProcorePages
from worker.domain.bills import Document
from worker.domain.identities import CodeKey, InvoiceKey, is_internal_id
from worker.store.ledger import Ledger
from worker.store.open_problems import OpenProblem

Link = dict[str, str]
"""`system`, `record` (its name for users), `url`."""


class Pages:
    """Pages on which users find the subject of a problem."""

    def __init__(self, *, procore: ProcorePages, netsuite: NetSuitePages, ledger: Ledger) -> None:
        self._procore = procore
        self._netsuite = netsuite
        self._ledger = ledger

    def of(self, one: OpenProblem) -> list[Link]:
        """Return the links of a problem; records without a known address are left out."""
        told = [*self._in_procore(one.key), *self._in_netsuite(one)]
        return [{"system": system, "record": record, "url": url} for system, record, url in told if url]

    def _in_procore(self, key: str) -> Iterator[tuple[str, str, str]]:
        kind, project_id = subject_of(key)
        if project_id is None:
            return
        if kind == "invoice" or key.endswith(":commitments"):
            yield "Procore", "subcontractor invoices of the project", self._procore.invoices(project_id)
        else:
            yield "Procore", "project", self._procore.project(project_id)

    def _in_netsuite(self, one: OpenProblem) -> Iterator[tuple[str, str, str]]:
        for item_id in _ids(one.facts, "item_id"):
            yield "NetSuite", f"Item {item_id}", self._netsuite.item(item_id)
        for bill_id in _ids(one.facts, "bill_id"):
            yield "NetSuite", f"bill {bill_id}", self._netsuite.bill(bill_id, credit=_is_credit(one.facts))
        if one.key.startswith("verify:"):
            yield from self._recorded(one.key.split(":", 2)[2])

    def _recorded(self, key: str) -> Iterator[tuple[str, str, str]]:
        """Return the record in the ledger of a finding's code or invoice; a finding itself refers to no NetSuite record."""
        if key.startswith("code:"):
            code = self._ledger.code(CodeKey.parse(key))
            item_id = code.remote_id if code else ""
            yield "NetSuite", f"Item {item_id}", item_id and self._netsuite.item(item_id)
        if key.startswith("invoice:"):
            invoice = self._ledger.invoice(InvoiceKey.parse(key))
            bill_id = invoice.remote_id if invoice else ""
            credit = invoice is not None and _is_credit(invoice.facts)
            yield "NetSuite", f"bill {bill_id}", bill_id and self._netsuite.bill(bill_id, credit=credit)


def subject_of(key: str) -> tuple[str, int | None]:
    """Return what a problem is about, by its key: its kind (`code`, `invoice`, `project`, `remote`, …) and the project's id, if any."""
    parts = key.split(":")
    if parts[0] == "verify":
        parts = parts[2:]
    return parts[0], next((int(part) for part in parts[1:2] if part.isdigit()), None)


def _is_credit(facts: Mapping[str, str]) -> bool:
    return facts.get("document") == Document.CREDIT


def _ids(facts: Mapping[str, str], name: str) -> list[str]:
    """Return the internal ids among a problem's facts: one under its name, or several under the plural."""
    told = [facts.get(name, ""), *facts.get(f"{name}s", "").split(", ")]
    return [one for one in dict.fromkeys(told) if is_internal_id(one)]
