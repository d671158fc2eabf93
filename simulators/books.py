"""The content of NetSuite before the first sync, as plain data.

Fields have the names of SuiteQL's columns (`entityid`, `companyname`, `isinactive` ...), so that a record looks the same here, in the
response to a query and in a test.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass
class NsVendor:
    """A vendor: a company or a person. A person has no company name."""

    id: str
    entityid: str
    companyname: str
    externalid: str | None
    subsidiary: str
    isinactive: bool = False
    firstname: str = ""
    lastname: str = ""
    shared_with: tuple[str, ...] = ()  # further subsidiaries
    currencies: tuple[str, ...] = ()  # ids of those it takes, the primary one first; empty: that of its subsidiary


@dataclass
class NsVendorSubsidiary:
    """A vendor's relationship to one of its subsidiaries."""

    id: str
    entity: str  # id of the vendor
    subsidiary: str
    isprimarysub: bool
    externalid: str | None = None


@dataclass
class NsJob:
    """A project; bill lines name it as their customer. `entityid` is the project's number in the books."""

    id: str
    entityid: str
    companyname: str
    externalid: str | None
    subsidiary: str
    isinactive: bool = False


@dataclass
class NsItem:
    """An item of any type. Names are unique over all types."""

    id: str
    record_type: str  # REST's name of it: otherChargePurchaseItem, serviceSaleItem, inventoryItem ...
    itemtype: str  # SuiteQL's: OthCharge, Service, InvtPart ...
    subtype: str  # Purchase, Resale, Sale, or "" where the type has none
    itemid: str  # its name
    displayname: str
    externalid: str | None
    isinactive: bool
    subsidiary: str
    expense_account: str


@dataclass
class NsBillLine:
    """One line of a vendor bill."""

    item: str  # id of the item
    amount: Decimal
    description: str
    customer: str | None  # id of the job


@dataclass
class NsBill:
    """A vendor bill."""

    id: str
    tranid: str  # the vendor's own invoice number
    entity: str  # id of the vendor
    externalid: str | None
    trandate: str  # YYYY-MM-DD
    memo: str
    lines: list[NsBillLine] = field(default_factory=list)


@dataclass
class NetSuiteBooks:
    """The initial content of one NetSuite account."""

    account_id: str
    subsidiary_id: str
    expense_account_id: str
    tax_schedule_id: str
    retainage_item_id: str
    vendors: list[NsVendor]
    jobs: list[NsJob]
    items: list[NsItem]
    bills: list[NsBill]
    closed_before: datetime.date  # posting periods that end before this date are closed
