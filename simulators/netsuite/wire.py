"""NetSuite's responses: media types, error bodies, and money as JSON numbers with two decimals."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

RECORD_PATH = "/services/rest/record/v1"
MEDIA_TYPE = "application/vnd.oracle.resource+json"
CENT = Decimal("0.01")
_MONEY_MARK = "\u0001"
_MARKED_MONEY = re.compile(r'"\\u0001(-?\d+\.\d\d)"')
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Bad Request",  # as seen: the title of a 429 does not describe it
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
CODES = {
    401: ("INVALID_LOGIN", "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI."),
    403: ("INSUFFICIENT_PERMISSION", "You do not have permission to access this page."),
    404: ("NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID."),
    429: ("CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked."),
}
_UNEXPECTED = ("UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: k3x9simulated")


class NetSuiteError(Exception):
    """A request that NetSuite refuses. Most rules have the code USER_ERROR over REST (ohelp/section_156570709583)."""

    def __init__(
        self, detail: str, *, status: int = 400, code: str = "USER_ERROR", path: str | None = None, location: str = ""
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.path = path
        self.location = location

    def with_text(self, text: str) -> NetSuiteError:
        """Replace the text, as for a user of another language, and return the error; "" keeps the text."""
        self.detail = text or self.detail
        return self

    def response(self) -> Response:
        """Return NetSuite's response for the error."""
        details: dict[str, Any] = {"detail": self.detail, "o:errorCode": self.code}
        if self.path is not None:
            details["o:errorPath"] = self.path
        title = "Conflict" if self.code == "IDEMPOTENCY_ERROR" else _TITLES.get(self.status, "Error")
        body = {
            "type": f"https://www.rfc-editor.org/rfc/rfc9110.html#name-{title.lower().replace(' ', '-')}",
            "title": title,
            "status": self.status,
            "o:errorDetails": [details],
        }
        response = json_response(body, kind="error", status=self.status)
        if self.location:
            response.headers["Location"] = self.location
        return response


def usual_error(status: int) -> NetSuiteError:
    """Return NetSuite's error with this status for a valid request."""
    code, detail = CODES.get(status, _UNEXPECTED)
    return NetSuiteError(detail, status=status, code=code)


def missing_value(label: str, path: str) -> NetSuiteError:
    """Return the error for a missing mandatory field. `label`: the field's name in the user interface."""
    return NetSuiteError(f"Error while accessing a resource. Please enter value(s) for: {label}.", path=path)


def invalid_value(value: object, name: str, path: str) -> NetSuiteError:
    """Return the error for a field with a value that does not exist or cannot be used there."""
    return NetSuiteError(
        f"Error while accessing a resource. You have entered an Invalid Field Value {value} for the following field: "
        f"{name}.",
        path=path,
    )


def money(value: Decimal) -> Decimal:
    """Return an amount rounded to cents, halves away from zero."""
    return value.quantize(CENT, ROUND_HALF_UP)


def json_response(body: Any, *, kind: str = "singular", status: int = 200) -> Response:
    """Respond with JSON in which every Decimal is a number with two decimals."""
    text = json.dumps(body, default=_mark_money, separators=(",", ":"))
    return Response(_MARKED_MONEY.sub(r"\1", text), status, media_type=f"{MEDIA_TYPE}; type={kind}")


def _mark_money(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_MONEY_MARK}{money(value)}"
    raise TypeError(f"{type(value).__name__} is not JSON")


def location_of(request: Request, record_type: str, record_id: str) -> str:
    """Return a record's address, as the client sees this server. Its last part is the internal id (ohelp/section_1545141395)."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}{RECORD_PATH}/{record_type}/{record_id}"


def no_content(location: str = "") -> Response:
    """Return a 204, the response to a successful write. `location`: address of the record."""
    response = Response(status_code=204)
    if location:
        response.headers["Location"] = location
    return response
