"""The HTTP receiver of Procore's webhooks: an event becomes work in Redis, then Procore gets the response.

Procore waits 5 seconds for a 2xx, holds back all other events while one is refused, and discards them after some hours (guide/webhooks). So
an event in an unknown format gets a 2xx too: only a wrong login, and a Redis that does not respond, are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from redis.exceptions import RedisError
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler, url

from worker.runtime import heartbeat
from worker.store.webhook_counts import WebhookCounts

log = logging.getLogger(__name__)

PATH = "/procore"
MAX_BYTES = 65_536
"""Maximum bytes of a request: a hundred times an event."""
RESPONSE_TIMEOUT_SECONDS = 3.0
POLL_SECONDS = 0.05
THREADS = 4
THREAD_NAME = "webhooks"

Take = Callable[[Any], object]


class Receiver(RequestHandler):
    """Serves POST only."""

    def initialize(self, take: Take, authorization: str, pool: ThreadPoolExecutor, counts: WebhookCounts) -> None:
        """`take`: processes a body, or raises RedisError; `authorization`: the header configured in Procore."""
        self._take = take
        self._authorization = authorization.encode()
        self._pool = pool
        self._counts = counts

    async def post(self) -> None:
        """Respond 204 if the event was recorded, is known or is not relevant; 401 without the correct header; 503 if it could not be recorded."""
        login = self.request.headers.get("Authorization", "").encode(errors="replace")
        if not hmac.compare_digest(login, self._authorization):
            log.warning(
                "Refused a request from %s: its Authorization header is not WEBHOOK_AUTHORIZATION",
                self.request.remote_ip,
            )
            self._counts.add("unauthorized")
            self.set_status(401)
            return
        recording = asyncio.get_running_loop().run_in_executor(self._pool, self._take, _json(self.request.body))
        try:
            await asyncio.wait_for(recording, RESPONSE_TIMEOUT_SECONDS)
        except (RedisError, TimeoutError) as error:
            log.warning("Could not record an event; Procore will send it again: %s", type(error).__name__)
            self._counts.add("unavailable")
            self.set_status(503)
            return
        self._counts.add("accepted")
        self.set_status(204)


class Alive(RequestHandler):
    """Health check for the proxy in front of it."""

    def get(self) -> None:
        """Respond 200 while the process responds."""
        self.finish("OK")


def open_socket(address: str, port: int) -> socket.socket:
    """Return the socket to serve on. Raises OSError if the address cannot be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.create_server((address, port), family=family, backlog=128)
    opened.setblocking(False)
    return opened


async def receive(
    take: Take, *, authorization: str, on: socket.socket, ready: Callable[[], None], counts: WebhookCounts
) -> None:
    """Serve until TERM or INT; calls `ready` when it does. `counts`: counts the responses."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix=THREAD_NAME)
    try:
        receiver = {"take": take, "authorization": authorization, "pool": pool, "counts": counts}
        pages = [url(PATH, Receiver, receiver), url("/healthcheck", Alive)]
        # No access log: the internet requests many unknown addresses, and the receiver itself logs what it refuses.
        application = Application(pages, log_function=lambda _: None)
        server = HTTPServer(application, max_body_size=MAX_BYTES, body_timeout=5, idle_connection_timeout=60)
        server.add_sockets([on])
        ready()
        beating = asyncio.create_task(_beat(counts, pool))
        await stop.wait()
        beating.cancel()
        server.stop()
        await _wait_for_recordings(pool)
        await server.close_all_connections()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


async def _wait_for_recordings(pool: ThreadPoolExecutor) -> None:
    """Wait for events being recorded, as long as Procore waits for the response."""
    ending = threading.Thread(target=pool.shutdown, daemon=True)
    ending.start()
    for _ in range(round(RESPONSE_TIMEOUT_SECONDS / POLL_SECONDS)):
        if not ending.is_alive():
            break
        await asyncio.sleep(POLL_SECONDS)


async def _beat(counts: WebhookCounts, pool: ThreadPoolExecutor) -> None:
    """Report that the event loop runs. Saving the counts may wait for Redis, so it is done in a thread that nothing waits for."""
    saving: asyncio.Future[None] | None = None
    while True:
        heartbeat.beat()
        if saving is None or saving.done():
            saving = asyncio.get_running_loop().run_in_executor(pool, _save, counts)
        await asyncio.sleep(heartbeat.BEAT_SECONDS)


def _save(counts: WebhookCounts) -> None:
    with contextlib.suppress(RedisError):
        counts.save()


def _json(body: bytes) -> Any:
    """Return the JSON value of a body, or None if it is invalid."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
