"""Check for paused work: a system is down, a login or permission was refused, or a rate limit is used up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.inspect.checks.check import Check, Look, doubt, well
from worker.inspect.pauses import Pauses


@dataclass(frozen=True, slots=True)
class PauseChecks:
    """Reads the pauses in Redis; does not query Procore or NetSuite."""

    pauses: Pauses

    def looks(self) -> Iterator[Look]:
        """Return this check."""
        yield "Pauses", self._none

    def _none(self) -> Check:
        paused = self.pauses.all()
        if not paused:
            return well("Pauses", "no work is paused")
        next_step = "Paused work resumes automatically. `wbs-sync problems` lists what needs attention."
        return doubt("Pauses", " ".join(one.sentence for one in paused), next_step)
