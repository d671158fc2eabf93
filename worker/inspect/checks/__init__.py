"""Checks of the installation: each failed check by name, with a fix. Writes nothing to Procore or NetSuite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from redis.exceptions import RedisError

from worker.domain.errors import Blocked, Misconfigured, SyncError, Transient
from worker.domain.problems import describe
from worker.inspect.liveness import CHECK_REDIS
from worker.store.connection import why

TRY_AGAIN = "If the check fails again in a few minutes, contact the team that runs that system or the network."


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `ok`: None for a warning, such as a value that could not be read or may be intended; `fix`: "" if it passed;
    `name`: set when `Checks` has run it.
    """

    ok: bool | None
    message: str
    fix: str = ""
    name: str = ""


NamedCheck = tuple[str, Callable[[], Check]]
"""A check to run: its name, and a function that may raise the errors of the clients."""


def passed(message: str) -> Check:
    """Return a passed check."""
    return Check(True, message)


def failed(message: str, fix: str) -> Check:
    """Return a failed check: wbs-sync cannot work until it is fixed."""
    return Check(False, message, fix)


def warning(message: str, fix: str) -> Check:
    """Return a warning."""
    return Check(None, message, fix)


@dataclass(frozen=True, slots=True)
class Checks:
    """Runs all checks in order."""

    checks: Sequence[NamedCheck]

    def run(self) -> Iterator[Check]:
        """Yield each result as it is available. A failed login, connection or permission is reported once; other checks that need it are
        skipped.
        """
        reported: dict[str, str] = {}
        for name, check in self.checks:
            yield replace(_result(name, check, reported), name=name)


def _result(name: str, check: Callable[[], Check], reported: dict[str, str]) -> Check:
    """Run one check. `reported`: the name of the check that reported each failure, by the failure's message; the failure of this check is
    added.
    """
    try:
        return check()
    except (Blocked, Misconfigured) as error:
        problem = describe(error.cause, error.facts)
        message, fix = problem.sentence, problem.next_step
    except Transient as error:
        message, fix = str(error) or "no response", TRY_AGAIN
    except RedisError as error:
        message, fix = why(error), CHECK_REDIS
    except SyncError as error:
        return failed(str(error) or type(error).__name__, "Send this message to the maintainers of wbs-sync.")
    # Redis' response may differ between checks that fail for the same reason.
    reason = message.partition(" Its response:")[0] if fix is CHECK_REDIS else message
    if reason in reported:
        return warning(f"not checked: see {reported[reason]!r} above", "")
    reported[reason] = name
    return failed(message, fix)
