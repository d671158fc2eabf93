"""Procore against NetSuite against the ledger: does every budgeted code have its one Item, every invoice its one bill?

Reads only. What is missing with a known reason (an open problem, a skipped invoice, work that waits) is explained; everything
else is a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import InvoiceHead, Procore
from worker.domain.errors import Blocked, NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.findings import FINDINGS, Finding, FindingKind
from worker.domain.identities import (
    CodeKey,
    InvoiceKey,
    bill_external_id,
    bill_id_of_origin,
    item_external_id,
    same_external_id,
)
from worker.domain.invoices import difference
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause, describe
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import Project
from worker.services.export_runs import ExportRuns
from worker.services.invoice_export import InvoiceExport
from worker.services.items import Items
from worker.services.projects import Projects
from worker.store.connection import Redis, seconds
from worker.store.ledger import Ledger

PROJECTS_AT_ONCE = 4


@dataclass(slots=True)
class Verified:
    """What was compared: codes and invoices that are right, those whose lack is explained, and the findings."""

    codes: int = 0
    invoices: int = 0
    right: int = 0
    explained: int = 0
    unreadable: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Verified) -> None:
        """Take in another project's result."""
        self.codes += other.codes
        self.invoices += other.invoices
        self.right += other.right
        self.explained += other.explained
        self.unreadable += other.unreadable
        self.findings += other.findings

    def find(self, kind: FindingKind, key: CodeKey | InvoiceKey, sentence: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(kind, str(key), sentence))


class Verification:
    """Compares the three records."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        netsuite: NetSuite,
        projects: Projects,
        items: Items,
        export_runs: ExportRuns,
        invoice_export: InvoiceExport,
        ledger: Ledger,
    ) -> None:
        self._client = client
        self._procore = procore
        self._netsuite = netsuite
        self._projects = projects
        self._items = items
        self._runs = export_runs
        self._export = invoice_export
        self._ledger = ledger

    def verify(self, progress: Callable[[int, int], None] = lambda _done, _of: None) -> Verified:
        """Compare all projects in scope. `progress(done, of)` is called after each project."""
        projects = self._projects.in_scope(self._projects.refresh())
        problems = {one.key: one.problem.sentence for one in self._ledger.problems()}
        verified = Verified()
        with ThreadPoolExecutor(PROJECTS_AT_ONCE, thread_name_prefix="verify") as pool:
            results = pool.map(lambda project: self._verify_project(project, problems), projects)
            for done, result in enumerate(results, 1):
                verified.add(result)
                progress(done, len(projects))
        return verified

    def reconcile(self) -> dict[str, int]:
        """Verify, and keep a problem open for each finding: {"checked": n, "findings": n}. Problems of old findings are closed."""
        verified = self.verify()
        found = {finding.problem_key: finding.sentence for finding in verified.findings}
        for open_problem in self._ledger.problems():
            if open_problem.key.startswith(FINDINGS) and open_problem.key not in found:
                self._ledger.resolve(open_problem.key)
        for key, sentence in found.items():
            self._ledger.report(key, Cause.DRIFT, {"finding": sentence}, at=seconds(self._client))
        return {"checked": verified.codes + verified.invoices, "findings": len(found)}

    def _verify_project(self, project: Project, problems: Mapping[str, str]) -> Verified:
        verified = Verified()
        try:
            self._verify_codes(project, problems, verified)
            self._verify_invoices(project, problems, verified)
        except (NotFound, NotPermitted) as error:
            verified.unreadable.append(f"{project.label}: {error}")
        except UnexpectedAnswer as error:
            raise UnexpectedAnswer(f"{project.label}: {error}") from error
        return verified

    # Codes

    def _verify_codes(self, project: Project, problems: Mapping[str, str], verified: Verified) -> None:
        budgeted = self._procore.list_budgeted_codes(project.id)
        active = {code.id for code in self._procore.list_active_codes(project.id)} if budgeted else set()
        codes = [code for code in budgeted if code.id in active]
        verified.codes += len(codes)
        records = self._ledger.codes(project.id)
        rule = self._items.naming_rule()
        ids = {code.id: item_external_id(self._procore.company_id, project.id, code.id) for code in codes}
        joined = {code.id: rule.join(project.number, code.flat_code) for code in codes if project.number}
        names = {code_id: name for code_id, name in joined.items() if not unwritable(name)}
        found = self._netsuite.find_items(external_ids=list(ids.values()), names=list(names.values())) if codes else []
        for code in codes:
            mine = [item for item in found if _is_of(item, ids[code.id], names.get(code.id))]
            key, record = CodeKey(project.id, code.id), records.get(code.id)
            if not mine and record and record.done and (item := self._netsuite.item(record.remote_id)):
                # Adopted, so without our external id, and since then the Item or the project has another name.
                mine = [item]
            self._verify_code(f"{project.label}, code {code.flat_code}", key, mine, record, problems, verified)
        self._verify_others(
            project, {number: record for number, record in records.items() if number not in ids}, verified
        )

    def _verify_others(self, project: Project, records: Mapping[int, Record], verified: Verified) -> None:
        """Codes that an invoice alone needed, or that are budgeted no more: they may lack an Item, but not have two."""
        ids = {number: item_external_id(self._procore.company_id, project.id, number) for number in records}
        found = self._netsuite.find_items(external_ids=list(ids.values()), names=[]) if ids else []
        for number, external_id in ids.items():
            mine = [item for item in found if same_external_id(item.external_id, external_id)]
            if len(mine) > 1:
                label = f"{project.label}, Item {records[number].name}"
                self._verify_code(label, CodeKey(project.id, number), mine, records[number], {}, verified)

    def _verify_code(
        self,
        label: str,
        key: CodeKey,
        found: Sequence[FoundItem],
        record: Record | None,
        problems: Mapping[str, str],
        verified: Verified,
    ) -> None:
        recorded = record.remote_id if record and record.done else ""
        if len(found) > 1:
            ids = ", ".join(item.id for item in found)
            verified.find(FindingKind.ITEM_DOUBLED, key, f"{label} has {len(found)} Items: ids {ids}.")
        elif str(key) in problems or (record and not record.done and record.state is not State.BLOCKED):
            verified.explained += 1
        elif not found:
            verified.find(FindingKind.ITEM_MISSING, key, f"{label} has no Item.")
        elif found[0].inactive or not found[0].usable:
            what = "inactive" if found[0].inactive else f"of type {found[0].type} {found[0].subtype}"
            verified.find(FindingKind.ITEM_UNUSABLE, key, f"{label}: the Item {found[0].name} is {what}.")
        elif recorded and recorded != found[0].id:
            sentence = f"{label}: the ledger says Item {recorded}, NetSuite has {found[0].id}."
            verified.find(FindingKind.ITEM_OTHER_THAN_RECORDED, key, sentence)
        elif record and recorded and record.name != found[0].name:
            sentence = f"{label}: its Item was called {record.name} and is called {found[0].name} now."
            verified.find(FindingKind.ITEM_RENAMED, key, sentence)
        else:
            verified.right += 1

    # Invoices

    def _verify_invoices(self, project: Project, problems: Mapping[str, str], verified: Verified) -> None:
        heads = self._runs.heads(project.id)
        records = self._ledger.invoices(project.id, [head.id for head in heads])
        verified.invoices += len(heads)
        external_ids = {head.id: bill_external_id(self._procore.company_id, head.id) for head in heads}
        bills = self._netsuite.bill_ids(list(external_ids.values())) if heads else {}
        for head in heads:
            key, record = InvoiceKey(project.id, head.id), records.get(head.id)
            label = f"{project.label}, invoice {head.document_number}"
            standing = bills.get(external_ids[head.id].lower(), [])
            self._verify_invoice(label, key, head, record, standing, problems, verified)

    def _verify_invoice(
        self,
        label: str,
        key: InvoiceKey,
        head: InvoiceHead,
        record: Record | None,
        standing: Sequence[str],
        problems: Mapping[str, str],
        verified: Verified,
    ) -> None:
        bill_id = bill_id_of_origin(head.origin_id) or (record.remote_id if record and record.done else "")
        if len(standing) > 1:
            verified.find(
                FindingKind.BILL_DOUBLED, key, f"{label} has {len(standing)} bills: ids {', '.join(standing)}."
            )
        elif str(key) in problems or (record and not record.done and record.state is not State.BLOCKED):
            verified.explained += 1
        elif not bill_id:
            words = f"{label} has no bill" + (f" on record, but NetSuite has {standing[0]}." if standing else ".")
            verified.find(FindingKind.BILL_MISSING, key, words)
        elif differs := self._bill_differs(key, bill_id):
            verified.find(FindingKind.BILL_DIFFERS, key, f"{label}: {differs}.")
        elif not head.origin_id:
            sentence = f"{label}: the bill {bill_id} stands, but the invoice has no origin id in Procore."
            verified.find(FindingKind.ORIGIN_ID_MISSING, key, sentence)
        else:
            verified.right += 1

    def _bill_differs(self, key: InvoiceKey, bill_id: str) -> str | None:
        found = self._netsuite.bill(bill_id)
        if found is None:
            return f"the bill {bill_id} is gone"
        try:
            return difference(self._export.expected_bill(key), found)
        except Blocked as error:
            return describe(error.cause, error.facts).sentence


def _is_of(item: FoundItem, external_id: str, name: str | None) -> bool:
    same_id = (item.external_id or "").lower() == external_id.lower()
    return same_id or (name is not None and item.name.casefold() == name.casefold())
