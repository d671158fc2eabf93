"""One API call: the checks of token and headers, and the wrapper that makes a response of a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.common.admin import read_object
from simulators.common.app import exchange_of
from simulators.company import Company
from simulators.company.model import Project
from simulators.procore.answers import NO_COMPANY_HEADER, TOKEN_INVALID, Page, Refusal
from simulators.procore.query import Query
from simulators.procore.state import ProcoreState


@dataclass(frozen=True, slots=True)
class Call:
    """A call that passed the checks: the account and the request. `body` is empty if the method has none."""

    state: ProcoreState
    request: Request
    query: Query
    body: dict[str, Any]

    @property
    def company(self) -> Company:
        """Return the company."""
        return self.state.company

    def number(self, name: str) -> int:
        """Return an id in the path."""
        return int(self.request.path_params[name])

    def project(self, *, financials: bool = False) -> Project:
        """Return the project in the path, else in the query. Refuses the call if the app may not see it (or its financial tools)."""
        params = self.request.path_params
        asked = int(params["project_id"]) if "project_id" in params else self.query.required("project_id")
        return self.state.open_project(asked, financials=financials)


Answer = Page | dict[str, Any] | list[Any]
Handler = Callable[[Call], Answer]


def endpoint(
    state: ProcoreState, path: str, handler: Handler, parameters: frozenset[str] = frozenset(), *, method: str = "GET"
) -> Route:
    """Return the route of one documented endpoint. `parameters`: the query parameters on its reference page."""
    v2 = path.startswith("/rest/v2")

    async def serve(request: Request) -> Response:
        try:
            _authorise(state, request)
            query = Query(request)
            unknown = query.unknown(parameters) if state.settings.refuse_unknown_parameters else []
            if unknown:
                raise Refusal(400, f"unknown parameters: {', '.join(unknown)}")
            body = await _body(request) if method != "GET" else {}
            answer = handler(Call(state, request, query, body))
        except Refusal as refusal:
            return state.stamped(refusal.response(v2=v2))
        if isinstance(answer, Page):
            return state.stamped(answer.response(request, linked=state.settings.links_pages))
        return state.stamped(JSONResponse(answer))

    served: Callable[[Request], Awaitable[Response]] = serve
    return Route(path, served, methods=[method])


async def _body(request: Request) -> dict[str, Any]:
    try:
        return await read_object(request)
    except (TypeError, ValueError) as error:
        raise Refusal(400, "There was a problem parsing the request body") from error


def _authorise(state: ProcoreState, request: Request) -> None:
    """Check the Bearer token, then the company header ("oauth-client-credentials" and "tutorial-mpz" guides)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not state.token_is_good(token.strip()):
        raise Refusal(401, TOKEN_INVALID)
    exchange_of(request).token_subject = state.client_id
    company = request.headers.get("procore-company-id")
    if not company:
        raise Refusal(400, NO_COMPANY_HEADER)
    if not company.isdigit():
        raise Refusal(400, "Procore-Company-Id must be a number")
    state.check_company(int(company))
    if "company_id" in request.path_params:
        state.check_company(int(request.path_params["company_id"]))
