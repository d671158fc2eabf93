"""Flower's login: compared as bytes, with failures logged and limited by address.

Flower itself does not limit or log failed logins, and fails with a traceback for a password that is not ASCII.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flower.views import BaseHandler
from tornado.web import HTTPError

log = logging.getLogger(__name__)

MAX_FAILURES = 10
"""Failures per minute from one address after which all requests from it are refused until the minute is over."""
WINDOW_SECONDS = 60.0
MAX_ADDRESSES = 1000
"""Maximum addresses remembered; the one with the oldest failure is dropped."""
MAX_LINES = 30
"""Failures per minute, over all addresses, above which they are not logged individually."""


@dataclass(slots=True)
class _Window:
    began: float
    failures: int = 0


class Logins:
    """Validates logins. `login`: user:password; `now`: a clock in seconds."""

    def __init__(self, login: str, now: Callable[[], float] = time.monotonic) -> None:
        self._login = login.encode()
        self._now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._lines = _Window(now())

    def require(self, header: str, address: str) -> None:
        """Raise HTTPError: 401 for a request without the correct login, 429 from an address with too many failures in the last minute."""
        window = self._window(address)
        if window.failures >= MAX_FAILURES:
            raise HTTPError(429, "Too many failed logins from this address. Wait a minute.")
        if not header:
            # A browser's first request has no header: this is not a failed login.
            raise HTTPError(401)
        if not hmac.compare_digest(_credentials(header), self._login):
            window.failures += 1
            self._note(address, window.failures)
            raise HTTPError(401)

    def _window(self, address: str) -> _Window:
        key, now = _network(address), self._now()
        window = self._windows.pop(key, None)
        if window is None or now - window.began >= WINDOW_SECONDS:
            window = _Window(now)
        self._windows[key] = window
        if len(self._windows) > MAX_ADDRESSES:
            self._windows.popitem(last=False)
        return window

    def _note(self, address: str, failures: int) -> None:
        now = self._now()
        if now - self._lines.began >= WINDOW_SECONDS:
            if self._lines.failures > MAX_LINES:
                log.warning("Flower refused %d more logins in the last minute", self._lines.failures - MAX_LINES)
            self._lines = _Window(now)
        self._lines.failures += 1
        if self._lines.failures <= MAX_LINES:
            more = (
                f"; further logins from that address are refused for {WINDOW_SECONDS:.0f} s"
                if failures >= MAX_FAILURES
                else ""
            )
            log.warning("Flower refused a login from %s, failed login %d in a minute%s", address, failures, more)


def use(login: str) -> None:
    """Make Flower require this login on all pages and addresses. Call it before the application is built."""
    logins = Logins(login)

    def current_user(handler: Any) -> bool:
        logins.require(handler.request.headers.get("Authorization", ""), str(handler.request.remote_ip))
        return True

    BaseHandler.get_current_user = current_user


def _credentials(header: str) -> bytes:
    """Return the content of a Basic header; empty for anything else."""
    kind, _, encoded = header.partition(" ")
    try:
        return b64decode(encoded.strip(), validate=True) if kind.lower() == "basic" else b""
    except ValueError:
        return b""


def _network(address: str) -> str:
    """Return the address; for IPv6 its /64, because one machine has all of these."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else str(parsed)
