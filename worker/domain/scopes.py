"""Scopes of pauses: a whole remote, or the work that needs one of its permissions.

A scope is text: `netsuite` for the whole remote, `netsuite:vendorBill:create` for one permission on one kind of record.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Remote(StrEnum):
    """The two systems that wbs-sync sends requests to."""

    PROCORE = "procore"
    NETSUITE = "netsuite"


NAMES: Mapping[Remote, str] = {Remote.PROCORE: "Procore", Remote.NETSUITE: "NetSuite"}
"""Names of the systems in texts for users."""
QUERY = "query"
"""The action of reading a whole table: a refusal concerns the table, not one record of it."""
PROCORE_VENDORS = "procore:vendors:query"
WRITING = "netsuite:records:write"
"""All writing of this installation: paused while its workers have different settings."""
CREDITS = ("netsuite:vendorCredit:view", "netsuite:vendorCredit:create")
"""The permissions that an invoice with a negative payment due needs in addition to those for bills."""
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
    """Return the scope of a permission; all types of Items share one."""
    return f"{remote}:{'item' if record.endswith('Item') else record}:{action}"


def remote_of(scope: str) -> Remote:
    """Return the remote that a scope belongs to."""
    return Remote(scope.partition(":")[0])


def is_of_role(scope: str) -> bool:
    """Return whether one refusal means that all work of the scope is refused. Otherwise it may concern only the requested record."""
    return ":" not in scope or scope.endswith(f":{QUERY}") or scope == WRITING


def doing(scope: str) -> str:
    """Return the work of a scope as text: `create vendor bills`, or `all work` for a whole remote."""
    _, _, rest = scope.partition(":")
    record, _, action = rest.partition(":")
    return f"{_ACTIONS.get(action, action)} {_RECORDS.get(record, record)}" if rest else "all work"


def permission(scope: str) -> str:
    """Return the name of the permission in NetSuite with its level; "" if the name is not known."""
    _, record, action = scope.split(":")
    level = {"create": "Create", "edit": "Edit", "delete": "Full"}.get(action, "View")
    name, comma, feature = _PERMISSIONS.get(record, "").partition(", ")
    return f"{name}: {level}{comma}{feature}" if name else ""
