"""A compact model of Procore: the endpoints that the product asks, over the company of the schedule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.campaign.simulated.remotes import Reply, Request
from tests.campaign.simulated.world import BILLING_DATE, COMPANY, Company, Invoice, InvoiceVersion, Line, Project

_ROUTES: list[tuple[str, str, str]] = [
    ("POST", r"/oauth/token", "token"),
    ("GET", r"/rest/v1\.0/me", "me"),
    ("GET", r"/rest/v1\.1/projects", "projects"),
    ("GET", rf"/rest/v2\.0/companies/{COMPANY}/projects/(\d+)/budget_line_items", "budget_lines"),
    ("GET", r"/rest/v1\.0/budget_views", "budget_views"),
    ("GET", r"/rest/v1\.0/budget_views/(\d+)/detail_rows", "detail_rows"),
    ("GET", r"/rest/v1\.0/projects/(\d+)/work_breakdown_structure/wbs_codes", "codes"),
    ("GET", r"/rest/v1\.1/requisitions", "invoices"),
    ("GET", r"/rest/v1\.1/requisitions/(\d+)", "invoice"),
    ("PATCH", r"/rest/v1\.1/requisitions/(\d+)", "write_back"),
    ("GET", r"/rest/v1\.0/vendors/(\d+)", "vendor"),
]
_COMPILED = [(method, re.compile(pattern), name) for method, pattern, name in _ROUTES]
_NO_MONEY = "0.00"
EARLIER = 100_000
"""What the id of an invoice's predecessor is above its own."""


class ProcoreModel:
    """Answers requests at the moment it is asked; the transport plays the time they take."""

    def __init__(self, company: Company, now: Callable[[], float], *, has_budget_endpoint: bool) -> None:
        self.company = company
        self._now = now
        self._has_budget_endpoint = has_budget_endpoint
        self.tokens: dict[str, float] = {}
        self.token_lifetime = 5400
        self.write_backs: list[tuple[int, str]] = []

    def handle(self, request: Request) -> Reply:
        """The answer to one request."""
        for method, pattern, name in _COMPILED:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                if name != "token" and self.tokens.get(request.headers.get("Authorization", "")[7:], 0) <= self._now():
                    return error(401, "The access token is invalid")
                handler: Any = getattr(self, f"_{name}")
                reply: Reply = handler(request, *match.groups())
                return reply
        return error(404, "no such endpoint")

    def _token(self, _: Request) -> Reply:
        token = f"pc-{len(self.tokens)}"
        self.tokens[token] = self._now() + self.token_lifetime
        return _ok({"access_token": token, "expires_in": self.token_lifetime})

    def _me(self, _: Request) -> Reply:
        return _ok({"id": 1, "login": "the app"})

    def _projects(self, _: Request) -> Reply:
        rows: list[Any] = [
            {
                "id": one.id, "name": one.name, "project_number": one.number, "active": one.active,
                "is_demo": False, "template": one.template, "origin_id": one.origin_id,
            }
            for one in (*self.company.projects.values(), *self.company.templates.values())
        ]  # fmt: skip
        return _ok(rows + self._odd("projects", {"id": None, "name": "Left over", "active": None}))

    def _odd(self, name: str, row: dict[str, Any]) -> list[dict[str, Any]]:
        """A row that cannot be read and that no work needs, where this list has one."""
        return [row] if name in self.company.odd_lists else []

    def _budget_lines(self, request: Request, project_id: str) -> Reply:
        if not self._has_budget_endpoint:
            return error(404, "not found")
        wanted = request.params.get("filters[wbs_code_id]")
        codes = [one for one in self._project(project_id).codes.values() if one.budgeted]
        rows = [{"id": str(one.id), "wbs_code": {"id": str(one.id), "flat_code": one.flat, "description": "Work"}}
                for one in codes if wanted in (None, str(one.id))]  # fmt: skip
        odd: dict[str, Any] = {"id": "990", "wbs_code": {"id": "990", "flat_code": None, "description": None}}
        return _ok({"data": rows + self._odd("budget", odd)})

    def _budget_views(self, request: Request) -> Reply:
        return _ok([{"id": int(request.params["project_id"])}])

    def _detail_rows(self, _: Request, view_id: str) -> Reply:
        return _ok([{"wbs_code_id": one.id} for one in self._project(view_id).codes.values() if one.budgeted])

    def _codes(self, request: Request, project_id: str) -> Reply:
        active_only = request.params.get("filters[status][]") == "active"
        codes = [one for one in self._project(project_id).codes.values() if one.active or not active_only]
        rows = [{"id": one.id, "flat_code": one.flat, "description": f"Work {one.flat}"} for one in codes]
        return _ok(rows + self._odd("codes", {"id": 990, "flat_code": None, "description": None}))

    def _invoices(self, request: Request) -> Reply:
        project_id, status = int(request.params["project_id"]), request.params.get("filters[status]")
        found = [one for one in self.company.invoices.values()
                 if one.project_id == project_id and status in (None, one.now.status)]  # fmt: skip
        rows: list[Any] = [self._head(one) for one in found]
        return _ok(rows + self._odd("invoices", {"id": 990, "status": None, "invoice_number": None}))

    def _head(self, invoice: Invoice) -> dict[str, Any]:
        """A row of the list: all but the lines."""
        return {name: value for name, value in self._shown(invoice).items() if name != "items"}

    def _invoice(self, _: Request, invoice_id: str) -> Reply:
        number = int(invoice_id)
        if later := self.company.invoices.get(number - EARLIER):
            return _ok(self._shown_earlier(later)) if later.line_ids != "own" else error(404, "not found")
        invoice = self.company.invoices.get(number)
        return _ok(self._shown(invoice)) if invoice else error(404, "not found")

    def _write_back(self, request: Request, invoice_id: str) -> Reply:
        invoice = self.company.invoices.get(int(invoice_id))
        if invoice is None:
            return error(404, "not found")
        origin_id = request.body["requisition"]["origin_id"]
        self.write_backs.append((invoice.id, origin_id))
        if invoice.now.origin_id != origin_id:
            invoice.change(self._now(), origin_id=origin_id)
        return _ok(self._shown(invoice))

    def _vendor(self, _: Request, vendor_id: str) -> Reply:
        vendor = self.company.vendors[int(vendor_id)]
        return _ok({"id": vendor.id, "name": vendor.name, "origin_id": vendor.origin_id})

    def _project(self, project_id: str) -> Project:
        number = int(project_id)
        return self.company.projects.get(number) or self.company.templates[number]

    def _shown(self, invoice: Invoice) -> dict[str, Any]:
        version = invoice.now
        previous = None if invoice.line_ids == "own" else invoice.id + EARLIER
        vendor = self.company.vendors[invoice.vendor_id]
        return {
            "id": invoice.id, "project_id": invoice.project_id, "commitment_id": 1, "previous_requisition_id": previous,
            "number": "1", "invoice_number": invoice.number, "status": version.status, "origin_id": version.origin_id,
            "updated_at": _moment(version.since),
            "billing_date": BILLING_DATE, "vendor_id": invoice.vendor_id, "vendor_name": vendor.name,
            "currency_configuration": {"currency_iso_code": "USD", "base_currency_iso_code": "USD"},
            "summary": {"current_payment_due": str(version.due)}, "items": self._lines(invoice, version),
        }  # fmt: skip

    def _shown_earlier(self, invoice: Invoice) -> dict[str, Any]:
        """The subcontract's invoice before this one: nothing but what it retained on stored materials."""
        held = sum((line.before for line in invoice.versions[0].lines), Decimal("0.00"))
        lines = [
            self._line(invoice, place, line) | {
                "id": place + EARLIER,
                "total_completed_and_stored_to_date": str(10 * line.before),
                "work_completed_retainage_retained_this_period": _NO_MONEY,
                "materials_stored_retainage_currently_retained": str(line.before),
            }
            for place, line in enumerate(invoice.versions[0].lines, 1)
        ]  # fmt: skip
        return self._shown(invoice) | {
            "id": invoice.id + EARLIER, "previous_requisition_id": None, "status": "approved", "origin_id": "before",
            "invoice_number": f"{invoice.number}-0", "summary": {"current_payment_due": str(9 * held)}, "items": lines,
        }  # fmt: skip

    def _lines(self, invoice: Invoice, version: InvoiceVersion) -> list[dict[str, Any]]:
        return [self._line(invoice, place, line) for place, line in enumerate(version.lines, 1)]

    def _line(self, invoice: Invoice, place: int, line: Line) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": place, "line_item_id": 10 * invoice.id + place, "position": place,
            "description_of_work": "Work",
            "wbs_code": {"id": line.code_id, "description": "Work",
                         "flat_code": self.company.code(invoice.project_id, line.code_id).flat},
            "total_completed_and_stored_to_date": str(10 * line.before + line.gross),
            "total_completed_and_stored_to_date_from_previous": str(10 * line.before),
            "work_completed_retainage_retained_this_period": str(line.held),
        }  # fmt: skip
        if invoice.line_ids == "own":
            return shown
        shown |= {
            "previous_progress_id": place + EARLIER,
            "materials_stored_retainage_currently_retained": str(line.before),
        }
        if invoice.line_ids == "shared":
            return shown | {"line_item_id": 10 * invoice.id}
        return {name: value for name, value in shown.items() if name != "line_item_id"} | {
            "detail_line_item_id": 10 * invoice.id + place
        }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ok(body: Any) -> Reply:
    return Reply(200, json.dumps(body, default=_text))


def _text(value: Any) -> str:
    assert isinstance(value, Decimal)
    return str(value)


def error(status: int, words: str) -> Reply:
    return Reply(status, json.dumps({"message": words}))
