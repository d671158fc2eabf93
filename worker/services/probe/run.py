"""One probe: clean up after the last, try each point, clean up."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from worker.clients.netsuite.sandbox import SandboxNetSuite
from worker.clients.procore.sandbox import SandboxProcore
from worker.clients.stopwatch import Latency
from worker.domain.errors import Misconfigured, OutcomeUnknown, SyncError
from worker.domain.problems import Cause
from worker.services.probe.bench import Bench, Wishes
from worker.services.probe.cleaning import Cleaned, Cleaning
from worker.services.probe.point import Point, Result, Unsettled
from worker.services.projects import Projects
from worker.store.locks import Locks

LOGINS = (Cause.NETSUITE_LOGIN, Cause.NETSUITE_KEY, Cause.PROCORE_LOGIN)


class AnotherRuns(Exception):
    """A probe of this account is running already."""


@dataclass(slots=True)
class Probed:
    """What a probe came to."""

    before: Cleaned
    results: list[Result] = field(default_factory=list)
    after: Cleaned = field(default_factory=lambda: Cleaned(0, ()))

    @property
    def clean_again(self) -> bool:
        """Whether a write got no answer, so that its record may come to stand for some time yet."""
        return any(result.in_doubt for result in self.results)


class Probe:
    """Tries points on one account. `slots`: how many requests NetSuite may have in flight."""

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

    def run(self, points: Sequence[Point], wishes: Wishes, note: Callable[[Result], None]) -> Probed:
        """Try these points, in this order; `note` is told of each as it is done. Whatever ends it, what was made is taken away.

        Raises AnotherRuns, and Misconfigured where a login is refused.
        """
        with self._alone():
            cleaning = Cleaning(self._netsuite, self._procore)
            writes = any(point.writes for point in points)
            probed = Probed(self._clean(cleaning, None, wishes) if writes else Cleaned(0, ()))
            bench = self._bench(wishes)
            try:
                for point in points:
                    probed.results.append(_ask(point, bench))
                    note(probed.results[-1])
            finally:
                if writes:
                    probed.after = self._clean(cleaning, bench, wishes)
            return probed

    def clean_up(self, wishes: Wishes) -> Cleaned:
        """Take away what an interrupted probe left, and nothing else."""
        with self._alone():
            return self._clean(Cleaning(self._netsuite, self._procore), None, wishes)

    def _bench(self, wishes: Wishes) -> Bench:
        return Bench(
            self._netsuite,
            self._procore,
            token=secrets.token_hex(4),
            wishes=wishes,
            projects=lambda: self._projects.in_scope(self._projects.all()),
            has_tax_schedule=self._has_tax_schedule,
            slots=self._slots,
        )

    def _clean(self, cleaning: Cleaning, bench: Bench | None, wishes: Wishes) -> Cleaned:
        cleaned = cleaning.records(bench.made if bench else ())
        return Cleaned(cleaned.deleted, [*cleaned.left, *cleaning.origin_ids(wishes.invoices)])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._locks.hold("probe") as lock:
            if lock is None:
                raise AnotherRuns
            yield


def _ask(point: Point, bench: Bench) -> Result:
    """A point's answer. What stops one point stops no other, but for a login that is refused."""
    try:
        return Result(point, point.ask(bench))
    except Unsettled as reason:
        return Result(point, None, str(reason))
    except SyncError as error:
        if isinstance(error, Misconfigured) and error.cause in LOGINS:
            raise
        why = f"{type(error).__name__}: {bench.shape(error)}"
        return Result(point, None, why, in_doubt=isinstance(error, OutcomeUnknown))
