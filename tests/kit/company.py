"""The simulated company: both systems over HTTP, the edits of people, and the records that tests read."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from simulators.books import NsJob, NsVendor
from simulators.common.journal import Entry
from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from simulators.netsuite.records import Bill, Item
from simulators.netsuite.state import NetSuiteState
from simulators.procore.state import ProcoreState
from simulators.stage import Stage
from worker.domain.identities import bill_external_id, item_external_id

VENDOR = "Blue Spruce Electric"
"""A vendor of the seeded company that NetSuite knows by its origin id."""
BILL_PATH = "/services/rest/record/v1/vendorBill"
ITEM_PATH = "/services/rest/record/v1/otherChargePurchaseItem"
SUITEQL_PATH = "/services/rest/query/v1/suiteql"


class Company:
    """A company with its Procore and its NetSuite."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @property
    def procore(self) -> ProcoreState:
        """Return the simulated Procore itself."""
        return self.stage.procore

    @property
    def netsuite(self) -> NetSuiteState:
        """Return the simulated NetSuite itself."""
        return self.stage.netsuite

    # What NetSuite has

    def items(self, name: str) -> list[Item]:
        """Return all Items of this name in NetSuite, compared without case."""
        return self.netsuite.items_named(name)

    def item(self, name: str) -> Item:
        """Return the only Item of this name. Raises AssertionError if there is none or more than one."""
        (item,) = self.items(name)
        return item

    def item_of(self, project: Project, code: WbsCode) -> Item | None:
        """Return the Item with our external id of a code."""
        return self.netsuite.item_by_external_id(self.item_external_id(project, code))

    def item_external_id(self, project: Project, code: WbsCode) -> str:
        """Return the external id of a code's Item."""
        return item_external_id(self.procore.company.company_id, project.id, code.id)

    def bills(self, invoice: Invoice) -> list[Bill]:
        """Return all bills in NetSuite with our external id of an invoice."""
        return self.netsuite.bills.find("externalid", self.bill_external_id(invoice))

    def bill(self, invoice: Invoice) -> Bill:
        """Return the only such bill. Raises AssertionError if there is none or more than one."""
        (bill,) = self.bills(invoice)
        return bill

    def bill_external_id(self, invoice: Invoice) -> str:
        """Return the external id of an invoice's bill."""
        return bill_external_id(self.procore.company.company_id, invoice.id)

    def amounts(self, bill: Bill) -> list[tuple[str, Decimal]]:
        """Return a bill's lines as (Item name, amount), ordered by name and amount."""
        names = {line.item: self.netsuite.items.get(line.item) for line in bill.lines}
        return sorted((item.itemid if (item := names[line.item]) else "?", line.amount) for line in bill.lines)

    # The journals

    def mark(self) -> int:
        """Return the last number in NetSuite's journal now, for `writes` and `posts`."""
        return max((entry["n"] for entry in self.netsuite.journal.entries()), default=0)

    def writes(self, since: int = 0) -> list[Entry]:
        """Return the records that wbs-sync, not a person, wrote in NetSuite."""
        return [entry for entry in self.netsuite.journal.writes(since) if entry["by"] == "client"]

    def requests(self, since: int = 0) -> list[Entry]:
        """Return the requests that NetSuite received, without those for tokens."""
        return [entry for entry in self.netsuite.journal.requests(since) if "oauth2" not in entry["path"]]

    def posts(self, path: str, since: int = 0) -> list[Entry]:
        """Return the POSTs to one of NetSuite's addresses, with or without a response."""
        return [each for each in self.requests(since) if each["method"] == "POST" and each["path"] == path]

    # What people do

    def case(self, name: str) -> dict[str, Any]:
        """Return the ids of one of the seeded company's awkward cases."""
        return self.procore.company.cases[name]

    def case_invoice(self, name: str) -> Invoice:
        """Return the invoice of an awkward case."""
        return self.procore.invoice(self.case(name)["invoice_id"])

    def new_project(self, number: str | None, codes: Sequence[str] = (), *, linked: bool = True) -> Project:
        """Create a project with these budgeted codes; with `linked`, NetSuite has its job."""
        project = self.procore.add_project(number, codes)
        if linked:
            state = self.netsuite
            job = NsJob(state.jobs.next_id(), number or f"JOB-{project.id}", project.name, None, "2")
            state.jobs.put(job)
            project.origin_id = job.id
        return project

    def new_invoice(
        self, project: Project, *lines: tuple[str | int | None, str], vendor: str = VENDOR, **fields: Any
    ) -> Invoice:
        """Create an approved invoice of (flat code, amount) lines with ten percent retainage."""
        return self.procore.add_invoice(project.id, vendor, lines, **fields)

    def new_vendor(self, name: str, *, company_name: str | None = None, external_id: str | None = None) -> NsVendor:
        """Create a vendor in NetSuite."""
        vendor = NsVendor(self.netsuite.vendors.next_id(), name, company_name or name, external_id, "2")
        self.netsuite.vendors.put(vendor)
        return vendor

    def clear_faults(self) -> None:
        """Let both remotes respond normally again."""
        self.stage.faults("netsuite", [])
        self.stage.faults("procore", [])
