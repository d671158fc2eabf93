"""The wire between the product and the simulated remotes, in this process and as bytes, where a function may change responses.

The transport is the product's own down to urllib3's response: only the socket is replaced, so an example takes milliseconds.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from starlette.types import ASGIApp

from worker.clients.http import Transport
from worker.clients.network import begin

Headers = dict[str, str]


@dataclass
class Exchange:
    """One request, and the bytes of its response."""

    kind: str
    method: str
    path: str
    sent: bytes
    sent_headers: Mapping[str, str]
    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """Return the response as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


KINDS: tuple[tuple[str, str, str], ...] = (
    ("procore token", "POST", r"/oauth/token"),
    ("me", "GET", r"/rest/v1\.0/me"),
    ("projects", "GET", r"/rest/v1\.1/projects"),
    ("budget lines", "GET", r"/rest/v2\.0/.*/budget_line_items"),
    ("budget views", "GET", r"/rest/v1\.0/budget_views"),
    ("budget rows", "GET", r"/rest/v1\.0/budget_views/\d+/detail_rows"),
    ("codes", "GET", r"/rest/v1\.0/projects/\d+/work_breakdown_structure/wbs_codes"),
    ("invoices", "GET", r"/rest/v1\.1/requisitions"),
    ("invoice", "GET", r"/rest/v1\.1/requisitions/\d+"),
    ("origin id", "PATCH", r"/rest/v1\.1/requisitions/\d+"),
    ("vendor", "GET", r"/rest/v1\.0/(?:projects/\d+/)?vendors/\d+"),
    ("netsuite token", "POST", r"/services/rest/auth/.*"),
    ("metadata", "GET", r"/services/rest/record/v1/metadata-catalog/.*"),
    ("item", "GET", r"/services/rest/record/v1/otherCharge\w+/.*"),
    ("bill", "GET", r"/services/rest/record/v1/vendor(?:Bill|Credit)/.*"),
    ("new item", "POST", r"/services/rest/record/v1/otherCharge\w+"),
    ("new bill", "POST", r"/services/rest/record/v1/vendor(?:Bill|Credit)"),
)
QUERIES = {
    "item": "items by query",
    "transaction": "bills by query",
    "vendor": "vendors by query",
    "job": "jobs by query",
    "accountingperiod": "periods by query",
    "account": "accounts by query",
    "taxschedule": "tax schedules by query",
    "vendorsubsidiaryrelationship": "shared vendors by query",
}
READS = tuple(name for name, method, _ in KINDS if method == "GET") + tuple(QUERIES.values())
WRITES = ("new item", "new bill", "origin id")
LOGINS = ("procore token", "netsuite token")


def kind_of(method: str, path: str, sent: bytes) -> str:
    """Return the kind of a request, one of `KINDS`."""
    if path.endswith("/suiteql"):
        table = re.search(r"FROM (\w+)", json.loads(sent)["q"])
        return QUERIES[table[1]] if table else "query"
    return next(name for name, verb, pattern in KINDS if verb == method and re.fullmatch(pattern, path))


Meddler = Callable[[Exchange], None]


@dataclass
class Wire(BaseAdapter):
    """Carries requests to the remotes by their host names, and what they answer past the meddler, who may change it in place.

    `kept_back` says of a kind of request that the remote never sees it: then the meddler makes up the answer.
    """

    remotes: Mapping[str, ASGIApp]
    loop: asyncio.AbstractEventLoop
    meddle: Meddler = lambda exchange: None
    kept_back: Callable[[str], bool] = lambda kind: False
    seen: list[Exchange] = field(default_factory=list)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        assert request.url
        begin()
        url = urllib3.util.parse_url(request.url)
        sent = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        method, path = str(request.method), str(url.path)
        with self._guard:
            kind = kind_of(method, path, sent)
            if self.kept_back(kind):
                status, headers, body = 503, dict[str, str](), b""
            else:
                app = self.remotes[str(url.host)]
                status, headers, body = _call(self.loop, app, method, url, dict(request.headers), sent)
            exchange = Exchange(kind, method, path, sent, request.headers, status, headers, body)
            self.meddle(exchange)
            self.seen.append(exchange)
        answer = urllib3.HTTPResponse(
            io.BytesIO(exchange.body),
            headers={"Content-Length": str(len(exchange.body)), **exchange.headers},
            status=exchange.status,
            preload_content=False,
            request_method=method,
        )
        return HTTPAdapter().build_response(request, answer)

    def attach(self, transport: Transport) -> None:
        """Connect a transport's sessions to this wire instead of a socket."""
        usual = transport.session

        def session() -> requests.Session:
            made = usual()
            made.mount("https://", self)
            return made

        transport.session = session  # type: ignore[method-assign]

    def close(self) -> None:
        """Do nothing: no connection is open."""


def _call(
    loop: asyncio.AbstractEventLoop, app: ASGIApp, method: str, url: Any, headers: Mapping[str, str], sent: bytes
) -> tuple[int, Headers, bytes]:
    """Send one request to an ASGI application."""
    response: dict[str, Any] = {"body": b""}
    incoming = [{"type": "http.request", "body": sent, "more_body": False}]

    async def receive() -> Any:
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            response["status"], response["headers"] = message["status"], message["headers"]
        else:
            response["body"] += message.get("body", b"")

    named = {**headers, "host": url.netloc}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
        "method": method,
        "scheme": "https",
        "path": url.path,
        "raw_path": url.path.encode(),
        "query_string": (url.query or "").encode(),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named.items()],
        "server": (url.host, url.port or 443),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "state": {},
    }
    loop.run_until_complete(app(scope, receive, send))
    answered = {name.decode("latin-1"): value.decode("latin-1") for name, value in response["headers"]}
    return (
        response["status"],
        {name: value for name, value in answered.items() if name != "content-length"},
        response["body"],
    )
