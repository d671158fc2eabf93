"""Redis: reachable, new enough, durable, with free memory, and with a ledger; and what only this machine keeps a copy of."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator

from redis.exceptions import NoPermissionError

from worker.domain.texts import counted
from worker.services.checks.check import Check, Look, doubt, fault, well
from worker.store.client import Redis
from worker.store.decisions import Decisions
from worker.store.keys import Keys
from worker.store.ledger import Ledger
from worker.store.scripts import Script, text
from worker.store.server_state import server_state

OLDEST_VERSION = (6, 2)
"""The scripts use commands of Redis 6.2; Valkey began with 7.2."""
FULL = 0.8


class RedisChecks:
    """Looks at the server and at what wbs-sync keeps there. `queues`: the names of the queues, without the prefix."""

    def __init__(
        self, client: Redis, *, ledger: Ledger, decisions: Decisions, prefix: str, queues: Collection[str]
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._decisions = decisions
        self._prefix = prefix
        self._queues = queues

    def looks(self) -> Iterator[Look]:
        """All of them."""
        yield "Redis answers", self._answers
        yield "Redis takes writes", self._takes_writes
        yield "Redis keeps what it is given", self._is_durable
        yield "Redis has room", self._has_room
        yield "Ledger", self._ledger_is_open
        yield "Decisions on invoices", self._decisions_are_copied
        yield "Messages", self._no_message_went_astray

    def _answers(self) -> Check:
        name = "Redis answers"
        self._client.ping()
        told = self._client.info("server")
        kind = "Valkey" if "valkey_version" in told else "Redis"
        version = str(told.get("redis_version", "0"))
        words = f"{kind} {told.get('valkey_version', version)}"
        if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_VERSION:
            return fault(name, f"{words} is too old", "Use Redis 6.2 or newer, or Valkey.")
        servers = {told.get("run_id"), *(self._run_id_of_new_connection() for _ in range(2))}
        if len(servers) > 1:
            # A write is sent only while the server that took its lock is the one that knows the ledger (worker/store/locks.py).
            next_step = (
                "Name one server in REDIS_URL, or sentinels: behind a proxy or a load balancer over several servers, or where the run id "
                "changes with each connection, no write to NetSuite is ever sent."
            )
            return fault(
                name, f"{words}, but {len(servers)} servers answer under this address, by their run ids", next_step
            )
        return well(name, words)

    def _takes_writes(self) -> Check:
        """By a script, as all writes are. A server that is full, read-only or cannot save refuses it: RedisError."""
        Script(self._client, "server/write", text)(keys=[Keys(self._prefix).write_probe])
        return well("Redis takes writes", "one was written")

    def _run_id_of_new_connection(self) -> str | None:
        self._client.connection_pool.disconnect()
        run_id: str | None = self._client.info("server").get("run_id")
        return run_id

    def _is_durable(self) -> Check:
        """AOF on and no eviction: anything else may lose the ledger or the queue without a word."""
        name = "Redis keeps what it is given"
        try:
            appends = self._client.info("persistence").get("aof_enabled")
            policy = self._client.info("memory").get("maxmemory_policy")
        except NoPermissionError:
            appends = policy = None
        if appends is None or policy is None:
            return doubt(
                name, "this Redis does not say", "Make sure of appendonly yes and maxmemory-policy noeviction."
            )
        faults, cures = [], []
        if not int(appends):
            faults.append("appendonly is off, so that a restart forgets what was done")
            cures.append("appendonly yes")
        if policy != "noeviction":
            faults.append(f"maxmemory-policy is {policy}, so that a full server throws the ledger away")
            cures.append("maxmemory-policy noeviction")
        if faults:
            return fault(name, "; ".join(faults), f"Set {' and '.join(cures)} in the server's configuration.")
        return well(name, "AOF on, noeviction")

    def _has_room(self) -> Check:
        name, state = "Redis has room", server_state(self._client)
        limit = f"{state.memory_limit / 1e6:,.0f} MB"
        of = f" of {limit}" if state.has_maxmemory else ", no limit set"
        words = f"{state.memory_used / 1e6:,.0f} MB used{of}"
        if state.memory_share <= FULL:
            return well(name, words)
        if state.has_maxmemory:
            next_step = "Raise maxmemory: a full server takes no more writes, and then nothing is sent. docs/scaling.md has the sizes."
        else:
            words += f", and its machine has {limit}"
            next_step = "Give its machine more memory, and set maxmemory: without it the operating system kills the server when memory ends."
        return fault(name, words, next_step)

    def _ledger_is_open(self) -> Check:
        if self._ledger.is_open():
            return well("Ledger", "there")
        words = "there is none yet: the first worker that starts makes it from what NetSuite holds"
        return doubt("Ledger", words, "Start the workers, or see how far it comes with `wbs-sync rebuild`.")

    def _decisions_are_copied(self) -> Check:
        """Neither remote shows them: without a copy a lost Redis forgets them, and an excluded invoice is billed."""
        name, count = "Decisions on invoices", len(self._decisions.all())
        if not count:
            return well(name, "there are none")
        file, missing = self._decisions.copied()
        where = f"in {file.resolve()} on {socket.gethostname()}"
        if missing:
            next_step = "Each machine with a worker has its copy within a minute: run `wbs-sync check` there."
            return doubt(name, f"{len(missing)} of {counted(count, 'decisions')} without a copy {where}", next_step)
        return well(name, f"{counted(count, 'decisions')}, each with a copy {where}")

    def _no_message_went_astray(self) -> Check:
        """Other applications that forget the prefix write into queues that nobody reads, without an error."""
        try:
            found = {queue: self._client.llen(queue) for queue in self._queues if self._client.type(queue) == "list"}
        except NoPermissionError:
            return well("Messages", f"the user of REDIS_URL sees only keys that begin with {self._prefix!r}")
        lost = {queue: length for queue, length in found.items() if length and self._prefix}
        if lost:
            told = ", ".join(f"{length} in {queue!r}" for queue, length in sorted(lost.items()))
            cure = f"Let the app that sends them set global_keyprefix {self._prefix!r} (docs/enqueue.md), and send them again."
            return fault("Messages", f"messages lie in queues without the prefix, where nobody reads: {told}", cure)
        return well("Messages", "none in queues that nobody reads")
