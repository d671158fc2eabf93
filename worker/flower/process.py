"""Flower as a process that sends heartbeats and ends on TERM."""

from __future__ import annotations

import logging
import os

from flower import command
from flower.app import Flower
from tornado.ioloop import PeriodicCallback

from worker.runtime import heartbeat


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
