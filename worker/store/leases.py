"""One thread per process that renews its leases: locks and gate slots."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError

from worker.store.runtime import REAL, Runtime

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Lease:
    renew: Callable[[], None]
    every: float
    due: float


class LeaseKeeper:
    """Renews registered leases until they are released. Its thread runs while there are leases, and starts again after a fork."""

    def __init__(self, *, runtime: Runtime = REAL) -> None:
        self._runtime = runtime
        self._leases: set[_Lease] = set()
        self._guard = runtime.thread_lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def keeping(self, renew: Callable[[], None], *, every: float) -> Iterator[None]:
        """Call `renew` every `every` seconds while the block runs. A failed renewal is retried at the next interval."""
        lease = self._keep(renew, every)
        try:
            yield
        finally:
            with self._guard:
                self._leases.discard(lease)

    def repeat(self, call: Callable[[], None], *, every: float) -> None:
        """Call `call` every `every` seconds for the life of the process."""
        self._keep(call, every)

    def _keep(self, renew: Callable[[], None], every: float) -> _Lease:
        lease = _Lease(renew, every, self._runtime.monotonic() + every)
        with self._guard:
            self._leases.add(lease)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
                self._thread.start()
        return lease

    def _run(self) -> None:
        while True:
            self._runtime.sleep(0.5)
            now = self._runtime.monotonic()
            with self._guard:
                if not self._leases:
                    self._thread = None
                    return
                due = [lease for lease in self._leases if lease.due <= now]
            for lease in due:
                lease.due = now + lease.every
                try:
                    lease.renew()
                except RedisError as error:
                    # The lease may expire. Its holder detects that by its own clock before it writes.
                    log.warning("Could not renew a lease: %s", error)
                except Exception:
                    # An error in one renewal must not stop all others.
                    log.exception("Could not renew a lease")
