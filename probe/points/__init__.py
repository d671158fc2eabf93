"""All points, in the order in which they are tried: those that only read first, Items before bills."""

from __future__ import annotations

from probe.point import Point
from probe.points import bills, items, procore

POINTS: tuple[Point, ...] = (
    *procore.READS, *items.READS, *bills.READS, *items.WRITES, *bills.WRITES, *procore.WRITES,
)  # fmt: skip
