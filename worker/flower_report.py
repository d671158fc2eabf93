"""The report beside Flower's own pages: live, behind the same login, for looking only.

A page more in Flower's process and not a process more: so there is one address, one login and no setting for it.
"""

from __future__ import annotations

import logging
from asyncio import Future
from typing import TYPE_CHECKING, ClassVar

from flower.urls import handlers
from flower.views import BaseHandler
from redis.exceptions import RedisError
from tornado.ioloop import IOLoop
from tornado.web import authenticated, url

from config.processes import REPORT_PATH
from worker.app import settings_or_exit

if TYPE_CHECKING:
    from worker.container import Container

log = logging.getLogger(__name__)

_container: Container | None = None


class ReportHandler(BaseHandler):  # type: ignore[misc]  # Flower is published without types
    """GET alone. The ledger is read in a thread, and one reading serves all who ask while it goes on."""

    _reading: ClassVar[Future[str] | None] = None

    @authenticated
    async def get(self) -> None:
        """The page as it stands now."""
        reading = ReportHandler._reading
        if reading is None or reading.done():
            reading = ReportHandler._reading = IOLoop.current().run_in_executor(None, _page)
        self.set_header("Cache-Control", "no-store")
        # The page's own policy says the rest; this part of one only counts in a header.
        self.set_header("Content-Security-Policy", "frame-ancestors 'none'")
        try:
            self.finish(await reading)
        except RedisError as error:
            log.warning("No report: Redis does not answer (%s)", type(error).__name__)
            self.set_status(503)
            self.set_header("Content-Type", "text/plain")
            self.finish("Redis does not answer. Try again when it runs.")


def serve_report() -> None:
    """Let Flower serve the report: its application is built from this list of pages, and the first that fits answers.

    To be called before the application is built, such as from Flower's configuration file.
    """
    handlers.insert(0, url(REPORT_PATH, ReportHandler, name="report"))


def _page() -> str:
    # Only when somebody asks: Flower itself has no use for a container (20 MB).
    from worker.container import Container  # noqa: PLC0415
    from worker.page import render  # noqa: PLC0415

    global _container
    if _container is None:
        settings = settings_or_exit()
        redis_url = settings.redis_url.get_secret_value() if settings.redis_url else ""
        _container = Container(settings, redis_url=redis_url)
    return render(_container.reports.report())
