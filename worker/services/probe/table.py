"""All points, in the order in which they are tried: those that only read first, Items before bills."""

from __future__ import annotations

from worker.services.probe import bills, items, procore
from worker.services.probe.point import Point

POINTS: tuple[Point, ...] = (
    *procore.READS, *items.READS, *bills.READS, *items.WRITES, *bills.WRITES, *procore.WRITES,
)  # fmt: skip
