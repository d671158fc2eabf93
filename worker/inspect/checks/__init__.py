"""Checks of the installation: each failed check by name, with a fix. Writes nothing to Procore or NetSuite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from worker.domain.errors import Blocked, Misconfigured, SyncError, Transient
from worker.domain.problems import describe
from worker.inspect.checks.check import Check, Look, doubt, fault
from worker.store.connection import why

TRY_AGAIN = "If the check fails again in a few minutes, contact the team that runs that system or the network."


@dataclass(frozen=True, slots=True)
class Checks:
    """Runs all checks in order."""

    looks: Sequence[Look]

    def run(self) -> Iterator[Check]:
        """Yield each result as it is available. A failed login, connection or permission is reported once; other checks that need it are
        skipped.
        """
        stopped: dict[str, str] = {}
        for name, look in self.looks:
            yield _done(name, look, stopped)


def _done(name: str, look: Callable[[], Check], stopped: dict[str, str]) -> Check:
    """Run one check. `stopped`: reported failures by sentence, with the check that reported each; the failure of this check is added."""
    try:
        return look()
    except (Blocked, Misconfigured) as error:
        problem = describe(error.cause, error.facts)
        if first := stopped.get(problem.sentence):
            return doubt(name, f"not checked: see {first!r} above", "")
        stopped[problem.sentence] = name
        return fault(name, problem.sentence, problem.next_step)
    except Transient as error:
        words = str(error) or "no response"
        if first := stopped.get(words):
            return doubt(name, f"not checked: see {first!r} above", "")
        stopped[words] = name
        return fault(name, words, TRY_AGAIN)
    except RedisError as error:
        words = why(error)
        matter, _, _ = words.partition(" Its response:")
        if first := stopped.get(matter):
            return doubt(name, f"not checked: see {first!r} above", "")
        stopped[matter] = name
        return fault(
            name,
            words,
            "Check REDIS_URL and the server's log. Nothing is lost in the meantime; docs/redis.md lists the steps for each case.",
        )
    except SyncError as error:
        return fault(name, str(error) or type(error).__name__, "Send this message to the maintainers of wbs-sync.")
