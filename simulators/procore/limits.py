"""Procore's two rate limits: per hour and per ten seconds ("rate-limiting" guide)."""

from __future__ import annotations

from dataclasses import dataclass

SURPASSED = "You have surpassed the max number of requests for an hour. Please wait until your limit resets."


@dataclass(slots=True)
class Window:
    """A time window with a limit of requests. A new one starts with the first request after its end."""

    seconds: float
    resets_at: float = 0.0
    used: int = 0

    def count(self, now: float) -> None:
        """Count a request, even one that is refused."""
        if now >= self.resets_at:
            self.resets_at, self.used = now + self.seconds, 0
        self.used += 1


class RateLimiter:
    """Counts every request of the app, also requests with an error as response. Times are unix seconds."""

    def __init__(self) -> None:
        self.hour = Window(3600.0)
        self.spike = Window(10.0)

    def admit(self, now: float, hourly: int | None, spike: int | None, hour_seconds: float = 3600.0) -> bool:
        """Count a request. Return whether both limits allow it."""
        self.hour.seconds = hour_seconds
        self.hour.count(now)
        self.spike.count(now)
        return (hourly is None or self.hour.used <= hourly) and (spike is None or self.spike.used <= spike)

    def headers(self, hourly: int | None, spike: int | None) -> dict[str, str]:
        """Return X-Rate-Limit-* for the limit with the fewest requests left; nothing if both are off."""
        windows = [(limit, window) for limit, window in ((spike, self.spike), (hourly, self.hour)) if limit is not None]
        if not windows:
            return {}
        limit, window = min(windows, key=lambda each: each[0] - each[1].used)
        return {
            "X-Rate-Limit-Limit": str(limit),
            "X-Rate-Limit-Remaining": str(max(0, limit - window.used)),
            "X-Rate-Limit-Reset": str(int(window.resets_at) + 1),
        }
