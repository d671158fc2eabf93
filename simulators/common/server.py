"""A uvicorn server in a thread, for tests and for `python -m simulators`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

START_TIMEOUT = 60.0  # seconds that a server may take to accept connections
GRACE = 1.0  # seconds for requests that a fault delays when their server stops
STOP_TIMEOUT = 60.0  # maximum seconds to wait for a stopping server
TICK = 1.0  # seconds between two readings of the clock, for the Date header
KEEP_ALIVE = 75  # seconds; long, so that only a fault closes the connection of an idle client


class CuttableProtocol(H11Protocol):
    """uvicorn's h11 protocol that lets the application reach its own connection, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Store the transport where every request finds it: `scope["state"]["transport"]`."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class PromptServer(uvicorn.Server):
    """uvicorn's server, which stops immediately on request. uvicorn itself checks for a request to stop only ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._asked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Serve until `ask_to_stop`."""
        self._loop = asyncio.get_running_loop()  # before the first tick, which sees an earlier request to stop
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, close idle ones, and drop requests that have not ended within `GRACE` seconds. uvicorn's method would
        wait a tenth of a second even without any.
        """
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if held := set(self.server_state.tasks):
            _, late = await asyncio.wait(held, timeout=GRACE)
            for request in late:
                request.cancel()

    def ask_to_stop(self) -> None:
        """Request the stop. May be called from any thread at any time."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._asked.set)


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a TLS server: the host name in its certificate, and the PEM files of the certificate and its key."""

    host: str
    certificate: Path
    key: Path


class RunningServer:
    """An ASGI application that listens on a loopback port, in a separate daemon thread."""

    def __init__(self, server: PromptServer, listener: socket.socket, identity: Identity | None = None) -> None:
        self._server = server
        self._listener = listener
        self.host, self.port = listener.getsockname()[:2]
        self.url = f"https://{identity.host}:{self.port}" if identity else f"http://{self.host}:{self.port}"
        self._thread = threading.Thread(target=self._run, name=f"simulator-{self.port}", daemon=True)

    @classmethod
    def start(
        cls, app: ASGIApp, host: str = "127.0.0.1", port: int = 0, identity: Identity | None = None
    ) -> RunningServer:
        """Bind `host:port` (0 = any free port), serve `app`, and return when it accepts connections. `identity`: use TLS with it."""
        # With the protocol given as TCP, asyncio disables Nagle's algorithm. Otherwise every response that is sent in two parts waits 40 ms for
        # the client's delayed acknowledgement.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            listener.close()
            raise
        config = uvicorn.Config(
            app,
            http=CuttableProtocol,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=KEEP_ALIVE,
            ssl_certfile=identity.certificate if identity else None,
            ssl_keyfile=identity.key if identity else None,
        )
        running = cls(PromptServer(config), listener, identity)
        running._thread.start()
        running._wait_until_it_listens()
        return running

    def ask_to_stop(self) -> None:
        """Request the stop, and return immediately."""
        self._server.ask_to_stop()

    def stop(self) -> None:
        """Stop serving. Requests that have not ended within `GRACE` seconds are dropped."""
        self.ask_to_stop()
        self._thread.join(STOP_TIMEOUT)
        self._listener.close()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the simulator did not start to listen on {self.url}")
            time.sleep(0.002)
