"""Which workers died or paused and what the store lost, and when: only what affected a piece of work excuses it."""

from __future__ import annotations

from dataclasses import dataclass, field

from worker.store.lanes import CLAIM_SECONDS, RENEWED_EVERY_SECONDS

STANDSTILL_SECONDS = CLAIM_SECONDS - 2 * RENEWED_EVERY_SECONDS
"""A worker that pauses for less than this loses no claim: it renews them every few seconds."""


@dataclass
class Troubles:
    """All times are those of the schedule.

    `stalls`: by the name of the process, from when to when it stood still. `deaths`: by the name of the process. `losses`: (what was
    kept until, when it happened) of every store that lost writes. `absences`: from when to when the store did not answer. `leaps`: when
    everything stood still for days. `refused_slots`: by the name of the process, when a request of it was not sent, since NetSuite's slots
    stayed busy.
    """

    stalls: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    deaths: dict[str, float] = field(default_factory=dict)
    losses: list[tuple[float, float]] = field(default_factory=list)
    absences: list[tuple[float, float]] = field(default_factory=list)
    leaps: list[float] = field(default_factory=list)
    refused_slots: dict[str, list[float]] = field(default_factory=dict)

    def claim_lost(self, process: str, since: float) -> bool:
        """Whether a process that lives may have lost a claim that it has had since then."""
        stood_still = any(
            end >= since and end - begin > STANDSTILL_SECONDS for begin, end in self.stalls.get(process, ())
        )
        return stood_still or any(at >= since for _, at in self.losses) or any(at >= since for at in self.leaps)

    def met(self, process: str, begin: float, end: float) -> bool:
        """Return whether this process died or paused in a time, or the store was away or lost something of it."""
        stood_still = any(one <= end and other >= begin for one, other in self.stalls.get(process, ()))
        died = begin <= self.deaths.get(process, -1.0) <= end
        return stood_still or died or self.store_troubled(begin, end)

    def got_no_slot(self, process: str, begin: float, end: float) -> bool:
        """Whether this process could not send a request in a time."""
        return any(begin <= at <= end for at in self.refused_slots.get(process, ()))

    def any_between(self, begin: float, end: float) -> bool:
        """Whether any process or the store was in trouble in a time."""
        names = {*self.stalls, *self.deaths}
        return self.store_troubled(begin, end) or any(self.met(name, begin, end) for name in names)

    def store_troubled(self, begin: float, end: float) -> bool:
        """Whether the store was away or lost something. A loss takes with it what was written since the moment of which the store was kept."""
        lost = any(kept <= end and at >= begin for kept, at in self.losses)
        away = any(one <= end and other >= begin for one, other in self.absences)
        return lost or away or any(begin <= at <= end for at in self.leaps)
