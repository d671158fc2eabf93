"""A transport that records how long each kind of request takes, without the wait for a slot or a rate limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from worker.clients.http import Answer, Transport

_OF_ONE_RECORD = re.compile(r"/(?:eid:[^/]+|[0-9]+)(?=/|$)")
_COMMON = re.compile(r"^/services/rest/(?:record|query)/v1")


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that requests of one kind took: count, minimum, median and 95th percentile."""

    kind: str
    count: int
    least: float
    median: float
    p95: float


class TimedTransport(Transport):
    """Sends as `Transport` does. Does not record requests without a response, which take as long as the timeout."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._seconds: dict[str, list[float]] = {}
        self._guard = self.runtime.thread_lock()

    def send(self, method: str, url: str, **options: Any) -> Answer:
        """Send as `Transport.send` does, and record the seconds under method and path without ids."""
        began = self.runtime.monotonic()
        answer = super().send(method, url, **options)
        path = _OF_ONE_RECORD.sub("/{id}", _COMMON.sub("", urlsplit(url).path))
        with self._guard:
            self._seconds.setdefault(f"{method} {path}", []).append(self.runtime.monotonic() - began)
        return answer

    def latencies(self) -> list[Latency]:
        """Return the durations of each kind of request, sorted by kind."""
        with self._guard:
            return [latency_of(kind, sorted(taken)) for kind, taken in sorted(self._seconds.items())]


def latency_of(kind: str, taken: list[float]) -> Latency:
    """Return the durations of one kind of request. `taken`: seconds of at least one request, sorted."""
    p95 = taken[max(0, -(-len(taken) * 95 // 100) - 1)]
    return Latency(kind, len(taken), *(round(each, 3) for each in (taken[0], median(taken), p95)))
