"""Stand-ins for a remote: one that responds without a network, and one small real HTTP server that can also misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from requests.structures import CaseInsensitiveDict

from worker.clients.http import Answer, Transport
from worker.domain.errors import SyncError
from worker.store.runtime import REAL, Runtime

DEEP: Any = []
for _ in range(400):
    DEEP = [DEEP]
"""As deep as JSON is read, and deeper than anything that a remote nests."""
ODD_NUMBERS = ("-1", "+1", "1.5", "1e3", "\u00b2", "\u0663", "0x7", "9" * 20, "9" * 400, "NaN", "Infinity", "soon", " ")
"""What a header may have instead of whole seconds; `str.isdigit` accepts some of it."""


def answer(
    status: int = 200,
    body: Any = None,
    *,
    next_page: bool | None = None,
    received_at: float | None = None,
    **headers: str,
) -> Answer:
    """Return a response as the transport does; a `body` of text is used unchanged, any other value as JSON."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer(status, named, text, next_page, received_at=time.time() if received_at is None else received_at)


@dataclass
class Sent:
    """One request that the code under test sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    params: Mapping[str, Any]
    body: Any
    form: Mapping[str, str]
    writes: bool
    leaves_by: float | None = None


class Scripted(Transport):
    """A transport that returns prepared responses in order (errors are raised) and repeats the last one."""

    def __init__(self, *answers: Answer | SyncError, runtime: Runtime = REAL) -> None:
        super().__init__(remote="scripted", read_timeout=1, runtime=runtime)
        self.sent: list[Sent] = []
        self._answers: Sequence[Answer | SyncError] = answers

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        writes: bool = False,
        leaves_by: float | None = None,
    ) -> Answer:
        self.sent.append(Sent(method, url, headers, params or {}, body, form or {}, writes, leaves_by))
        given = self._answers[min(len(self.sent), len(self._answers)) - 1]
        if isinstance(given, SyncError):
            raise given
        return given


@dataclass
class Server:
    """The small server. `seen`: the requests; `end`: set to release requests that hang."""

    url: str
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)


Behaviour = Callable[[BaseHTTPRequestHandler, Server], None]


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Server]:
    """Serve on a free loopback port within the block; `behaviour` answers each request after its body was read."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            server.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            behaviour(self, server)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
            """Log nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    server = Server(f"http://127.0.0.1:{listener.server_port}")
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.end.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


def answers(status: int, body: bytes = b"{}", **headers: str) -> Behaviour:
    """Return a behavior that answers each request alike."""

    def behave(handler: BaseHTTPRequestHandler, server: Server) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def cuts(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """Close the connection without a response."""
    handler.close_connection = True


def cuts_the_body(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """Close the connection in the middle of the response."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"id": ')
    handler.close_connection = True


def hangs(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """Send nothing until the test is over."""
    server.end.wait(120)
    handler.close_connection = True
