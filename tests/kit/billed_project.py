"""A synced project with one billed invoice, for tests of later edits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from simulators.netsuite.records import Bill, Item
from tests.kit.installation import Installation
from worker.domain.findings import Finding

CODES = ("05-120.S", "05-310.S")


@dataclass(frozen=True)
class BilledProject:
    """A project with two codes and one invoice for both."""

    office: Installation
    project: Project
    invoice: Invoice

    @classmethod
    def open(cls, office: Installation, number: str) -> BilledProject:
        """Return a new project with this number. It is not synced yet."""
        project = office.new_project(number, CODES)
        return cls(office, project, office.new_invoice(project, (CODES[0], "900.00"), (CODES[1], "55.00")))

    def synced(self) -> BilledProject:
        """Return the project in an office for it alone, after a scan and an export. Its Item and bill are those of this moment."""
        office = self.office.reopened(project_ids=str(self.project.id))
        office.scan()
        office.export_all()
        alone = replace(self, office=office)
        assert alone.item.id
        assert alone.bill.id
        return alone

    @property
    def code(self) -> WbsCode:
        """Return the first code."""
        return self.project.code_named(CODES[0])

    @cached_property
    def item(self) -> Item:
        """Return the Item of the first code, as it was when a test first asked for it."""
        return self.office.item(f"{self.project.number}-{CODES[0]}")

    @cached_property
    def bill(self) -> Bill:
        """Return the invoice's bill, as it was when a test first asked for it."""
        return self.office.bill(self.invoice)

    @property
    def code_key(self) -> str:
        """Return the key of the first code."""
        return f"code:{self.project.id}:{self.code.id}"

    @property
    def invoice_key(self) -> str:
        """Return the key of the invoice."""
        return f"invoice:{self.project.id}:{self.invoice.id}"

    # What people do

    def edit_item(self, **changes: Any) -> str:
        """Change the Item in NetSuite, and return the key of its code."""
        self.office.netsuite.edit_item(self.item.id, **changes)
        return self.code_key

    def edit_bill(self, **changes: Any) -> str:
        """Change the bill in NetSuite, and return the key of its invoice."""
        self.office.netsuite.edit_bill(self.bill.id, **changes)
        return self.invoice_key

    def edit_invoice(self, **changes: Any) -> str:
        """Change the invoice in Procore, and return its key."""
        self.office.procore.edit_invoice(self.invoice.id, **changes)
        return self.invoice_key

    # What a comparison finds

    def findings(self) -> list[Finding]:
        """Compare both systems, and return the findings."""
        return self.office.container.verification.verify().findings

    def finding(self) -> tuple[str, str]:
        """Compare both systems, and return kind and sentence of the only finding."""
        (finding,) = self.findings()
        return finding.kind.value, finding.sentence

    def problems(self) -> dict[str, str]:
        """Return the open problems of findings about this project, causes by key."""
        causes = self.office.problems("verify:")
        return {key: cause for key, cause in causes.items() if str(self.project.id) in key.split(":")}
