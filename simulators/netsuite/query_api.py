"""POST /services/rest/query/v1/suiteql (ohelp/section_157909186990, ohelp/section_156414087576)."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from simulators.netsuite.auth import LoginEndpoints
from simulators.netsuite.bodies import read_body
from simulators.netsuite.permissions import require
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.suiteql import Engine
from simulators.netsuite.suiteql_parser import BadQuery
from simulators.netsuite.wire import NetSuiteError, json_response
from simulators.netsuite.writing import spread

LARGEST_PAGE = 1000


class QueryEndpoint:
    """SuiteQL over REST."""

    def __init__(self, state: NetSuiteState, login: LoginEndpoints) -> None:
        self._state = state
        self._login = login
        self._engine = Engine(state)

    async def suiteql(self, request: Request) -> Response:
        """Respond with a page of rows. `Prefer: transient` is required, `limit` is at most 1000, `offset` a multiple of `limit`."""
        self._login.admit(request)
        require(self._state, "suiteql")
        if "transient" not in request.headers.get("Prefer", ""):
            raise _refused("The required request header 'Prefer' is missing or is not 'transient'.")
        limit, offset = _number(request, "limit", LARGEST_PAGE), _number(request, "offset", 0)
        if not 1 <= limit <= LARGEST_PAGE:
            raise _refused(
                f"Provide a valid limit value. The limit number must be an integer between 1 and {LARGEST_PAGE}."
            )
        if offset < 0 or offset % limit:
            raise _refused("Provide a valid offset value. The offset number must be divisible by the limit.")
        sql = read_body(await request.body()).get("q")
        if not isinstance(sql, str):
            raise _refused("The parameter q is missing.")
        seconds = self._state.settings.read_latency * spread(self._state)
        if seconds > 0:
            await asyncio.sleep(seconds)
        try:
            page = self._engine.page(sql, offset, limit)
        except BadQuery as error:
            raise _refused(f"Invalid search query. Detailed unprocessed description follows. {error}") from error
        body: dict[str, Any] = {
            "links": [],
            "count": len(page.rows),
            "hasMore": offset + limit < page.total,
            "items": [{"links": [], **row} for row in page.rows],
            "offset": offset,
            "totalResults": page.total,
        }
        return json_response(body, kind="collection")


def _refused(detail: str) -> NetSuiteError:
    return NetSuiteError(detail, code="INVALID_PARAMETER")


def _number(request: Request, name: str, default: int) -> int:
    try:
        return int(request.query_params.get(name, str(default)))
    except ValueError as error:
        raise _refused(f"Provide a valid {name} value.") from error
