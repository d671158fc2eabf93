"""Subcontractor invoices (requisitions), billing periods and subcontracts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from simulators.common.app import exchange_of
from simulators.company.billing import Invoice
from simulators.company.model import Project
from simulators.company.world import periods_of
from simulators.procore.answers import ALREADY_SYNCED, FORBIDDEN, NOT_FOUND, Page, Refusal
from simulators.procore.call import Call, endpoint
from simulators.procore.invoice_shapes import InvoicePrinter
from simulators.procore.query import PAGING, Query, within
from simulators.procore.shapes import billing_period, work_order_contract
from simulators.procore.state import ProcoreState

DEFAULT_PER_PAGE = 30  # requisitions reference page
VIEWS = ("default", "extended", "items", "action_policy", "header_only")
STATUSES = ("draft", "under_review", "revise_and_resubmit", "approved", "approved_as_noted", "pending_owner_approval")
INVOICE_FILTERS = frozenset(
    f"filters[{name}]"
    for name in ("id", "commitment_id", "period_id", "status", "created_at", "updated_at", "origin_id", "is_last")
)
EDITABLE = ("status", "billing_date", "invoice_number", "payment_date", "origin_id", "origin_data")
DATES = ("billing_date", "payment_date")


def routes(state: ProcoreState) -> Sequence[BaseRoute]:
    """Return the endpoints of this module."""
    one = "/rest/v1.1/requisitions/{invoice_id:int}"
    contract = "/rest/v1.0/work_order_contracts/{contract_id:int}"
    periods = "/rest/v1.0/projects/{project_id:int}/billing_periods"
    period_filters = frozenset({"filters[id]", "filters[status]"})
    return [
        endpoint(state, "/rest/v1.1/requisitions", list_invoices, INVOICE_FILTERS | PAGING | {"project_id", "view"}),
        endpoint(state, one, show_invoice, frozenset({"project_id", "view"})),
        endpoint(state, one, update_invoice, frozenset({"view"}), method="PATCH"),
        endpoint(state, contract, show_contract, frozenset({"project_id"})),
        endpoint(state, periods, list_periods, PAGING | period_filters),
    ]


def list_invoices(call: Call) -> Page:
    """Return a project's invoices, 30 per page ("requisitions" reference page); with lines only in the views items and extended."""
    query, project, company = call.query, call.project(financials=True), call.company
    view = _view(query)
    ids = query.integers("filters[id]")
    invoices = [company.invoices[each] for each in list(project.invoice_ids) if ids is None or each in ids]
    kept = [invoice for invoice in invoices if _wanted(invoice, query)]
    printer = InvoicePrinter(company, call.state.settings)
    return query.cut(kept, lambda invoice: printer.show(invoice, view), default=DEFAULT_PER_PAGE)


def _view(query: Query) -> str:
    view = query.text("view") or "default"
    if view not in VIEWS:
        raise Refusal(400, {"view": [f"must be one of {', '.join(VIEWS)}"]})
    return view


def _wanted(invoice: Invoice, query: Query) -> bool:
    statuses, commitments = query.texts("filters[status]"), query.integers("filters[commitment_id]")
    periods, origin = query.integers("filters[period_id]"), query.text("filters[origin_id]")
    last = query.flag("filters[is_last]")
    return (
        (statuses is None or invoice.status in statuses)
        and (commitments is None or invoice.commitment.id in commitments)
        and (periods is None or invoice.period_id in periods)
        and (origin is None or invoice.origin_id == origin)
        and (last is None or (invoice.commitment.invoice_ids[-1] == invoice.id) is last)
        and within(invoice.created_at, query.span("filters[created_at]"))
        and within(invoice.updated_at, query.span("filters[updated_at]"))
    )


def show_invoice(call: Call) -> dict[str, Any]:
    """Return one invoice of a project ("requisitions" reference page, show)."""
    invoice = call.state.open_invoice(call.project(financials=True), call.number("invoice_id"))
    return InvoicePrinter(call.company, call.state.settings).show(invoice, _view(call.query))


def update_invoice(call: Call) -> dict[str, Any]:
    """Change an invoice's header, such as its `origin_id` ("requisitions" reference page; "tutorial-financial-tools" guide).

    With an `origin_id` the invoice is synced: it can no longer be edited, and no other invoice may have the same id.
    """
    state, body = call.state, call.body
    project = state.open_project(_id_in(body, "project_id"), financials=True)
    invoice = state.open_invoice(project, call.number("invoice_id"))
    if invoice.commitment.id != _id_in(body, "commitment_id"):
        raise Refusal(404, NOT_FOUND)
    if state.settings.patch_forbidden:
        raise Refusal(403, FORBIDDEN)
    changes = _changes(invoice, body.get("requisition") or {})
    _check_origin(state, invoice, changes)
    if changes:
        if "origin_id" in changes:
            state.set_origin(invoice, changes.pop("origin_id"))
        for name, value in changes.items():
            setattr(invoice, name, value)
        invoice.updated_at = state.now()
        state.journal.add(
            write="update",
            type="requisition",
            id=str(invoice.id),
            external_id=invoice.origin_id,
            name=invoice.invoice_number,
            request_id=exchange_of(call.request).request_id,
        )
    return InvoicePrinter(call.company, state.settings).show(invoice, "extended")


def _id_in(body: dict[str, Any], name: str) -> int:
    value = str(body.get(name) or "")
    if not value.isdigit():
        raise Refusal(400, f"param is missing or the value is empty: {name}")
    return int(value)


def _changes(invoice: Invoice, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the request changes. Other fields are ignored, as Procore ignores unknown fields."""
    wanted = {name: asked[name] for name in EDITABLE if name in asked}
    if "status" in wanted and wanted["status"] not in STATUSES:
        raise Refusal(422, {"status": ["is not included in the list"]})
    for name in DATES:
        if wanted.get(name) is not None:
            wanted[name] = _date(name, str(wanted[name]))
    return {name: value for name, value in wanted.items() if value != getattr(invoice, name)}


def _date(name: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(422, {name: ["is not a date"]}) from error


def _check_origin(state: ProcoreState, invoice: Invoice, changes: dict[str, Any]) -> None:
    if changes and invoice.origin_id is not None:
        clears = state.settings.origin_id_clearable and changes.get("origin_id", "") is None
        if not clears:
            raise Refusal(422, ALREADY_SYNCED)
    taken = changes.get("origin_id")
    if taken is not None and taken in state.invoice_of_origin and state.settings.duplicate_origin_status != 200:
        raise Refusal(state.settings.duplicate_origin_status, {"origin_id": ["has already been taken"]})


def show_contract(call: Call) -> dict[str, Any]:
    """Return one subcontract ("work-order-contracts" reference page, show)."""
    project = call.project(financials=True)
    commitment = call.company.commitments.get(call.number("contract_id"))
    if commitment is None or commitment.project_id != project.id:
        raise Refusal(404, NOT_FOUND)
    return work_order_contract(commitment, project, call.company.vendors[commitment.vendor_id])


def list_periods(call: Call) -> Page:
    """Return a project's billing periods ("billing-periods" reference page)."""
    query: Query = call.query
    project: Project = call.project(financials=True)
    ids, status = query.integers("filters[id]"), query.text("filters[status]")
    kept = [
        period
        for period in periods_of(project)
        if (ids is None or period.id in ids) and (status is None or period.status == status)
    ]
    return query.cut(kept, lambda period: billing_period(period, project), default=100)
