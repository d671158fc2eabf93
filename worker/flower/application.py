"""Flower as an application that sends heartbeats, ends on TERM, and has two more pages: the report and the metrics, live, behind the
same login.

The pages are served by Flower's process rather than a separate one, so that there is one address, one login and no additional setting.
"""

from __future__ import annotations

import logging
import os
from asyncio import Future
from typing import TYPE_CHECKING, Any, ClassVar

from flower import command
from flower.app import Flower
from flower.urls import handlers
from flower.views import BaseHandler
from redis.exceptions import RedisError
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import authenticated, url

from config.processes import METRICS_PATH, REPORT_PATH
from worker.app import settings_or_exit
from worker.runtime import heartbeat

if TYPE_CHECKING:
    from worker.container import Container

log = logging.getLogger(__name__)

_container: Container | None = None


class OurHandler(BaseHandler):  # type: ignore[misc]  # Flower is published without types
    """Serves GET only. The content is read in a thread, and one reading serves all concurrent requests."""

    what: ClassVar[str]
    content_type: ClassVar[str]
    _reading: ClassVar[Future[str] | None] = None

    @authenticated
    async def get(self) -> None:
        """Respond with the current page."""
        kind: Any = type(self)
        reading = kind._reading
        if reading is None or reading.done():
            reading = kind._reading = IOLoop.current().run_in_executor(None, self.content)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", self.content_type)
        # The page contains the rest of the policy; browsers accept this directive only in a header.
        self.set_header("Content-Security-Policy", "frame-ancestors 'none'")
        try:
            self.finish(await reading)
        except RedisError as error:
            log.warning("No %s: Redis does not respond (%s)", self.what, type(error).__name__)
            self.set_status(503)
            self.set_header("Content-Type", "text/plain")
            self.finish("Redis does not respond. Try again when it is running.")

    @staticmethod
    def content() -> str:
        """Return the page as text. Called in a thread, because it reads Redis."""
        raise NotImplementedError


class ReportHandler(OurHandler):
    """Serves the report as HTML."""

    what = "report"
    content_type = "text/html; charset=UTF-8"

    @staticmethod
    def content() -> str:
        """Return the HTML page. Reads the whole ledger."""
        from worker.page import render  # noqa: PLC0415

        return render(_built().reports.report())


class MetricsHandler(OurHandler):
    """Serves the metrics. They are not at Flower's /metrics, which requires no login and responds while Redis is down."""

    what = "metrics"
    content_type = "text/plain; version=0.0.4; charset=utf-8"

    @staticmethod
    def content() -> str:
        """Return the metrics in Prometheus' text format. Reads about 40 values."""
        return _built().metrics.text()


def serve_our_pages() -> None:
    """Add the pages to Flower's list of pages, in which the first match responds.

    Call it before the application is built, such as from Flower's configuration file.
    """
    handlers.insert(0, url(REPORT_PATH, ReportHandler, name="report"))
    handlers.insert(0, url(METRICS_PATH, MetricsHandler, name="business-metrics"))


def _built() -> Container:
    # Built at the first request: Flower itself does not need a container (20 MB).
    from worker.container import Container  # noqa: PLC0415

    global _container
    if _container is None:
        settings = settings_or_exit()
        _container = Container(settings, redis_url=settings.redis_address)
    return _container


class WatchedFlower(Flower):  # type: ignore[misc]  # Flower is published without types
    """Flower that sends heartbeats while its event loop runs, and exits with it. Python alone would first wait for Flower's threads, which
    wait for Redis.
    """

    def start(self) -> None:
        """Run until the process is asked to stop. Called by Flower's command; does not return."""
        beating = PeriodicCallback(heartbeat.beat, heartbeat.BEAT_SECONDS * 1000)
        beating.start()
        try:
            super().start()
        finally:
            self.stop()
            logging.shutdown()
            os._exit(0)


def use_watched_flower() -> None:
    """Make Flower's command start WatchedFlower. Call it in Flower's configuration file."""
    command.Flower = WatchedFlower
