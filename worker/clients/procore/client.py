"""Procore, method by method. Each names its endpoint; all honour the shared rate limits and renew the token by themselves."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from worker.clients.fields import OddRow, RowT, read, read_rows
from worker.clients.http import Answer, Transport
from worker.clients.login import require_admitted, token_of
from worker.clients.procore import wire
from worker.clients.procore.errors import Unauthorized, error_of, words_of
from worker.domain.errors import Blocked, Misconfigured, NoRoom, NotFound, NotPermitted, Transient, UnexpectedAnswer
from worker.domain.invoice_heads import InvoiceHead
from worker.domain.invoices import Invoice
from worker.domain.problems import Cause
from worker.domain.responses import no_response, response_seen
from worker.domain.scopes import PROCORE_VENDORS, Remote
from worker.domain.wbs_codes import Project, WbsCode
from worker.store.cache import Cache
from worker.store.gate import Precedence
from worker.store.limits import RateLimits
from worker.store.tokens import AccessToken, Tokens

log = logging.getLogger(__name__)
PROJECTS_PER_PAGE = 300
CODES_PER_PAGE = 1000
BUDGET_LINES_PER_PAGE = 100
INVOICES_PER_PAGE = 100
MOST_PAGES = 1000
"""A hundred thousand budget lines of one project: a list that goes on after that has no end."""
BUDGET_ENDPOINT_REMEMBERED_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class ProcoreVendor:
    """A company in Procore's directory; `origin_id` is its link to the ERP."""

    id: int
    name: str
    origin_id: str | None


class NoBudgetView(NotFound):
    """The budget can be read through budget views alone, and the project has none."""


@dataclass(frozen=True, slots=True)
class ProcoreAddress:
    """Where Procore is, and as whom."""

    base_url: str
    auth_url: str
    client_id: str
    client_secret: str
    company_id: int

    def __repr__(self) -> str:
        return f"ProcoreAddress({self.base_url}, company {self.company_id})"


def mint_token(transport: Transport, address: ProcoreAddress) -> AccessToken:
    """Client credentials (https://developers.procore.com/documentation/oauth-client-credentials): no refresh token is issued."""
    form = {
        "grant_type": "client_credentials",
        "client_id": address.client_id,
        "client_secret": address.client_secret,
    }
    url, identity = f"{address.auth_url}/oauth/token", f"client id {address.client_id}"
    answer = transport.send("POST", url, headers={}, form=form)
    require_admitted(answer, f"{answer.status} {words_of(answer)}", Cause.PROCORE_LOGIN, url=url, identity=identity)
    if error := error_of(answer):
        raise error
    return token_of(answer, "Procore", url=url)


class Procore:
    """One company's Procore, for one precedence at the rate limits."""

    def __init__(
        self,
        address: ProcoreAddress,
        *,
        transport: Transport,
        tokens: Tokens,
        limits: RateLimits,
        cache: Cache,
        precedence: Precedence,
    ) -> None:
        self._address = address
        self._transport = transport
        self._tokens = tokens
        self._limits = limits
        self._cache = cache
        self._precedence = precedence

    @property
    def company_id(self) -> int:
        """The company all of this is about."""
        return self._address.company_id

    def log_in(self) -> None:
        """Get a new token, whatever token is at hand: shows whether these credentials are taken. Raises Misconfigured when not."""
        self._tokens.renew()

    def who_am_i(self) -> str:
        """GET /rest/v1.0/me: the name of the app's user. Proves login and connection."""
        body = self._get("/rest/v1.0/me").json()
        return str(body.get("login") or body.get("name") or body.get("id")) if isinstance(body, dict) else "?"

    def list_projects(self, odd: list[OddRow] | None = None) -> Iterator[Project]:
        """GET /rest/v1.1/projects: all projects that the app may see, inactive ones and templates too (Procore's default leaves out
        inactive ones). `odd` takes the rows that are not as published.
        """
        yield from self._projects({}, odd)

    def find_project(self, project_id: int) -> Project | None:
        """One project of that list; None when the app may not see it."""
        found = self._projects({"filters[id]": project_id}, None)
        return next((project for project in found if project.id == project_id), None)

    def _projects(self, filters: Mapping[str, Any], odd: list[OddRow] | None) -> Iterator[Project]:
        params = {"company_id": self.company_id, "filters[by_status]": "All", **filters}
        try:
            for row in self._pages(wire.ProjectRow, "/rest/v1.1/projects", params, PROJECTS_PER_PAGE, odd):
                yield row.project()
        except (NotFound, NotPermitted) as error:
            # This one list belongs to no project: who may not see it is not connected to the company.
            raise Misconfigured(str(error), cause=Cause.PROCORE_LOGIN, facts={"answer": str(error)}) from error

    def list_budgeted_codes(self, project_id: int, odd: list[OddRow] | None = None) -> list[WbsCode]:
        """WBS codes that have a budget line item, the amount being of no matter. `odd` takes the budget rows that cannot be read.

        From the v2 list of budget line items (BETA, not on every account), else from the rows of a budget view; these name
        codes by id only, so their texts come from the list of WBS codes. Raises NotFound or NotPermitted when the app may
        not read the project's budget.
        """
        return self._budgeted(project_id, odd=odd)

    def is_budgeted(self, project_id: int, wbs_code_id: int) -> bool:
        """Whether one code has a budget line item now. Raises NotFound, NotPermitted."""
        return any(code.id == wbs_code_id for code in self._budgeted(project_id, wbs_code_id=wbs_code_id))

    def list_active_codes(self, project_id: int) -> list[WbsCode]:
        """GET /rest/v1.0/projects/{id}/work_breakdown_structure/wbs_codes, active ones."""
        path = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes"
        rows = self._pages(wire.WbsCodeRow, path, {"filters[status][]": "active"}, CODES_PER_PAGE)
        return [row.wbs_code() for row in rows]

    def list_invoices(
        self, project_id: int, statuses: Collection[str], odd: list[OddRow] | None = None
    ) -> list[InvoiceHead]:
        """GET /rest/v1.1/requisitions: the project's invoices of these statuses, or of all for none, without their lines.

        Each once: one that changes its status, or its place, while the pages are read may be seen twice. One of which only the id can
        be read is listed all the same; `odd` takes rows without an id.
        """
        heads: dict[int, InvoiceHead] = {}
        for status in statuses or [""]:
            params = {"project_id": project_id} | ({"filters[status]": status} if status else {})
            unread: list[OddRow] = []
            for row in self._pages(wire.InvoiceHeadRow, "/rest/v1.1/requisitions", params, INVOICES_PER_PAGE, unread):
                if row.project_id in (None, project_id):
                    heads[row.id] = row.head(status)
            heads |= {row.id: InvoiceHead(row.id, status, None, "", is_readable=False) for row in unread if row.id}
            (odd if odd is not None else []).extend(row for row in unread if row.id is None)
        return list(heads.values())

    def get_invoice(self, project_id: int, invoice_id: int) -> Invoice:
        """GET /rest/v1.1/requisitions/{id} with its lines. Raises NotFound, NotPermitted."""
        params = {"project_id": project_id, "view": "extended"}
        answer = self._get(f"/rest/v1.1/requisitions/{invoice_id}", params)
        row = read(wire.InvoiceRow, answer.json())
        _require_asked_for(row.id, invoice_id)
        if row.project_id != project_id:
            # Under two projects it would have two locks and two records in the ledger.
            raise NotFound(f"it belongs to the project with the id {row.project_id}")
        return row.invoice()

    def get_vendor(self, vendor_id: int, project_id: int) -> ProcoreVendor:
        """GET /rest/v1.0/vendors/{id}, the company's directory; where that does not have it, GET /rest/v1.0/projects/{project}/vendors/{id},
        the project's, whose ids commitments were seen to carry (docs/remotes.md). Raises NotFound where neither has it, Misconfigured where
        the app may not read the Directory.
        """
        model: type[wire.VendorRow] = wire.VendorRow
        try:
            answer = self._get(f"/rest/v1.0/vendors/{vendor_id}", {"company_id": self.company_id})
        except NotPermitted as error:
            facts = {"what": "vendors of the company", "tool": "Directory", "answer": str(error)}
            raise Misconfigured(
                str(error), cause=Cause.PROCORE_PERMISSION, facts=facts, scope=PROCORE_VENDORS
            ) from error
        except NotFound:
            model = wire.ProjectVendorRow
            answer = self._get(f"/rest/v1.0/projects/{project_id}/vendors/{vendor_id}")
        response_seen(PROCORE_VENDORS)
        row = read(model, answer.json())
        _require_asked_for(row.id, vendor_id)
        return ProcoreVendor(row.id, row.name, row.origin_id)

    def write_origin_id(self, invoice: Invoice, origin_id: str) -> Invoice | None:
        """PATCH /rest/v1.1/requisitions/{id}: names the bill, which locks the invoice in Procore.

        Returns the invoice as it is locked now, which the published answer shows in full (view `extended`); None when the answer shows
        less. Safe to repeat: it sets the same value. Raises Blocked when Procore refuses it, Transient when its answer does not show
        it: whoever tries again reads the invoice first.
        """
        body = {
            "project_id": invoice.project_id,
            "commitment_id": invoice.commitment_id,
            "requisition": {"origin_id": origin_id},
        }
        path = f"/rest/v1.1/requisitions/{invoice.id}"
        try:
            answer = self._request("PATCH", path, params={"view": "extended"}, body=body)
        except (NotPermitted, NotFound) as error:
            raise Blocked(str(error), cause=Cause.WRITE_BACK_REJECTED, facts={"answer": str(error)}) from error
        except Blocked as error:
            raise Blocked(str(error), cause=Cause.WRITE_BACK_REJECTED, facts=error.facts) from error
        # Procore shows the invoice; some other page with a good status has set nothing.
        told = answer.json_or_none()
        if not isinstance(told, dict) or told.get("origin_id") != origin_id:
            raise Transient(f"Procore does not show that the origin id of invoice {invoice.label} was set")
        try:
            row = read(wire.InvoiceRow, told)
        except UnexpectedAnswer:
            return None
        return row.invoice() if row.id == invoice.id else None

    def _budgeted(
        self, project_id: int, *, wbs_code_id: int | None = None, odd: list[OddRow] | None = None
    ) -> list[WbsCode]:
        """Budgeted codes; with `wbs_code_id` at least that one, if it is budgeted.

        A 404 or 403 of the v2 list says either that the account does not have it or that the app may not read this budget: the budget
        views tell which, and for this project alone.
        """
        key = f"procore:budget_line_items:{project_id}"
        if self._cache.get(key) == "missing":
            return self._budget_view_codes(project_id, odd)
        try:
            return self._budget_line_items(project_id, wbs_code_id=wbs_code_id, odd=odd)
        except (NotFound, NotPermitted) as refusal:
            try:
                codes = self._budget_view_codes(project_id, odd)
            except NoBudgetView as error:
                # What the v2 list said is the reason; without it "no budget view" would read as a mistake of the project.
                raise type(refusal)(f"{refusal}; {error}") from error
        self._cache.put(key, "missing", seconds=BUDGET_ENDPOINT_REMEMBERED_SECONDS)
        return codes

    def _budget_line_items(
        self, project_id: int, *, wbs_code_id: int | None = None, odd: list[OddRow] | None = None
    ) -> list[WbsCode]:
        path = f"/rest/v2.0/companies/{self.company_id}/projects/{project_id}/budget_line_items"
        params = {"filters[wbs_code_id]": str(wbs_code_id)} if wbs_code_id else {}
        rows = self._pages(wire.BudgetLineRow, path, params, BUDGET_LINES_PER_PAGE, odd)
        own = [row.wbs_code for row in rows if row.wbs_code and row.project_id in (None, project_id)]
        return list({code.id: code.wbs_code() for code in own}.values())

    def _budget_view_codes(self, project_id: int, odd: list[OddRow] | None = None) -> list[WbsCode]:
        params = {"project_id": project_id}
        views = list(self._pages(wire.BudgetViewRow, "/rest/v1.0/budget_views", params, CODES_PER_PAGE))
        if not views:
            raise NoBudgetView("the project has no budget view")
        path = f"/rest/v1.0/budget_views/{views[0].id}/detail_rows"
        rows = self._pages(wire.DetailRow, path, params | {"budget_row_type": "budgeted"}, CODES_PER_PAGE, odd)
        budgeted = {row.wbs_code_id for row in rows}
        path = f"/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes"
        codes = self._pages(wire.WbsCodeRow, path, {}, CODES_PER_PAGE)
        return [row.wbs_code() for row in codes if row.id in budgeted]

    def _pages(
        self,
        model: type[RowT],
        path: str,
        params: Mapping[str, Any],
        per_page: int,
        odd: list[OddRow] | None = None,
    ) -> Iterator[RowT]:
        """All rows of a list (https://developers.procore.com/documentation/pagination): the last page has no `next` link.

        Without links `Total` tells how many rows there are, since a page may be shorter than was asked for; without either a short page
        is the last. Rows that are not as published are passed over: `odd` takes them, else the log. Raises UnexpectedAnswer for a page
        of which no row can be read.
        """
        before, seen = "", 0
        for page in range(1, MOST_PAGES + 1):
            answer = self._get(path, {**params, "page": page, "per_page": per_page})
            rows, unread = read_rows(model, wire.rows_of(answer.json()))
            # Not every endpoint pages: one that answers the same again would otherwise never end.
            if answer.text == before:
                return
            if unread and not rows and odd is None:
                raise UnexpectedAnswer(unread[0].complaint)
            for row in unread:
                log.warning("Skipped an unreadable row of %s: %s", path, row.complaint)
            (odd if odd is not None else []).extend(unread)
            yield from rows
            count = len(rows) + len(unread)
            seen += count
            total = answer.headers.get("Total", "")
            unlinked = seen < int(total) if re.fullmatch(r"[0-9]{1,9}", total) else count == per_page
            more = answer.next_page if answer.next_page is not None else unlinked
            if not more or not count:
                return
            before = answer.text
        raise UnexpectedAnswer(
            f"Procore's list of {model.__name__.removesuffix('Row')} continues after {MOST_PAGES} pages"
        )

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        return self._request("GET", path, params=params)

    def _request(self, method: str, path: str, *, params: Mapping[str, Any] | None, body: Any = None) -> Answer:
        """One request within the limits; a refused token is renewed once."""
        try:
            return self._attempt(method, path, params, body)
        except Unauthorized:
            pass
        try:
            return self._attempt(method, path, params, body)
        except Unauthorized as error:
            raise Misconfigured(str(error), cause=Cause.PROCORE_LOGIN, facts={"answer": str(error)}) from error

    def _attempt(self, method: str, path: str, params: Mapping[str, Any] | None, body: Any) -> Answer:
        token = self._tokens.get()
        self._limits.wait(self._precedence)
        headers = {"Authorization": f"Bearer {token}", "Procore-Company-Id": str(self.company_id)}
        try:
            answer = self._transport.send(
                method, self._address.base_url + path, headers=headers, params=params, body=body
            )
        except Transient:
            no_response(Remote.PROCORE)
            raise
        self._limits.observe(answer.headers, sent_at=answer.sent_at)
        error = error_of(answer)
        if isinstance(error, Unauthorized):
            self._tokens.forget(token)
        elif isinstance(error, NoRoom):
            self._limits.block(error.retry_after or 10.0)
        elif isinstance(error, Transient):
            no_response(Remote.PROCORE)
        elif not isinstance(error, Misconfigured):
            response_seen(Remote.PROCORE)
        if error:
            raise error
        return answer


def _require_asked_for(found: int, asked: int) -> None:
    if found != asked:
        raise UnexpectedAnswer(f"Procore returned the record {found} instead of {asked}")
