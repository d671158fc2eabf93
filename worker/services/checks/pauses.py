"""Whether any work is paused now: a remote that is down, a login or permission that is refused, a rate limit that is used up."""

from __future__ import annotations

from collections.abc import Iterator

from worker.services.checks.check import Check, Look, doubt, well
from worker.services.pauses import Pauses


class PauseChecks:
    """Reads the pauses in Redis; no remote is asked."""

    def __init__(self, pauses: Pauses) -> None:
        self._pauses = pauses

    def looks(self) -> Iterator[Look]:
        """The one check."""
        yield "Pauses", self._none

    def _none(self) -> Check:
        paused = self._pauses.all()
        if not paused:
            return well("Pauses", "no work is paused")
        next_step = "Paused work goes on by itself. `wbs-sync problems` shows what a person has to do about it."
        return doubt("Pauses", " ".join(one.sentence for one in paused), next_step)
