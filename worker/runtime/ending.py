"""Ends a process within half a minute of a stop request, even if its connections do not respond."""

from __future__ import annotations

import logging
import os
import threading
import time
from queue import SimpleQueue

log = logging.getLogger(__name__)

END_SECONDS = 22.0
"""Seconds from TERM until the process is terminated: enough for a worker to finish its tasks and release the rest, and two seconds for the broker."""

_requests: SimpleQueue[bool] = SimpleQueue()
_begun = False


def watch() -> None:
    """Start the thread that terminates this process `END_SECONDS` after `begin`."""
    threading.Thread(target=_end, name="ending", daemon=True).start()


def begin() -> None:
    """Mark the process as asked to stop. May be called in a signal handler, also one that interrupts itself: it takes no lock."""
    global _begun
    _begun = True
    _requests.put(True)


def has_begun() -> bool:
    """Return whether the process was asked to stop."""
    return _begun


def _end() -> None:
    _requests.get()
    time.sleep(END_SECONDS)
    log.warning("Terminated %.0f s after the stop request: Redis does not respond", END_SECONDS)
    logging.shutdown()
    os._exit(0)
