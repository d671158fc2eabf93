"""Flower as a process that is watched and that ends when it is asked to."""

from __future__ import annotations

import logging
import os

from flower import command
from flower.app import Flower
from tornado.ioloop import PeriodicCallback

from worker.runtime import heartbeat


class WatchedFlower(Flower):  # type: ignore[misc]  # Flower is published without types
    """Beats while its loop runs, and ends with it. Python alone would first wait for Flower's threads, which wait for Redis."""

    def start(self) -> None:
        """Called by Flower's command; does not return."""
        beating = PeriodicCallback(heartbeat.beat, heartbeat.BEAT_SECONDS * 1000)
        beating.start()
        try:
            super().start()
        finally:
            self.stop()
            logging.shutdown()
            os._exit(0)


def use_watched_flower() -> None:
    """Let Flower's command start this one. To be called in its configuration file."""
    command.Flower = WatchedFlower
