"""Procore: one company, and links for people. Each method names its endpoint; `api.py` sends each request."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from worker.clients.fields import UnreadableRow, read
from worker.clients.procore import wire
from worker.clients.procore.api import ProcoreApi
from worker.clients.procore.custom_fields import CustomFieldRow, ProjectCustomFieldsRow, custom_values
from worker.clients.procore.segments import PatternRow
from worker.context import response_seen
from worker.domain.errors import Blocked, Misconfigured, NotFound, NotPermitted, Transient, UnexpectedAnswer
from worker.domain.invoices import Invoice, InvoiceHead
from worker.domain.problems import Cause
from worker.domain.scopes import PROCORE_VENDORS
from worker.domain.wbs_codes import Project, WbsCode
from worker.store.cache import Cache

PROJECTS_PER_PAGE = 300
CODES_PER_PAGE = 1000
BUDGET_LINES_PER_PAGE = 100
INVOICES_PER_PAGE = 100
BUDGET_ENDPOINT_CACHE_SECONDS = 86_400
PRODUCTION = "https://api.procore.com"
FIRST_ID_OF_US02 = 10**14
"""Ids in the zone us02 have 15 digits, all others fewer than ten."""


@dataclass(frozen=True, slots=True)
class ProcoreVendor:
    """A company in Procore's directory; `origin_id` is its link to the ERP."""

    id: int
    name: str
    origin_id: str | None


class NoBudgetView(NotFound):
    """The budget can only be read through budget views, and the project has none."""


class Procore:
    """One company's Procore, for one precedence at the rate limits. `reads_segments`: whether WBS codes are returned with their parts."""

    def __init__(self, api: ProcoreApi, cache: Cache, *, reads_segments: bool = False) -> None:
        self._api = api
        self._cache = cache
        self._reads_segments = reads_segments

    @property
    def company_id(self) -> int:
        """The company's id."""
        return self._api.company_id

    def log_in(self) -> None:
        """Get a new token even if the current one is valid, to test the credentials. Raises Misconfigured if they are refused."""
        self._api.log_in()

    def who_am_i(self) -> str:
        """GET /rest/v1.0/me: return the name of the app's user. Shows that login and connection work."""
        body = self._api.get("/rest/v1.0/me").json()
        return str(body.get("login") or body.get("name") or body.get("id")) if isinstance(body, dict) else "?"

    def list_projects(self, unreadable: list[UnreadableRow] | None = None) -> Iterator[Project]:
        """GET /rest/v1.1/projects: return all projects that the app may see, inactive ones and templates too (Procore's default leaves out
        inactive ones). Unreadable rows are added to `unreadable`.
        """
        yield from self._projects({}, unreadable)

    def find_project(self, project_id: int) -> Project | None:
        """Return one project; None if the app may not see it."""
        projects = self._projects({"filters[id]": project_id}, None)
        return next((project for project in projects if project.id == project_id), None)

    def _projects(self, filters: Mapping[str, Any], unreadable: list[UnreadableRow] | None) -> Iterator[Project]:
        params = {"company_id": self.company_id, "filters[by_status]": "All", **filters}
        try:
            for row in self._api.pages(wire.ProjectRow, "/rest/v1.1/projects", params, PROJECTS_PER_PAGE, unreadable):
                yield row.project()
        except (NotFound, NotPermitted) as error:
            # The list belongs to the company, not to a project: an app that may not see it is not connected to the company.
            raise Misconfigured(str(error), cause=Cause.PROCORE_LOGIN, facts={"answer": str(error)}) from error

    def list_budgeted_codes(self, project_id: int, unreadable: list[UnreadableRow] | None = None) -> list[WbsCode]:
        """Return the WBS codes that have a budget line item of any amount. Unreadable budget rows are added to `unreadable`.

        From the v2 list of budget line items (BETA, not on every account), else from the rows of a budget view, which name codes by id
        only, so their texts come from the list of WBS codes. Raises NotFound or NotPermitted if the app may not read the project's budget.
        """
        return self._budgeted(project_id, unreadable=unreadable)

    def is_budgeted(self, project_id: int, wbs_code_id: int) -> bool:
        """Return whether one code has a budget line item now. Raises NotFound, NotPermitted."""
        return any(code.id == wbs_code_id for code in self._budgeted(project_id, wbs_code_id=wbs_code_id))

    def list_active_codes(self, project_id: int) -> list[WbsCode]:
        """Return the project's active WBS codes."""
        return self._codes(project_id, {"filters[status][]": "active"})

    def segment_names(self, project_id: int) -> dict[str, str]:
        """GET /rest/v1.0/projects/{id}/work_breakdown_structure/patterns: return the names of the project's segments by their ids, as text."""
        path = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure/patterns"
        segments = read(PatternRow, self._api.get(path).json()).segments
        return {str(one.id): one.name for one in segments if one.id and one.name}

    def custom_field_ids(self) -> dict[str, list[int]]:
        """GET /rest/v1.1/companies/{id}/custom_field_definitions: return the ids of the company's active custom fields by label."""
        path = f"/rest/v1.1/companies/{self.company_id}/custom_field_definitions"
        ids: dict[str, list[int]] = {}
        for row in self._api.pages(CustomFieldRow, path, {}, CODES_PER_PAGE):
            if row.active:
                ids.setdefault(row.label, []).append(row.id)
        return ids

    def project_custom_fields(self, project_id: int) -> dict[str, str]:
        """GET /rest/v1.0/projects/{id}: return the project's custom fields as text, by names such as `custom_field_598`."""
        answer = self._api.get(f"/rest/v1.0/projects/{project_id}", {"company_id": self.company_id})
        return custom_values(read(ProjectCustomFieldsRow, answer.json()).custom_fields)

    def list_invoices(
        self, project_id: int, statuses: Collection[str], unreadable: list[UnreadableRow] | None = None
    ) -> list[InvoiceHead]:
        """GET /rest/v1.1/requisitions: return the project's invoices of these statuses (none means all), without their lines.

        Each is returned once, although one that changes its status or place while the pages are read may be in two of them. One with
        nothing readable but its id is listed too; rows without an id are added to `unreadable`.
        """
        heads: dict[int, InvoiceHead] = {}
        for status in statuses or [""]:
            params = {"project_id": project_id} | ({"filters[status]": status} if status else {})
            unread: list[UnreadableRow] = []
            for row in self._api.pages(
                wire.InvoiceHeadRow, "/rest/v1.1/requisitions", params, INVOICES_PER_PAGE, unread
            ):
                if row.project_id in (None, project_id):
                    heads[row.id] = row.head(status)
            heads |= {row.id: InvoiceHead(row.id, status, None, "", is_readable=False) for row in unread if row.id}
            (unreadable if unreadable is not None else []).extend(row for row in unread if row.id is None)
        return list(heads.values())

    def get_invoice(self, project_id: int, invoice_id: int) -> Invoice:
        """GET /rest/v1.1/requisitions/{id}: return an invoice with its lines. Raises NotFound, NotPermitted."""
        params = {"project_id": project_id, "view": "extended"}
        answer = self._api.get(f"/rest/v1.1/requisitions/{invoice_id}", params)
        row = read(wire.InvoiceRow, answer.json())
        _require_requested(row.id, invoice_id)
        if row.project_id != project_id:
            # With two project ids, the invoice would have two locks and two records in the ledger.
            raise NotFound(f"it belongs to the project with the id {row.project_id}")
        return row.invoice(reads_segments=self._reads_segments)

    def get_vendor(self, vendor_id: int, project_id: int) -> ProcoreVendor:
        """GET /rest/v1.0/vendors/{id}: return a vendor from the company's directory; or else from the project's (GET
        /rest/v1.0/projects/{project}/vendors/{id}), whose ids some commitments have (docs/remotes.md). Raises NotFound if neither has it,
        Misconfigured if the app may not read the Directory.
        """
        model: type[wire.VendorRow] = wire.VendorRow
        try:
            answer = self._api.get(f"/rest/v1.0/vendors/{vendor_id}", {"company_id": self.company_id})
        except NotPermitted as error:
            facts = {"what": "vendors of the company", "tool": "Directory", "answer": str(error)}
            raise Misconfigured(
                str(error), cause=Cause.PROCORE_PERMISSION, facts=facts, scope=PROCORE_VENDORS
            ) from error
        except NotFound:
            model = wire.ProjectVendorRow
            answer = self._api.get(f"/rest/v1.0/projects/{project_id}/vendors/{vendor_id}")
        response_seen(PROCORE_VENDORS)
        row = read(model, answer.json())
        _require_requested(row.id, vendor_id)
        return ProcoreVendor(row.id, row.name, row.origin_id)

    def write_origin_id(self, invoice: Invoice, origin_id: str) -> Invoice | None:
        """PATCH /rest/v1.1/requisitions/{id}: set the origin id, which locks the invoice in Procore.

        Returns the locked invoice, which the documented response shows in full (view `extended`); None if the response shows less. Safe
        to repeat, since it sets the same value. Raises Blocked if Procore refuses it, and Transient if the response does not show it: the
        caller reads the invoice before it tries again.
        """
        change = {
            "project_id": invoice.project_id,
            "commitment_id": invoice.commitment_id,
            "requisition": {"origin_id": origin_id},
        }
        path = f"/rest/v1.1/requisitions/{invoice.id}"
        try:
            answer = self._api.request("PATCH", path, params={"view": "extended"}, body=change)
        except (NotPermitted, NotFound) as error:
            raise Blocked(str(error), cause=Cause.WRITE_BACK_REJECTED, facts={"answer": str(error)}) from error
        except Blocked as error:
            raise Blocked(str(error), cause=Cause.WRITE_BACK_REJECTED, facts=error.facts) from error
        # A page with a good status that does not show the invoice has set nothing.
        body = answer.json_or_none()
        if not isinstance(body, dict) or body.get("origin_id") != origin_id:
            raise Transient(f"Procore does not show that the origin id of invoice {invoice.label} was set")
        try:
            row = read(wire.InvoiceRow, body)
        except UnexpectedAnswer:
            return None
        return row.invoice() if row.id == invoice.id else None

    def _budgeted(
        self, project_id: int, *, wbs_code_id: int | None = None, unreadable: list[UnreadableRow] | None = None
    ) -> list[WbsCode]:
        """Return the budgeted codes; with `wbs_code_id` at least that one, if it is budgeted.

        A 404 or 403 of the v2 list means either that the account does not have it or that the app may not read this budget: the budget
        views show which, and only for this project.
        """
        key = f"procore:budget_line_items:{project_id}"
        if self._cache.get(key) == "missing":
            return self._budget_view_codes(project_id, unreadable)
        try:
            return self._budget_line_items(project_id, wbs_code_id=wbs_code_id, unreadable=unreadable)
        except (NotFound, NotPermitted) as refusal:
            try:
                codes = self._budget_view_codes(project_id, unreadable)
            except NoBudgetView as error:
                # The refusal of the v2 list is the reason; "no budget view" alone would look like a mistake in the project.
                raise type(refusal)(f"{refusal}; {error}") from error
        self._cache.put(key, "missing", seconds=BUDGET_ENDPOINT_CACHE_SECONDS)
        return codes

    def _budget_line_items(
        self, project_id: int, *, wbs_code_id: int | None = None, unreadable: list[UnreadableRow] | None = None
    ) -> list[WbsCode]:
        path = f"/rest/v2.0/companies/{self.company_id}/projects/{project_id}/budget_line_items"
        params = {"filters[wbs_code_id]": str(wbs_code_id)} if wbs_code_id else {}
        rows = self._api.pages(wire.BudgetLineRow, path, params, BUDGET_LINES_PER_PAGE, unreadable)
        codes = [row.wbs_code for row in rows if row.wbs_code and row.project_id in (None, project_id)]
        return list({code.id: code.wbs_code() for code in codes}.values())

    def _budget_view_codes(self, project_id: int, unreadable: list[UnreadableRow] | None = None) -> list[WbsCode]:
        params = {"project_id": project_id}
        views = list(self._api.pages(wire.BudgetViewRow, "/rest/v1.0/budget_views", params, CODES_PER_PAGE))
        if not views:
            raise NoBudgetView("the project has no budget view")
        path = f"/rest/v1.0/budget_views/{views[0].id}/detail_rows"
        rows = self._api.pages(
            wire.DetailRow, path, params | {"budget_row_type": "budgeted"}, CODES_PER_PAGE, unreadable
        )
        budgeted = {row.wbs_code_id for row in rows}
        return [code for code in self._codes(project_id, {}) if code.id in budgeted]

    def _codes(self, project_id: int, filters: Mapping[str, Any]) -> list[WbsCode]:
        """GET /rest/v1.0/projects/{id}/work_breakdown_structure/wbs_codes."""
        path = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes"
        rows = self._api.pages(wire.WbsCodeRow, path, filters, CODES_PER_PAGE)
        return [row.wbs_code(reads_segments=self._reads_segments) for row in rows]


def _require_requested(returned: int, requested: int) -> None:
    if returned != requested:
        raise UnexpectedAnswer(f"Procore returned the record {returned} instead of {requested}")


class ProcorePages:
    """Links to a project's tools in Procore's user interface; none for a sandbox or a simulated Procore.

    Links on Procore's support pages have the form `https://app.procore.com/webclients/host/companies/{company}/projects/{project}/tools/...`.
    Public code has `projecthome` and `invoicing/subcontractor` after it, and the host `us02.procore.com` for companies and projects with ids
    of 15 digits (docs/remotes.md). No form of a page of one invoice or one code was found, so an invoice's link leads to the subcontractor
    invoices of its project, and a code's link to the project.
    """

    def __init__(self, base_url: str, company_id: int) -> None:
        host = "us02" if company_id >= FIRST_ID_OF_US02 else "app"
        self._company = f"https://{host}.procore.com/webclients/host/companies/{company_id}"
        self._known = base_url == PRODUCTION

    def project(self, project_id: int) -> str:
        """Return the link to a project's home; "" if there is none."""
        return self._tool(project_id, "projecthome")

    def invoices(self, project_id: int) -> str:
        """Return the link to the subcontractor invoices of a project; "" if there is none."""
        return self._tool(project_id, "invoicing/subcontractor")

    def _tool(self, project_id: int, tool: str) -> str:
        return f"{self._company}/projects/{project_id}/tools/{tool}" if self._known else ""
