"""The simulated NetSuite account as an ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from simulators.common.admin import admin_app
from simulators.common.app import RemoteShell
from simulators.netsuite.admin import RecordAdmin
from simulators.netsuite.auth import TOKEN_PATH, LoginEndpoints
from simulators.netsuite.batch import JOB_PATH, AsyncJobs
from simulators.netsuite.query_api import QueryEndpoint
from simulators.netsuite.record_api import RecordEndpoints
from simulators.netsuite.state import CLIENT_ID, NetSuiteState
from simulators.netsuite.wire import RECORD_PATH, NetSuiteError

__all__ = ["CLIENT_ID", "NetSuiteState", "build_app"]


def build_app(state: NetSuiteState) -> ASGIApp:
    """Return the application that serves `state`, including its admin endpoints."""
    login = LoginEndpoints(state.doorkeeper, state.settings)
    jobs = AsyncJobs(state, login)
    records = RecordEndpoints(state, login, jobs)
    query = QueryEndpoint(state, login)
    inner = Starlette(
        routes=[
            Route(TOKEN_PATH, login.token, methods=["POST"]),
            Route("/services/rest/query/v1/suiteql", query.suiteql, methods=["POST"]),
            Route(RECORD_PATH + "/metadata-catalog/{type}", records.metadata, methods=["GET"]),
            Route(RECORD_PATH + "/{type}", records.collection, methods=["POST", "PATCH", "PUT"]),
            Route(RECORD_PATH + "/{type}/{key}", records.instance, methods=["GET", "PATCH", "PUT", "DELETE"]),
            Route(JOB_PATH + "/{job}", jobs.job, methods=["GET"]),
            Route(JOB_PATH + "/{job}/task", jobs.tasks, methods=["GET"]),
            Route(JOB_PATH + "/{job}/task/{task:int}", jobs.task, methods=["GET"]),
            Route(JOB_PATH + "/{job}/task/{task:int}/result", jobs.result, methods=["GET"]),
        ],
        exception_handlers={NetSuiteError: _refusal, HTTPException: _no_such_address},
    )
    return RemoteShell(state, inner, admin_app(state, RecordAdmin(state).routes()))


async def _refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, NetSuiteError):
        raise error
    return error.response()


async def _no_such_address(request: Request, error: Exception) -> Response:
    """Respond to addresses and methods that do not exist, in NetSuite's format."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    code = "METHOD_NOT_ALLOWED" if status == 405 else "NONEXISTENT_ID"
    return NetSuiteError(f"{request.method} {request.url.path} is not supported.", status=status, code=code).response()
