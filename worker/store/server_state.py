"""The state of the Redis server: its memory, and whether it saves its data."""

from __future__ import annotations

from dataclasses import dataclass

from worker.store.client import Redis
from worker.store.scripts import Script, text

SAVES = {
    "append_only_file": "aof_last_write_status",
    "append_only_rewrite": "aof_last_bgrewrite_status",
    "snapshot": "rdb_last_bgsave_status",
}
"""The ways in which a server saves its data, each with the field of `INFO persistence` that has the status of the last save."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """`memory_limit`: `maxmemory`, else the memory of the server's machine, 0 if neither is known; `saves`: whether the last save of each kind
    succeeded; `saved_at`: when the last snapshot succeeded (unix seconds; the server's start if it makes none).
    """

    memory_used: int
    memory_limit: int
    has_maxmemory: bool
    append_only: bool
    saves: dict[str, bool]
    saved_at: float

    @property
    def failed_saves(self) -> list[str]:
        """Return the ways of saving whose last attempt failed."""
        return [kind.replace("_", " ") for kind, succeeded in self.saves.items() if not succeeded]

    @property
    def memory_share(self) -> float:
        """Return the share of the memory in use, from 0 to 1; 0 if no limit is known."""
        return self.memory_used / self.memory_limit if self.memory_limit else 0.0


def server_state(client: Redis) -> ServerState:
    """Query the server (https://valkey.io/commands/info/). Raises RedisError, also if the user is not permitted to."""
    memory, persistence = client.info("memory"), client.info("persistence")
    maxmemory = int(memory.get("maxmemory", 0))
    return ServerState(
        memory_used=int(memory.get("used_memory", 0)),
        memory_limit=maxmemory or int(memory.get("total_system_memory", 0)),
        has_maxmemory=bool(maxmemory),
        append_only=bool(persistence.get("aof_enabled")),
        saves={kind: persistence.get(field, "ok") == "ok" for kind, field in SAVES.items()},
        saved_at=float(persistence.get("rdb_last_save_time", 0)),
    )


def accept_write(client: Redis, probe: str) -> None:
    """Write by a script, like all writes. Raises RedisError if the server is full, read-only or cannot save. `probe`: a key for this alone."""
    Script(client, "server/write", text)(keys=[probe])
