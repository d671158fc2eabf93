"""Permanent identities: external ids and work keys, built from Procore's numeric ids only.

Names and codes are not used, because users change them. NetSuite allows letters, digits, `-` and `_` in external ids and compares them
without case (ohelp/section_156334828635, ohelp/section_N3432681).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self, TypeGuard

ITEM_EXTERNAL_ID = re.compile(r"pcr-itm-[0-9]{1,19}-([0-9]{1,19})-([0-9]{1,19})", re.IGNORECASE)
BILL_ORIGIN = re.compile(r"ns-vendor(?:bill|credit)-([0-9]{1,19})")
INTERNAL_ID = re.compile(r"[0-9]{1,19}")
OUR_ITEMS = "pcr-itm-"
"""Prefix of the external ids of Items that wbs-sync created, for any company."""


def item_external_id(company_id: int, project_id: int, wbs_code_id: int) -> str:
    """Return the external id of the Item of a project's WBS code."""
    return f"pcr-itm-{company_id}-{project_id}-{wbs_code_id}"


def item_external_ids_of(company_id: int) -> str:
    """Return the prefix of the external ids of all Items of a company."""
    return f"pcr-itm-{company_id}-"


def bill_external_ids_of(company_id: int) -> str:
    """Return the prefix of the external ids of all bills and credits of a company."""
    return f"pcr-bill-{company_id}-"


def code_of_item(external_id: str | None) -> CodeKey | None:
    """Return the code that an Item's external id belongs to; None for any other text."""
    match = ITEM_EXTERNAL_ID.fullmatch(external_id or "")
    return CodeKey(int(match.group(1)), int(match.group(2))) if match else None


def bill_external_id(company_id: int, invoice_id: int) -> str:
    """Return the external id of the vendor bill or vendor credit of a subcontractor invoice.

    Both have the same one: external ids are unique among all transactions (ohelp/section_N3436356), so NetSuite itself refuses a bill in
    addition to a credit.
    """
    return f"pcr-bill-{company_id}-{invoice_id}"


def vendor_external_id(company_id: int, vendor_id: int) -> str:
    """Return the external id by which an administrator may link a NetSuite vendor to a Procore company."""
    return f"pcr-vendor-{company_id}-{vendor_id}"


def project_external_id(company_id: int, project_id: int) -> str:
    """Return the external id by which an administrator may link a NetSuite project (job) to a Procore project."""
    return f"pcr-project-{company_id}-{project_id}"


def is_our_item(external_id: str | None) -> bool:
    """Return whether wbs-sync set an Item's external id, for any code."""
    return bool(external_id) and str(external_id).lower().startswith(OUR_ITEMS)


def is_our_bill(external_id: str | None) -> bool:
    """Return whether wbs-sync set a bill's external id, for any invoice."""
    return bool(external_id) and str(external_id).lower().startswith("pcr-bill-")


def same_external_id(one: str | None, other: str | None) -> bool:
    """Return whether NetSuite treats both as equal: it ignores case (ohelp/section_N3432681)."""
    return bool(one) and bool(other) and str(one).lower() == str(other).lower()


def bill_origin_id(bill_id: str, *, credit: bool = False) -> str:
    """Return the `origin_id` of a Procore invoice whose bill or vendor credit is in NetSuite."""
    return f"ns-vendor{'credit' if credit else 'bill'}-{bill_id}"


def bill_id_of_origin(origin_id: str | None) -> str | None:
    """Return the id of the NetSuite bill or credit in an `origin_id` of ours; None for an empty one or one of another integration."""
    match = BILL_ORIGIN.fullmatch(origin_id or "")
    return match.group(1) if match else None


def is_internal_id(origin_id: str | None) -> TypeGuard[str]:
    """Return whether an `origin_id` of a Procore company or project can be a NetSuite id. Other integrations may store any text there."""
    return bool(INTERNAL_ID.fullmatch(origin_id or ""))


@dataclass(frozen=True, slots=True, order=True)
class CodeKey:
    """The key of a project's WBS code."""

    project_id: int
    wbs_code_id: int

    def __str__(self) -> str:
        return f"code:{self.project_id}:{self.wbs_code_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key from its text."""
        _, project_id, wbs_code_id = text.split(":")
        return cls(int(project_id), int(wbs_code_id))


@dataclass(frozen=True, slots=True, order=True)
class InvoiceKey:
    """The key of a subcontractor invoice. The prefixes `code:` and `invoice:` allow one table of problems for both."""

    project_id: int
    invoice_id: int

    def __str__(self) -> str:
        return f"invoice:{self.project_id}:{self.invoice_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key from its text."""
        _, project_id, invoice_id = text.split(":")
        return cls(int(project_id), int(invoice_id))
