"""Checks of Redis: connection, version, persistence, memory and ledger; and of the local copy of decisions."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from redis.exceptions import NoPermissionError

from worker.domain.texts import counted
from worker.inspect.checks import Check, NamedCheck, failed, passed, warning
from worker.inspect.overview import ledger_notice
from worker.store.keys import Keys
from worker.store.server_state import accept_write, server_state
from worker.store.stores import Stores

MIN_VERSION = (6, 2)
"""The Lua scripts use commands of Redis 6.2; the first Valkey release was 7.2."""
MAX_MEMORY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class RedisChecks:
    """Checks the server and the data of wbs-sync. `queues`: names of the queues without the prefix."""

    stores: Stores
    queues: Collection[str]

    def checks(self) -> Iterator[NamedCheck]:
        """Return the checks in order, with their names."""
        yield "Redis connection", self._connection
        yield "Redis accepts writes", self._accepts_writes
        yield "Redis persistence", self._is_durable
        yield "Redis memory", self._has_room
        yield "Ledger", self._ledger_is_open
        yield "Decisions on invoices", self._decisions_are_copied
        yield "Messages", self._messages

    def _connection(self) -> Check:
        self.stores.redis.ping()
        server = self.stores.redis.info("server")
        kind = "Valkey" if "valkey_version" in server else "Redis"
        version = str(server.get("redis_version", "0"))
        message = f"{kind} {server.get('valkey_version', version)}"
        if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < MIN_VERSION:
            return failed(f"{message} is too old", "Use Redis 6.2 or newer, or Valkey.")
        run_ids = {server.get("run_id"), *(self._run_id_of_new_connection() for _ in range(2))}
        if len(run_ids) > 1:
            # A write is sent only if the server with its lock is also the one with the ledger (worker/store/locks.py).
            fix = (
                "Set REDIS_URL to one server, or to sentinels. If a proxy or load balancer distributes connections over several servers, or the run id "
                "changes with each connection, no write is sent to NetSuite."
            )
            return failed(f"{message}, but {len(run_ids)} servers respond at this address, by their run ids", fix)
        return passed(message)

    def _accepts_writes(self) -> Check:
        accept_write(self.stores.redis, Keys(self.stores.prefix).write_probe)
        return passed("test write succeeded")

    def _run_id_of_new_connection(self) -> str | None:
        self.stores.redis.connection_pool.disconnect()
        run_id: str | None = self.stores.redis.info("server").get("run_id")
        return run_id

    def _is_durable(self) -> Check:
        """Check that AOF is on and eviction is off: otherwise the ledger or the queues may be lost without an error."""
        try:
            appends = self.stores.redis.info("persistence").get("aof_enabled")
            policy = self.stores.redis.info("memory").get("maxmemory_policy")
        except NoPermissionError:
            appends = policy = None
        if appends is None or policy is None:
            return warning(
                "this Redis does not report it",
                "Check that the server has appendonly yes and maxmemory-policy noeviction.",
            )
        faults, fixes = [], []
        if not int(appends):
            faults.append("appendonly is off, so a restart loses data")
            fixes.append("appendonly yes")
        if policy != "noeviction":
            faults.append(f"maxmemory-policy is {policy}, so a full server may evict the ledger")
            fixes.append("maxmemory-policy noeviction")
        if faults:
            return failed("; ".join(faults), f"Set {' and '.join(fixes)} in the server's configuration.")
        return passed("AOF on, noeviction")

    def _has_room(self) -> Check:
        state = server_state(self.stores.redis)
        limit = f"{state.memory_limit / 1e6:,.0f} MB"
        of = f" of {limit}" if state.has_maxmemory else ", no limit set"
        message = f"{state.memory_used / 1e6:,.0f} MB used{of}"
        if state.memory_share <= MAX_MEMORY_SHARE:
            return passed(message)
        if state.has_maxmemory:
            fix = (
                "Raise maxmemory: a full server rejects writes, and then nothing is sent. docs/scaling.md lists sizes."
            )
        else:
            message += f", and its machine has {limit}"
            fix = "Add memory to its machine and set maxmemory: without maxmemory, the operating system kills the server when memory runs out."
        return failed(message, fix)

    def _ledger_is_open(self) -> Check:
        if notice := ledger_notice(self.stores.ledger.state):
            return warning(
                notice,
                "`wbs-sync rebuild` restores it now and shows the progress. After a loss of Redis, also start a scan and an export.",
            )
        return passed("there")

    def _decisions_are_copied(self) -> Check:
        """Check that decisions have a local copy: neither Procore nor NetSuite has them, so if Redis were lost, an excluded invoice would be billed."""
        count = len(self.stores.decisions.all())
        if not count:
            return passed("none")
        file, missing = self.stores.decisions.copied()
        where = f"in {file.resolve()} on {socket.gethostname()}"
        if missing:
            fix = "Each machine with a worker saves a copy within a minute; run `wbs-sync check` on that machine."
            return warning(f"{len(missing)} of {counted(count, 'decisions')} without a copy {where}", fix)
        return passed(f"{counted(count, 'decisions')}, each with a copy {where}")

    def _messages(self) -> Check:
        """Check for messages in queues without the prefix: an application that omits the prefix gets no error, and no worker reads them."""
        try:
            lengths = {
                queue: self.stores.redis.llen(queue) for queue in self.queues if self.stores.redis.type(queue) == "list"
            }
        except NoPermissionError:
            return passed(f"the user of REDIS_URL can access only keys that begin with {self.stores.prefix!r}")
        stranded = {queue: length for queue, length in lengths.items() if length and self.stores.prefix}
        if stranded:
            counts = ", ".join(f"{length} in {queue!r}" for queue, length in sorted(stranded.items()))
            fix = f"In the application that sends them, set global_keyprefix {self.stores.prefix!r} (docs/enqueue.md), then send them again."
            return failed(f"messages in queues without the prefix, which no worker reads: {counts}", fix)
        return passed("no stranded messages")
