"""Check for paused work: a system is down, a login or permission was refused, or a rate limit is used up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.inspect.checks.check import Check, NamedCheck, passed, warning
from worker.inspect.pauses import Pauses


@dataclass(frozen=True, slots=True)
class PauseChecks:
    """Reads the pauses in Redis; does not query Procore or NetSuite."""

    pauses: Pauses

    def checks(self) -> Iterator[NamedCheck]:
        """Return the check of pauses."""
        yield "Pauses", self._none

    def _none(self) -> Check:
        paused = self.pauses.all()
        if not paused:
            return passed("Pauses", "no work is paused")
        fix = "Paused work resumes automatically. `wbs-sync problems` lists what needs attention."
        return warning("Pauses", " ".join(one.sentence for one in paused), fix)
