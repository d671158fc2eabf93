"""Checks the permissions of the integration's role."""

from __future__ import annotations

from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import NetSuiteError

_LABELS = {
    "item": "Lists -> Items",
    "vendorBill": "Transactions -> Bills",
    "vendorCredit": "Transactions -> Vendor Credits",
    "accountingPeriod": "Setup -> Manage Accounting Periods",
    "vendor": "Lists -> Vendors",
    "job": "Lists -> Projects",
    "department": "Lists -> Departments",
    "classification": "Lists -> Classes",
    "location": "Lists -> Locations",
    "suiteql": "Reports -> SuiteAnalytics Workbook",
}


def require(state: NetSuiteState, group: str, action: str = "") -> None:
    """Raise a 403 INSUFFICIENT_PERMISSION if `missing_permissions` has "group" or "group:action"."""
    missing = state.settings.missing_permissions
    if group in missing or f"{group}:{action}" in missing:
        raise NetSuiteError(
            f"Permission Violation: You need a higher level of the '{_LABELS.get(group, group)}' permission to access this page. "
            "Please contact your account administrator.",
            status=403,
            code="INSUFFICIENT_PERMISSION",
        )


def check_vendor_allowed(state: NetSuiteState, vendor_id: str) -> None:
    """Raise a 403 if the role is restricted from this vendor. NetSuite uses the text of a missing permission for it."""
    if vendor_id in state.settings.restricted_vendors:
        raise NetSuiteError(
            "Permission Violation: The restrictions on your role deny you access to this record.",
            status=403,
            code="INSUFFICIENT_PERMISSION",
        )
