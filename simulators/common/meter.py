"""Counters of a simulator: requests in flight, requests refused, requests by path."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

_EXTERNAL_ID = re.compile(r"/eid:[^/]+")
_NUMBER = re.compile(r"/\d+(?=/|$)")


def template_of(path: str) -> str:
    """Return a path without its ids: `/rest/v1.0/projects/{id}` for `/rest/v1.0/projects/12`."""
    return _NUMBER.sub("/{id}", _EXTERNAL_ID.sub("/eid:{ext}", path))


class Meter:
    """The counters since the last `reset`."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.max_in_flight = 0
        self.refused = 0
        self.requests: Counter[str] = Counter()

    def arrive(self) -> int:
        """Count a request as in flight; return how many are in flight now."""
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        return self.in_flight

    def leave(self) -> None:
        """Count a request as ended."""
        self.in_flight -= 1

    def reset(self) -> None:
        """Reset the counts; requests in flight stay counted."""
        self.max_in_flight, self.refused = self.in_flight, 0
        self.requests = Counter()

    def as_json(self) -> dict[str, Any]:
        """Return the counters by name."""
        return {
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "refused": self.refused,
            "requests": dict(self.requests),
        }
