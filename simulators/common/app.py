"""The ASGI application around a simulated remote: faults, latency, requests in flight and the journal."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulators.common.faults import FaultPlan, Rule
from simulators.common.journal import Journal
from simulators.common.meter import Meter, template_of
from simulators.common.settings import CommonSettings

ADMIN_PREFIX = "/_admin"
HOLD_POLL_SECONDS = 0.02
MAINTENANCE_PAGE = (
    "<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body><h1>Service Unavailable</h1>"
    "<p>The account you are trying to access is currently unavailable while we undergo our regularly scheduled"
    " maintenance.</p></body></html>"
)


@dataclass(slots=True)
class Exchange:
    """One request on its way through a simulator."""

    request_id: int
    method: str
    path: str
    query: str
    started: float  # unix seconds
    agent: str = ""  # the request's User-Agent
    in_flight: int = 0  # requests in flight, including this one; 0 = it does not count
    fault: Rule | None = None
    token_subject: str | None = None  # owner of its token; set by the remote
    refused: bool = False
    status: int | None = None  # None = the connection was cut before a response
    ended: float | None = None  # unix seconds, just before the client sees the end


class Remote(Protocol):
    """What the shell and the admin endpoints need of a simulated remote."""

    name: str
    journal: Journal
    faults: FaultPlan
    meter: Meter

    @property
    def settings(self) -> CommonSettings:
        """The remote's settings; may be changed while it runs."""
        ...

    def takes_slot(self, path: str) -> bool:
        """Return whether a request to `path` counts as in flight."""
        ...

    def refuse(self, exchange: Exchange) -> Response | None:
        """Return the response to a request that is refused on arrival (too many in flight, rate limit), or None."""
        ...

    def error_response(self, status: int) -> Response:
        """Return an error with this status in the vendor's format, for a fault."""
        ...

    def reset(self, seed: int, profile: str) -> None:
        """Rebuild the data from a seed; settings, faults and credentials are kept."""
        ...


def exchange_of(request: Request) -> Exchange:
    """Return the exchange of a handler's request."""
    exchange: Exchange = request.scope["simulator.exchange"]
    return exchange


async def _body_of(receive: Receive) -> bytes:
    body, message = b"", await receive()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
        message = await receive()
    return body


async def _arrived(receive: Receive) -> Receive:
    """Return what receives the whole request again, which is not lost if the client stops waiting for the response."""
    whole: list[Message] = [{"type": "http.request", "body": await _body_of(receive), "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again


def _echo(scope: Scope, body: bytes, status: int) -> Response:
    """Return an error like that of a debugging page, in the formats of both vendors. It repeats the request, so a client must not show it."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    echoed = f"bad request: {headers.get('authorization', '')} {body.decode('utf-8', 'replace')} {headers}"
    details = [{"detail": echoed, "o:errorCode": "USER_ERROR"}]
    return JSONResponse({"errors": echoed, "error_description": echoed, "o:errorDetails": details}, status)


class RemoteShell:
    """The outer ASGI application: passes admin requests to `admin` and all others to `inner`, unless a fault applies."""

    def __init__(self, remote: Remote, inner: ASGIApp, admin: ASGIApp) -> None:
        self._remote = remote
        self._inner = inner
        self._admin = admin
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request and journal it when it has ended."""
        if scope["type"] != "http":
            return
        if scope["path"].startswith(ADMIN_PREFIX):
            await self._admin(scope, receive, send)
            return
        exchange = self._arrive(scope)
        scope["simulator.exchange"] = exchange

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                self._leave(exchange)  # a 204 ends with its headers
            await send(message)

        try:
            await self._serve(exchange, scope, receive, noting)
        finally:
            self._leave(exchange)

    def _arrive(self, scope: Scope) -> Exchange:
        path = scope["path"]
        query = scope["query_string"].decode("latin-1")
        agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
        exchange = Exchange(next(self._numbers), scope["method"], path, query, started=time.time(), agent=agent)
        self._remote.meter.requests[f"{exchange.method} {template_of(path)}"] += 1
        return exchange

    def _leave(self, exchange: Exchange) -> None:
        """Count the request as ended and journal it, once, and before the client can see that it has ended.

        Otherwise a fast client that never has too many requests in flight would be refused, and a test that reads the journal after a response
        would not find the entry.
        """
        if exchange.ended is not None:
            return
        exchange.ended = time.time()
        if exchange.in_flight:
            self._remote.meter.leave()
        self._remote.journal.add(
            request_id=exchange.request_id,
            started=exchange.started,
            ended=exchange.ended,
            method=exchange.method,
            path=exchange.path,
            query=exchange.query,
            status=exchange.status,
            agent=exchange.agent,
            token_subject=exchange.token_subject,
            fault=exchange.fault.kind if exchange.fault else None,
            in_flight=exchange.in_flight,
            refused=exchange.refused,
        )

    async def _serve(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        remote = self._remote
        refusal = HTMLResponse(MAINTENANCE_PAGE, 503) if remote.settings.maintenance else remote.refuse(exchange)
        if refusal is not None:
            exchange.refused = True
            remote.meter.refused += 1
            await refusal(scope, receive, send)
            return
        if remote.takes_slot(exchange.path):
            exchange.in_flight = remote.meter.arrive()
        rule = exchange.fault = remote.faults.strike(exchange.method, f"{exchange.path}?{exchange.query}")
        pause = remote.settings.latency
        if rule is not None and rule.kind == "latency":
            pause += rule.number(0.0)
        if pause > 0:
            await asyncio.sleep(pause)
        if rule is not None and rule.kind == "hold":
            receive = await _arrived(receive)
            await self._hold(rule)
        if rule is None or rule.kind in ("latency", "hold", "slow_commit"):
            await self._inner(scope, receive, send)
        elif rule.kind in ("error_after", "cut_after", "not_json"):
            await self._work_then_fail(exchange, rule, scope, receive, send)
        elif rule.kind == "cut_before":
            await self._cut(exchange, scope, receive)
        elif rule.kind == "echo":
            await _echo(scope, await _body_of(receive), int(rule.number(400)))(scope, receive, send)
        else:
            await self._answer_instead(rule)(scope, receive, send)

    async def _hold(self, rule: Rule) -> None:
        until = time.monotonic() + rule.number(60.0)
        while self._remote.faults.has(rule) and time.monotonic() < until:
            await asyncio.sleep(HOLD_POLL_SECONDS)

    def _answer_instead(self, rule: Rule) -> Response:
        if rule.kind == "html":
            return HTMLResponse(MAINTENANCE_PAGE, int(rule.number(503)))
        if rule.kind == "empty":
            return Response(status_code=int(rule.number(502)))
        default = {"unauthorized": 401, "too_many": 429}.get(rule.kind, 500)
        return self._remote.error_response(int(rule.number(default)))

    async def _work_then_fail(self, exchange: Exchange, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()

        async def hold_back(message: Message) -> None:
            body.extend(message.get("body", b""))

        await self._inner(scope, receive, hold_back)
        if rule.kind == "cut_after":
            await self._cut(exchange, scope, receive)
        elif rule.kind == "error_after":
            await self._remote.error_response(int(rule.number(500)))(scope, receive, send)
        else:
            half = bytes(body[: len(body) // 2]) or b'{"links":[{"rel":'
            await Response(half, 200, media_type="application/json")(scope, receive, send)

    async def _cut(self, exchange: Exchange, scope: Scope, receive: Receive) -> None:
        """Close the client's connection without a response (see `server.CuttableProtocol`)."""
        self._leave(exchange)
        scope["state"]["transport"].abort()
        # uvicorn responds 500 if an application returns without a response, unless it has seen that the connection is closed.
        while (await receive())["type"] != "http.disconnect":
            pass
