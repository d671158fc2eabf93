"""The JSON of a bill or a credit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from simulators.netsuite.currencies import shown_currency
from simulators.netsuite.field_types import BODY
from simulators.netsuite.fields import shown_fields
from simulators.netsuite.periods import period_of
from simulators.netsuite.properties import APPROVAL_NAMES, PENDING_APPROVAL
from simulators.netsuite.records import Bill, BillLine, ExpenseLine
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import RECORD_PATH

_OPEN = {"id": "A", "refName": "Open"}
_PENDING = {"id": "D", "refName": "Pending Approval"}
"""Published ids are A to F, without their names; public code searches open bills as VendBill:A, pending ones as VendBill:D."""


def shown_bill(state: NetSuiteState, bill: Bill, expand: bool) -> dict[str, Any]:
    """Return the bill with NetSuite's property names; complete sublists only with `expand` (expandSubResources=true)."""
    vendor = state.vendors.get(bill.entity)
    period = state.periods.get(bill.period) or period_of(state.periods, date.fromisoformat(bill.trandate))
    body: dict[str, Any] = {
        "links": [],
        "id": bill.id,
        "tranId": bill.tranid,
        "tranDate": bill.trandate,
        "memo": bill.memo,
        "entity": _reference(bill.entity, vendor.companyname if vendor else ""),
        "postingPeriod": _reference(period.id, period.name),
        "total": bill.total,
        "userTotal": bill.total,
        "taxTotal": bill.tax,
        "createdDate": bill.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lastModifiedDate": bill.modified_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if bill.record_type == "vendorBill":
        body |= _approval(state, bill)
    if bill.externalid:
        body["externalId"] = bill.externalid
    if bill.subsidiary:
        subsidiary = state.listed("subsidiary")
        entry = subsidiary.get(bill.subsidiary) if subsidiary is not None else None
        body["subsidiary"] = _reference(bill.subsidiary, entry.name if entry else "")
    if expand:
        body["item"] = _sublist([_item_line(state, bill, line) for line in bill.lines])
        body["expense"] = _sublist([_expense_line(state, bill, line) for line in bill.expenses])
    else:
        address = f"{RECORD_PATH}/{bill.record_type}/{bill.id}"
        body["item"] = {"links": [{"rel": "self", "href": f"{address}/item"}]}
        body["expense"] = {"links": [{"rel": "self", "href": f"{address}/expense"}]}
    fields = shown_fields(state, bill.record_type, BODY, bill.fields, expand=expand)
    return {**fields, **shown_currency(state, bill), **body}


def _approval(state: NetSuiteState, bill: Bill) -> dict[str, Any]:
    """Return the status of a bill, with that of its approval in an account that routes bills. A vendor credit has neither."""
    approval = bill.fields.get("approvalStatus")
    if not state.settings.bills_need_approval or approval is None:
        return {"status": _OPEN}
    named = {**approval, "refName": APPROVAL_NAMES.get(approval["id"], "")}
    return {"status": _PENDING if approval["id"] == PENDING_APPROVAL else _OPEN, "approvalStatus": named}


def _reference(record_id: str, name: str) -> dict[str, Any]:
    return {"links": [], "id": record_id, "refName": name}


def _sublist(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"links": [], "items": elements, "totalResults": len(elements)}


def _item_line(state: NetSuiteState, bill: Bill, line: BillLine) -> dict[str, Any]:
    item = state.items.get(line.item)
    shown: dict[str, Any] = {
        **shown_fields(state, bill.record_type, "item", line.fields),
        "links": [],
        "line": line.line,
        "item": _reference(line.item, item.itemid if item else ""),
        "quantity": _plain(line.quantity),
        "rate": line.rate,
        "amount": line.amount,
        "description": line.description,
    }
    if line.customer:
        shown[state.settings.project_field] = _project(state, line.customer)
    return shown


def _expense_line(state: NetSuiteState, bill: Bill, line: ExpenseLine) -> dict[str, Any]:
    shown: dict[str, Any] = {
        **shown_fields(state, bill.record_type, "expense", line.fields),
        "links": [],
        "line": line.line,
        "account": _reference(line.account, ""),
        "amount": line.amount,
        "memo": line.memo,
    }
    if line.customer:
        shown["customer"] = _project(state, line.customer)
    return shown


def _project(state: NetSuiteState, job_id: str) -> dict[str, Any]:
    job = state.jobs.get(job_id)
    return _reference(job_id, f"{job.entityid} {job.companyname}" if job else "")


def _plain(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
