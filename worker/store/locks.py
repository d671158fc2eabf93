"""Locks on codes and invoices, and the thread that renews them and other leases.

Locks save requests. What makes a write happen exactly once is not a lock, but NetSuite's unique external ids and the ledger's intents
(docs/decisions/0003-exactly-once.md, also on lost locks).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from worker.store.client import Redis, Value
from worker.store.identity import StoreIdentity
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime
from worker.store.scripts import Script, flag, texts

log = logging.getLogger(__name__)

LOCK_SECONDS = 20.0
"""Seconds until a dead worker's lock is released. A running worker renews its lock long before."""
KEPT_SECONDS = 2.0
"""A server that syncs its file every second may lose writes that are younger than this (seconds). So no write to NetSuite is sent before the
record of the server is older: otherwise that record and an intent could be lost together, without a trace.
"""
NO_LEDGER_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class _Lease:
    renew: Callable[[], None]
    every: float
    due: float


class LeaseKeeper:
    """Renews registered leases (locks and gate slots) until they are released. Its one thread per process runs while there are leases, and starts
    again after a fork.
    """

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


@dataclass(slots=True)
class Lock:
    """A lock that is held. `fence`: higher than that of any earlier lock, even after a loss of Redis; `at`: when it was acquired (Redis'
    clock).

    `asked`, `answered`: monotonic times of this process before and after the acquisition. `ledger_since`: the ledger has lost no intent since
    then (unix seconds); None while there is no ledger. `server_met_at`: since when this server is recorded as the ledger's. `text`: of the
    record that was read with the lock, "" for none. `is_released`: set by a caller that releases the lock before the end of the block.
    """

    key: str
    token: str
    fence: int
    at: float
    asked: float
    answered: float
    ledger_since: float | None = None
    server_met_at: float = 0.0
    text: str = ""
    is_released: bool = False
    runtime: Runtime = field(kw_only=True)

    def now(self) -> float:
        """Return the current time of Redis' clock: the time of the acquisition plus the monotonic time since then. Sends no command, and no
        clock change affects it.

        It is the latest possible time: ahead by at most the round trip of the acquisition.
        """
        return self.at + self.runtime.monotonic() - self.asked

    def until(self, moment: float) -> float:
        """Return the seconds until a time (unix seconds) has certainly passed on Redis' clock; 0 if it has."""
        return max(0.0, moment - self.at - (self.runtime.monotonic() - self.answered))

    def may_write_at(self, settle_seconds: float) -> float:
        """Return when a write may be sent (unix seconds): when any write that Redis may have lost has settled in NetSuite."""
        if self.ledger_since is None:
            return self.at + NO_LEDGER_SECONDS
        return max(self.ledger_since + settle_seconds, self.server_met_at + KEPT_SECONDS)

    def held_back_until(self, settle_seconds: float) -> float | None:
        """Return when a write may be sent, None = now. Waits itself for up to two seconds, the time after a new server was recorded."""
        may_write_at = self.may_write_at(settle_seconds)
        wait = self.until(may_write_at)
        if wait > KEPT_SECONDS:
            return may_write_at
        self.runtime.sleep(wait)
        return None


class Locks:
    """Locks that expire, are renewed while they are held, and are released only by their holder's token."""

    def __init__(
        self,
        client: Redis,
        prefix: str,
        keeper: LeaseKeeper,
        identity: StoreIdentity | None = None,
        *,
        runtime: Runtime = REAL,
    ) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._keeper = keeper
        self._runtime = runtime
        self._identity = identity or StoreIdentity(client, prefix)
        self._acquire = Script(client, "locks/acquire", texts)
        self._renew = Script(client, "locks/renew", flag)
        self._release = Script(client, "values/delete_if_equal", flag)
        self._held: set[tuple[str, str]] = set()
        self._ending = False

    @contextmanager
    def hold(self, name: str, *, reads: tuple[str, int] | None = None) -> Iterator[Lock | None]:
        """Hold the lock called `name` for the block; yield None at once if another caller holds it.

        `reads`: the Redis hash and field of the record that the lock guards. It is read with the lock, so that reading costs no extra command.
        """
        key, token = self._keys.lock(name), self._runtime.token(12)
        lock = self._try(key, token, reads)
        if lock is None:
            yield None
            return
        with self._keeper.keeping(lambda: self._renewed(lock), every=LOCK_SECONDS / 4):
            try:
                yield lock
            finally:
                self._held.discard((key, token))
                if not lock.is_released:
                    self._release_key(key, token)

    def give_back(self) -> None:
        """Release all locks of this process and take no more, because the process ends before its threads can release them."""
        self._ending = True
        for key, token in list(self._held):
            self._release_key(key, token)

    def _release_key(self, key: str, token: str) -> None:
        self._held.discard((key, token))
        self._release(keys=[key], args=[token])

    def _try(self, key: str, token: str, reads: tuple[str, int] | None = None) -> Lock | None:
        asked = self._runtime.monotonic()
        place, hash_field = ([reads[0]], [reads[1]]) if reads else ([], [])
        keys = [key, self._keys.fence, self._keys.ledger, self._keys.store, *place]
        args: list[Value] = [token, int(LOCK_SECONDS * 1000), *self._identity.args(), *hash_field]
        fence, whole, micro, since, met, store_id, text = self._acquire(keys=keys, args=args)
        answered = self._runtime.monotonic()
        self._identity.learn(store_id)
        if not int(fence):
            return None
        self._held.add((key, token))
        if self._ending:
            self._release_key(key, token)
            return None
        at = int(whole) + int(micro) / 1_000_000
        ledger_since = float(since) if since else None
        return Lock(key, token, int(fence), at, asked, answered, ledger_since, float(met), text, runtime=self._runtime)

    def _renewed(self, lock: Lock) -> None:
        self._renew(keys=[lock.key], args=[lock.token, int(LOCK_SECONDS * 1000)])
