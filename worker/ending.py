"""A process that was asked to end has ended half a minute later, whatever its connections wait for."""

from __future__ import annotations

import logging
import os
import threading
import time
from queue import SimpleQueue

log = logging.getLogger(__name__)

END_SECONDS = 22.0
"""From TERM to the end by force: what a worker takes to end its tasks and to give back the rest, and two seconds for the broker."""

_asked: SimpleQueue[bool] = SimpleQueue()
_begun = False


def watch() -> None:
    """Start the thread that ends this process `END_SECONDS` after `begin`."""
    threading.Thread(target=_end, name="ending", daemon=True).start()


def begin() -> None:
    """The process was asked to end. May be called in a handler of signals, and in one that interrupts that: it takes no lock."""
    global _begun
    _begun = True
    _asked.put(True)


def has_begun() -> bool:
    """Whether the process was asked to end."""
    return _begun


def _end() -> None:
    _asked.get()
    time.sleep(END_SECONDS)
    log.warning("Terminated %.0f s after the stop request: Redis does not respond", END_SECONDS)
    logging.shutdown()
    os._exit(0)
