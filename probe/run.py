"""Runs a probe: cleans up after the last one, tries each point, and cleans up."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from probe.answers import Unsettled
from probe.cleanup import Cleanup, CleanupResult
from probe.clients.netsuite import SandboxNetSuite
from probe.clients.procore import SandboxProcore
from probe.clients.timed_transport import Latency
from probe.point import Point, PointResult
from probe.session import ProbeOptions, ProbeSession
from worker.domain.errors import Misconfigured, OutcomeUnknown, SyncError
from worker.domain.problems import Cause
from worker.store.locks import Locks
from worker.sync.projects import Projects

LOGINS = (Cause.NETSUITE_LOGIN, Cause.NETSUITE_KEY, Cause.PROCORE_LOGIN)


class AlreadyRunning(Exception):
    """A probe of this account is running already."""


@dataclass(slots=True)
class ProbeResult:
    """The result of each point, and the cleanups before and after."""

    before: CleanupResult
    points: list[PointResult] = field(default_factory=list)
    after: CleanupResult = field(default_factory=lambda: CleanupResult(0, ()))

    @property
    def clean_again(self) -> bool:
        """Return whether a write got no response, so that its record may still appear."""
        return any(result.in_doubt for result in self.points)


class Probe:
    """Tries points on one account. `slots`: maximum number of concurrent requests to NetSuite."""

    def __init__(
        self,
        *,
        netsuite: SandboxNetSuite,
        procore: SandboxProcore,
        projects: Projects,
        locks: Locks,
        latencies: Callable[[], list[Latency]],
        has_tax_schedule: bool,
        slots: int,
    ) -> None:
        self._netsuite = netsuite
        self._procore = procore
        self._projects = projects
        self._locks = locks
        self._has_tax_schedule = has_tax_schedule
        self._slots = slots
        self.latencies = latencies

    def run(
        self, points: Sequence[Point], options: ProbeOptions, on_result: Callable[[PointResult], None]
    ) -> ProbeResult:
        """Try these points, in this order, and call `on_result` after each. Always cleans up what was created, even after an error.

        Raises AlreadyRunning, and Misconfigured if a login is refused.
        """
        with self._lock():
            cleanup = Cleanup(self._netsuite, self._procore)
            writes = any(point.writes for point in points)
            result = ProbeResult(self._clean(cleanup, None, options) if writes else CleanupResult(0, ()))
            session = self._session(options)
            try:
                for point in points:
                    result.points.append(_ask(point, session))
                    on_result(result.points[-1])
            finally:
                if writes:
                    result.after = self._clean(cleanup, session, options)
            return result

    def clean_up(self, options: ProbeOptions) -> CleanupResult:
        """Clean up after an interrupted probe, and try nothing. Raises AlreadyRunning."""
        with self._lock():
            return self._clean(Cleanup(self._netsuite, self._procore), None, options)

    def _session(self, options: ProbeOptions) -> ProbeSession:
        return ProbeSession(
            self._netsuite,
            self._procore,
            token=secrets.token_hex(4),
            options=options,
            projects=lambda: self._projects.in_scope(self._projects.all()),
            has_tax_schedule=self._has_tax_schedule,
            slots=self._slots,
        )

    def _clean(self, cleanup: Cleanup, session: ProbeSession | None, options: ProbeOptions) -> CleanupResult:
        cleaned = cleanup.records(session.created if session else ())
        return CleanupResult(cleaned.deleted, [*cleaned.left, *cleanup.origin_ids(options.invoices)])

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with self._locks.hold("probe") as lock:
            if lock is None:
                raise AlreadyRunning
            yield


def _ask(point: Point, session: ProbeSession) -> PointResult:
    """Try one point, and return its result. An error ends only this point, except for a refused login."""
    try:
        return PointResult(point, point.ask(session))
    except Unsettled as reason:
        return PointResult(point, None, str(reason))
    except SyncError as error:
        if isinstance(error, Misconfigured) and error.cause in LOGINS:
            raise
        why = f"{type(error).__name__}: {session.shape(error)}"
        return PointResult(point, None, why, in_doubt=isinstance(error, OutcomeUnknown))
