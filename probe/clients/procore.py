"""Requests to Procore that only the probe sends: raw lists with their headers, and setting an origin id.

They respect the same rate limits as all other requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.clients.http import Answer
from worker.clients.procore import wire
from worker.clients.procore.client import CODES_PER_PAGE, INVOICES_PER_PAGE, Procore
from worker.domain.errors import NotFound, UnexpectedAnswer

LIMIT_HEADER = "X-Rate-Limit-Limit"


class SandboxProcore(Procore):
    """The Procore client with the requests of the probe."""

    def has_budget_line_items(self, project_id: int) -> bool:
        """Return whether the account has the v2 list of budget line items. Raises NotFound if the budget cannot be read at all."""
        path = f"/rest/v2.0/companies/{self.company_id}/projects/{project_id}/budget_line_items"
        try:
            self._api.get(path, {"page": 1, "per_page": 1})
        except NotFound:
            self._budget_view_codes(project_id)
            return False
        return True

    def codes_page(self, project_id: int, *, page: int, per_page: int = CODES_PER_PAGE) -> Answer:
        """Return one page of a project's WBS codes, with its headers."""
        path = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes"
        return self._api.get(path, {"page": page, "per_page": per_page})

    def raw_invoices(self, project_id: int) -> list[Mapping[str, Any]]:
        """Return the first page of a project's invoices in any status, with their lines, as Procore sends them."""
        params = {"project_id": project_id, "view": "extended", "per_page": INVOICES_PER_PAGE}
        return _objects(self._api.get("/rest/v1.1/requisitions", params))

    def rate_limit(self) -> str:
        """Return the value of `X-Rate-Limit-Limit`; "" if Procore does not send it."""
        return str(self._api.get("/rest/v1.0/me").headers.get(LIMIT_HEADER, ""))

    def raw_invoice(self, project_id: int, invoice_id: int) -> Mapping[str, Any]:
        """GET /rest/v1.1/requisitions/{id}, as Procore sends it."""
        params = {"project_id": project_id, "view": "extended"}
        return _object(self._api.get(f"/rest/v1.1/requisitions/{invoice_id}", params))

    def set_origin_id(self, invoice: Mapping[str, Any], origin_id: str | None) -> None:
        """PATCH /rest/v1.1/requisitions/{id}, as `write_origin_id` does, but without checking the result."""
        body = {
            "project_id": invoice["project_id"],
            "commitment_id": invoice["commitment_id"],
            "requisition": {"origin_id": origin_id},
        }
        self._api.request("PATCH", f"/rest/v1.1/requisitions/{invoice['id']}", body=body)


def _object(answer: Answer) -> Mapping[str, Any]:
    body = answer.json()
    if not isinstance(body, dict):
        raise UnexpectedAnswer("Procore's answer is not as published")
    return body


def _objects(answer: Answer) -> list[Mapping[str, Any]]:
    rows = wire.rows_of(answer.json())
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedAnswer("Procore's list is not as published")
    return rows
