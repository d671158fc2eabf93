"""Gate use over time as the outlines of two areas, and the same figures as a sentence and as a small table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.inspect.report import GateUse
from worker.store.gate import USE_KEPT_SECONDS, Use

SPANS = (15 * 60.0, 3600.0, 3 * 3600.0, USE_KEPT_SECONDS)
"""Time spans in seconds; the plot uses the shortest one that contains all samples."""
COLUMNS, ROWS, LABELS = 180, 12, 4


@dataclass(frozen=True, slots=True)
class Part:
    """The average and highest number of slots in use in one interval (unix seconds); None if the interval has no sample."""

    begins: float
    ends: float
    average: float | None
    highest: int | None


@dataclass(frozen=True, slots=True)
class Plot:
    """The plot, on a grid `COLUMNS` wide and `height` high with zero at its lower edge. `labels`: times at even distances."""

    height: int
    highest: str
    average: str
    labels: Sequence[str]
    sentence: str
    rows: Sequence[Part]


def plot(use: GateUse, *, now: float) -> Plot | None:
    """Return the plot up to `now`, or None if there are no samples."""
    if not use.noted:
        return None
    span = next((one for one in SPANS if now - use.noted[0].at <= one), SPANS[-1])
    parts = _parts(use.noted, now - span, now, COLUMNS)
    height = max(use.slots, *(one.in_use for one in use.noted))
    steps = span / (LABELS - 1)
    return Plot(
        height=height,
        highest=_outline([part.highest for part in parts], height),
        average=_outline([part.average for part in parts], height),
        labels=[_clock(now - span + step * steps) for step in range(LABELS)],
        sentence=_sentence(use),
        rows=_parts(use.noted, now - span, now, ROWS),
    )


def _parts(noted: Sequence[Use], begins: float, ends: float, count: int) -> list[Part]:
    width = (ends - begins) / count
    by_part: list[list[int]] = [[] for _ in range(count)]
    for sample in noted:
        place = int((sample.at - begins) / width)
        # A sample that was taken while the report was built belongs to the last part.
        by_part[max(0, min(place, count - 1))].append(sample.in_use)
    return [
        Part(
            begins + place * width,
            begins + (place + 1) * width,
            sum(samples) / len(samples) if samples else None,
            max(samples, default=None),
        )
        for place, samples in enumerate(by_part)
    ]


def _outline(values: Sequence[float | None], height: int) -> str:
    """Return an SVG path with a step for each value and a gap for each missing one."""
    path = []
    before: float | None = None
    for place, value in enumerate([*values, None]):
        if before is None and value is not None:
            path.append(f"M{place} {height}")
        if value is not None:
            path.append(f"V{height - value:g}H{place + 1}")
        if before is not None and value is None:
            path.append(f"V{height}Z")
        before = value
    return "".join(path)


def _sentence(use: GateUse) -> str:
    top = max(use.noted, key=lambda one: one.in_use)
    average = sum(one.in_use for one in use.noted) / len(use.noted)
    since = f"{len(use.noted):,} samples since {_clock(use.noted[0].at)}"
    if not top.in_use:
        return f"{since}: no slot in use in any of them."
    return f"{since}: {average:.1f} of {use.slots} slots in use on average, at most {top.in_use} (at {_clock(top.at)})."


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M")
