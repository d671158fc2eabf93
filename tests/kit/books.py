"""What NetSuite must contain when all work has ended, by the simulated company alone, and what it contains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from simulators.company.billing import Invoice
from simulators.stage import Stage
from worker.domain.identities import bill_external_id, item_external_id


def item_identities(stage: Stage, project_ids: Collection[int] = ()) -> dict[str, str]:
    """Return external id and name of the Item of every budgeted code. For companies without awkward cases (profile large:PxC:N)."""
    company = stage.procore.company
    return {
        item_external_id(company.company_id, project.id, code.id): f"{project.number}-{code.flat_code}"
        for project in company.projects.values()
        if not project_ids or project.id in project_ids
        for code in project.budgeted_codes()
    }


def invoices(stage: Stage) -> list[Invoice]:
    """Return the company's approved invoices."""
    return [invoice for invoice in stage.procore.company.invoices.values() if invoice.status == "approved"]


def items_made(stage: Stage) -> int:
    """Return how many Items were created so far."""
    return len(stage.netsuite.writes("item"))


def assert_one_item_per_code(stage: Stage) -> None:
    """Check that every budgeted code has exactly one Item, created by one write, and that nothing else was created."""
    expected = item_identities(stage)
    writes = Counter((entry["external_id"], entry["name"]) for entry in stage.netsuite.writes("item"))
    assert writes == Counter(expected.items())
    assert stage.netsuite.duplicates() == []


def assert_one_bill_per_invoice(stage: Stage) -> None:
    """Check that every approved invoice has exactly one bill over the payment due, created by one write, and names the bill's id."""
    company_id = stage.procore.company.company_id
    expected = {bill_external_id(company_id, invoice.id): invoice for invoice in invoices(stage)}
    writes = Counter(entry["external_id"] for entry in stage.netsuite.writes("vendorBill"))
    assert writes == Counter(list(expected))
    for external_id, invoice in expected.items():
        bill = stage.netsuite.bill_by_external_id(external_id)
        assert bill is not None
        assert (bill.total, invoice.origin_id) == (invoice.summary().current_payment_due, f"ns-vendorbill-{bill.id}")
    assert stage.netsuite.duplicates() == []
