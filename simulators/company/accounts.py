"""The company's NetSuite books before the first sync: vendors, jobs, and a few Items and bills entered by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from simulators.books import NetSuiteBooks, NsBill, NsBillLine, NsItem, NsJob, NsVendor
from simulators.company.billing import Invoice
from simulators.company.model import ZERO, Project, Vendor
from simulators.company.world import CLOSED_BEFORE, Company

ACCOUNT = "TSTDRV2468013"
SUBSIDIARY = "2"
EXPENSE_ACCOUNT = "148"
TAX_SCHEDULE = "1"
RETAINAGE_ITEM = "4001"
OLD_COST_ITEM = "4002"  # the Item for all subcontract cost before the first sync


def opening_books() -> NetSuiteBooks:
    """Return an account with its settings and the Items that every contractor has, without vendors and jobs."""
    books = NetSuiteBooks(
        account_id=ACCOUNT,
        subsidiary_id=SUBSIDIARY,
        expense_account_id=EXPENSE_ACCOUNT,
        tax_schedule_id=TAX_SCHEDULE,
        retainage_item_id=RETAINAGE_ITEM,
        vendors=[],
        jobs=[],
        items=[],
        bills=[],
        closed_before=CLOSED_BEFORE,
    )
    add_item(books, "Retainage Payable")
    add_item(books, "Subcontract Cost")
    add_item(books, "Freight In")
    add_item(books, "Preconstruction Services", record_type="serviceSaleItem", itemtype="Service", subtype="Sale")
    return books


def add_item(
    books: NetSuiteBooks,
    name: str,
    *,
    display: str | None = None,
    record_type: str = "otherChargePurchaseItem",
    itemtype: str = "OthCharge",
    subtype: str = "Purchase",
    externalid: str | None = None,
    inactive: bool = False,
) -> NsItem:
    """Add an Item; by default an active Other Charge item for purchase without an external id."""
    item = NsItem(
        id=str(4001 + len(books.items)),
        record_type=record_type,
        itemtype=itemtype,
        subtype=subtype,
        itemid=name,
        displayname=display if display is not None else name,
        externalid=externalid,
        isinactive=inactive,
        subsidiary=SUBSIDIARY,
        expense_account=EXPENSE_ACCOUNT,
    )
    books.items.append(item)
    return item


def add_ns_vendor(
    books: NetSuiteBooks, name: str, *, entityid: str | None = None, externalid: str | None = None
) -> NsVendor:
    """Add a vendor with this company name."""
    vendor = NsVendor(str(1001 + len(books.vendors)), entityid or name, name, externalid, SUBSIDIARY, False)
    books.vendors.append(vendor)
    return vendor


def link_vendor(company: Company, vendor: Vendor, how: str) -> None:
    """Add `vendor` to NetSuite. `how` it can be found there: by "origin_id", "external_id" or "name"; "ambiguous"; "nothing" = it is not
    there.
    """
    if how == "nothing":
        return
    externalid = f"pcr-vendor-{company.company_id}-{vendor.id}" if how == "external_id" else None
    # Found only by its external id: its name in NetSuite is different.
    name = f"{vendor.name} (AP)" if how == "external_id" else vendor.name
    known = add_ns_vendor(company.netsuite, name, externalid=externalid)
    company.vendor_links[vendor.id] = known.id
    if how == "origin_id":
        vendor.origin_id = known.id
    if how == "ambiguous":
        add_ns_vendor(company.netsuite, vendor.name, entityid=f"{vendor.name} 2")


def link_job(company: Company, project: Project, *, by_origin_id: bool) -> None:
    """Add a NetSuite job for `project`, which can be found by the project's `origin_id`, or only by its number."""
    books = company.netsuite
    job = NsJob(str(9001 + len(books.jobs)), project.number or f"JOB-{project.id}", project.name, None, SUBSIDIARY)
    books.jobs.append(job)
    company.job_links[project.id] = job.id
    if by_origin_id:
        project.origin_id = job.id


def add_bill(
    company: Company,
    entity: str,
    tranid: str,
    date: dt.date,
    lines: Sequence[tuple[str, Decimal]],
    *,
    job: str | None,
    memo: str,
) -> NsBill:
    """Add a vendor bill that a person entered: it has no external id. `lines`: item ids and amounts."""
    bill = NsBill(
        id=str(70_001 + len(company.netsuite.bills)),
        tranid=tranid,
        entity=entity,
        externalid=None,
        trandate=date.isoformat(),
        memo=memo,
        lines=[NsBillLine(item, amount, memo, job) for item, amount in lines],
    )
    company.netsuite.bills.append(bill)
    return bill


def enter_by_hand(company: Company, invoice: Invoice) -> None:
    """Enter the bill of `invoice` as people did before the integration: one line, net. The invoice gets the bill's `origin_id`."""
    gross = sum((line.gross for line in invoice.lines), ZERO)
    held = sum((line.retainage for line in invoice.lines), ZERO)
    bill = add_bill(
        company,
        company.vendor_links[invoice.vendor_id],
        invoice.invoice_number,
        invoice.billing_date,
        [(OLD_COST_ITEM, gross - held)],
        job=company.job_links[invoice.project_id],
        memo="Entered by hand",
    )
    invoice.origin_id = f"legacy-{bill.id}"
