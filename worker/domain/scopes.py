"""What can be paused: a whole remote, or the work that needs one permission of it.

A scope is text: `netsuite` for the whole remote, `netsuite:vendorBill:create` for one kind of record and permission.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Remote(StrEnum):
    """The two systems."""

    PROCORE = "procore"
    NETSUITE = "netsuite"


NAMES: Mapping[Remote, str] = {Remote.PROCORE: "Procore", Remote.NETSUITE: "NetSuite"}
"""As people write them."""
QUERY = "query"
"""The permission to read a whole table: a refusal of it says nothing about one record."""
PROCORE_VENDORS = "procore:vendors:query"
WRITING = "netsuite:records:write"
"""Whether this installation may write at all: not while its workers have different settings."""
CREDITS = ("netsuite:vendorCredit:view", "netsuite:vendorCredit:create")
"""What an invoice with a negative payment due needs in addition to what bills need."""
_ACTIONS: Mapping[str, str] = {
    "query": "look up",
    "view": "read",
    "create": "create",
    "edit": "edit",
    "delete": "delete",
    "write": "create or change",
}
_RECORDS: Mapping[str, str] = {
    "item": "Items",
    "vendorBill": "vendor bills",
    "vendorCredit": "vendor credits",
    "transaction": "bills (table transaction)",
    "vendor": "vendors",
    "vendors": "vendors (company Directory)",
    "job": "projects (table job)",
    "accountingperiod": "posting periods (table accountingperiod)",
}
_PERMISSIONS: Mapping[str, str] = {
    "item": "Lists > Items",
    "vendorBill": "Transactions > Bills",
    "vendorCredit": "Transactions > Enter Vendor Credits",
    "transaction": "Transactions > Bills and Transactions > Find Transaction",
    "vendor": "Lists > Vendors",
    "job": "Lists > Projects, and the feature Projects",
    "accountingperiod": "Setup > Manage Accounting Periods",
}
"""Names of NetSuite's permissions, by record type or table (docs/netsuite.md, the role)."""


def scope_of(remote: Remote, record: str, action: str) -> str:
    """The scope of one permission; all Item types share theirs."""
    return f"{remote}:{'item' if record.endswith('Item') else record}:{action}"


def remote_of(scope: str) -> Remote:
    """The remote that a scope is of."""
    return Remote(scope.partition(":")[0])


def is_of_role(scope: str) -> bool:
    """Whether one refusal shows that all work of the scope is refused; else it may be about the record that was asked for."""
    return ":" not in scope or scope.endswith(f":{QUERY}") or scope == WRITING


def doing(scope: str) -> str:
    """What a scope does, in words: `create vendor bills`, or `all work` for a whole remote."""
    _, _, rest = scope.partition(":")
    record, _, action = rest.partition(":")
    return f"{_ACTIONS.get(action, action)} {_RECORDS.get(record, record)}" if rest else "all work"


def permission(scope: str) -> str:
    """The name of the permission in NetSuite, with its level; "" where the name is not known."""
    _, record, action = scope.split(":")
    level = {"create": "Create", "edit": "Edit", "delete": "Full"}.get(action, "View")
    return f"{_PERMISSIONS[record]}: {level}" if record in _PERMISSIONS else ""
