"""What the simulators' journals show of a run: requests, the use of NetSuite's slots, and when the first record existed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ITEMS = "/services/rest/record/v1/otherChargePurchaseItem"
BILLS = "/services/rest/record/v1/vendorBill"


@dataclass(frozen=True)
class Traffic:
    """Entries of both journals, and NetSuite's counters."""

    procore_entries: Sequence[dict[str, Any]]
    netsuite_entries: Sequence[dict[str, Any]]
    netsuite_stats: dict[str, Any]

    @property
    def procore(self) -> list[dict[str, Any]]:
        """Return the requests to Procore except logins."""
        return [entry for entry in self.procore_entries if "method" in entry and "/oauth/" not in entry["path"]]

    @property
    def netsuite(self) -> list[dict[str, Any]]:
        """Return the requests to NetSuite except logins."""
        return [entry for entry in self.netsuite_entries if "method" in entry and "/auth/" not in entry["path"]]

    @property
    def item_posts(self) -> list[dict[str, Any]]:
        """Return the requests that create an Item, in the order of their start."""
        posts = [one for one in self.netsuite if one["method"] == "POST" and one["path"].endswith("Item")]
        return sorted(posts, key=lambda one: float(one["started"]))

    @property
    def records(self) -> list[dict[str, Any]]:
        """Return the records that the client created."""
        return [
            entry for entry in self.netsuite_entries if entry.get("write") == "create" and entry.get("by") == "client"
        ]

    def busy_share(self, cap: int) -> float:
        """Busy slot-seconds / (cap x time while work exists): from the first Item's request until the last one begins."""
        posts = self.item_posts
        begin, end = float(posts[0]["started"]), float(posts[-1]["started"])
        spans = ((max(begin, float(one["started"])), min(end, float(one["ended"]))) for one in self.netsuite)
        busy = sum(max(0.0, ended - started) for started, ended in spans)
        return busy / (cap * (end - begin))

    def busy_share_of_all(self, cap: int) -> float:
        """Busy slot-seconds / (cap x time), from the first request to NetSuite until the last one begins: ramp-up and tail count."""
        begin = min(float(one["started"]) for one in self.netsuite)
        end = max(float(one["started"]) for one in self.netsuite)
        spans = ((max(begin, float(one["started"])), min(end, float(one["ended"]))) for one in self.netsuite)
        return sum(max(0.0, ended - started) for started, ended in spans) / (cap * (end - begin))

    def seconds_to_full_use(self, cap: int) -> float:
        """Return the seconds from the first request to NetSuite until as many requests as the limit are in progress at once."""
        begin = min(float(one["started"]) for one in self.netsuite)
        steps = [(float(one["started"]), 1) for one in self.netsuite] + [
            (float(one["ended"]), -1) for one in self.netsuite
        ]
        in_progress = 0
        for at, step in sorted(steps):
            in_progress += step
            if in_progress >= cap:
                return at - begin
        return float("inf")

    def items_a_second(self) -> float:
        """Return the Items created per second, from the start of the first Item's request until the end of the last one."""
        posts = self.item_posts
        return len(posts) / (max(float(one["ended"]) for one in posts) - float(posts[0]["started"]))

    @property
    def refused(self) -> int:
        """Return the requests that NetSuite refused because too many were in progress."""
        return sum(one["status"] == 429 for one in self.netsuite)

    @property
    def most_at_once(self) -> int:
        """The maximum number of requests that NetSuite processed at the same time."""
        return int(self.netsuite_stats["max_in_flight"])
