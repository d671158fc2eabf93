"""Differences between clocks."""

from __future__ import annotations


def certain_difference(least: float, most: float) -> float:
    """Return the difference between two clocks, in seconds, that is certain: of the possible ones, the nearest to zero.

    `least`, `most`: the other clock was read at some time between two readings of this one, so the difference is between these two. A slow
    response alone is no difference.
    """
    return min(max(0.0, least), most)
