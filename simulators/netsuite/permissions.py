"""Checks the permissions of the integration's role."""

from __future__ import annotations

from simulators.netsuite.bodies import Body
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import NetSuiteError

_LABELS = {
    "item": "Lists -> Items",
    "vendorBill": "Transactions -> Bills",
    "vendorCredit": "Transactions -> Vendor Credits",
    "accountingPeriod": "Setup -> Manage Accounting Periods",
    "vendor": "Lists -> Vendors",
    "job": "Lists -> Projects",
    "suiteql": "Reports -> SuiteAnalytics Workbook",
}


def require(state: NetSuiteState, group: str, action: str = "") -> None:
    """Raise a 403 INSUFFICIENT_PERMISSION if `missing_permissions` has "group" or "group:action"."""
    missing = state.settings.missing_permissions
    if group in missing or f"{group}:{action}" in missing:
        raise NetSuiteError(
            f"Permission Violation: You need a higher level of the '{_LABELS[group]}' permission to access this page. "
            "Please contact your account administrator.",
            status=403,
            code="INSUFFICIENT_PERMISSION",
        )


def check_form(state: NetSuiteState, body: Body) -> None:
    """Raise a 400 with the code of a missing permission for a property that the role's form hides (NetSweet/netsuite#124)."""
    rows = body.get("item", {}).get("items", []) if isinstance(body.get("item"), dict) else []
    given = {*body, *(f"item.{name}" for row in rows if isinstance(row, dict) for name in row)}
    for name in state.settings.hidden_on_form:
        if name in given:
            raise NetSuiteError(
                f"You do not have permissions to set a value for element {name.lower()} due to one of the following reasons: "
                "1) The field is read-only; 2) An associated feature is disabled; 3) The field is available either when a "
                "record is created or updated, but not in both cases.",
                code="INSUFFICIENT_PERMISSION",
                path=name.replace("item.", "item.items[0].", 1),
            )


def check_vendor_allowed(state: NetSuiteState, vendor_id: str) -> None:
    """Raise a 403 if the role is restricted from this vendor. NetSuite uses the text of a missing permission for it."""
    if vendor_id in state.settings.restricted_vendors:
        raise NetSuiteError(
            "Permission Violation: The restrictions on your role deny you access to this record.",
            status=403,
            code="INSUFFICIENT_PERMISSION",
        )
