"""Responses other than a single record: refusals in Procore's formats, and pages with their headers ("pagination" guide)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

TOKEN_INVALID = "The access token is invalid"
NOT_CONNECTED = "App is not connected to this company"
NO_COMPANY_HEADER = "Missing Procore-Company-Id header!"
NOT_FOUND = "Not found"
FORBIDDEN = "You do not have permission to access this resource"
ALREADY_SYNCED = "The invoice is not editable because it has been synced with ERP"
REASONS = {
    400: "Bad Request",
    401: TOKEN_INVALID,
    403: FORBIDDEN,
    404: NOT_FOUND,
    409: "Conflict",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Refusal(Exception):
    """A request that is refused. `errors`: as in the body of the response (text, list, or messages by field)."""

    def __init__(self, status: int, errors: str | dict[str, list[str]]) -> None:
        super().__init__(errors)
        self.status = status
        self.errors = errors

    def response(self, *, v2: bool) -> Response:
        """Return {"errors": ...} for v1, {"error": {"code", "message", "details"}} for v2 ("error-reference", "new-rest-v2-version")."""
        if v2:
            error = {"code": str(self.status), "message": str(self.errors), "details": []}
            return JSONResponse({"error": error}, self.status)
        return JSONResponse({"errors": self.errors}, self.status)


def too_many(sentence: str, *, as_json: bool) -> Response:
    """Return the response for a limit that is used up."""
    return JSONResponse({"errors": sentence}, 429) if as_json else PlainTextResponse(sentence, 429)


@dataclass(slots=True)
class Page:
    """One page of a list: its records, and the facts of the whole list for the headers."""

    rows: Sequence[Any]
    total: int
    page: int
    per_page: int
    v2: bool = False
    shown: list[Any] = field(default_factory=list)

    def response(self, request: Request, *, linked: bool = True) -> Response:
        """Return the page's JSON with Link, Total and Per-Page; the last page has no link to a next one."""
        headers = {"Total": str(self.total), "Per-Page": str(self.per_page)}
        link = self._links(request) if linked else ""
        if link:
            headers["Link"] = link
        return JSONResponse({"data": self.shown} if self.v2 else self.shown, headers=headers)

    def _links(self, request: Request) -> str:
        last = max(1, -(-self.total // self.per_page))
        targets: dict[str, int] = {}
        if self.page > 1:
            targets.update(first=1, prev=self.page - 1)
        if self.page < last:
            targets.update(next=self.page + 1, last=last)
        return ", ".join(
            f'<{request.url.include_query_params(page=number, per_page=self.per_page)}>; rel="{rel}"'
            for rel, number in targets.items()
        )
