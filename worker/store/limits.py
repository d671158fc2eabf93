"""Procore's two rate limits (per hour and per ten seconds), which all workers respect together.

Each response has limit, remaining and reset of the window that is nearer to its end in its headers
(https://developers.procore.com/documentation/rate-limiting). All workers share these values, and count a request when they send it. Scans
leave a part of each window to exports: a small part while nothing is exported, so that a scan of many projects ends as early as the windows
allow, and a fifth for a minute after each request of an export. Upkeep (verify) may take hours, so it always leaves half of each window to
the others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from worker.domain.errors import NoRoom
from worker.store.client import Redis, Value
from worker.store.connection import seconds
from worker.store.gate import Precedence
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime
from worker.store.scripts import Script, flag, number

LEFT_BY_SCANS, LEFT_WHILE_EXPORTING = 0.04, 0.2
"""Shares of each window that scans leave to exports."""
LEFT_BY_UPKEEP = 0.5
"""Share of each window that upkeep leaves to exports and scans."""
RESERVED = f"{LEFT_BY_UPKEEP:.0%} of Procore's rate limit is reserved for exports and scans, and the rest is used up"
"""Why upkeep waits while scans may still send requests."""
EXPORTS_REMEMBERED_SECONDS = 60.0
SHORT_WINDOW_SECONDS = 10
_WINDOWS = {"hour": "hourly", "spike": "10-second"}


@dataclass(frozen=True, slots=True)
class LimitPause:
    """A wait for a rate limit. `of_scans`: only scans wait, because they leave the rest of the window to exports. `ends`: unix seconds."""

    of_scans: bool
    reason: str
    ends: float


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the remote, `hour` or `spike`: the requests that it allows, those left now, and when the latest known window of this kind
    ends (unix seconds, Redis' clock).
    """

    name: str
    limit: int
    left: int
    ends: float


class RateLimits:
    """The shared state of a remote's windows."""

    def __init__(self, client: Redis, prefix: str, remote: str, *, runtime: Runtime = REAL) -> None:
        self._client = client
        self._remote = remote
        self._runtime = runtime
        self._key, self._sent = Keys(prefix).limits(remote), Keys(prefix).sent
        self._acquire = Script(client, "limits/acquire", number)
        self._observe = Script(client, "limits/observe", flag)
        self._block = Script(client, "limits/block", flag)

    def wait(self, precedence: Precedence, *, timeout: float = 15.0) -> None:
        """Wait until a request may be sent, and count it. Raises NoRoom, with the time to wait, if that is longer than `timeout` seconds."""
        until = self._runtime.monotonic() + timeout
        yields, counted = int(precedence is not Precedence.EXPORT), f"{self._remote}:{precedence.value}"
        is_upkeep = precedence is Precedence.UPKEEP
        left = (LEFT_BY_UPKEEP, LEFT_BY_UPKEEP) if is_upkeep else (LEFT_BY_SCANS, LEFT_WHILE_EXPORTING)
        args: list[Value] = [yields, *left, int(EXPORTS_REMEMBERED_SECONDS * 1000), counted]
        args.append(SHORT_WINDOW_SECONDS * 1000)
        while wait_ms := self._acquire(keys=[self._key, self._sent], args=args):
            wait = wait_ms / 1000
            if self._runtime.monotonic() + wait > until:
                reason = RESERVED if is_upkeep else "Procore's rate limit leaves no room"
                raise NoRoom(next((pause.reason for pause in self.pauses()), reason), retry_after=wait)
            # A random part, because all workers get the same time from the script.
            self._runtime.sleep(wait + self._runtime.uniform(0, 0.1))

    def observe(self, headers: Mapping[str, str], *, sent_at: float | None = None) -> None:
        """Update the windows from a response's `X-Rate-Limit-*` headers, if it has them. `sent_at`: the response's `Date`."""
        values = [headers.get(f"X-Rate-Limit-{name}", "") for name in ("Limit", "Remaining", "Reset")]
        if all(re.fullmatch(r"-?[0-9]{1,12}", value) for value in values):
            ahead = "" if sent_at is None else int((float(values[2]) - sent_at) * 1000)
            self._observe(keys=[self._key], args=[*values, ahead])

    def windows(self) -> list[Window]:
        """Return the known windows; none before the first response with limits, and two hours after the last one."""
        fields = self._client.hgetall(self._key)
        now = seconds(self._client) * 1000
        found = []
        for name in ("hour", "spike"):
            if f"{name}:limit" in fields:
                limit, ends = int(fields[f"{name}:limit"]), float(fields[f"{name}:reset"])
                # After the end of a window all requests are left; the next response has the values of the new window.
                left = limit if ends <= now else max(0, int(float(fields[f"{name}:left"])))
                found.append(Window(name, limit, left, ends / 1000))
        return found

    def pauses(self) -> list[LimitPause]:
        """Return the current waits for the limits: of all requests after a 429 or in a used up window, or only of scans."""
        fields = self._client.hgetall(self._key)
        if not fields:
            return []
        now, found = seconds(self._client), []
        blocked_until = float(fields.get("blocked", 0)) / 1000
        if blocked_until > now:
            found.append(LimitPause(False, "Procore answered 429 (too many requests)", blocked_until))
        exporting = now - float(fields.get("exported", 0)) / 1000 < EXPORTS_REMEMBERED_SECONDS
        share = LEFT_WHILE_EXPORTING if exporting else LEFT_BY_SCANS
        for name, title in _WINDOWS.items():
            limit, ends = float(fields.get(f"{name}:limit", 0)), float(fields.get(f"{name}:reset", 0)) / 1000
            left = float(fields.get(f"{name}:left", 0))
            if not limit or ends <= now or left > math.floor(limit * share):
                continue
            used = "is used up" if left <= 0 else f"has {left:,.0f} requests left, which are reserved for exports"
            found.append(LimitPause(left > 0, f"Procore's {title} limit of {limit:,.0f} requests {used}", ends))
        return found

    def block(self, for_seconds: float) -> None:
        """Stop all requests for this long: the remote responded 429."""
        self._block(keys=[self._key], args=[int(for_seconds * 1000)])
