"""The simulated Procore as one ASGI application: token endpoint, API, and admin endpoints with edits."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.common.admin import admin_app, read_object
from simulators.common.app import ADMIN_PREFIX, RemoteShell
from simulators.procore import budget, invoicing, portfolio
from simulators.procore.answers import NOT_FOUND, Refusal
from simulators.procore.state import ProcoreState

__all__ = ["ProcoreState", "build_app"]

EDITS = (
    "add_project",
    "edit_project",
    "renumber_project",
    "add_code",
    "rename_code",
    "set_code_status",
    "show_code",
    "add_budget_line",
    "unbudget",
    "edit_vendor",
    "define_custom_field",
    "set_custom_field",
    "add_invoice",
    "set_invoice_status",
    "edit_invoice",
    "edit_invoice_line",
    "revoke_tokens",
)


def build_app(state: ProcoreState) -> RemoteShell:
    """Return the application that serves `state`."""

    async def token(request: Request) -> Response:
        return await issue_token(state, request)

    async def nothing_here(request: Request, error: Exception) -> Response:
        return state.stamped(Refusal(404, NOT_FOUND).response(v2=request.url.path.startswith("/rest/v2")))

    async def edit(request: Request) -> Response:
        return await edit_company(state, request)

    async def cases(request: Request) -> Response:
        return JSONResponse(state.company.cases)

    api = Starlette(
        routes=[
            Route("/oauth/token", token, methods=["POST"]),
            *portfolio.routes(state),
            *budget.routes(state),
            *invoicing.routes(state),
        ],
        exception_handlers={404: nothing_here},
    )
    admin = [
        Route(f"{ADMIN_PREFIX}/edit", edit, methods=["POST"]),
        Route(f"{ADMIN_PREFIX}/cases", cases, methods=["GET"]),
    ]
    return RemoteShell(state, api, admin_app(state, admin))


async def issue_token(state: ProcoreState, request: Request) -> Response:
    """POST /oauth/token with client credentials as a form or JSON ("oauth-client-credentials" guide). There is no refresh token."""
    raw = await request.body()
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            asked = dict(json.loads(raw))
        else:
            asked = dict(parse_qsl(raw.decode()))
    except (TypeError, ValueError):
        return JSONResponse({"error": "invalid_request"}, 400)
    if asked.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    if (asked.get("client_id"), asked.get("client_secret")) != (state.client_id, state.client_secret):
        reason = "Client authentication failed due to unknown client, or unsupported authentication method."
        return JSONResponse({"error": "invalid_client", "error_description": reason}, 401)
    return JSONResponse(state.issue_token())


async def edit_company(state: ProcoreState, request: Request) -> Response:
    """POST /_admin/edit {"action": one of EDITS, ...its arguments}: an edit as a person makes it in Procore. Responds {"id": ...}."""
    body: dict[str, Any] = await read_object(request)
    action = body.pop("action", None)
    if action not in EDITS:
        return JSONResponse({"error": f"no action {action!r}; known: {', '.join(EDITS)}"}, 400)
    try:
        edited = getattr(state, action)(**body)
    except (TypeError, ValueError, ArithmeticError) as error:
        return JSONResponse({"error": str(error)}, 400)
    except KeyError as error:
        return JSONResponse({"error": f"there is no {error}"}, 404)
    return JSONResponse({"id": getattr(edited, "id", None)})
