"""Whether this installation can work: each fault by name, and its cure. Nothing is written to either remote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from redis.exceptions import RedisError

from worker.domain.errors import Blocked, Misconfigured, SyncError, Transient
from worker.domain.problems import describe
from worker.services.checks.check import Check, Look, doubt, fault
from worker.services.checks.files import FileChecks
from worker.services.checks.machine import MachineChecks
from worker.services.checks.netsuite import NetSuiteChecks
from worker.services.checks.pauses import PauseChecks
from worker.services.checks.processes import ProcessChecks
from worker.services.checks.procore import ProcoreChecks
from worker.services.checks.redis import RedisChecks
from worker.store.connection import why

TRY_AGAIN = "If it says so again in some minutes, ask who runs that system or the network between."


class Checks:
    """Runs them one after the other."""

    def __init__(
        self,
        redis: RedisChecks,
        machine: MachineChecks,
        processes: ProcessChecks,
        pauses: PauseChecks,
        procore: ProcoreChecks,
        netsuite: NetSuiteChecks,
        files: FileChecks,
    ) -> None:
        systems = (*pauses.looks(), *procore.looks(), *netsuite.looks())
        self._looks: Sequence[Look] = (
            *redis.looks(),
            *machine.looks(),
            *processes.running(),
            *systems,
            *processes.clocks(),
            *files.looks(),
        )

    def run(self) -> Iterator[Check]:
        """Each check as it is done. What a login, a connection or a permission stops is reported once; what needs it too is not tried
        or not repeated.
        """
        stopped: dict[str, str] = {}
        for name, look in self._looks:
            yield _done(name, look, stopped)


def _done(name: str, look: Callable[[], Check], stopped: dict[str, str]) -> Check:
    """`stopped`: sentences already reported, with the check that reported each; this one's is added."""
    try:
        return look()
    except (Blocked, Misconfigured) as error:
        problem = describe(error.cause, error.facts)
        if first := stopped.get(problem.sentence):
            return doubt(name, f"not checked: see {first!r} above", "")
        stopped[problem.sentence] = name
        return fault(name, problem.sentence, problem.next_step)
    except Transient as error:
        words = str(error) or "no answer"
        if first := stopped.get(words):
            return doubt(name, f"not checked: see {first!r} above", "")
        stopped[words] = name
        return fault(name, words, TRY_AGAIN)
    except RedisError as error:
        words = why(error)
        matter, _, _ = words.partition(" Its answer:")
        if first := stopped.get(matter):
            return doubt(name, f"not checked: see {first!r} above", "")
        stopped[matter] = name
        return fault(
            name,
            words,
            "Check REDIS_URL and the server's log. Nothing is lost meanwhile: docs/redis.md lists what to do in each case.",
        )
    except SyncError as error:
        return fault(name, str(error) or type(error).__name__, "Send these words to those who maintain wbs-sync.")
